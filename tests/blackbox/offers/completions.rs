//! Legacy completions, over both adapters: a prompt in, text out.

use crate::setup::{MODELS, Pair};
use plugway_simulator::{Behaviour, Failure, When};
use plugway_tests::{Answer, LogLines, Streamed};
use serde_json::{Value, json};

async fn ask(pair: &Pair, body: &Value) -> Answer {
    let client = pair.router.client();
    client.read(client.request(http::Method::POST, "/v1/completions", body.to_string())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_is_answered_with_text_whole_and_streamed() {
    let pair = Pair::start(Behaviour::new().reply("One two three.").chunk_chars(3)).await;
    for model in MODELS {
        let mut request = json!({"model": model, "prompt": "Count to three.", "max_tokens": 50});
        let whole = ask(&pair, &request).await;
        assert_eq!(whole.status, 200, "{}", whole.text());
        let body = whole.json();
        assert_eq!((&body["object"], &body["model"]), (&json!("text_completion"), &json!(model)));
        let choice = &body["choices"][0];
        assert_eq!((&choice["text"], &choice["index"]), (&json!("One two three."), &json!(0)));
        assert_eq!((&choice["finish_reason"], &choice["logprobs"]), (&json!("stop"), &json!(null)));
        assert!(body["usage"]["completion_tokens"].as_u64().unwrap() > 0);
        assert!(body["usage"]["cost"].as_f64().unwrap() > 0.0);
        let sent = pair.upstream(model).requests().pop().unwrap().json();
        assert!(sent["messages"].to_string().contains("Count to three."), "{sent}");
        let line = LogLines::access(body["id"].as_str().unwrap()).await;
        assert_eq!((&line["route"], &line["outcome"]), (&json!("/v1/completions"), &json!("ok")));

        request["stream"] = json!(true);
        let streamed = Streamed::of(ask(&pair, &request).await);
        assert!(streamed.done, "{:?}", streamed.chunks);
        let bits = streamed.chunks.iter().filter_map(|it| it["choices"][0]["text"].as_str());
        assert_eq!(bits.collect::<String>(), "One two three.");
        assert!(streamed.chunks.len() > 3);
        let last = streamed.chunks.last().unwrap();
        assert_eq!((&last["choices"], &last["usage"]), (&json!([]), &body["usage"]));
        let finish = &streamed.chunks[streamed.chunks.len() - 2]["choices"][0];
        assert_eq!(finish["finish_reason"], "stop");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_told_before_the_text_and_within_it() {
    let failing = |failure| Behaviour::new().fault(When::Always, failure);
    let pair = Pair::start(failing(Failure::rate_limited(7))).await;
    for model in MODELS {
        let request = json!({"model": model, "prompt": "Hi"});
        let refused = ask(&pair, &request).await;
        assert_eq!(refused.status, 429, "{}", refused.text());
        let kind = &refused.json()["error"]["metadata"]["error_type"];
        assert_eq!(kind, "rate_limit_exceeded");
    }
    let breaking = failing(Failure::StreamError { after_chunks: 2, code: 500 });
    let pair = Pair::start(breaking.tokens_per_second(50).reply("a b c d e f")).await;
    for model in MODELS {
        let request = json!({"model": model, "prompt": "Hi", "stream": true});
        let streamed = Streamed::of(ask(&pair, &request).await);
        assert!(streamed.done, "{:?}", streamed.chunks);
        let last = streamed.chunks.last().unwrap();
        assert_eq!(last["choices"][0]["finish_reason"], "error", "{last}");
        assert!(last["error"]["message"].is_string(), "{last}");
    }
}
