//! How the answer is wished: limits, sampling, reasoning, form.

use plugway_sdk::chat::{
    CachePoint, FailureKind, JsonSchema, PartBody, ReasoningOptions, Request, ResponseFormat, Tool,
};
use plugway_sdk::provider::Endpoint;
use plugway_sdk::testing::endpoint;
use serde_json::json;

use crate::{ADAPTIVE, BUDGETS, body, body_at, check, check_refused, encode, request, user};

#[test]
fn a_plain_request_is_posted_with_the_version_of_the_api() {
    let upstream = encode(&request(), endpoint(&[])).unwrap();
    assert_eq!(upstream.method, "POST");
    assert_eq!(upstream.path, "messages");
    assert_eq!(
        upstream.headers,
        [
            ("content-type".to_owned(), "application/json".to_owned()),
            ("anthropic-version".to_owned(), "2023-06-01".to_owned()),
        ]
    );
    check(request(), json!({}));

    let other = encode(&request(), endpoint(&[("version", "\"2030-01-01\"")])).unwrap();
    assert!(other.headers.contains(&("anthropic-version".into(), "2030-01-01".into())));
}

#[test]
fn a_limit_is_always_sent() {
    let known = || Endpoint { max_output_tokens: Some(64_000), options: Vec::new() };
    assert_eq!(body_at(&request(), known())["max_tokens"], 64_000);
    let limited = Request { max_tokens: Some(7), ..request() };
    assert_eq!(body_at(&limited, known())["max_tokens"], 7);
}

#[test]
fn plain_fields_are_carried_over() {
    let mut it = request();
    it.streaming = true;
    it.user = Some("u-1".into());
    it.auto_cache = Some(CachePoint { ttl: Some("1h".into()) });
    it.sampling.temperature = Some(0.5);
    it.sampling.top_p = Some(0.9);
    it.sampling.top_k = Some(40);
    it.sampling.stop = vec!["END".into()];
    it.sampling.seed = Some(7);
    it.sampling.frequency_penalty = Some(1.0);
    it.sampling.logit_bias = vec![("50256".into(), -100.0)];
    let expected = json!({
        "stream": true,
        "metadata": {"user_id": "u-1"},
        "cache_control": {"type": "ephemeral", "ttl": "1h"},
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 40,
        "stop_sequences": ["END"],
    });
    check(it, expected);
}

#[test]
fn sampling_that_the_model_refuses_is_dropped() {
    let sampled = |model: &str| {
        let mut it = request();
        it.model = model.into();
        it.sampling.temperature = Some(1.7);
        it.sampling.top_p = Some(0.96);
        it.sampling.top_k = Some(5);
        it
    };
    check(sampled("m"), json!({"temperature": 1.0, "top_p": 0.96, "top_k": 5}));
    check(sampled(BUDGETS), json!({"temperature": 1.0, "top_k": 5}));
    check(sampled(ADAPTIVE), json!({}));

    let mut thinking = sampled("claude-3-7-sonnet-latest");
    thinking.reasoning = Some(effort("low"));
    let sent = body(&thinking);
    assert_eq!(sent["top_p"], 0.96);
    assert!(sent.get("temperature").is_none() && sent.get("top_k").is_none());
}

#[test]
fn service_tiers_become_the_nearest() {
    let tiers = [
        ("auto", json!({"service_tier": "auto"})),
        ("priority", json!({"service_tier": "auto"})),
        ("default", json!({"service_tier": "standard_only"})),
        ("flex", json!({})),
    ];
    for (tier, expected) in tiers {
        let it = Request { service_tier: Some(tier.into()), ..request() };
        check(it, expected);
    }
}

fn effort(word: &str) -> ReasoningOptions {
    ReasoningOptions { effort: Some(word.into()), ..ReasoningOptions::default() }
}

fn reasoning(model: &str, max_tokens: Option<u32>, options: ReasoningOptions) -> Request {
    Request { model: model.into(), max_tokens, reasoning: Some(options), ..request() }
}

fn budget(tokens: u32) -> ReasoningOptions {
    ReasoningOptions { max_tokens: Some(tokens), ..ReasoningOptions::default() }
}

#[test]
fn efforts_are_shares_of_the_limit() {
    let cases = [
        ("max", 20_000, 19_000),
        ("xhigh", 20_000, 19_000),
        ("high", 20_000, 16_000),
        ("medium", 20_000, 10_000),
        ("low", 20_000, 4_000),
        ("minimal", 20_000, 2_000),
        ("minimal", 2_000, 1_024),
        ("high", 1_000_000, 128_000),
    ];
    for (word, max_tokens, budget_tokens) in cases {
        let expected = json!({
            "max_tokens": max_tokens,
            "thinking": {"type": "enabled", "budget_tokens": budget_tokens},
        });
        check(reasoning(BUDGETS, Some(max_tokens), effort(word)), expected);
    }
    check_refused(reasoning(BUDGETS, Some(1024), effort("high")), FailureKind::Unsupported);
}

#[test]
fn budgets_fit_into_the_limit() {
    let enabled = |max_tokens: u32, budget_tokens: u32| {
        json!({
            "max_tokens": max_tokens,
            "thinking": {"type": "enabled", "budget_tokens": budget_tokens},
        })
    };
    check(reasoning(BUDGETS, Some(5000), budget(2000)), enabled(5000, 2000));
    check(reasoning(BUDGETS, Some(5000), budget(10)), enabled(5000, 1024));
    check(reasoning(BUDGETS, None, budget(10_000)), enabled(14_096, 10_000));
    check_refused(reasoning(BUDGETS, Some(5000), budget(5000)), FailureKind::InvalidRequest);

    let known = Endpoint { max_output_tokens: Some(8000), options: Vec::new() };
    let sent = body_at(&reasoning(BUDGETS, None, budget(10_000)), known);
    assert_eq!(sent["max_tokens"], 8000);
    assert_eq!(sent["thinking"]["budget_tokens"], 7600);
}

#[test]
fn reasoning_is_switched_as_asked() {
    let switch =
        |enabled, hidden| ReasoningOptions { enabled, hidden, ..ReasoningOptions::default() };
    let disabled = json!({"thinking": {"type": "disabled"}});
    check(reasoning(BUDGETS, None, switch(Some(false), false)), disabled.clone());
    check(reasoning(BUDGETS, None, effort("none")), disabled);
    check(reasoning(BUDGETS, None, switch(None, true)), json!({}));
    check(
        reasoning(BUDGETS, None, switch(Some(true), true)),
        json!({"thinking": {"type": "enabled", "budget_tokens": 2048, "display": "omitted"}}),
    );
    let old = "claude-3-haiku-20240307";
    check(reasoning(old, None, switch(Some(false), false)), json!({}));
    check_refused(reasoning(old, None, effort("high")), FailureKind::Unsupported);
}

#[test]
fn adaptive_models_are_told_the_effort() {
    let adaptive = |effort: Option<&str>| {
        let thinking = json!({"type": "adaptive", "display": "summarized"});
        match effort {
            Some(word) => json!({"thinking": thinking, "output_config": {"effort": word}}),
            None => json!({"thinking": thinking}),
        }
    };
    let words =
        [("minimal", "low"), ("low", "low"), ("high", "high"), ("xhigh", "xhigh"), ("max", "max")];
    for (asked, sent) in words {
        check(reasoning(ADAPTIVE, None, effort(asked)), adaptive(Some(sent)));
    }
    check(reasoning(ADAPTIVE, None, budget(2000)), adaptive(None));

    let older = reasoning("claude-opus-4-6", None, effort("xhigh"));
    let sent = body_at(&older, endpoint(&[("adaptive_thinking", "true")]));
    assert_eq!(sent["output_config"]["effort"], "high");
    assert_eq!(sent["thinking"]["type"], "adaptive");
}

#[test]
fn verbosity_is_an_effort_where_there_is_one() {
    for (model, expected) in
        [(ADAPTIVE, json!({"output_config": {"effort": "low"}})), (BUDGETS, json!({}))]
    {
        let it = Request { model: model.into(), verbosity: Some("low".into()), ..request() };
        check(it, expected);
    }
}

#[test]
fn answers_in_json() {
    let schema = ResponseFormat::JsonSchema(JsonSchema {
        name: Some("city".into()),
        description: None,
        schema: r#"{"type":"object"}"#.into(),
        strict: Some(true),
    });
    let formatted = |model: &str, format: &ResponseFormat| Request {
        model: model.into(),
        response_format: Some(format.clone()),
        ..request()
    };
    let format = json!({"type": "json_schema", "schema": {"type": "object"}});
    check(formatted(BUDGETS, &schema), json!({"output_config": {"format": format}}));
    check_refused(formatted("claude-3-opus-latest", &schema), FailureKind::Unsupported);
    check(formatted(BUDGETS, &ResponseFormat::Text), json!({}));

    let object = body(&formatted(BUDGETS, &ResponseFormat::JsonObject));
    let instruction = object["system"][0]["text"].as_str().unwrap();
    assert!(instruction.contains("JSON object"), "{instruction}");
    assert!(object.get("output_config").is_none());
}

#[test]
fn what_would_change_the_answer_is_refused() {
    let cases: [fn(&mut Request); 7] = [
        |it| it.choices = 2,
        |it| it.sampling.top_logprobs = Some(0),
        |it| it.modalities = vec!["text".into(), "image".into()],
        |it| it.sampling.stop = vec!["\n\n".into()],
        |it| it.tools = vec![Tool::Native("{}".into())],
        |it| it.messages = vec![user(vec![PartBody::Native("{}".into()).into()])],
        |it| it.response_format = Some(ResponseFormat::Native("{}".into())),
    ];
    for change in cases {
        let mut it = request();
        change(&mut it);
        check_refused(it, FailureKind::Unsupported);
    }
}
