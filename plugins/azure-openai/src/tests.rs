//! The adapter on hand-written requests and transcripts.

use crate::{AzureOpenAi, OpenAiChat};
use plugway_formats::testing::{check_broken, read_stream, read_whole};
use plugway_sdk::chat::*;
use plugway_sdk::provider::{AuthScheme, Provider};
use plugway_sdk::testing::{Transcript, endpoint, explained, request};
use serde_json::{Value, json};

type Adapter = OpenAiChat<AzureOpenAi>;

fn path(options: &[(&str, &str)]) -> String {
    let asked = Request { model: "my deployment".into(), ..request() };
    Adapter::encode(asked, endpoint(options)).unwrap().path
}

#[test]
fn both_styles_of_url() {
    assert_eq!(path(&[]), "/chat/completions");
    assert_eq!(
        path(&[("api_version", r#""2024-10-21""#)]),
        "/deployments/my%20deployment/chat/completions?api-version=2024-10-21"
    );
    assert_eq!(path(&[("api", r#""responses""#)]), "/responses");
    assert_eq!(path(&[("path", r#""/x?api-version=preview""#)]), "/x?api-version=preview");
}

#[test]
fn keys_and_tokens() {
    let auth = Adapter::describe().auth;
    let [AuthScheme::Header(name), AuthScheme::Oauth(scope)] = auth.as_slice() else {
        panic!("{auth:?}")
    };
    assert_eq!(name, "api-key");
    assert_eq!(scope, "https://cognitiveservices.azure.com/.default");
}

#[test]
fn what_the_filter_found_is_native() {
    let found = json!({"hate": {"filtered": false, "severity": "safe"}});
    let prompt = json!([{"prompt_index": 0, "content_filter_results": found}]);
    let whole = json!({"id": "a1", "model": "m", "prompt_filter_results": prompt,
        "choices": [{"index": 0, "message": {"content": "Hi"}, "finish_reason": "content_filter",
            "content_filter_results": found}]});
    let chunk = |delta: Value, finish: Value, found: Value| {
        json!({"id": "a1", "model": "m", "choices": [{"index": 0, "delta": delta,
            "finish_reason": finish, "content_filter_results": found}]})
    };
    let data = [
        json!({"id": "", "model": "", "choices": [], "prompt_filter_results": prompt}),
        chunk(json!({"content": "Hi"}), Value::Null, Value::Null),
        chunk(json!({}), json!("content_filter"), found.clone()),
        json!("[DONE]"),
    ];
    let answer = read_whole::<Adapter>(&whole, "openai-chat");
    assert_eq!(answer, read_stream::<Adapter>(&data, "openai-chat"));
    assert_eq!(answer.origin.extra, [("prompt_filter_results".into(), prompt.to_string())]);
    assert_eq!(answer.finishes[0].reason, FinishReason::ContentFilter);
    assert_eq!(answer.finishes[0].extra, [("content_filter_results".into(), found.to_string())]);
    let foreign = read_whole::<Adapter>(&whole, "gemini");
    assert!(foreign.origin.extra.is_empty() && foreign.finishes[0].extra.is_empty());
    check_broken::<Adapter>(&whole, &data, "openai-chat");
}

#[test]
fn what_the_filter_refused_and_other_errors() {
    let check = |status, body: Value, kind, code: &str| {
        let failure = explained::<Adapter>(&Transcript::new(status, body.to_string()));
        assert_eq!((failure.kind, failure.code.as_deref()), (kind, Some(code)), "{body}");
    };
    check(
        400,
        json!({"error": {"code": "content_filter", "param": "prompt", "type": null, "status": 400,
            "message": "The response was filtered due to the prompt triggering the policy.",
            "innererror": {"code": "ResponsibleAIPolicyViolation"}}}),
        FailureKind::ContentPolicy,
        "content_filter",
    );
    check(
        404,
        json!({"error": {"code": "DeploymentNotFound", "message": "No such deployment."}}),
        FailureKind::ModelNotFound,
        "DeploymentNotFound",
    );
    let busy = json!({"error": {"code": "429", "message": "Too many calls. Please retry after 6 seconds."}});
    let failure = explained::<Adapter>(&Transcript::new(429, busy.to_string()));
    assert_eq!((failure.kind, failure.retry_after_ms), (FailureKind::RateLimited, Some(6000)));
    let denied = json!({"statusCode": 401, "message": "Unauthorized. Access token is missing."});
    let failure = explained::<Adapter>(&Transcript::new(401, denied.to_string()));
    assert_eq!(failure.kind, FailureKind::Authentication);
}
