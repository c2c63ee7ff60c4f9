//! What the service's errors mean for the request: whose fault, and whether another
//! endpoint may do better. An error's name is in a header, in the body or, in a stream,
//! on the frame.

use plugway_formats::json::Fields;
use plugway_formats::report::cleaned;
use plugway_sdk::chat::{Failure, FailureKind};
use plugway_sdk::provider::UpstreamResponse;

/// Explains a response that is no success.
pub(crate) fn explain(response: &UpstreamResponse) -> Failure {
    let head = &response.head;
    let body = fields(&response.body);
    let name = head.header("x-amzn-errortype").map(Into::into).or_else(|| named(&body));
    let implied = FailureKind::from_status(head.status);
    let mut failure = failure(name.as_deref(), &body, implied);
    if failure.message.is_empty() {
        failure.message = format!("Bedrock answered with status {}", head.status);
    }
    failure.retry_after_ms = head.retry_after_ms();
    failure
}

/// The failure that a frame of this name tells of.
pub(crate) fn in_stream(name: Option<&str>, data: &[u8]) -> Failure {
    let body = fields(data);
    let inner = named(&body);
    let mut failure = failure(name.or(inner.as_deref()), &body, FailureKind::Unavailable);
    if failure.message.is_empty() {
        failure.message = "Bedrock ended its answer with an error".into();
    }
    failure
}

/// The failure in a body that came with a success; none in an answer.
pub(crate) fn inside(body: &Fields) -> Option<Failure> {
    let name = named(body);
    let failure = failure(name.as_deref(), body, FailureKind::Unavailable);
    (name.is_some() || !failure.message.is_empty()).then_some(failure)
}

fn fields(body: &[u8]) -> Fields {
    std::str::from_utf8(body).ok().and_then(Fields::read).unwrap_or_default()
}

fn named(body: &Fields) -> Option<String> {
    body.text("__type").or_else(|| body.text("code"))
}

/// `implied` is what stands where the name is unknown.
fn failure(name: Option<&str>, body: &Fields, implied: FailureKind) -> Failure {
    let name = name.map(bare).filter(|name| !name.is_empty());
    let message = body.text("message").or_else(|| body.text("Message")).unwrap_or_default();
    let lower = message.to_ascii_lowercase();
    let kind = name.and_then(|name| kind_of(name, &lower));
    let kind = kind.or_else(|| refused_key(&lower)).unwrap_or_else(|| match implied {
        FailureKind::InvalidRequest => refused(&lower),
        implied => implied,
    });
    Failure { code: name.map(Into::into), ..Failure::new(kind, cleaned(&message)) }
}

/// `ValidationException` of `ValidationException:http://...` and of
/// `com.amazon.coral.validate#ValidationException`.
fn bare(name: &str) -> &str {
    let name = name.split(':').next().unwrap_or_default();
    name.rsplit('#').next().unwrap_or_default().trim()
}

fn kind_of(name: &str, message: &str) -> Option<FailureKind> {
    // The names on frames begin with a small letter.
    let mut name = name.to_owned();
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    Some(match name.as_str() {
        "ValidationException" | "ConflictException" => refused(message),
        "ThrottlingException" | "TooManyRequestsException" | "ServiceQuotaExceededException" => {
            FailureKind::RateLimited
        }
        "ModelNotReadyException" | "ServiceUnavailableException" => FailureKind::Overloaded,
        "ModelTimeoutException" => FailureKind::Timeout,
        "ModelErrorException"
        | "ModelStreamErrorException"
        | "InternalServerException"
        | "InternalFailure" => FailureKind::Unavailable,
        "ResourceNotFoundException" => FailureKind::ModelNotFound,
        "AccessDeniedException" => refused_key(message).unwrap_or(FailureKind::PermissionDenied),
        "ExpiredTokenException"
        | "IncompleteSignatureException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "MissingAuthenticationTokenException"
        | "UnrecognizedClientException" => FailureKind::Authentication,
        _ => return None,
    })
}

fn refused_key(message: &str) -> Option<FailureKind> {
    ["api key", "authentication failed", "security token"]
        .iter()
        .any(|phrase| message.contains(phrase))
        .then_some(FailureKind::Authentication)
}

/// The service calls most things invalid; only the message tells them apart.
fn refused(message: &str) -> FailureKind {
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| message.contains(phrase));
    if says(&[
        "input is too long",
        "prompt is too long",
        "too many input tokens",
        "context window",
        "context length",
        "maximum context",
    ]) {
        FailureKind::ContextLengthExceeded
    } else if says(&["model identifier", "on-demand throughput", "end of its life", "model id"]) {
        FailureKind::ModelNotFound
    } else if says(&["content filter", "usage policy"]) {
        FailureKind::ContentPolicy
    } else if says(&["support", "extraneous key", "not permitted", "not allowed"]) {
        // What one model does not take, another may.
        FailureKind::Unsupported
    } else {
        FailureKind::InvalidRequest
    }
}
