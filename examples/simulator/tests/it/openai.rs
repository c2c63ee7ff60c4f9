//! OpenAI's format.

use http::{Method, Request};
use http_body_util::Full;
use plugway_simulator::{Behaviour, Kind, Script, Simulator};
use serde_json::{Value, json};

use crate::client::{chat, collect, plain, request, send, send_h2};

fn start(script: impl Into<Script>) -> Simulator {
    Simulator::start(Kind::OpenAi, script).unwrap()
}

fn hello(stream: bool) -> Value {
    json!({
        "model": "gpt-test",
        "stream": stream,
        "messages": [{"role": "user", "content": "hello"}],
    })
}

fn weather(messages: Value) -> Value {
    json!({
        "model": "gpt-test",
        "messages": messages,
        "tools": [{"type": "function", "function": {
            "name": "weather",
            "parameters": {"type": "object", "required": ["city"],
                           "properties": {"city": {"type": "string"}}},
        }}],
    })
}

#[tokio::test]
async fn a_whole_answer_has_all_its_fields() {
    let simulator = start(Behaviour::new());
    let answer = chat(&simulator, hello(false)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.headers["content-length"].to_str().unwrap(), answer.body.len().to_string());
    assert!(answer.headers["x-request-id"].to_str().unwrap().starts_with("req_"));
    let json = answer.json();
    assert!(json["id"].as_str().unwrap().starts_with("chatcmpl-"));
    assert_eq!(json["object"], "chat.completion");
    assert_eq!(json["model"], "gpt-test");
    assert_eq!(
        json["choices"][0],
        json!({
            "index": 0,
            "message": {"role": "assistant", "content": "You said: hello",
                        "refusal": null, "annotations": []},
            "logprobs": null,
            "finish_reason": "stop",
        })
    );
    assert_eq!(json["usage"]["prompt_tokens"], 2);
    assert_eq!(json["usage"]["completion_tokens"], 3);
    assert_eq!(json["usage"]["total_tokens"], 5);
}

#[tokio::test]
async fn a_stream_is_chunks_usage_and_done() {
    let simulator = start(Behaviour::new());
    let mut asked = hello(true);
    asked["stream_options"] = json!({"include_usage": true});
    let answer = chat(&simulator, asked).await;
    assert_eq!(answer.headers["content-type"], "text/event-stream; charset=utf-8");
    assert_eq!(answer.data().last(), Some(&"[DONE]"));
    let events = answer.events();
    let deltas: Vec<&Value> = events.iter().map(|e| &e["choices"][0]["delta"]).collect();
    assert_eq!(
        deltas,
        [
            &json!({"role": "assistant", "content": "", "refusal": null}),
            &json!({"content": "You"}),
            &json!({"content": " said:"}),
            &json!({"content": " hello"}),
            &json!({}),
            &Value::Null,
        ]
    );
    let usages: Vec<bool> = events.iter().map(|e| e["usage"].is_object()).collect();
    assert_eq!(usages, [false, false, false, false, false, true]);
    assert_eq!(events[0].get("usage"), Some(&Value::Null));
    assert_eq!(events[4]["choices"][0]["finish_reason"], "stop");
    assert_eq!(events[5]["choices"], json!([]));
    assert_eq!(events[5]["usage"]["total_tokens"], 5);
}

#[tokio::test]
async fn usage_is_not_streamed_unless_asked_for() {
    let simulator = start(Behaviour::new());
    let answer = chat(&simulator, hello(true)).await;
    assert!(answer.events().iter().all(|e| e.get("usage").is_none()));
    assert_eq!(answer.text(), "You said: hello");
}

#[tokio::test]
async fn a_tool_loop_ends_with_the_result() {
    let simulator = start(Behaviour::new().calls("weather", json!({"city": "Florence"})));
    let question = json!({"role": "user", "content": "Weather in Florence?"});
    let first = chat(&simulator, weather(json!([question]))).await.json();
    let choice = &first["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls");
    assert_eq!(choice["message"]["content"], Value::Null);
    let call = &choice["message"]["tool_calls"][0];
    assert_eq!(call["function"]["arguments"], r#"{"city":"Florence"}"#);
    let result = json!({"role": "tool", "tool_call_id": call["id"], "content": "sunny"});
    let messages = json!([question, choice["message"], result]);
    let second = chat(&simulator, weather(messages)).await;
    assert_eq!(second.text(), "The tool said: sunny");
}

#[tokio::test]
async fn streamed_calls_add_up() {
    let one = Behaviour::new().calls("weather", json!({"city": "Florence"}));
    let two = one.clone().calls("weather", json!({"city": "Rome"}));
    let reasoned = one.clone().reasoning("so far so good");
    for (behaviour, expected) in [(one, 1), (two, 2), (reasoned, 1)] {
        let simulator = start(behaviour.clone());
        let mut asked = weather(json!([{"role": "user", "content": "Weather?"}]));
        asked["stream"] = json!(true);
        let answer = chat(&simulator, asked).await;
        let mut names = vec![String::new(); expected];
        let mut arguments = vec![String::new(); expected];
        for event in answer.events() {
            let calls = event["choices"][0]["delta"]["tool_calls"].as_array();
            for call in calls.into_iter().flatten() {
                let index = usize::try_from(call["index"].as_u64().unwrap()).unwrap();
                let function = &call["function"];
                names[index] += function["name"].as_str().unwrap_or_default();
                arguments[index] += function["arguments"].as_str().unwrap();
            }
        }
        assert_eq!(names, vec!["weather"; expected], "{behaviour:?}");
        let cities = [r#"{"city":"Florence"}"#, r#"{"city":"Rome"}"#];
        assert_eq!(arguments, cities[..expected], "{behaviour:?}");
    }
}

#[tokio::test]
async fn content_parts_and_formats_are_understood() {
    let parts = json!([
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
    ]);
    let schema = json!({"type": "json_schema", "json_schema": {"name": "n", "schema":
        {"type": "object", "properties": {"n": {"type": "integer"}}}}});
    let simulator = start(Behaviour::new());
    for (content, format, expected) in [
        (parts, json!({"type": "text"}), "You said: look I see 1 image."),
        (json!("hi"), json!({"type": "json_object"}), r#"{"answer":"You said: hi"}"#),
        (json!("hi"), schema, r#"{"n":1}"#),
        (json!("größe \u{1F600}"), json!({"type": "text"}), "You said: größe \u{1F600}"),
    ] {
        let asked = json!({
            "model": "gpt-test",
            "messages": [{"role": "user", "content": content}],
            "response_format": format,
        });
        assert_eq!(chat(&simulator, asked).await.text(), expected);
    }
}

#[tokio::test]
async fn malformed_requests_get_the_providers_complaint() {
    let simulator = start(Script::new().knows("gpt-test"));
    let user = json!([{"role": "user", "content": "hi"}]);
    let call = json!({"role": "assistant", "content": null, "tool_calls": [
        {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]});
    let cases = [
        (json!({"messages": user}), 400, "you must provide a model"),
        (json!({"model": "gpt-test"}), 400, "parameter: 'messages'"),
        (json!({"model": "gpt-test", "messages": []}), 400, "empty array"),
        (json!({"model": "none", "messages": user}), 404, "`none` does not"),
        (json!({"model": "gpt-test", "system": "s", "messages": user}), 400, "supplied: system"),
        (
            json!({"model": "gpt-test", "messages": [{"role": "robot", "content": ""}]}),
            400,
            "Invalid value: 'robot'",
        ),
        (
            json!({"model": "gpt-test", "messages": [
                {"role": "user", "content": [{"type": "image", "source": {}}]}]}),
            400,
            "Invalid value: 'image'",
        ),
        (
            json!({"model": "gpt-test", "messages": [call, {"role": "user", "content": "x"}]}),
            400,
            "did not have response messages: call_1",
        ),
        (
            json!({"model": "gpt-test", "messages": [
                {"role": "tool", "tool_call_id": "call_1", "content": "x"}]}),
            400,
            "role 'tool' must be a response",
        ),
        (
            json!({"model": "gpt-test", "messages": user, "temperature": 3}),
            400,
            "'temperature': decimal above",
        ),
    ];
    for (asked, status, expected) in cases {
        let answer = chat(&simulator, &asked).await;
        assert_eq!(answer.status, status, "{asked}");
        let error = &answer.json()["error"];
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(expected), "{message}");
        assert!(error["type"].is_string() && error.get("param").is_some());
    }
    let answer = chat(&simulator, "{").await;
    assert!(answer.body.contains("could not parse the JSON body"));
}

#[tokio::test]
async fn credentials_methods_and_paths_are_checked() {
    let simulator = start(Script::new().key("sk-right"));
    let with_key = |key: &str| {
        let request = Request::post("/any/prefix/chat/completions").header("authorization", key);
        request.body(Full::from(hello(false).to_string())).unwrap()
    };
    for (request, status, expected) in [
        (with_key("Bearer sk-right"), 200, "You said"),
        (with_key("Bearer sk-wrong"), 401, "invalid_api_key"),
        (with_key("Bearer "), 401, "didn't provide an API key"),
        (with_key("Basic sk-right"), 401, "didn't provide an API key"),
        (plain(Method::GET, "/v1/chat/completions", ""), 405, "Not allowed to GET"),
        (plain(Method::POST, "/v1/messages", "{}"), 404, "Invalid URL (POST /v1/messages)"),
    ] {
        let answer = collect(send(&simulator, request).await.unwrap()).await;
        assert_eq!(answer.status, status, "{expected}");
        assert!(answer.body.contains(expected), "{}", answer.body);
    }
}

#[tokio::test]
async fn models_are_listed() {
    let simulator = start(Script::new().knows("b").model("a", Behaviour::new()));
    let mut request = plain(Method::GET, "/v1/models", "");
    let key = "Bearer sk-test".parse().unwrap();
    request.headers_mut().insert("authorization", key);
    let list = collect(send(&simulator, request).await.unwrap()).await.json();
    assert_eq!(list["data"][0]["id"], "a");
    assert_eq!(list["data"][1]["id"], "b");
    assert_eq!(list["data"][1]["object"], "model");
}

#[tokio::test]
async fn http2_without_tls_is_spoken() {
    let simulator = start(Behaviour::new());
    let mut request = request(&simulator, hello(true).to_string());
    *request.uri_mut() = format!("{}/chat/completions", simulator.base_url()).parse().unwrap();
    request.headers_mut().remove("host");
    let answer = collect(send_h2(&simulator, request).await.unwrap()).await;
    assert_eq!(answer.text(), "You said: hello");
    assert_eq!(simulator.requests()[0].version, http::Version::HTTP_2);
}

#[tokio::test]
async fn extras_surround_an_answer_that_stays_the_same() {
    let simulator = start(Behaviour::new().extras().reasoning("hm, well"));
    let answer = chat(&simulator, hello(true)).await;
    assert!(answer.body.starts_with(": "));
    assert!(answer.events()[0]["x_simulated"].is_object());
    assert_eq!(answer.text(), "You said: hello");
    assert!(answer.body.contains(r#""reasoning_content":"hm,""#));
}
