//! What an answer costs where that is not one count at one price.

use plugway_tests::{Play, RawUpstream, TestRouter};
use serde_json::{Value, json};

use crate::setup::ask;

/// A provider with two models, whose answers report this usage.
async fn cost_of(usage: Value, more: &str) -> Value {
    let upstream = RawUpstream::start().await;
    let body = json!({
        "id": "m", "type": "message", "role": "assistant", "model": "answers",
        "content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn", "usage": usage,
    })
    .to_string();
    let length = body.len();
    upstream.play([Play::write(format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    ))]);
    let toml = format!(
        "[providers.both]\nadapter = \"anthropic\"\nbase_url = \"{}\"\n\
         [[models.\"test/answers\".endpoints]]\nprovider = \"both\"\nmodel = \"answers\"\n\
         price = {{ prompt = 1, completion = 10 }}\n{more}",
        upstream.base_url()
    );
    let router = TestRouter::start(&toml).await;
    let answer = router.client().chat(&ask("test/answers", "Hi")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["usage"].clone()
}

fn consulting() -> Value {
    json!({
        "input_tokens": 100, "output_tokens": 20,
        "iterations": [
            {"type": "message", "input_tokens": 100, "output_tokens": 20},
            {"type": "advisor_message", "model": "advises", "input_tokens": 50, "output_tokens": 5},
        ],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_was_consulted_is_billed_at_its_own_price() {
    let advisor = "[[models.\"test/advises\".endpoints]]\nprovider = \"both\"\n\
                   model = \"advises\"\nprice = { prompt = 3, completion = 30 }\n";
    let usage = cost_of(consulting(), advisor).await;
    assert_eq!((&usage["prompt_tokens"], &usage["completion_tokens"]), (&150.into(), &25.into()));
    // 100 + 20 * 10 of the one, 50 * 3 + 5 * 30 of the other, in millionths of a dollar.
    assert_eq!(usage["cost"], json!(0.0006));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_says_something_is_not_free_because_it_was_counted_as_nothing() {
    let usage = cost_of(json!({"input_tokens": 0, "output_tokens": 0}), "").await;
    assert!(usage["completion_tokens"].as_u64().is_some_and(|count| count > 0), "{usage}");
    assert!(usage["prompt_tokens"].as_u64().is_some_and(|count| count > 0), "{usage}");
    assert!(usage["cost"].as_f64().is_some_and(|cost| cost > 0.0), "{usage}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_one_price_is_unknown_so_is_the_sum() {
    let usage = cost_of(consulting(), "").await;
    assert_eq!(usage["prompt_tokens"], 150);
    assert!(usage.get("cost").is_none_or(Value::is_null), "{usage}");
}
