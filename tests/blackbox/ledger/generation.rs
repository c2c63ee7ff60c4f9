//! `GET /v1/generation` is what the ledger has: exact, of every attempt, and still there
//! when the decision's record is gone.

use super::{dollars, made, number_of, row, write};
use crate::routing::recorded::{id, told};
use crate::setup::{Pair, ask, bare_provider, endpoint, provider};
use http_body_util::BodyExt;
use plugway_routing::Clock;
use plugway_simulator::{Behaviour, Failure, Kind, Simulator, When};
use plugway_store::ledger::{Entry, Row, State};
use plugway_tests::{LogLines, Play, RawUpstream, TestRouter};
use serde_json::{Value, json};
use std::time::Duration;

/// The whole text.
async fn text(router: &TestRouter, id: &str) -> String {
    let answer = router.client().get(&format!("/v1/generation?id={id}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.text()
}

/// Asks, whole or streamed, and returns the id.
async fn asked(router: &TestRouter, request: &Value, streaming: bool) -> String {
    match streaming {
        false => id(&router.client().chat(request).await).to_owned(),
        true => {
            let streamed = router.client().stream(request).await;
            streamed.headers["x-generation-id"].to_str().unwrap().to_owned()
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn costs_are_told_to_the_last_digit_whole_and_streamed_the_same() {
    let upstream =
        Simulator::start(Kind::OpenAi, Behaviour::new().reply("One two three.")).unwrap();
    // A picodollar for each token of the prompt, three for each of the answer.
    let toml = format!(
        "{}[[models.\"test/cheap\".endpoints]]\nprovider = \"open\"\nmodel = \"sim\"\n\
         price = {{ prompt = 0.000001, completion = 0.000003 }}\n",
        bare_provider("open", &upstream)
    );
    let router = TestRouter::start(&toml).await;
    let mut told = Vec::new();
    for streaming in [false, true] {
        let id = asked(&router, &ask("test/cheap", "Hi"), streaming).await;
        let row = row(&router, &id).await;
        let cost = row.tokens.prompt + 3 * row.tokens.completion;
        assert_eq!((row.cost, row.upstream_cost), (Some(cost), Some(cost)));
        let text = text(&router, &id).await;
        for name in ["usage", "total_cost", "upstream_inference_cost", "upstream_cost"] {
            assert_eq!(number_of(&text, name), dollars(cost), "{name}: {text}");
        }
        assert_eq!(number_of(&text, "completion"), "0.000000000003", "the price: {text}");
        told.push((row.tokens, row.cost));
    }
    assert_eq!(told[0], told[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_cost_there_is_has_every_digit() {
    let pair = Pair::start(Behaviour::new()).await;
    let now = pair.router.router.clock.unix_ms();
    let cost = i64::MAX as u64;
    let large = Row { cost: Some(cost), upstream_cost: Some(cost), ..made(1, now) };
    let discounted = Row { cache_discount: Some(-1), ..made(2, now) };
    write(&pair.router.router.store, [large.clone(), discounted.clone()]).await;
    let told = text(&pair.router, &large.id).await;
    assert_eq!(number_of(&told, "usage"), "9223372.036854775807");
    let told = text(&pair.router, &discounted.id).await;
    assert_eq!(number_of(&told, "cache_discount"), "-0.000000000001");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_price_the_meters_and_the_native_counts_are_told() {
    let behaviour = Behaviour::new().cached_tokens(4).reasoning_tokens(2);
    let upstream = Simulator::start(Kind::OpenAi, behaviour).unwrap();
    let toml = format!(
        "[accounting]\nmarkup_percent = 10\n{}[[models.\"test/cached\".endpoints]]\n\
         provider = \"open\"\nmodel = \"sim\"\n\
         price = {{ prompt = 2, completion = 10, cache_read = 0.5 }}\n",
        bare_provider("open", &upstream)
    );
    let router = TestRouter::start(&toml).await;
    let prompt = "A prompt that is long enough for some of it to be cached. ".repeat(4);
    let id = asked(&router, &ask("test/cached", &prompt), false).await;
    let (data, row) = (told(&router, &id).await, row(&router, &id).await);
    assert_eq!(data["native_tokens_prompt"], row.tokens.prompt);
    assert_eq!(data["native_tokens_cached"], 4, "{data}");
    assert_eq!(data["native_tokens_reasoning"], 2, "{data}");
    assert_eq!(data["workspace_id"], "default");
    assert_eq!(data["provider_name"], "open");
    let upstream_cost =
        (row.tokens.prompt - 4) * 2_000_000 + 4 * 500_000 + row.tokens.completion * 10_000_000;
    assert_eq!(row.upstream_cost, Some(upstream_cost), "{data}");
    // Divisible by ten: nothing is rounded.
    let cost = upstream_cost / 10 * 11;
    assert_eq!((row.cost, row.markup), (Some(cost), Some(upstream_cost / 10)), "{data}");
    assert_eq!(row.cache_discount, Some(4 * 1_500_000));
    let text = text(&router, &id).await;
    assert_eq!(number_of(&text, "usage"), dollars(cost));
    assert_eq!(number_of(&text, "upstream_inference_cost"), dollars(upstream_cost));
    assert_eq!(number_of(&text, "markup"), dollars(upstream_cost / 10));
    assert_eq!(number_of(&text, "cache_discount"), "0.000006");
    let price = &data["plugway"]["price"];
    assert_eq!(price["cache_read"], json!(5e-7), "{price}");
    assert_eq!(data["plugway"]["ledger"], "settled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_its_client_leaves_is_settled_on_what_was_delivered() {
    let slow = Behaviour::new().tokens_per_second(20).completion_tokens(100_000);
    let pair = Pair::start(slow).await;
    let mut request = ask("test/open", "Tell me a long story");
    request["stream"] = json!(true);
    let mut response = pair.router.client().open(request.to_string()).await;
    let id = response.headers()["x-generation-id"].to_str().unwrap().to_owned();
    response.body_mut().frame().await.unwrap().unwrap();
    drop(response);
    LogLines::access(&id).await;
    let row = settled(&pair.router, &id).await;
    assert_eq!((&*row.outcome, row.is_estimated), ("cancelled", true));
    assert!(row.tokens.completion < 100_000 && row.tokens.prompt > 0, "{row:?}");
    let data = told(&pair.router, &id).await;
    assert_eq!(
        (&data["cancelled"], &data["plugway"]["tokens_estimated"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(number_of(&text(&pair.router, &id).await, "usage"), dollars(row.cost.unwrap()));
    assert!(row.cost > Some(0));
}

/// The row once it has settled: nobody waits for that whose client has left.
async fn settled(router: &TestRouter, id: &str) -> Row {
    loop {
        let row = row(router, id).await;
        if row.state == State::Settled {
            return row;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A provider whose answers say nothing, and whose prompts are counted all the same.
async fn says_nothing() -> RawUpstream {
    let upstream = RawUpstream::start().await;
    let body = json!({
        "id": "1", "object": "chat.completion", "created": 1, "model": "sim",
        "usage": {"prompt_tokens": 9, "completion_tokens": 0, "total_tokens": 9},
        "choices": [{"index": 0, "finish_reason": null,
            "message": {"role": "assistant", "content": ""}}],
    })
    .to_string();
    upstream.play([Play::write(format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ))]);
    upstream
}

fn raw_provider(name: &str, upstream: &RawUpstream) -> String {
    let base = upstream.base_url();
    format!("[providers.{name}]\nadapter = \"openai\"\nbase_url = \"{base}\"\nauth = \"none\"\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_everywhere_is_billed_to_nobody_and_told_with_what_each_attempt_cost() {
    let (first, second) = (says_nothing().await, says_nothing().await);
    let toml = format!(
        "{}{}{}{}",
        raw_provider("first", &first),
        raw_provider("second", &second),
        endpoint("test/both", "first", 1),
        endpoint("test/both", "second", 2),
    );
    let router = TestRouter::start(&toml).await;
    let answer = router.client().chat(&ask("test/both", "Hi")).await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    let row = row(&router, id(&answer)).await;
    assert_eq!((row.cost, row.upstream_cost), (Some(0), Some(27_000_000)), "{row:?}");
    let text = text(&router, id(&answer)).await;
    assert_eq!(number_of(&text, "usage"), "0");
    assert_eq!(number_of(&text, "upstream_inference_cost"), "0.000027");
    let data = told(&router, id(&answer)).await;
    let attempts = data["plugway"]["attempts"].as_array().unwrap();
    let mut costs: Vec<_> =
        attempts.iter().map(|it| (&it["provider"], it["upstream_cost"].as_f64())).collect();
    costs.sort_by_key(|(provider, _)| provider.to_string());
    let (one, two) = (json!("first"), json!("second"));
    assert_eq!(costs, [(&one, Some(0.000_009)), (&two, Some(0.000_018))]);
    assert_eq!((&data["provider_name"], &data["tokens_prompt"]), (&Value::Null, &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_overtaken_costs_and_is_not_billed() {
    let hanging = Behaviour::new().head_delay_ms(600_000);
    let first = Simulator::start(Kind::OpenAi, hanging).unwrap();
    let second = Simulator::start(Kind::OpenAi, Behaviour::new().reply("second")).unwrap();
    let toml = format!(
        "[routing]\nstrategies = [\"hedge-soon\"]\nhedge_percent = 100\n{}{}{}{}",
        bare_provider("first", &first),
        bare_provider("second", &second),
        endpoint("test/both", "first", 1),
        endpoint("test/both", "second", 2),
    );
    let router = TestRouter::start(&toml).await;
    router.drop_plugin("hedge-soon", "hedge-soon").await;
    for streaming in [false, true] {
        let id = asked(&router, &ask("test/both", "Hi"), streaming).await;
        let row = row(&router, &id).await;
        let billed = row.tokens.prompt * 2_000_000 + row.tokens.completion * 20_000_000;
        assert_eq!((&*row.provider, row.cost), ("second", Some(billed)), "{row:?}");
        let data = told(&router, &id).await;
        let attempts = data["plugway"]["attempts"].as_array().unwrap();
        assert_eq!(attempts.len(), 2, "{data}");
        let lost = attempts.iter().find(|it| it["outcome"] == "hedged").unwrap();
        assert_eq!((&lost["provider"], &lost["tokens_estimated"]), (&json!("first"), &json!(true)));
        let lost = lost["upstream_cost"].as_f64().unwrap();
        assert!(lost > 0.0, "{data}");
        let all = data["upstream_inference_cost"].as_f64().unwrap();
        assert!((all - lost - data["usage"].as_f64().unwrap()).abs() < 1e-15, "{data}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_through_the_teams_own_account_costs_its_client_nothing() {
    let upstream = Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
    let bare = bare_provider("open", &upstream).replace("api_key_env = \"TEST_KEY\"\n", "");
    let toml = format!(
        "{bare}[[providers.open.credentials]]\nname = \"ours\"\napi_key_env = \"TEST_KEY_A\"\n\
         own = true\n{}",
        endpoint("test/open", "open", 1)
    );
    let router = TestRouter::start(&toml).await;
    for streaming in [false, true] {
        let id = asked(&router, &ask("test/open", "Hi"), streaming).await;
        let row = row(&router, &id).await;
        assert_eq!((row.cost, row.is_byok, &*row.credential), (Some(0), true, "ours"));
        let upstream = row.tokens.prompt * 1_000_000 + row.tokens.completion * 10_000_000;
        assert_eq!(row.upstream_cost, Some(upstream));
        let (text, data) = (text(&router, &id).await, told(&router, &id).await);
        assert_eq!(number_of(&text, "usage"), "0");
        assert_eq!(number_of(&text, "upstream_inference_cost"), dollars(upstream));
        assert_eq!(data["is_byok"], true);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_tells_what_the_journal_has_forgotten() {
    let upstream = Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
    let clock = Clock::stopped(Duration::from_secs(1_764_300_000));
    let toml = format!(
        "[decisions]\nkeep_for = \"1h\"\n[accounting]\nkeep_for = \"2h\"\n{}",
        provider("open", &upstream, 1)
    );
    let router = TestRouter::start_at(&toml, clock.clone()).await;
    let id = asked(&router, &ask("test/open", "Hi"), false).await;
    let before = told(&router, &id).await;
    assert_eq!(before["plugway"]["decision"]["strategy"], "balanced");
    clock.advance(Duration::from_secs(3601));
    let after = told(&router, &id).await;
    assert_eq!(after["plugway"]["decision"], Value::Null);
    // All that the ledger has is told as before.
    for field in ["usage", "model", "provider_name", "tokens_prompt", "api_type", "created_at"] {
        assert_eq!(after[field], before[field], "{field}");
    }
    assert_eq!(after["plugway"]["attempts"], before["plugway"]["attempts"]);
    clock.advance(Duration::from_secs(3600));
    let path = format!("/v1/generation?id={id}");
    assert_eq!(router.client().get(&path).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_under_way_is_told_as_open_and_one_that_died_as_interrupted() {
    let pair = Pair::start(Behaviour::new()).await;
    // Once it serves, it has looked for what others left open.
    assert_eq!(pair.router.client().get("/healthz").await.status, 200);
    let store = &pair.router.router.store;
    let now = pair.router.router.clock.unix_ms();
    let open = Row { state: State::Open, outcome: "open".to_owned(), status: 0, ..made(1, now) };
    store.write_ledger(&[Entry::Open(open.clone())]).await.unwrap();
    let data = told(&pair.router, &open.id).await;
    assert_eq!((&data["plugway"]["ledger"], &data["model"]), (&json!("open"), &json!("test/open")));
    store.interrupt_orphans(1, now + 120_000, Duration::ZERO).await.unwrap();
    let data = told(&pair.router, &open.id).await;
    assert_eq!(data["plugway"]["ledger"], "interrupted");
    assert_eq!(data["plugway"]["tokens_estimated"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_never_left_is_told_by_its_decision_alone() {
    let refusing = Behaviour::new().fault(When::Always, Failure::status(500));
    let pair = Pair::start(refusing).await;
    let refused = pair.router.client().chat(&ask("test/nobody", "Hi")).await;
    let data = told(&pair.router, id(&refused)).await;
    assert_eq!(data["plugway"]["ledger"], Value::Null);
    assert_eq!(number_of(&text(&pair.router, id(&refused)).await, "usage"), "0");
    // One that left, and was refused, is in the ledger.
    let failed = pair.router.client().chat(&ask("test/open", "Hi")).await;
    let data = told(&pair.router, id(&failed)).await;
    assert_eq!(data["plugway"]["ledger"], "settled");
}
