//! Errors of the service: a name in a header, and a sentence.

use serde_json::json;

use super::event_stream;
use crate::dialect::Refusal;

pub(super) fn of_status(status: u16, model: &str) -> Refusal {
    let (kind, message) = match status {
        400 => ("ValidationException", "The request cannot be served.".to_owned()),
        401 => (
            "UnrecognizedClientException",
            "The security token included in the request is invalid.".to_owned(),
        ),
        403 => (
            "AccessDeniedException",
            "You don't have access to the model with the specified model ID.".to_owned(),
        ),
        404 => (
            "ResourceNotFoundException",
            format!("Could not resolve the foundation model from the model identifier: {model}"),
        ),
        408 => ("ModelTimeoutException", "Model has timed out in processing.".to_owned()),
        424 => ("ModelErrorException", "The model failed to produce an answer.".to_owned()),
        429 => (
            "ThrottlingException",
            "Too many requests, please wait before trying again.".to_owned(),
        ),
        503 => {
            ("ServiceUnavailableException", "Bedrock is unable to process your request.".to_owned())
        }
        500.. => (
            "InternalServerException",
            "The system encountered an unexpected error during processing. Try your request \
             again."
                .to_owned(),
        ),
        _ => ("ValidationException", "The request cannot be served.".to_owned()),
    };
    Refusal::new(status, kind, message)
}

pub(super) fn body(refusal: &Refusal) -> Vec<u8> {
    json!({"message": refusal.message}).to_string().into_bytes()
}

/// An exception within a stream, whose name begins with a small letter.
pub(super) fn frame(refusal: &Refusal) -> Vec<u8> {
    let mut name = refusal.kind.to_owned();
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    event_stream::exception(&name, &body(refusal))
}

/// A request that the service finds malformed.
pub(super) fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "ValidationException", message)
}
