//! What the server's errors mean for the request: whose fault, and whether another
//! endpoint may do better. An error is one sentence; the status tells the rest.

use plugway_formats::json::Fields;
use plugway_formats::report::{cleaned, kind_of_prose};
use plugway_sdk::chat::{Failure, FailureKind};
use plugway_sdk::provider::{ResponseHead, UpstreamResponse};

/// Explains a response that is no success.
pub(crate) fn explain(response: &UpstreamResponse) -> Failure {
    let body = std::str::from_utf8(&response.body).ok().and_then(Fields::read);
    let message = body.as_ref().and_then(message);
    failure(&response.head, &message.unwrap_or_default())
}

/// The error in a body or line that came with a success; none in an answer.
pub(crate) fn inside(line: &Fields) -> Option<Failure> {
    let message = message(line)?;
    // The cloud repeats the status where it can no longer send it.
    let status = ["StatusCode", "status_code"]
        .iter()
        .find_map(|name| line.get(name)?.parse().ok())
        .filter(|status| (400..600).contains(status));
    Some(failure(&ResponseHead { status: status.unwrap_or(500), headers: Vec::new() }, &message))
}

/// The server answered with something that is no answer.
pub(crate) fn unreadable() -> Failure {
    Failure::unavailable("Ollama sent an answer that cannot be read")
}

fn message(body: &Fields) -> Option<String> {
    let error = body.get("error").filter(|error| *error != "null")?;
    body.text("error").or_else(|| Fields::read(error)?.text("message"))
}

fn failure(head: &ResponseHead, message: &str) -> Failure {
    let status = head.status;
    let kind = kind(status, &message.to_ascii_lowercase());
    let message = match cleaned(message) {
        // A proxy's page, most likely.
        empty if empty.is_empty() => format!("Ollama answered with status {status}"),
        message => message,
    };
    Failure { kind, ..Failure::from_head(head, message) }
}

fn kind(status: u16, message: &str) -> FailureKind {
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| message.contains(phrase));
    match status {
        401 => FailureKind::Authentication,
        _ if says(&["server busy", "maximum pending requests"]) => FailureKind::Overloaded,
        400 | 500 if says(&["model '", "model \""]) && says(&["not found"]) => {
            FailureKind::ModelNotFound
        }
        400 if says(&["invalid model name"]) => FailureKind::ModelNotFound,
        _ => kind_of_prose(status, message).unwrap_or_else(|| FailureKind::from_status(status)),
    }
}
