//! `POST /v1/messages` in front of an adapter of the same format and of another.

use crate::setup::{MODELS, Pair};
use http::{Method, StatusCode};
use plugway_simulator::{Behaviour, Failure, When};
use plugway_tests::{Answer, LogLines};
use serde_json::{Value, json};

const PATH: &str = "/v1/messages";

/// A request with one user message.
fn ask(model: &str, text: &str) -> Value {
    json!({"model": model, "max_tokens": 4000, "messages": [{"role": "user", "content": text}]})
}

async fn send(pair: &Pair, body: &Value) -> Answer {
    send_with(pair, body, &[]).await
}

async fn send_with(pair: &Pair, body: &Value, headers: &[(&'static str, &'static str)]) -> Answer {
    let client = pair.router.client();
    let mut request = client.request(Method::POST, PATH, body.to_string());
    for (name, value) in headers {
        request.headers_mut().append(*name, (*value).parse().unwrap());
    }
    client.read(request).await
}

/// The events of a streamed answer.
async fn stream(pair: &Pair, body: &Value) -> Vec<Value> {
    let mut body = body.clone();
    body["stream"] = true.into();
    let answer = send(pair, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.header("content-type").unwrap().starts_with("text/event-stream"));
    let text = answer.text();
    let frames = text.split_terminator("\n\n").map(|frame| {
        let (name, data) = frame.split_once('\n').unwrap();
        let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(name.strip_prefix("event: "), data["type"].as_str());
        data
    });
    frames.collect()
}

/// The deltas' field of that name, joined.
fn joined(events: &[Value], field: &str) -> String {
    events.iter().filter_map(|event| event["delta"][field].as_str()).collect()
}

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_comes_through_either_adapter() {
    let pair = Pair::start(Behaviour::new().reply("Hello from upstream.")).await;
    for model in MODELS {
        let answer = send(&pair, &ask(model, "Hi")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let body = answer.json();
        assert_eq!((&body["type"], &body["role"]), (&json!("message"), &json!("assistant")));
        let text = json!([{"type": "text", "text": "Hello from upstream.", "citations": null}]);
        assert_eq!(body["content"], text);
        assert_eq!(body["stop_reason"], "end_turn");
        assert_eq!(body["model"], model);
        assert_eq!(answer.header("x-generation-id"), body["id"].as_str());
        let usage = &body["usage"];
        assert!(usage["input_tokens"].as_u64().unwrap() > 0, "{usage}");
        assert!(usage["output_tokens"].as_u64().unwrap() > 0, "{usage}");
        assert!(usage["cost"].as_f64().unwrap() > 0.0, "{usage}");
        let line = LogLines::access(body["id"].as_str().unwrap()).await;
        assert_eq!(line["route"], PATH);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_has_anthropics_order_of_events() {
    let pair = Pair::start(Behaviour::new().reply("One two three four.").chunk_chars(3)).await;
    for model in MODELS {
        let events = stream(&pair, &ask(model, "Hi")).await;
        let [start, begin, ping, .., stop, delta, end] = &events[..] else { panic!("{events:?}") };
        assert_eq!(
            types(&[start, begin, ping, stop, delta, end].map(Value::clone)),
            [
                "message_start",
                "content_block_start",
                "ping",
                "content_block_stop",
                "message_delta",
                "message_stop",
            ]
        );
        assert!(events.len() > 8, "{events:?}");
        assert_eq!(joined(&events, "text"), "One two three four.");
        let whole = send(&pair, &ask(model, "Hi")).await.json();
        assert_eq!(delta["usage"]["output_tokens"], whole["usage"]["output_tokens"]);
        assert_eq!(delta["usage"]["input_tokens"], whole["usage"]["input_tokens"]);
        assert_eq!(delta["delta"]["stop_reason"], "end_turn");
        assert_eq!(start["message"]["provider"], whole["provider"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_loop_closes() {
    let behaviour = Behaviour::new().calls("weather", json!({"city": "Oslo"}));
    let pair = Pair::start(behaviour.clone()).await;
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    for model in MODELS {
        let mut request = ask(model, "How is the weather in Oslo?");
        request["tools"] = json!([{"name": "weather", "input_schema": schema}]);
        let first = send(&pair, &request).await.json();
        assert_eq!(first["stop_reason"], "tool_use", "{first}");
        let call = first["content"].as_array().unwrap().last().unwrap();
        assert_eq!((&call["type"], &call["name"]), (&json!("tool_use"), &json!("weather")));
        assert_eq!(call["input"], json!({"city": "Oslo"}));

        let events = stream(&pair, &request).await;
        let input: Value = serde_json::from_str(&joined(&events, "partial_json")).unwrap();
        assert_eq!(input, json!({"city": "Oslo"}));

        pair.upstream(model).set(Behaviour::new());
        let result = json!({"type": "tool_result", "tool_use_id": call["id"],
            "content": [{"type": "text", "text": "Rain, 7 degrees"}]});
        let messages = request["messages"].as_array_mut().unwrap();
        messages.push(json!({"role": "assistant", "content": first["content"]}));
        messages.push(json!({"role": "user", "content": [result]}));
        let second = send(&pair, &request).await;
        assert_eq!(second.status, 200, "{}", second.text());
        assert!(second.text().contains("Rain, 7 degrees"), "{}", second.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thinking_comes_out_and_goes_back_signed() {
    let pair =
        Pair::start(Behaviour::new().reasoning("First I think.").reply("Then I speak.")).await;
    let mut request = ask("test/anth", "Think!");
    request["thinking"] = json!({"type": "enabled", "budget_tokens": 2048});
    for turn in 1..=3 {
        let answer = send(&pair, &request).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let message = answer.json();
        let thought = &message["content"][0];
        assert_eq!(thought["type"], "thinking");
        assert_eq!(thought["thinking"], "First I think.");
        assert!(!thought["signature"].as_str().unwrap().is_empty());
        let events = stream(&pair, &request).await;
        assert_eq!(joined(&events, "thinking"), "First I think.");
        assert_eq!(joined(&events, "signature"), thought["signature"].as_str().unwrap());

        // The simulator verifies the signatures that come back.
        let messages = request["messages"].as_array_mut().unwrap();
        messages.push(json!({"role": "assistant", "content": message["content"]}));
        messages.push(json!({"role": "user", "content": "Go on."}));
        let sent = pair.anth.requests().pop().unwrap().json();
        assert_eq!(sent["messages"].as_array().unwrap().len(), turn * 2 - 1);
        assert_eq!(sent["thinking"], json!({"type": "enabled", "budget_tokens": 2048}));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn images_arrive() {
    let pair = Pair::start(Behaviour::new()).await;
    let pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    for model in MODELS {
        let mut request = ask(model, "");
        request["messages"][0]["content"] = json!([
            {"type": "text", "text": "What is this?"},
            {"type": "image", "source":
                {"type": "base64", "media_type": "image/png", "data": pixel}}]);
        let answer = send(&pair, &request).await;
        assert!(answer.text().contains("I see 1 image"), "{}", answer.text());
        let seen = pair.upstream(model).requests().pop().unwrap();
        assert!(seen.body.windows(pixel.len()).any(|window| window == pixel.as_bytes()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_native_reaches_its_own_provider_and_no_other() {
    let pair = Pair::start(Behaviour::new()).await;
    let mut request = ask("test/anth", "Search!");
    request["tools"] =
        json!([{"type": "web_search_20250305", "name": "web_search", "max_uses": 1}]);
    request["tool_choice"] = json!({"type": "none"});
    request["container"] = json!("c-1");
    let headers = [("anthropic-beta", "a-1,b-2"), ("x-api-key", "sk-of-the-client")];
    let answer = send_with(&pair, &request, &headers).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let seen = pair.anth.requests().pop().unwrap();
    let sent = seen.json();
    for field in ["tools", "tool_choice", "container"] {
        assert_eq!(sent[field], request[field], "{field}");
    }
    request["model"] = json!("test/open");
    let refused = send(&pair, &request).await;
    assert_eq!(refused.json()["type"], "error", "{}", refused.text());
    assert!(pair.open.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_tells_of_the_cache() {
    let pair = Pair::start(Behaviour::new().cached_tokens(3)).await;
    for model in MODELS {
        let answer = send(&pair, &ask(model, "A question of more than a few words.")).await.json();
        assert_eq!(answer["usage"]["cache_read_input_tokens"], 3, "{answer}");
        let events = stream(&pair, &ask(model, "A question of more than a few words.")).await;
        let delta = &events[events.len() - 2];
        assert_eq!(delta["usage"]["cache_read_input_tokens"], 3, "{delta}");
        assert_eq!(delta["usage"]["input_tokens"], answer["usage"]["input_tokens"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_have_the_dialects_envelope() {
    let pair = Pair::start(Behaviour::new()).await;
    let refused = send(&pair, &json!({"model": "test/open", "messages": []})).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let body = refused.json();
    assert_eq!(body["type"], "error");
    assert_eq!(body["error"]["type"], "invalid_request_error");
    assert_eq!(body["metadata"]["param"], "messages");
    assert_eq!(body["request_id"].as_str(), refused.header("x-generation-id"));
    let unknown = send(&pair, &ask("no/such", "Hi")).await;
    assert_eq!(unknown.json()["error"]["error_type"], "invalid_request", "{}", unknown.text());

    let limited = Behaviour::new().fault(When::Always, Failure::rate_limited(7));
    // Once for each endpoint, which is left alone afterwards.
    for (model, streaming) in MODELS.into_iter().zip([false, true]) {
        pair.upstream(model).set(limited.clone());
        let mut request = ask(model, "Hi");
        request["stream"] = streaming.into();
        let answer = send(&pair, &request).await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{}", answer.text());
        assert_eq!(answer.json()["error"]["type"], "rate_limit_error");
        assert_eq!(answer.json()["error"]["error_type"], "rate_limit_exceeded");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_in_the_stream_is_an_event() {
    let broken = Failure::StreamError { after_chunks: 2, code: 529 };
    let behaviour = Behaviour::new().reply("One two three four.").chunk_chars(3);
    let pair = Pair::start(behaviour.fault(When::Always, broken)).await;
    for model in MODELS {
        let events = stream(&pair, &ask(model, "Hi")).await;
        let last = events.last().unwrap();
        assert_eq!(last["type"], "error", "{events:?}");
        assert!(last["error"]["message"].as_str().is_some_and(|it| !it.is_empty()), "{last}");
        assert!(!joined(&events, "text").is_empty());
        assert!(!types(&events).contains(&"message_stop"));
        let whole = send(&pair, &ask(model, "Hi")).await;
        assert!(whole.status == 200 || whole.json()["type"] == "error", "{}", whole.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pings_bridge_the_wait() {
    let toml = "[server]\nhead_hold = \"100ms\"\nkeep_alive_interval = \"100ms\"";
    let slow = Behaviour::new().first_token_ms(1000).reply("at last");
    let pair = Pair::with(slow, toml).await;
    for model in MODELS {
        let events = stream(&pair, &ask(model, "Hi")).await;
        assert_eq!(events[0], json!({"type": "ping"}));
        let first = types(&events).into_iter().find(|kind| *kind != "ping");
        assert_eq!(first, Some("message_start"));
        assert_eq!(joined(&events, "text"), "at last");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_is_counted_and_not_run() {
    let pair = Pair::start(Behaviour::new()).await;
    let client = pair.router.client();
    let count = async |body: &Value| {
        let path = "/v1/messages/count_tokens";
        client.read(client.request(Method::POST, path, body.to_string())).await
    };
    let messages = json!([{"role": "user", "content": "How many words are in this?"}]);
    let counted = count(&json!({"model": "test/anth", "messages": messages})).await;
    assert_eq!(counted.status, 200, "{}", counted.text());
    assert!(counted.json()["input_tokens"].as_u64().unwrap() > 0, "{}", counted.text());
    let refused = count(&json!({"model": "test/anth"})).await;
    assert_eq!(refused.json()["metadata"]["param"], "messages", "{}", refused.text());
    assert_eq!(refused.json()["type"], "error");
}
