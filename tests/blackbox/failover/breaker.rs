//! Endpoints that fail again and again.

use super::{bounded, content, counts, failing, two};
use crate::setup::{Pair, ask, bare_provider};
use http::Method;
use plugway_simulator::{Behaviour, Failure, Kind, Simulator};
use plugway_tests::{LogLines, TestRouter};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);
const TRIPS: &str = "plugway_breaker_trips_total{endpoint=\"first/sim\"} 1";
const IS_OPEN: &str = "plugway_breakers_open{endpoint=\"first/sim\"} 1";
const IS_CLOSED: &str = "plugway_breakers_open{endpoint=\"first/sim\"} 0";

/// Opens after two failures and probes ten times a second.
const EAGER: &str = "breaker_failures = 2\nbreaker_max_pause = \"100ms\"";

fn from_second() -> Simulator {
    Simulator::start(Kind::OpenAi, Behaviour::new().reply("from second")).unwrap()
}

/// The access-log line of one request for `test/both`.
async fn line(router: &TestRouter) -> Value {
    let answer = router.client().chat(&ask("test/both", "Hi")).await;
    LogLines::access(answer.header("x-generation-id").unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_fails_again_and_again_is_left_out_until_it_works() {
    let first = Simulator::start(Kind::OpenAi, failing(Failure::status(500))).unwrap();
    let second = from_second();
    let router = bounded(EAGER, &first, &second).await;
    assert!(!counts(&router, TRIPS).await);
    for _ in 0..2 {
        content(&router, false).await;
    }
    assert!(counts(&router, TRIPS).await && counts(&router, IS_OPEN).await);
    first.set(Behaviour::new().reply("from first"));
    let recovered = async { while content(&router, true).await != "from first" {} };
    timeout(PATIENCE, recovered).await.expect("it was never probed");
    assert!(counts(&router, IS_CLOSED).await && counts(&router, TRIPS).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_probes_while_the_others_go_elsewhere() {
    let first = Simulator::start(Kind::OpenAi, failing(Failure::status(500))).unwrap();
    let second = from_second();
    let router = bounded(EAGER, &first, &second).await;
    for _ in 0..2 {
        content(&router, false).await;
    }
    first.set(Behaviour::new().head_delay_ms(600_000));
    first.clear();
    // Of those that come now one is let through, and hangs.
    let asking: Vec<_> = (0..8)
        .map(|_| {
            let client = router.client();
            tokio::spawn(async move {
                loop {
                    client.chat(&ask("test/both", "Hi")).await;
                }
            })
        })
        .collect();
    timeout(PATIENCE, first.requests_when(|seen| !seen.is_empty())).await.expect("no probe");
    for _ in 0..20 {
        assert_eq!(content(&router, false).await, "from second");
    }
    assert_eq!(first.requests().len(), 1, "a second probe");
    // Whoever is not served learns why it was left out.
    second.set(failing(Failure::status(400)));
    let answer = router.client().chat(&ask("test/both", "Hi")).await;
    let endpoints = answer.json()["error"]["metadata"]["endpoints"].clone();
    assert_eq!(endpoints[1]["endpoint"], "first/sim", "{endpoints}");
    assert!(endpoints[1]["reason"].as_str().unwrap().contains("again and again"), "{endpoints}");
    second.set(Behaviour::new().reply("from second"));
    // The prober leaves, and its place is free again.
    asking.iter().for_each(tokio::task::JoinHandle::abort);
    first.set(Behaviour::new().reply("from first"));
    let recovered = async { while content(&router, false).await != "from first" {} };
    timeout(PATIENCE, recovered).await.expect("the place was not freed");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_all_are_tripped_all_are_tried() {
    let first = Simulator::start(Kind::OpenAi, failing(Failure::status(500))).unwrap();
    let second = Simulator::start(Kind::Anthropic, failing(Failure::status(500))).unwrap();
    let router = bounded("breaker_failures = 2", &first, &second).await;
    // None is, before both have failed twice.
    let tried = async {
        loop {
            let line = line(&router).await;
            assert_eq!(line["status"], 502, "{line}");
            assert!(line["attempts"].as_str().unwrap().contains("/sim:"), "{line}");
            if line["reason"].as_str().unwrap().contains("tried all the same") {
                return line;
            }
        }
    };
    let line = timeout(PATIENCE, tried).await.expect("never all at once");
    let attempts = line["attempts"].as_str().unwrap();
    assert!(attempts.contains("first/sim:") && attempts.contains("second/sim:"), "{line}");
    // Whatever works serves at once, also behind a probe that fails.
    second.set(Behaviour::new().reply("from second"));
    assert_eq!(content(&router, true).await, "from second");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_tripped_is_a_last_resort_behind_those_that_are_not() {
    let first = Simulator::start(Kind::OpenAi, failing(Failure::status(500))).unwrap();
    let second = from_second();
    let bounds = "breaker_failures = 1\nbreaker_max_pause = \"1h\"";
    let router = bounded(bounds, &first, &second).await;
    assert_eq!(content(&router, false).await, "from second");
    first.set(Behaviour::new().reply("from first"));
    second.set(failing(Failure::status(500)));
    let client = router.client();
    let body = ask("test/both", "Hi").to_string();
    let mut request = client.request(Method::POST, "/v1/chat/completions", body);
    request.headers_mut().insert("x-openrouter-metadata", "enabled".parse().unwrap());
    let answer = client.read(request).await;
    assert_eq!(answer.content(), "from first", "{}", answer.text());
    let line = LogLines::access(answer.header("x-generation-id").unwrap()).await;
    let attempts = line["attempts"].as_str().unwrap();
    assert!(attempts.starts_with("second/sim:") && attempts.contains("first/sim:ok"), "{line}");
    // It could be chosen, and was.
    let told = &answer.json()["openrouter_metadata"];
    assert_eq!(told["excluded"], json!([]), "{told}");
    assert_eq!(told["endpoints"]["total"], 2, "{told}");
    let available = told["endpoints"]["available"].as_array().unwrap();
    let selected: Vec<_> = available.iter().filter(|it| it["selected"] == true).collect();
    assert!(selected.len() == 1 && selected[0]["provider"] == "first", "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_fallbacks_the_first_choice_is_one_whose_breaker_is_closed() {
    let first = Simulator::start(Kind::OpenAi, failing(Failure::status(500))).unwrap();
    let second = from_second();
    let bounds = "breaker_failures = 1\nbreaker_max_pause = \"1h\"";
    let router = bounded(bounds, &first, &second).await;
    assert_eq!(content(&router, false).await, "from second");
    // The strategy, which may not know it yet, prefers the cheap one.
    let mut request = ask("test/both", "Hi");
    request["provider"] = json!({"allow_fallbacks": false});
    let answer = router.client().chat(&request).await;
    assert_eq!(answer.content(), "from second", "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_resort_that_fails_too_is_told_once() {
    let first = Simulator::start(Kind::OpenAi, failing(Failure::status(500))).unwrap();
    let second = from_second();
    let bounds = "breaker_failures = 1\nbreaker_max_pause = \"1h\"";
    let router = bounded(bounds, &first, &second).await;
    assert_eq!(content(&router, false).await, "from second");
    second.set(failing(Failure::status(500)));
    let answer = router.client().chat(&ask("test/both", "Hi")).await;
    let error = &answer.json()["error"];
    let endpoints = error["metadata"]["endpoints"].as_array().unwrap();
    let ids: Vec<_> = endpoints.iter().map(|it| it["endpoint"].as_str().unwrap()).collect();
    assert_eq!(ids, ["second/sim", "first/sim"], "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_that_is_ranked_has_no_last_resort_beside_it() {
    let twin = Simulator::start(Kind::OpenAi, failing(Failure::status(500))).unwrap();
    let endpoint = |region: &str, dollars: u32| {
        format!(
            "[[models.\"acme/pair\".endpoints]]\nprovider = \"twin\"\nmodel = \"pair-{region}\"\n\
             region = \"{region}\"\nprice = {{ prompt = {dollars}.0, completion = {dollars}.0 }}\n"
        )
    };
    let toml = [
        "[routing]\nbreaker_failures = 1\nbreaker_max_pause = \"1h\"\n",
        &bare_provider("twin", &twin),
        "[models.\"acme/pair\"]\ncontext_length = 1000\n",
        &endpoint("us", 5),
        &endpoint("eu", 1),
    ];
    let router = TestRouter::start(&toml.concat()).await;
    for model in ["acme/pair@twin/us", "acme/pair:floor@twin"] {
        let answer = router.client().chat(&ask(model, "Hi")).await;
        assert!(!answer.status.is_success(), "{model}: {}", answer.text());
    }
    let asked: Vec<_> = twin.requests().iter().map(|it| it.json()["model"].clone()).collect();
    assert_eq!(asked, ["pair-us", "pair-eu"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_breaks_after_its_first_content_counts() {
    let cut = failing(Failure::Cut { after_chunks: 2 }).tokens_per_second(50).reply("a b c d e f");
    let first = Simulator::start(Kind::OpenAi, cut).unwrap();
    let second = from_second();
    let router = bounded("breaker_failures = 2", &first, &second).await;
    for _ in 0..2 {
        assert!(content(&router, true).await.starts_with('a'));
    }
    assert!(counts(&router, TRIPS).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_leave_a_stream_end_no_row_of_failures() {
    let stall = Failure::Stall { after_chunks: 2, milliseconds: 600_000 };
    let stalling = failing(stall).tokens_per_second(50).reply("a b c d e f");
    let first = Simulator::start(Kind::OpenAi, failing(Failure::status(500))).unwrap();
    let second = from_second();
    let router = bounded("breaker_failures = 2", &first, &second).await;
    content(&router, false).await;
    first.set(stalling);
    let mut request = ask("test/both", "Hi");
    request["stream"] = Value::Bool(true);
    for _ in 0..3 {
        let response = router.client().open(request.to_string()).await;
        let id = response.headers()["x-generation-id"].to_str().unwrap().to_owned();
        drop(response);
        let line = LogLines::access(&id).await;
        assert_eq!(line["outcome"], "cancelled", "{line}");
        assert!(line["attempts"].as_str().unwrap().starts_with("first/sim:cancelled"), "{line}");
    }
    first.set(failing(Failure::status(500)));
    content(&router, false).await;
    assert!(counts(&router, TRIPS).await, "the clients that left stood for successes");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_the_endpoints_fault_does_not_count() {
    let slow = Behaviour::new().head_delay_ms(600_000);
    let first = Simulator::start(Kind::OpenAi, failing(Failure::status(400))).unwrap();
    let second = from_second();
    let router = bounded("breaker_failures = 1", &first, &second).await;
    let client = router.client();
    // A bad request, a rate limit, a client in a hurry, a client that leaves.
    client.chat(&ask("test/both", "Hi")).await;
    first.set(failing(Failure::status(429)));
    client.chat(&ask("test/both", "Hi")).await;
    first.set(slow);
    let body = ask("test/both", "Hi").to_string();
    let mut hurried = client.request(Method::POST, "/v1/chat/completions", body);
    hurried.headers_mut().insert("x-plugway-timeout", "0.2".parse().unwrap());
    assert_eq!(client.send(hurried).await.status(), 504);
    first.clear();
    // Its own name tells its line in the log from those of other tests.
    let mut request = ask("test/both", "Hi");
    request["models"] = Value::from(["first/this-client-leaves"].as_slice());
    let leaving = tokio::spawn(async move { client.open(request.to_string()).await.status() });
    timeout(PATIENCE, first.requests_when(|seen| !seen.is_empty())).await.unwrap();
    leaving.abort();
    LogLines::wait(|line| {
        line["model"] == "test/both,first/this-client-leaves" && line["status"] == 499
    })
    .await;

    let metrics = router.client().get("/metrics").await.text();
    assert!(!metrics.contains("plugway_breaker_trips_total{"), "{metrics}");
    first.set(failing(Failure::status(500)));
    content(&router, false).await;
    assert!(counts(&router, TRIPS).await, "a failure of its own does count");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_traps_trips_its_endpoint() {
    let (first, second) = (from_second(), from_second());
    let bad =
        bare_provider("first", &first).replace("\"openai\"", "\"bad-adapter\"\nauth = \"bearer\"");
    let router = two("breaker_failures = 2", [&bad, &bare_provider("second", &second)]).await;
    router.drop_plugin("trap-in-encode", "bad-adapter").await;
    for _ in 0..2 {
        assert_eq!(content(&router, false).await, "from second");
    }
    assert!(counts(&router, TRIPS).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn models_that_clients_make_up_share_a_label() {
    let toml = "[routing]\nbreaker_failures = 1";
    let pair = Pair::with(failing(Failure::status(500)), toml).await;
    for n in 0..3 {
        pair.router.client().chat(&ask(&format!("open/made-up-{n}"), "Hi")).await;
    }
    assert!(counts(&pair.router, "plugway_breaker_trips_total{endpoint=\"open/*\"} 3").await);
    assert!(counts(&pair.router, "plugway_breakers_open{endpoint=\"open/*\"} 3").await);
    assert!(!pair.router.client().get("/metrics").await.text().contains("made-up"));
}
