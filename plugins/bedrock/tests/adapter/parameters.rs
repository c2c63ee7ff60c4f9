//! Limits, sampling, reasoning and the form of the answer.

use plugway_sdk::chat::{
    FailureKind, JsonSchema, ReasoningOptions, Request, ResponseFormat, Sampling,
};
use plugway_sdk::provider::Framing;
use plugway_sdk::testing::endpoint;
use serde_json::{Value, json};

use crate::{
    CLAUDE, NOVA, OTHER, body, body_at, check, check_refused, encode, native_request, request,
};

fn reasoning(model: &str, options: ReasoningOptions) -> Request {
    Request { reasoning: Some(options), ..request(model) }
}

fn effort(word: &str) -> ReasoningOptions {
    ReasoningOptions { effort: Some(word.into()), ..ReasoningOptions::default() }
}

fn additional(request: &Request) -> Value {
    body(request)["additionalModelRequestFields"].clone()
}

#[test]
fn a_plain_request_is_posted_to_its_model() {
    let upstream = encode(&request(OTHER), endpoint(&[])).unwrap();
    assert_eq!(upstream.method, "POST");
    assert_eq!(upstream.path, "/model/vendor.model-1/converse");
    assert_eq!(upstream.headers, [("content-type".into(), "application/json".into())]);
    check(request(OTHER), json!({}));
    check(request(CLAUDE), json!({}));

    let streaming = Request { streaming: true, ..request("arn:aws:bedrock:r:1:profile/x") };
    let upstream = encode(&streaming, endpoint(&[])).unwrap();
    assert_eq!(upstream.path, "/model/arn%3Aaws%3Abedrock%3Ar%3A1%3Aprofile%2Fx/converse-stream");
    assert_eq!(upstream.framing, Framing::AwsEventStream);
}

#[test]
fn sampling_is_carried_over() {
    let sampling = Sampling {
        temperature: Some(1.5),
        top_p: Some(0.9),
        top_k: Some(40),
        stop: vec!["END".into()],
        seed: Some(7),
        ..Sampling::default()
    };
    let it = |model| Request { sampling: sampling.clone(), max_tokens: Some(9), ..request(model) };
    let config = json!({"maxTokens": 9, "temperature": 1.5, "topP": 0.9, "stopSequences": ["END"]});
    check(it(OTHER), json!({"inferenceConfig": config}));
    let nova = json!({
        "inferenceConfig": config,
        "additionalModelRequestFields": {"inferenceConfig": {"topK": 40}},
    });
    check(it(NOVA), nova);
    // Anthropic's newer models take one of the two, up to 1, and say which sequence was met.
    let claude = json!({
        "inferenceConfig": {"maxTokens": 9, "temperature": 1.0, "stopSequences": ["END"]},
        "additionalModelRequestFields": {"top_k": 40},
        "additionalModelResponseFieldPaths": ["/stop_sequence"],
    });
    check(it(CLAUDE), claude);
}

#[test]
fn reasoning_is_asked_for_in_the_words_of_the_family() {
    let claude = body(&reasoning(CLAUDE, effort("low")));
    let thinking = json!({"thinking": {"type": "enabled", "budget_tokens": 1024}});
    assert_eq!(claude["additionalModelRequestFields"], thinking);
    assert_eq!(claude["inferenceConfig"]["maxTokens"], 4096, "a budget needs a limit above it");

    let adaptive = additional(&reasoning("us.anthropic.claude-opus-4-8", effort("high")));
    let thinking = json!({"type": "adaptive", "display": "summarized"});
    assert_eq!(adaptive, json!({"thinking": thinking, "output_config": {"effort": "high"}}));

    let nova = additional(&reasoning(NOVA, effort("minimal")));
    assert_eq!(nova, json!({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}}));
    let off = ReasoningOptions { enabled: Some(false), ..ReasoningOptions::default() };
    let nova = additional(&reasoning(NOVA, off.clone()));
    assert_eq!(nova, json!({"reasoningConfig": {"type": "disabled"}}));

    let openai = "openai.gpt-oss-120b-1:0";
    assert_eq!(
        additional(&reasoning(openai, effort("xhigh"))),
        json!({"reasoning_effort": "high"})
    );
    check(reasoning(OTHER, effort("high")), json!({}));
    check_refused(reasoning("amazon.nova-pro-v1:0", effort("high")), FailureKind::Unsupported);
    check(reasoning("amazon.nova-pro-v1:0", off), json!({}));
}

#[test]
fn the_family_can_be_told_by_the_operator() {
    let it = Request {
        sampling: Sampling { top_k: Some(5), ..Sampling::default() },
        ..request("arn:aws:bedrock:us-east-1:1:application-inference-profile/x")
    };
    let sent = |family| body_at(&it, endpoint(&[("family", family)]));
    assert_eq!(sent("null").get("additionalModelRequestFields"), None);
    assert_eq!(sent("\"anthropic\"")["additionalModelRequestFields"], json!({"top_k": 5}));
    let nova = json!({"inferenceConfig": {"topK": 5}});
    assert_eq!(sent("\"nova\"")["additionalModelRequestFields"], nova);
    assert_eq!(sent("\"other\"").get("additionalModelRequestFields"), None);
    let wrong = encode(&it, endpoint(&[("family", "\"unheard\"")])).unwrap_err();
    assert_eq!(wrong.kind, FailureKind::Unsupported);
}

#[test]
fn answers_in_json() {
    let schema = JsonSchema {
        name: Some("city".into()),
        description: None,
        schema: r#"{"type":"object"}"#.into(),
        strict: Some(true),
    };
    let format = Some(ResponseFormat::JsonSchema(schema));
    let it = |model| Request { response_format: format.clone(), ..request(model) };
    let config = json!({"textFormat": {"type": "json_schema", "structure": {
        "jsonSchema": {"schema": r#"{"type":"object"}"#, "name": "city"}}}});
    check(it(OTHER), json!({"outputConfig": config}));
    check(it(CLAUDE), json!({"outputConfig": config}));
    check_refused(it("anthropic.claude-3-haiku-20240307-v1:0"), FailureKind::Unsupported);

    let object = Request { response_format: Some(ResponseFormat::JsonObject), ..request(OTHER) };
    let system = body(&object)["system"].as_array().unwrap().clone();
    assert!(system[0]["text"].as_str().unwrap().contains("JSON object"));
}

#[test]
fn tiers_and_latency_are_sent() {
    let tier = |tier: &str| {
        let it = Request { service_tier: Some(tier.into()), ..request(OTHER) };
        body(&it)["serviceTier"].clone()
    };
    assert_eq!(tier("priority"), json!({"type": "priority"}));
    assert_eq!(tier("flex"), json!({"type": "flex"}));
    assert_eq!(tier("auto"), Value::Null);
    let sent = body_at(&request(OTHER), endpoint(&[("latency", "\"optimized\"")]));
    assert_eq!(sent["performanceConfig"], json!({"latency": "optimized"}));
}

#[test]
fn the_operators_guardrail_is_sent() {
    let guardrail = r#"{"guardrailIdentifier":"g","guardrailVersion":"1","trace":"enabled"}"#;
    let sent = body_at(&request(OTHER), endpoint(&[("guardrail", guardrail)]));
    assert_eq!(sent["guardrailConfig"], serde_json::from_str::<Value>(guardrail).unwrap());
    // A native client's own does not replace it.
    let mut it = native_request(OTHER);
    it.extra = vec![("guardrailConfig".into(), r#"{"guardrailIdentifier":"none"}"#.into())];
    let sent = body_at(&it, endpoint(&[("guardrail", guardrail)]));
    assert_eq!(sent["guardrailConfig"]["guardrailIdentifier"], "g");
}

#[test]
fn native_fields_fill_gaps_at_any_depth() {
    let mut it = native_request(CLAUDE);
    it.reasoning = Some(ReasoningOptions { enabled: Some(true), ..ReasoningOptions::default() });
    it.sampling.temperature = Some(1.5);
    let more = r#"{"thinking":{"type":"other","display":"omitted"},"x":1}"#;
    it.extra = [
        ("additionalModelRequestFields", more),
        ("additionalModelResponseFieldPaths", r#"["/stop_sequence"]"#),
        ("requestMetadata", r#"{"team":"a"}"#),
        ("promptVariables", r#"{"v":{"text":"t"}}"#),
    ]
    .map(|(name, json)| (name.into(), json.into()))
    .into();
    let expected = json!({
        "inferenceConfig": {"temperature": 1.5},
        "additionalModelRequestFields": {
            "thinking": {"type": "adaptive", "display": "omitted"}, "x": 1,
        },
        "additionalModelResponseFieldPaths": ["/stop_sequence"],
        "requestMetadata": {"team": "a"},
        "promptVariables": {"v": {"text": "t"}},
    });
    check(it.clone(), expected);
    let foreign = Request { dialect: "openai-chat".into(), ..it };
    assert_eq!(body(&foreign).get("requestMetadata"), None);
}

#[test]
fn features_in_beta_are_asked_of_anthropics_models() {
    let mut it = request(CLAUDE);
    it.dialect = "anthropic-messages".into();
    it.headers = vec![("anthropic-beta".into(), "a-1, b-2".into())];
    assert_eq!(additional(&it), json!({"anthropic_beta": ["a-1", "b-2"]}));
    it.extra = vec![("context_management".into(), r#"{"edits":[]}"#.into())];
    assert_eq!(additional(&it)["context_management"], json!({"edits": []}));
    it.extra = Vec::new();
    let known = endpoint(&[("betas", r#"["b-2"]"#)]);
    let sent = body_at(&it, known);
    assert_eq!(sent["additionalModelRequestFields"], json!({"anthropic_beta": ["b-2"]}));
    assert_eq!(additional(&Request { model: OTHER.into(), ..it }), Value::Null);
}

#[test]
fn what_would_change_the_answer_is_refused() {
    let refused = |it| check_refused(it, FailureKind::Unsupported);
    refused(Request { choices: 2, ..request(OTHER) });
    refused(Request { modalities: vec!["image".into()], ..request(OTHER) });
    let sampling = Sampling { top_logprobs: Some(0), ..Sampling::default() };
    refused(Request { sampling, ..request(OTHER) });
    let format = Some(ResponseFormat::Native("{}".into()));
    refused(Request { response_format: format, ..request(OTHER) });
}
