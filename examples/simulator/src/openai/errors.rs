//! Errors in the shape of each provider.

use serde_json::{Value, json};

use super::flavour::{Flavour, Name};
use crate::dialect::Refusal;

/// The error that the provider reports with this status.
pub(super) fn of_status(flavour: &Flavour, status: u16, model: &str) -> Refusal {
    let error = |kind, message: &str| Refusal::new(status, kind, message);
    match (flavour.name, status) {
        (Name::DeepSeek, 402) => error("unknown_error", "Insufficient Balance"),
        (Name::OpenRouter, 402) => error("", "Insufficient credits"),
        (Name::Azure, 404) => error(
            "",
            "The API deployment for this resource does not exist. If you created the \
             deployment within the last 5 minutes, please wait a moment and try again.",
        )
        .code("DeploymentNotFound"),
        (Name::Mistral, 404) => {
            Refusal::new(status, "invalid_model", format!("Invalid model: {model}")).code("1500")
        }
        (Name::Mistral, 429) => error("rate_limited", "Rate limit exceeded").code("1300"),
        (_, 401) => error(
            "invalid_request_error",
            "Incorrect API key provided: simul****. You can find your API key at \
             https://platform.openai.com/account/api-keys.",
        )
        .code("invalid_api_key"),
        (_, 402) => error("insufficient_quota", "You exceeded your current quota.")
            .code("insufficient_quota"),
        (_, 403) => error("request_forbidden", "Country, region, or territory not supported")
            .code("unsupported_country_region_territory"),
        (_, 404) => Refusal::new(
            404,
            "invalid_request_error",
            format!("The model `{model}` does not exist or you do not have access to it."),
        )
        .code("model_not_found"),
        (_, 429) => Refusal::new(
            429,
            "requests",
            format!(
                "Rate limit reached for {model} in organization org-simulated on \
                 requests per min (RPM): Limit 3, Used 3, Requested 1. \
                 Please try again later."
            ),
        )
        .code("rate_limit_exceeded"),
        (_, 500) => error(
            "server_error",
            "The server had an error while processing your request. Sorry about that!",
        ),
        (_, 503) => {
            error("server_error", "The engine is currently overloaded, please try again later.")
        }
        (_, 501..) => error("server_error", "The server is not available."),
        _ => error("invalid_request_error", "The request cannot be served."),
    }
}

/// The body of an error response.
pub(super) fn body(flavour: &Flavour, refusal: &Refusal) -> Value {
    let Refusal { status, kind, code, param, message, .. } = refusal;
    match flavour.name {
        Name::OpenAi | Name::DeepSeek => json!({"error": {
            "message": message, "type": kind, "param": param, "code": code}}),
        Name::Azure => json!({"error": {
            "code": code.map_or_else(|| status.to_string(), str::to_owned),
            "message": message, "param": param, "type": (!kind.is_empty()).then_some(kind)}}),
        Name::Groq => json!({"error": {"message": message, "type": kind, "code": code}}),
        Name::Perplexity => json!({"error": {"message": message, "type": kind, "code": status}}),
        Name::Xai => json!({"code": kind, "error": message}),
        Name::OpenRouter => json!({
            "error": {"code": status, "message": message}, "user_id": "user_simulated"}),
        Name::Mistral if *status == 422 => json!({
            "object": "error", "type": kind, "param": null, "code": null,
            "message": {"detail": [{"type": "extra_forbidden", "msg": message,
                                    "loc": ["body", param], "input": null}]}}),
        Name::Mistral if *status == 401 => json!({"detail": "Unauthorized"}),
        Name::Mistral => json!({
            "object": "error", "message": message, "type": kind, "param": param, "code": code}),
    }
}

/// The same inside a stream.
pub(super) fn frame(flavour: &Flavour, refusal: &Refusal, id: &str) -> Vec<u8> {
    let body = body(flavour, refusal);
    match flavour.name {
        Name::Groq => format!("event: error\ndata: {body}\n\n"),
        Name::OpenRouter => {
            let chunk = json!({
                "id": id, "object": "chat.completion.chunk", "created": 0, "model": "simulated",
                "provider": "Simulated", "error": body["error"],
                "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}],
            });
            format!("data: {chunk}\n\n")
        }
        _ => format!("data: {body}\n\n"),
    }
    .into_bytes()
}
