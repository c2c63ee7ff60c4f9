//! What the service's errors are taken for.

use bedrock::Bedrock;
use plugway_sdk::chat::{Event, FailureKind};
use plugway_sdk::testing::{Transcript, explained, whole};

#[test]
fn errors_become_kinds() {
    use FailureKind::*;
    let cases = [
        (400, "ValidationException", "The provided model identifier is invalid.", ModelNotFound),
        (
            400,
            "ValidationException",
            "Invocation of model ID x with on-demand throughput isn't supported.",
            ModelNotFound,
        ),
        (
            400,
            "ValidationException",
            "Input is too long for requested model.",
            ContextLengthExceeded,
        ),
        (400, "ValidationException", "This model doesn't support video.", Unsupported),
        (400, "ValidationException", "messages.0: Field required", InvalidRequest),
        (403, "AccessDeniedException", "You don't have access to the model.", PermissionDenied),
        (
            403,
            "AccessDeniedException",
            "Authentication failed: Please make sure your API Key is valid.",
            Authentication,
        ),
        (
            403,
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
            Authentication,
        ),
        (403, "ExpiredTokenException", "Expired.", Authentication),
        (404, "ResourceNotFoundException", "Gone.", ModelNotFound),
        (408, "ModelTimeoutException", "Slow.", Timeout),
        (424, "ModelErrorException", "Broken.", Unavailable),
        (429, "ThrottlingException", "Too many requests.", RateLimited),
        (400, "ServiceQuotaExceededException", "Too much.", RateLimited),
        (429, "ModelNotReadyException", "Loading.", Overloaded),
        (500, "InternalServerException", "Oh no.", Unavailable),
        (503, "ServiceUnavailableException", "Later.", Overloaded),
        (418, "FutureException", "New.", Other),
    ];
    for (status, name, message, kind) in cases {
        let body = format!(r#"{{"message":"{message}"}}"#);
        let header = format!("{name}:http://internal.test/coral/");
        let by_header = Transcript::new(status, body).header("x-amzn-errortype", &header);
        let body =
            format!(r#"{{"__type":"com.amazon.coral.service#{name}","Message":"{message}"}}"#);
        for transcript in [by_header, Transcript::new(status, body)] {
            let failure = explained::<Bedrock>(&transcript);
            assert_eq!((failure.kind, failure.message.as_str()), (kind, message));
            assert_eq!(failure.code.as_deref(), Some(name));
        }
    }
}

#[test]
fn bodies_that_are_no_errors_leave_the_status_to_speak() {
    let cases = [
        (503, "<html>busy</html>", FailureKind::Overloaded),
        (400, "", FailureKind::InvalidRequest),
        (500, r#"{"message":null}"#, FailureKind::Unavailable),
        (403, r#"["x"]"#, FailureKind::PermissionDenied),
    ];
    for (status, body, kind) in cases {
        let failure =
            explained::<Bedrock>(&Transcript::new(status, body).header("retry-after", "2"));
        assert_eq!(failure.kind, kind);
        assert_eq!(failure.message, format!("Bedrock answered with status {status}"));
        assert_eq!(failure.retry_after_ms, Some(2000));
    }
}

#[test]
fn credentials_never_reach_the_client() {
    let message = "The token ABSKQmVkcm9ja0FQSUtleS1leGFtcGxlLTEyMzQ1Njc4OTA is bad";
    let body = format!(r#"{{"message":"{message}"}}"#);
    let failure = explained::<Bedrock>(&Transcript::new(403, body));
    assert_eq!(failure.message, "The token [redacted] is bad");
}

#[test]
fn answers_that_are_none_fail() {
    let nonsense = [
        "",
        "<html></html>",
        "[]",
        "{}",
        r#"{"output":null}"#,
        r#"{"output":{"message":{"content":"text"}}}"#,
    ];
    for body in nonsense {
        let events = whole::<Bedrock>(&Transcript::new(200, body), "");
        let [Event::Failed(failure)] = &events[..] else {
            panic!("{body}: {events:?}");
        };
        assert_eq!(failure.kind, FailureKind::Unavailable, "{body}");
    }
    let late = r#"{"__type":"ThrottlingException","message":"Too many requests"}"#;
    let events = whole::<Bedrock>(&Transcript::new(200, late), "");
    assert!(matches!(&events[..], [Event::Failed(it)] if it.kind == FailureKind::RateLimited));
}
