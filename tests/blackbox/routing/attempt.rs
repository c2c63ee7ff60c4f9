//! From step to step of a plan: failover, stalls, what is not billed.

use crate::setup::{ask, bare_provider, endpoint};
use plugway_simulator::{Behaviour, Failure, Kind, Simulator, When};
use plugway_tests::{LogLines, Play, RawUpstream, TestRouter};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const SSE: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";

fn failing(failure: Failure) -> Behaviour {
    Behaviour::new().reply("a b c d e f").fault(When::Always, failure)
}

fn says(code: u16, message: &str) -> Failure {
    Failure::Status { code, retry_after: None, message: Some(message.to_owned()) }
}

/// A router with a model for each provider: `test/one` and `test/two`.
async fn two_models(bounds: &str, first: &str, second: &str) -> TestRouter {
    let toml = format!(
        "[routing]\n{bounds}\n{first}{second}\
         [models.\"test/one\"]\ncontext_length = 1000\n{}\
         [models.\"test/two\"]\ncontext_length = 1000\n{}",
        endpoint("test/one", "first", 1),
        endpoint("test/two", "second", 2),
    );
    TestRouter::start(&toml).await
}

fn both_models() -> Value {
    let mut request = ask("test/one", "Hi");
    request["models"] = json!(["test/two"]);
    request
}

/// Configuration of the provider `first` at an address.
fn raw_provider(address: SocketAddr, adapter: &str) -> String {
    format!(
        "[providers.first]\nadapter = \"{adapter}\"\nbase_url = \"http://{address}/v1\"\n\
         auth = \"bearer\"\napi_key_env = \"TEST_KEY\"\n"
    )
}

/// Says `bytes` to every request, then `again` for as long as somebody listens.
async fn raw(bytes: String, again: &'static str) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let bytes = bytes.clone();
            tokio::spawn(async move {
                read_request(&mut stream).await;
                let mut said = stream.write_all(bytes.as_bytes()).await;
                while said.is_ok() && !again.is_empty() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    said = stream.write_all(again.as_bytes()).await;
                }
            });
        }
    });
    address
}

async fn read_request(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        head.push(byte);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let mut body = vec![0; length.map_or(0, |length| length.trim().parse().unwrap())];
    let _ = stream.read_exact(&mut body).await;
}

fn whole(body: &Value) -> String {
    let body = body.to_string();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_is_refused_moves_on() {
    for code in [401, 402, 403] {
        for kind in [Kind::OpenAi, Kind::Anthropic] {
            let first = Simulator::start(kind, failing(Failure::status(code))).unwrap();
            let second = Simulator::start(Kind::OpenAi, Behaviour::new().reply("two")).unwrap();
            let toml = format!(
                "[routing]\nstrategies = [\"price\"]\n{}{}[models.\"test/both\"]\ncontext_length = 1000\n{}{}",
                bare_provider("first", &first),
                bare_provider("second", &second),
                endpoint("test/both", "first", 1),
                endpoint("test/both", "second", 2),
            );
            let router = TestRouter::start(&toml).await;
            let answer = router.client().chat(&ask("test/both", "Hi")).await;
            assert_eq!(answer.content(), "two", "{kind:?} {code}: {}", answer.text());
            assert_eq!(first.requests().len(), 1, "{kind:?} {code}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_error_moves_on_to_the_next_model_which_is_named_and_billed() {
    for failure in [
        Failure::status(400),
        Failure::status(401),
        Failure::status(404),
        Failure::status(422),
        Failure::status(429),
        Failure::status(500),
        says(400, "This model's maximum context length is 1000 tokens."),
        says(400, "Against our content policy."),
        Failure::Close,
        Failure::Empty,
    ] {
        let first = Simulator::start(Kind::OpenAi, failing(failure.clone())).unwrap();
        let second = Simulator::start(Kind::OpenAi, Behaviour::new().reply("two")).unwrap();
        let router =
            two_models("", &bare_provider("first", &first), &bare_provider("second", &second))
                .await;
        let answer = router.client().chat(&both_models()).await;
        assert_eq!(answer.content(), "two", "{failure:?}: {}", answer.text());
        let answer = answer.json();
        assert_eq!(answer["model"], "test/two", "{failure:?}");
        let usage = &answer["usage"];
        let tokens = |name: &str| usage[name].as_f64().unwrap();
        let cost = (tokens("prompt_tokens") * 2.0 + tokens("completion_tokens") * 20.0) / 1e6;
        assert!((usage["cost"].as_f64().unwrap() - cost).abs() < 1e-12, "{failure:?}: {usage}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_all_models_fail_the_last_error_is_told() {
    let first = Simulator::start(Kind::OpenAi, failing(Failure::status(400))).unwrap();
    let second = Simulator::start(Kind::OpenAi, failing(Failure::status(429))).unwrap();
    let router =
        two_models("", &bare_provider("first", &first), &bare_provider("second", &second)).await;
    let answer = router.client().chat(&both_models()).await;
    assert_eq!(answer.status, 429, "{}", answer.text());
    let metadata = &answer.json()["error"]["metadata"];
    assert_eq!(metadata["code"], "rate_limit_exceeded");
    assert_eq!(metadata["endpoints"].as_array().unwrap().len(), 2, "{metadata}");
}

#[tokio::test(flavor = "multi_thread")]
async fn comments_do_not_stand_for_a_first_token() {
    let first = raw(format!("{SSE}: still here\n\n"), ": still here\n\n").await;
    let second = Simulator::start(Kind::OpenAi, Behaviour::new().reply("two")).unwrap();
    let bounds = "[upstream]\nfirst_token_timeout = \"500ms\"\nidle_timeout = \"600s\"";
    let first = raw_provider(first, "openai");
    let router = two_models(bounds, &first, &bare_provider("second", &second)).await;
    let streamed = router.client().stream(&both_models()).await;
    assert_eq!(streamed.content(), "two", "{:?}", streamed.chunks);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stall_within_a_stream_is_told_in_band_and_harms_its_endpoint() {
    for kind in [Kind::OpenAi, Kind::Anthropic] {
        let stall = Failure::Stall { after_chunks: 2, milliseconds: 600_000 };
        let first = Simulator::start(kind, failing(stall).tokens_per_second(50)).unwrap();
        let second = Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
        let bounds = "breaker_failures = 1\n[upstream]\nidle_timeout = \"500ms\"";
        let router =
            two_models(bounds, &bare_provider("first", &first), &bare_provider("second", &second))
                .await;
        let streamed = router.client().stream(&ask("test/one", "Hi")).await;
        assert!(streamed.content().starts_with('a'), "{:?}", streamed.chunks);
        let last = streamed.chunks.last().unwrap();
        assert_eq!(last["error"]["metadata"]["error_type"], "timeout", "{last}");
        assert_eq!(last["choices"][0]["finish_reason"], "error", "{last}");
        let metrics = router.client().get("/metrics").await.text();
        let tripped = "plugway_breaker_trips_total{endpoint=\"first/sim\"} 1";
        assert!(metrics.lines().any(|line| line == tripped), "{metrics}");
    }
}

/// The usage that is told costs the client nothing, and the provider's price is told.
fn assert_is_insured(usage: &Value, what: &str) {
    assert_eq!(usage["cost"].as_f64(), Some(0.0), "{what}: {usage}");
    let upstream = usage["cost_details"]["upstream_inference_cost"].as_f64();
    assert!(upstream.is_some_and(|cost| cost > 0.0), "{what}: {usage}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_ends_in_an_error_is_not_billed_and_one_that_is_cut_is_as_delivered() {
    for (failure, is_insured) in [
        (Failure::Cut { after_chunks: 2 }, false),
        (Failure::StreamError { after_chunks: 2, code: 500 }, true),
    ] {
        let broken = failing(failure.clone()).tokens_per_second(50);
        let first = Simulator::start(Kind::OpenAi, broken).unwrap();
        let second = Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
        let router =
            two_models("", &bare_provider("first", &first), &bare_provider("second", &second))
                .await;
        let streamed = router.client().stream(&ask("test/one", "Hi")).await;
        let last = streamed.chunks.last().unwrap();
        assert!(!last["error"].is_null(), "{last}");
        let id = streamed.headers["x-generation-id"].to_str().unwrap().to_owned();
        let line = LogLines::access(&id).await;
        let upstream_cost = &line["upstream_cost_picodollars"];
        assert!(upstream_cost.as_u64().unwrap() > 0, "{line}");
        if is_insured {
            assert_is_insured(&last["usage"], &format!("{failure:?}"));
            assert_eq!((&line["insured"], &line["cost_picodollars"]), (&json!(true), &json!(0)));
        } else {
            assert!(last["usage"]["cost"].as_f64().unwrap() > 0.0, "{last}");
            assert_eq!(
                (&line["insured"], &line["cost_picodollars"]),
                (&json!(false), upstream_cost)
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_ends_in_an_error_is_not_billed() {
    let usage = json!({"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12});
    let answer = json!({"id": "1", "object": "chat.completion", "created": 1, "model": "sim",
        "usage": usage, "choices": [{"index": 0, "finish_reason": "error",
            "message": {"role": "assistant", "content": "half a"}}]});
    let chunk = json!({"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "sim",
        "usage": usage, "choices": [{"index": 0, "finish_reason": "error",
            "delta": {"role": "assistant", "content": "half a"}}]});
    let second = Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
    let second = bare_provider("second", &second);
    let first = raw_provider(raw(whole(&answer), "").await, "openai");
    let router = two_models("", &first, &second).await;
    let told = router.client().chat(&ask("test/one", "Hi")).await;
    assert_eq!(told.content(), "half a", "{}", told.text());
    assert_is_insured(&told.json()["usage"], "whole");
    let bytes = format!("{SSE}data: {chunk}\n\ndata: [DONE]\n\n");
    let first = raw_provider(raw(bytes, "").await, "openai");
    let router = two_models("", &first, &second).await;
    let told = router.client().stream(&ask("test/one", "Hi")).await;
    let usage = told.chunks.iter().find(|chunk| chunk["usage"].is_object());
    assert_is_insured(&usage.unwrap()["usage"], "streamed");
}

/// One choice of an answer, whole or as the only chunk of a stream, that says nothing.
fn saying_nothing(part: &str, finish_reason: &Value) -> Value {
    json!({"id": "1", "object": "chat.completion", "created": 1, "model": "sim",
        "usage": {"prompt_tokens": 9, "completion_tokens": 0, "total_tokens": 9},
        "choices": [{"index": 0, "finish_reason": finish_reason,
            part: {"role": "assistant", "content": ""}}]})
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_nothing_is_not_billed_and_its_price_is_the_operators() {
    let second = Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
    let second = bare_provider("second", &second);
    // No output tokens and no reason for the end, or an error for one.
    for reason in [json!(null), json!("error")] {
        let chunk = saying_nothing("delta", &reason);
        let streamed = format!("{SSE}data: {chunk}\n\ndata: [DONE]\n\n");
        for (bytes, streaming) in
            [(whole(&saying_nothing("message", &reason)), false), (streamed, true)]
        {
            let first = raw_provider(raw(bytes, "").await, "openai");
            let router = two_models("", &first, &second).await;
            let mut request = ask("test/one", "Hi");
            request["stream"] = json!(streaming);
            let answer = router.client().chat(&request).await;
            assert_eq!(answer.status, 502, "{reason} {streaming}: {}", answer.text());
            let line = LogLines::access(answer.header("x-generation-id").unwrap()).await;
            assert_eq!(line["cost_picodollars"], 0, "{reason} {streaming}: {line}");
            // Nine tokens at a dollar for a million.
            assert_eq!(line["upstream_cost_picodollars"], 9_000_000, "{reason}: {line}");
            // Another endpoint's answer is billed at that one's price alone.
            request["models"] = json!(["test/two"]);
            let answer = router.client().chat(&request).await;
            let line = LogLines::access(answer.header("x-generation-id").unwrap()).await;
            let (prompt, completion) = (&line["prompt_tokens"], &line["completion_tokens"]);
            let billed = prompt.as_u64().unwrap() * 2 + completion.as_u64().unwrap() * 20;
            assert_eq!(line["cost_picodollars"], billed * 1_000_000, "{line}");
            let upstream = line["upstream_cost_picodollars"].as_u64().unwrap();
            assert_eq!(upstream, billed * 1_000_000 + 9_000_000, "{line}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_left_behind_is_the_operators_cost_and_nobodys_bill() {
    let hanging = Behaviour::new().head_delay_ms(600_000);
    let first = Simulator::start(Kind::OpenAi, hanging).unwrap();
    let second = Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
    let router =
        two_models("", &bare_provider("first", &first), &bare_provider("second", &second)).await;
    for (streaming, name) in [(false, "first/left-whole"), (true, "first/left-streamed")] {
        let client = router.client();
        // Its own name tells its line in the log from those of other tests.
        let mut request = ask("test/one", &"Where is this going? ".repeat(50));
        request["models"] = json!([name]);
        request["stream"] = json!(streaming);
        first.clear();
        let leaving = tokio::spawn(async move { client.open(request.to_string()).await.status() });
        first.requests_when(|seen| !seen.is_empty()).await;
        leaving.abort();
        let line = LogLines::wait(|line| line["model"] == format!("test/one,{name}")).await;
        assert_eq!((&line["outcome"], &line["cost_picodollars"]), (&json!("cancelled"), &json!(0)));
        // Some 200 tokens were sent, at a dollar for a million.
        let upstream = line["upstream_cost_picodollars"].as_u64().unwrap();
        assert!((100_000_000..=400_000_000).contains(&upstream), "{line}");
    }
    let metrics = router.client().get("/metrics").await.text();
    let cost = "plugway_upstream_cost_picodollars_total{provider=\"first\",outcome=\"cancelled\"}";
    assert!(metrics.contains(cost), "{metrics}");
    // Tokens are what providers count.
    let counted = "plugway_tokens_total{provider=\"first\",kind=\"prompt\"} 0";
    assert!(metrics.lines().any(|line| line == counted), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_given_up_for_its_silence_is_presumed_to_cost_its_prompt() {
    let hanging = Behaviour::new().head_delay_ms(600_000);
    let first = Simulator::start(Kind::OpenAi, hanging).unwrap();
    let second = Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
    let bounds = "[upstream]\nfirst_token_timeout = \"300ms\"";
    let router =
        two_models(bounds, &bare_provider("first", &first), &bare_provider("second", &second))
            .await;
    let mut request = ask("test/one", &"Where is this going? ".repeat(50));
    request["models"] = json!(["test/two"]);
    let streamed = router.client().stream(&request).await;
    let line = LogLines::access(streamed.headers["x-generation-id"].to_str().unwrap()).await;
    assert!(line["attempts"].as_str().unwrap().contains("second/sim:ok"), "{line}");
    let picodollars = |key: &str| line[key].as_u64().unwrap();
    let lost = picodollars("upstream_cost_picodollars") - picodollars("cost_picodollars");
    // Some 200 tokens were sent, at a dollar for a million.
    assert!((100_000_000..=400_000_000).contains(&lost), "{line}");
    // One that answers that it failed bills what it counts, and it counts nothing.
    first.set(Behaviour::new().fault(When::Always, Failure::status(500)));
    let streamed = router.client().stream(&request).await;
    let line = LogLines::access(streamed.headers["x-generation-id"].to_str().unwrap()).await;
    assert_eq!(line["upstream_cost_picodollars"], line["cost_picodollars"], "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_sent_when_a_client_left_costs_nothing() {
    let (provider, tokens) = (RawUpstream::start().await, RawUpstream::start().await);
    tokens.play([Play::Hang]);
    let toml = format!(
        "[providers.raw]\nadapter = \"openai\"\nbase_url = \"{}\"\nauth = {{ oauth = \"scope\" }}\n\
         credential = {{ client_id_env = \"TEST_ID\", client_secret_env = \"TEST_KEY_A\", \
         token_url = \"{}/token\" }}\n[models.\"test/unsent\"]\ncontext_length = 1000\n{}",
        provider.base_url(),
        tokens.base_url(),
        endpoint("test/unsent", "raw", 1),
    );
    let router = TestRouter::start(&toml).await;
    let client = router.client();
    let request = ask("test/unsent", "Hi").to_string();
    let leaving = tokio::spawn(async move { client.open(request).await.status() });
    while tokens.requests().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    leaving.abort();
    let line = LogLines::wait(|line| line["model"] == "test/unsent").await;
    assert!(line["attempts"].as_str().unwrap().contains(":cancelled:"), "{line}");
    assert_eq!(line["upstream_cost_picodollars"], 0, "{line}");
    assert!(provider.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_ends_well_or_for_a_reason_is_billed() {
    let first = Simulator::start(Kind::OpenAi, Behaviour::new().reply("a b c")).unwrap();
    let second = Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
    let router =
        two_models("", &bare_provider("first", &first), &bare_provider("second", &second)).await;
    let answer = router.client().chat(&ask("test/one", "Hi")).await.json();
    assert!(answer["usage"]["cost"].as_f64().unwrap() > 0.0, "{answer}");
    // Nothing was written, and it is said why: the prompt was read, and is paid.
    let answer = json!({"id": "1", "object": "chat.completion", "created": 1, "model": "sim",
        "usage": {"prompt_tokens": 9, "completion_tokens": 0, "total_tokens": 9},
        "choices": [{"index": 0, "finish_reason": "content_filter",
            "message": {"role": "assistant", "content": ""}}]});
    let first = raw_provider(raw(whole(&answer), "").await, "openai");
    let router = two_models("", &first, &bare_provider("second", &second)).await;
    let told = router.client().chat(&ask("test/one", "Hi")).await;
    assert_eq!(told.json()["usage"]["cost"], json!(0.000_009), "{}", told.text());
}
