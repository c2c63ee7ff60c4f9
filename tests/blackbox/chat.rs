//! Chat through both adapters: whole, streamed, with tools, images and reasoning.

use crate::setup::{MODELS, Pair, ask};
use plugway_simulator::Behaviour;
use plugway_tests::LogLines;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_answer_comes_through_either_adapter() {
    let pair = Pair::start(Behaviour::new().reply("Hello from upstream.")).await;
    for model in MODELS {
        let answer = pair.router.client().chat(&ask(model, "Hi")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let body = answer.json();
        assert_eq!(answer.content(), "Hello from upstream.");
        assert_eq!(body["object"], "chat.completion");
        assert_eq!(body["model"], *model);
        assert_eq!(body["choices"][0]["finish_reason"], "stop");
        assert_eq!(answer.header("x-generation-id"), body["id"].as_str());
        assert!(answer.header("x-plugway-strategy").unwrap().starts_with("balanced@"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_says_the_same_as_a_whole_answer() {
    let pair = Pair::start(Behaviour::new().reply("One two three four.").chunk_chars(3)).await;
    for model in MODELS {
        let whole = pair.router.client().chat(&ask(model, "Hi")).await;
        let streamed = pair.router.client().stream(&ask(model, "Hi")).await;
        assert_eq!(streamed.status, 200);
        assert_eq!(streamed.content(), whole.content());
        assert!(streamed.done);
        assert!(streamed.chunks.len() > 3, "{:?}", streamed.chunks);
        assert_eq!(streamed.chunks[0]["choices"][0]["delta"]["role"], "assistant");
        let usage = streamed.chunks.last().unwrap();
        assert_eq!(usage["choices"], json!([]));
        assert_eq!(usage["usage"], whole.json()["usage"]);
        let finish = &streamed.chunks[streamed.chunks.len() - 2]["choices"][0]["finish_reason"];
        assert_eq!(finish, "stop");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_and_cost_are_the_providers_own_counts_at_the_catalogues_price() {
    let pair = Pair::start(Behaviour::new().reply("One two three.")).await;
    for (model, dollars) in MODELS.into_iter().zip([1.0, 2.0]) {
        let answer = pair.router.client().chat(&ask(model, "How much is this?")).await;
        let usage = &answer.json()["usage"];
        let (prompt, completion) = (
            usage["prompt_tokens"].as_f64().unwrap(),
            usage["completion_tokens"].as_f64().unwrap(),
        );
        assert!(prompt > 0.0 && completion > 0.0, "{usage}");
        assert_eq!(usage["total_tokens"].as_f64().unwrap(), prompt + completion);
        let cost = (prompt * dollars + completion * dollars * 10.0) / 1e6;
        assert!((usage["cost"].as_f64().unwrap() - cost).abs() < 1e-12, "{usage}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_loop_closes() {
    let behaviour = Behaviour::new().calls("weather", json!({"city": "Oslo"}));
    let pair = Pair::start(behaviour).await;
    let tools = json!([{"type": "function", "function": {
        "name": "weather", "description": "Weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}]);
    for model in MODELS {
        let mut request = ask(model, "How is the weather in Oslo?");
        request["tools"] = tools.clone();
        let first = pair.router.client().chat(&request).await;
        assert_eq!(first.status, 200, "{}", first.text());
        let body = first.json();
        let message = &body["choices"][0]["message"];
        assert_eq!(body["choices"][0]["finish_reason"], "tool_calls");
        let call = &message["tool_calls"][0];
        assert_eq!(call["function"]["name"], "weather");
        let arguments: Value =
            serde_json::from_str(call["function"]["arguments"].as_str().unwrap()).unwrap();
        assert_eq!(arguments, json!({"city": "Oslo"}));

        let streamed = pair.router.client().stream(&request).await;
        let bits = streamed.chunks.iter().filter_map(|chunk| {
            chunk["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"].as_str()
        });
        let arguments: Value = serde_json::from_str(&bits.collect::<String>()).unwrap();
        assert_eq!(arguments, json!({"city": "Oslo"}));

        pair.upstream(model).set(Behaviour::new());
        let messages = request["messages"].as_array_mut().unwrap();
        messages.push(message.clone());
        messages.push(
            json!({"role": "tool", "tool_call_id": call["id"], "content": "Rain, 7 degrees"}),
        );
        let second = pair.router.client().chat(&request).await;
        assert_eq!(second.status, 200, "{}", second.text());
        assert!(second.content().contains("Rain, 7 degrees"), "{}", second.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn images_arrive() {
    let pair = Pair::start(Behaviour::new()).await;
    let pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    for model in MODELS {
        let request = json!({"model": model, "messages": [{"role": "user", "content": [
            {"type": "text", "text": "What is this?"},
            {"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{pixel}")}}]}]});
        let answer = pair.router.client().chat(&request).await;
        assert!(answer.content().contains("I see 1 image"), "{}", answer.text());
        let seen = pair.upstream(model).requests().pop().unwrap();
        assert!(seen.body.windows(pixel.len()).any(|window| window == pixel.as_bytes()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reasoning_comes_out_and_goes_back_signed() {
    let pair =
        Pair::start(Behaviour::new().reasoning("First I think.").reply("Then I speak.")).await;
    let mut request = ask("test/anth", "Think!");
    request["reasoning"] = json!({"effort": "low"});
    request["max_tokens"] = json!(4000);
    let first = pair.router.client().chat(&request).await;
    assert_eq!(first.status, 200, "{}", first.text());
    let message = first.json()["choices"][0]["message"].clone();
    assert_eq!(message["reasoning"], "First I think.");
    let detail = &message["reasoning_details"][0];
    assert_eq!(detail["type"], "reasoning.text");
    assert_eq!(detail["format"], "anthropic-claude-v1");
    assert!(!detail["signature"].as_str().unwrap().is_empty());

    // The simulator verifies the signature when it comes back.
    let messages = request["messages"].as_array_mut().unwrap();
    messages.push(message);
    messages.push(json!({"role": "user", "content": "Go on."}));
    let second = pair.router.client().chat(&request).await;
    assert_eq!(second.status, 200, "{}", second.text());
    let sent = pair.anth.requests().pop().unwrap().json();
    assert_eq!(sent["messages"][1]["content"][0]["type"], "thinking");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_the_catalogue_does_not_know_is_passed_through_unpriced() {
    let pair = Pair::start(Behaviour::new()).await;
    let answer = pair.router.client().chat(&ask("open/gpt-next", "Hi")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(pair.open.requests().pop().unwrap().model.as_deref(), Some("gpt-next"));
    let id = answer.header("x-generation-id").unwrap().to_owned();
    assert_eq!(LogLines::access(&id).await["unpriced"], true);
    assert!(answer.json()["usage"]["cost"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_leaves_one_line() {
    let pair = Pair::start(Behaviour::new()).await;
    for stream in [false, true] {
        let mut request = ask("test/open", "A prompt that no log may hold");
        request["stream"] = stream.into();
        let answer = pair.router.client().post(request.to_string()).await;
        let id = answer.header("x-generation-id").unwrap().to_owned();
        let line = LogLines::access(&id).await;
        assert_eq!(line["status"], 200);
        assert_eq!(line["outcome"], "ok");
        assert_eq!(line["endpoint"], "open/sim");
        assert_eq!(line["stream"], stream);
        assert!(line["completion_tokens"].as_u64().unwrap() > 0);
        assert!(line["strategy"].as_str().unwrap().starts_with("balanced@"));
        assert!(!line["reason"].as_str().unwrap().is_empty());
        assert!(!line.to_string().contains("no log may hold"));
    }
    let text = LogLines::text();
    assert!(!text.contains("sk-test-0123456789"), "a credential was logged");
}
