//! Responses at the front door, over the chat and the messages format of simulated
//! providers and over a provider of responses that is written by hand.

use crate::setup::{MODELS, Pair};
use crate::wire::{json_response, stream_response};
use plugway_simulator::{Behaviour, Failure, When};
use plugway_tests::{Answer, Client, Play, RawUpstream, Streamed, TestRouter};
use serde_json::{Value, json};

const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

fn ask(model: &str, input: impl Into<Value>) -> Value {
    json!({"model": model, "input": input.into()})
}

async fn respond(client: &Client, body: &Value) -> Answer {
    client.read(client.request(http::Method::POST, "/v1/responses", body.to_string())).await
}

async fn stream(client: &Client, body: &Value) -> Streamed {
    let mut body = body.clone();
    body["stream"] = json!(true);
    Streamed::of(respond(client, &body).await)
}

/// The texts of all messages, joined.
fn said(response: &Value) -> String {
    let items = response["output"].as_array().unwrap();
    let contents = items.iter().filter_map(|item| item["content"].as_array()).flatten();
    contents
        .filter(|part| part["type"] == "output_text")
        .map(|part| part["text"].as_str().unwrap())
        .collect()
}

/// What the response at the end of a stream is, without what no two answers share.
fn without_names(mut response: Value) -> Value {
    for name in ["id", "created_at"] {
        response[name] = Value::Null;
    }
    for item in response["output"].as_array_mut().unwrap() {
        for name in ["id", "call_id", "signature", "encrypted_content"] {
            if item.get(name).is_some() {
                item[name] = Value::Null;
            }
        }
    }
    response
}

fn kinds(streamed: &Streamed) -> Vec<&str> {
    streamed.chunks.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_says_the_same_as_a_whole_answer() {
    let pair = Pair::start(Behaviour::new().reply("One two three four.").chunk_chars(3)).await;
    let client = pair.router.client();
    for model in MODELS {
        let request = ask(model, "Hi");
        let answer = respond(&client, &request).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let whole = answer.json();
        assert_eq!(answer.header("x-generation-id"), whole["id"].as_str());
        assert_eq!((&whole["object"], &whole["status"]), (&json!("response"), &json!("completed")));
        assert_eq!(said(&whole), "One two three four.");
        assert_eq!(whole["model"], *model);
        assert!(whole["usage"]["cost"].as_f64().unwrap() > 0.0, "{whole}");

        let streamed = stream(&client, &request).await;
        assert_eq!((streamed.status.as_u16(), streamed.done), (200, true));
        let text: String = streamed
            .chunks
            .iter()
            .filter(|event| event["type"] == "response.output_text.delta")
            .map(|event| event["delta"].as_str().unwrap())
            .collect();
        assert_eq!(text, "One two three four.");
        for (number, event) in streamed.chunks.iter().enumerate() {
            assert_eq!(event["sequence_number"], number, "{event}");
        }
        let last = streamed.chunks.last().unwrap();
        assert_eq!(last["type"], "response.completed");
        assert_eq!(without_names(last["response"].clone()), without_names(whole));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_route_of_the_longer_path_is_the_same() {
    let pair = Pair::start(Behaviour::new()).await;
    let client = pair.router.client();
    let body = ask("test/open", "Hi").to_string();
    let answer = client.read(client.request(http::Method::POST, "/api/v1/responses", body)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_loop_closes() {
    let pair = Pair::start(Behaviour::new().calls("weather", json!({"city": "Oslo"}))).await;
    let client = pair.router.client();
    for model in MODELS {
        let mut request = ask(model, json!([{"role": "user", "content": "How is the weather?"}]));
        request["tools"] = json!([{"type": "function", "name": "weather", "parameters": {
            "type": "object", "properties": {"city": {"type": "string"}}}}]);
        let first = respond(&client, &request).await;
        assert_eq!(first.status, 200, "{}", first.text());
        let output = first.json()["output"].as_array().unwrap().clone();
        let call = output.iter().find(|item| item["type"] == "function_call").unwrap();
        let arguments: Value = serde_json::from_str(call["arguments"].as_str().unwrap()).unwrap();
        assert_eq!((&call["name"], arguments), (&json!("weather"), json!({"city": "Oslo"})));

        let streamed = stream(&client, &request).await;
        let bits = streamed.chunks.iter();
        let bits = bits.filter(|it| it["type"] == "response.function_call_arguments.delta");
        let bits: String = bits.map(|it| it["delta"].as_str().unwrap()).collect();
        assert_eq!(serde_json::from_str::<Value>(&bits).unwrap(), json!({"city": "Oslo"}));

        pair.upstream(model).set(Behaviour::new());
        let input = request["input"].as_array_mut().unwrap();
        input.extend(output.clone());
        input.push(json!({"type": "function_call_output", "call_id": call["call_id"],
            "output": "Rain, 7 degrees"}));
        let second = respond(&client, &request).await;
        assert_eq!(second.status, 200, "{}", second.text());
        assert!(said(&second.json()).contains("Rain, 7 degrees"), "{}", second.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reasoning_comes_out_and_goes_back_signed() {
    let pair =
        Pair::start(Behaviour::new().reasoning("First I think.").reply("Then I speak.")).await;
    let client = pair.router.client();
    let mut request = ask("test/anth", json!([{"role": "user", "content": "Think!"}]));
    request["reasoning"] = json!({"effort": "low"});
    request["max_output_tokens"] = json!(4000);
    let first = stream(&client, &request).await;
    let deltas = first.chunks.iter();
    let deltas = deltas.filter(|event| event["type"] == "response.reasoning_text.delta");
    let thought: String = deltas.map(|event| event["delta"].as_str().unwrap()).collect();
    assert_eq!(thought, "First I think.");
    let response = &first.chunks.last().unwrap()["response"];
    let reasoning = &response["output"][0];
    assert_eq!(reasoning["type"], "reasoning");
    assert_eq!(reasoning["format"], "anthropic-claude-v1");
    assert!(!reasoning["signature"].as_str().unwrap().is_empty());

    // The simulator verifies the signature when it comes back.
    let input = request["input"].as_array_mut().unwrap();
    input.extend(response["output"].as_array().unwrap().clone());
    input.push(json!({"role": "user", "content": "Go on."}));
    let second = respond(&client, &request).await;
    assert_eq!(second.status, 200, "{}", second.text());
    let sent = pair.anth.requests().pop().unwrap().json();
    assert_eq!(sent["messages"][1]["content"][0]["type"], "thinking");
}

#[tokio::test(flavor = "multi_thread")]
async fn images_and_instructions_arrive() {
    let pair = Pair::start(Behaviour::new()).await;
    let client = pair.router.client();
    for model in MODELS {
        let mut request = ask(
            model,
            json!([{"type": "message", "role": "user", "content": [
                {"type": "input_text", "text": "What is this?"},
                {"type": "input_image", "detail": "low",
                 "image_url": format!("data:image/png;base64,{PIXEL}")}]}]),
        );
        request["instructions"] = json!("Answer in one word.");
        let answer = respond(&client, &request).await;
        assert!(said(&answer.json()).contains("I see 1 image"), "{}", answer.text());
        assert_eq!(answer.json()["instructions"], "Answer in one word.");
        let seen = pair.upstream(model).requests().pop().unwrap();
        let holds = |text: &str| seen.body.windows(text.len()).any(|it| it == text.as_bytes());
        assert!(holds(PIXEL) && holds("Answer in one word."), "{model}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn structured_output_keeps_its_schema() {
    let pair = Pair::start(Behaviour::new()).await;
    let client = pair.router.client();
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}},
        "required": ["city"], "additionalProperties": false});
    for model in MODELS {
        let mut request = ask(model, "Which city?");
        request["text"] = json!({"format": {"type": "json_schema", "name": "place",
            "strict": true, "schema": schema}});
        let answer = respond(&client, &request).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let place: Value = serde_json::from_str(&said(&answer.json())).unwrap();
        assert!(place["city"].is_string(), "{place}");
        assert_eq!(answer.json()["text"]["format"]["schema"], schema);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_have_to_be_kept_is_refused() {
    let pair = Pair::start(Behaviour::new()).await;
    let client = pair.router.client();
    for (name, value) in [
        ("store", json!(true)),
        ("previous_response_id", json!("resp_1")),
        ("background", json!(true)),
        ("conversation", json!("conv_1")),
    ] {
        let mut request = ask("test/open", "Hi");
        request[name] = value;
        let answer = respond(&client, &request).await;
        assert_eq!(answer.status, 400, "{name}: {}", answer.text());
        let body = answer.json();
        assert_eq!(body["error"]["param"], name);
        assert_eq!(
            (&body["error"]["code"], &body["error_type"]),
            (&json!(400), &json!("invalid_request"))
        );
    }
    assert!(pair.open.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_before_any_content_has_its_status() {
    // Without a pause that the provider asks for: there are several requests.
    let limited = Behaviour::new().fault(When::Always, Failure::status(429));
    let pair = Pair::start(limited).await;
    let client = pair.router.client();
    for model in MODELS {
        for streaming in [false, true] {
            let mut request = ask(model, "Hi");
            request["stream"] = json!(streaming);
            let answer = respond(&client, &request).await;
            assert_eq!(answer.status, 429, "{model}: {}", answer.text());
            assert_eq!(answer.json()["error_type"], "rate_limit_exceeded");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_breaks_says_so() {
    let breaking = Failure::StreamError { after_chunks: 2, code: 500 };
    // A pause between the chunks, so that the first of them commits.
    let behaviour = Behaviour::new()
        .chunk_chars(4)
        .tokens_per_second(50)
        .reply("a b c d e f")
        .fault(When::Always, breaking);
    let pair = Pair::start(behaviour).await;
    for model in MODELS {
        let streamed = stream(&pair.router.client(), &ask(model, "Hi")).await;
        assert_eq!((streamed.status.as_u16(), streamed.done), (200, true));
        let kinds = kinds(&streamed);
        assert_eq!(kinds[kinds.len() - 2..], ["error", "response.failed"], "{model}");
        let [.., error, failed] = &*streamed.chunks else { panic!("{kinds:?}") };
        assert_eq!(error["code"], "server_error");
        assert_eq!(failed["response"]["status"], "failed");
        assert!(!said(&failed["response"]).is_empty(), "{failed}");
        assert_eq!(failed["response"]["output"][0]["status"], "incomplete");
    }
}

/// A router in front of a provider that speaks this very format.
async fn same_format() -> (TestRouter, RawUpstream) {
    let upstream = RawUpstream::start().await;
    let router = TestRouter::start(&format!(
        "[providers.own]\nadapter = \"openai\"\nbase_url = \"{}\"\napi_key_env = \"TEST_KEY\"\n\
         options = {{ api = \"responses\" }}\n\
         [[models.\"test/own\".endpoints]]\nprovider = \"own\"\nmodel = \"m\"\n\
         price = {{ prompt = 1.0, completion = 1.0 }}\n",
        upstream.base_url()
    ))
    .await;
    (router, upstream)
}

/// The items of an answer in this format: reasoning, a search, a message and a call.
fn items() -> Value {
    json!([
        {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}],
         "encrypted_content": "c2VhbGVk"},
        {"id": "ws_1", "type": "web_search_call", "status": "completed",
         "action": {"type": "search", "query": "q"}},
        {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant",
         "phase": "commentary", "content": [{"type": "output_text", "text": "See there.",
            "logprobs": [], "annotations": [{"type": "url_citation", "url": "https://x.test",
                "title": "X", "start_index": 0, "end_index": 3}]}]},
        {"id": "ctc_1", "type": "custom_tool_call", "status": "completed", "call_id": "c1",
         "name": "sh", "input": "ls"},
    ])
}

fn response_of(output: &Value) -> Value {
    json!({"id": "resp_1", "object": "response", "created_at": 1, "status": "completed",
        "model": "m", "temperature": 0.7, "output": output, "error": null,
        "incomplete_details": null, "usage": {"input_tokens": 3, "output_tokens": 5,
            "total_tokens": 8, "input_tokens_details": {"cached_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 2}}})
}

/// The same answer as that provider streams it.
fn events_of(output: &Value) -> String {
    let mut events = vec![json!({"type": "response.created", "response": {"id": "resp_1",
        "object": "response", "status": "in_progress", "model": "m", "output": []}})];
    for (place, item) in output.as_array().unwrap().iter().enumerate() {
        let mut begun = item.clone();
        for (name, empty) in [("content", json!([])), ("summary", json!([])), ("input", json!(""))]
        {
            if begun.get(name).is_some() {
                begun[name] = empty;
            }
        }
        let about =
            |kind: &str| json!({"type": kind, "output_index": place, "item_id": item["id"]});
        let told = |kind: &str, name: &str, value: Value| {
            let mut event = about(kind);
            event[name] = value;
            event
        };
        events.push(told("response.output_item.added", "item", begun));
        if let Some(text) = item["content"][0]["text"].as_str() {
            for bit in text.split_inclusive(' ') {
                events.push(told("response.output_text.delta", "delta", json!(bit)));
            }
        }
        if let Some(input) = item["input"].as_str() {
            events.push(told("response.custom_tool_call_input.delta", "delta", json!(input)));
        }
        events.push(told("response.output_item.done", "item", item.clone()));
    }
    events.push(json!({"type": "response.completed", "response": response_of(output)}));
    let line =
        |event: &Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap());
    events.iter().map(line).collect()
}

/// What only this router adds to an item of the provider's.
fn without_formats(output: &Value) -> Value {
    let mut output = output.clone();
    for item in output.as_array_mut().unwrap() {
        item.as_object_mut().unwrap().remove("format");
    }
    output
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_in_the_same_format_comes_as_it_is() {
    let (router, upstream) = same_format().await;
    let client = router.client();
    upstream.play([Play::write(json_response(&response_of(&items()))), Play::Close]);
    let answer = respond(&client, &ask("test/own", "Hi")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let whole = answer.json();
    assert_eq!(without_formats(&whole["output"]), items());
    assert_eq!(whole["output"][0]["format"], "openai-responses-v1");
    assert_eq!(whole["temperature"], 0.7);

    upstream.play([Play::write(stream_response(events_of(&items()))), Play::Close]);
    let streamed = stream(&client, &ask("test/own", "Hi")).await;
    let response = streamed.chunks.last().unwrap()["response"].clone();
    assert_eq!(without_formats(&response["output"]), items());
    let ends = streamed.chunks.iter().filter(|it| it["type"] == "response.output_item.done");
    let ends: Value = ends.map(|event| event["item"].clone()).collect();
    assert_eq!(without_formats(&ends), items());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_in_the_same_format_leaves_as_it_came() {
    let (router, upstream) = same_format().await;
    let mut input = vec![json!({"type": "message", "role": "user", "content": [
        {"type": "input_text", "text": "Look."},
        {"type": "input_image", "detail": "high", "image_url": "https://x.test/a.png"},
        {"type": "input_file", "file_id": "file-1"}]})];
    input.extend(items().as_array().unwrap().clone());
    input.push(json!({"type": "custom_tool_call_output", "call_id": "c1", "output": [
        {"type": "input_text", "text": "a file"}, {"type": "input_text", "text": "another"}]}));
    let request = json!({
        "model": "test/own", "input": input, "include": ["reasoning.encrypted_content"],
        "tools": [{"type": "custom", "name": "sh", "description": "A shell",
            "format": {"type": "grammar", "syntax": "regex", "definition": ".*"}},
            {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}},
             "strict": true, "defer_loading": true},
            {"type": "web_search", "search_context_size": "low"}],
        "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [
            {"type": "custom", "name": "sh"}, {"type": "function", "name": "f"}]},
        "parallel_tool_calls": false, "reasoning": {"effort": "high", "summary": "auto",
            "context": "all_turns"}, "text": {"format": {"type": "json_schema", "name": "n",
            "schema": {"type": "object"}, "strict": true}, "verbosity": "low"},
        "max_output_tokens": 100, "temperature": 0.5, "truncation": "auto",
        "prompt_cache_key": "k", "max_tool_calls": 3, "store": false});
    upstream.play([Play::write(json_response(&response_of(&items()))), Play::Close]);
    let answer = respond(&router.client(), &request).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let sent = upstream.requests().pop().unwrap();
    let (head, body) = sent.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /responses ") || head.contains("/responses HTTP"), "{head}");
    let mut sent: Value = serde_json::from_str(body).unwrap();
    assert_eq!(sent["model"], "m");
    sent["model"] = json!("test/own");
    assert_eq!(sent, request);
}
