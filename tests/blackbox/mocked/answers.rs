//! Answers in every format, whole and streamed.

use super::{Counts, DIALECTS, Dialect, Finish, Ids, Mock, Reasoning, Spaces, Streams, tools};
use crate::told::Told;
use plugway_tests::TestRouter;
use serde_json::{Value, json};

/// What a provider's answer to a scene with tools came to.
async fn told(router: &TestRouter, dialect: &Dialect, scene: &str) -> Vec<Told> {
    let mut request = dialect.ask(scene);
    request["tools"] = tools();
    dialect.told(router, &request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mocked_providers_text_and_counts_arrive_in_every_format() {
    let Some((_mock, router)) = Mock::start("text").await else { return };
    for dialect in &DIALECTS {
        let name = dialect.name;
        for told in dialect.told(&router, &dialect.ask("text")).await {
            let text = "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich.";
            assert_eq!(told.content, text, "{name}");
            assert_eq!(told.finish, ["stop"], "{name}");
            assert!(told.pieces.is_none_or(|pieces| pieces > 5), "{name} came at once");
            let line = told.logged().await;
            assert_eq!(line["endpoint"], format!("mock-{name}/{}", dialect.model));
            if !dialect.lacks(Counts) {
                assert_eq!(line["estimated"], false, "{name}");
                let counts = [told.count("prompt_tokens"), told.count("completion_tokens")];
                assert_eq!(counts, [21, 13], "{name}: {}", told.usage);
                assert_eq!(line["cost_picodollars"], (21 * 2 + 13 * 3) * 1_000_000, "{name}");
            }
        }
    }
}

/// The mock's events are not Bedrock's here, which are not guessed at.
#[tokio::test(flavor = "multi_thread")]
async fn events_that_are_none_of_bedrocks_are_no_answer() {
    let Some((_mock, router)) = Mock::start("events").await else { return };
    for dialect in DIALECTS.iter().filter(|dialect| dialect.lacks(Streams)) {
        let mut request = dialect.ask("text");
        request["stream"] = json!(true);
        let answer = router.client().chat(&request).await;
        assert_eq!(answer.status, 502, "{}", answer.text());
        let error = &answer.json()["error"];
        assert_eq!(error["metadata"]["code"], "provider_unavailable", "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_a_mocked_provider_cut_short_is_told_as_that_in_every_format() {
    let Some((_mock, router)) = Mock::start("length").await else { return };
    for dialect in &DIALECTS {
        for told in dialect.told(&router, &dialect.ask("length")).await {
            assert_eq!(told.content, "It goes on and on and", "{}", dialect.name);
            let finish = if dialect.name == "ollama" { "stop" } else { "length" };
            assert_eq!(told.finish, [finish], "{}", dialect.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mocked_providers_call_of_a_tool_arrives_in_every_format() {
    let Some((_mock, router)) = Mock::start("call").await else { return };
    for dialect in &DIALECTS {
        for told in told(&router, dialect, "call").await {
            check_calls(dialect, &told, &["weather"]);
            assert_eq!(told.content, "", "{}", dialect.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mocked_providers_text_and_two_calls_arrive_in_every_format() {
    let Some((_mock, router)) = Mock::start("calls").await else { return };
    for dialect in &DIALECTS {
        for told in told(&router, dialect, "calls").await {
            check_calls(dialect, &told, &["weather", "clock"]);
            assert_eq!(told.content, "I look at both.", "{}", dialect.name);
        }
    }
}

/// These tools were called, in this order, and that ended the answer.
fn check_calls(dialect: &Dialect, told: &Told, names: &[&str]) {
    let known =
        [["call_a1", "weather", "{\"city\":\"Łódź\",\"days\":[1,2]}"], ["call_a2", "clock", "{}"]];
    if !dialect.lacks(Finish) {
        assert_eq!(told.finish, ["tool_calls"], "{}", dialect.name);
    }
    assert_eq!(told.calls.len(), names.len(), "{}: {:?}", dialect.name, told.calls);
    for (call, expected) in told.calls.iter().zip(known) {
        if dialect.lacks(Ids) {
            assert!(!call[0].is_empty(), "{}", dialect.name);
            assert_eq!(call[1..], expected[1..], "{}", dialect.name);
        } else {
            assert_eq!(call[..], expected, "{}", dialect.name);
        }
    }
    let ids: std::collections::BTreeSet<_> = told.calls.iter().map(|call| &call[0]).collect();
    assert_eq!(ids.len(), names.len(), "{}: the same id twice", dialect.name);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_input_of_a_mocked_providers_call_is_not_written_anew() {
    let Some((_mock, router)) = Mock::start("spaced").await else { return };
    for dialect in &DIALECTS {
        for told in told(&router, dialect, "spaced call").await {
            let input = r#"{ "days": [1, 2.50], "city": "\u0141ód\u017a" }"#;
            if dialect.lacks(Spaces) {
                let found: Value = serde_json::from_str(&told.calls[0][2]).unwrap();
                assert_eq!(found, json!({"days": [1, 2.5], "city": "Łódź"}), "{}", dialect.name);
            } else {
                assert_eq!(told.calls[0][2], input, "{}", dialect.name);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mocked_providers_reasoning_arrives_apart_from_its_answer() {
    let Some((_mock, router)) = Mock::start("thought").await else { return };
    for dialect in DIALECTS.iter().filter(|it| !it.lacks(Reasoning)) {
        let mut request = dialect.ask("thought");
        request["reasoning"] = json!({"effort": "low"});
        request["max_tokens"] = json!(4000);
        for told in dialect.told(&router, &request).await {
            assert_eq!(told.content, "Seven.", "{}", dialect.name);
            assert_eq!(told.reasoning, "Three and four make seven.", "{}", dialect.name);
            assert_eq!(told.finish, ["stop"], "{}", dialect.name);
        }
    }
}
