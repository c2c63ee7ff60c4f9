//! Whose fault a refusal was. Servers of this format wrap their errors in half a
//! dozen ways, and classify them by status, code, type or prose alone.

use plugway_sdk::chat::{Failure, FailureKind};
use plugway_sdk::provider::{ResponseHead, UpstreamResponse};
use serde_json::Value;

/// Characters of a provider's message that are passed on.
const MESSAGE_LIMIT: usize = 600;

/// Beginnings of keys, and of names of accounts, that providers repeat in messages.
const SECRETS: [&str; 10] =
    ["sk-", "sk_", "pk-", "gsk_", "xai-", "hf_", "AIza", "org-", "proj_", "user_"];

/// Explains a response whose status is no success.
pub(crate) fn explain(response: &UpstreamResponse) -> Failure {
    let head = &response.head;
    let report = serde_json::from_slice(&response.body)
        .ok()
        .and_then(|body: Value| Report::find(&body))
        .unwrap_or_else(|| Report::from_prose(&response.body));
    report.failure(head)
}

/// The failure inside a body or chunk that came with a success; none in an answer.
pub(crate) fn in_band(chunk: &Value) -> Option<Failure> {
    let bare = chunk.get("choices").is_none() && chunk.get("usage").is_none();
    let failed = chunk.get("error").is_some_and(|error| !error.is_null())
        || chunk.get("object").is_some_and(|object| object == "error")
        || (bare && chunk.get("message").is_some_and(Value::is_string));
    let report = failed.then(|| Report::find(chunk)).flatten()?;
    // Servers that fail late write the status where the code would be.
    let status = report.status().unwrap_or(500);
    Some(report.failure(&ResponseHead { status, headers: Vec::new() }))
}

/// What an error body says, wherever it says it.
#[derive(Debug, Default)]
struct Report {
    message: String,
    code: Option<String>,
    kind: Option<String>,
    param: Option<String>,
    status: Option<u16>,
}

impl Report {
    fn find(body: &Value) -> Option<Self> {
        let body = body.as_array().and_then(|list| list.first()).unwrap_or(body);
        match body.get("error").filter(|error| !error.is_null()) {
            Some(Value::String(message)) => {
                Some(Self { message: message.clone(), ..Self::default() })
            }
            Some(error) => Self::read(error),
            None => Self::read(body),
        }
    }

    fn read(error: &Value) -> Option<Self> {
        let string = |name: &str| match error.get(name)? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let message = string("message").or_else(|| detail(error.get("detail")?))?;
        let number = |name: &str| u16::try_from(error.get(name)?.as_u64()?).ok();
        Some(Self {
            message,
            code: string("code"),
            kind: string("type").or_else(|| string("status")),
            param: string("param"),
            status: number("code").or_else(|| number("status_code")),
        })
    }

    /// A page or a line of a proxy's, which is nobody's API.
    fn from_prose(body: &[u8]) -> Self {
        let prose = String::from_utf8_lossy(body);
        let prose = prose.trim();
        let message = if prose.starts_with(['<', '{', '[']) { "" } else { prose };
        Self { message: message.into(), ..Self::default() }
    }

    fn status(&self) -> Option<u16> {
        self.status.filter(|status| (400..600).contains(status))
    }

    fn failure(self, head: &ResponseHead) -> Failure {
        let kind = self.failure_kind(head.status);
        let message = match cleaned(&self.message) {
            empty if empty.is_empty() => {
                format!("the provider answered with status {}", head.status)
            }
            message => message,
        };
        // Where there is no code, or only the status over again, the type says more.
        let code = self.code.filter(|code| code.parse::<u16>().is_err()).or(self.kind);
        Failure { kind, code, param: self.param, ..Failure::from_head(head, message) }
    }

    fn failure_kind(&self, status: u16) -> FailureKind {
        // A refused credential is that, whatever words come with it.
        if status == 401 {
            return FailureKind::Authentication;
        }
        let words = [self.code.as_deref(), self.kind.as_deref()];
        let named = words.into_iter().flatten().find_map(kind_of_word);
        named
            .or_else(|| kind_of_prose(status, &self.message.to_ascii_lowercase()))
            .unwrap_or_else(|| FailureKind::from_status(status))
    }
}

/// FastAPI's `detail`: a sentence, or a list of what is wrong with which field.
fn detail(detail: &Value) -> Option<String> {
    match detail {
        Value::String(sentence) => Some(sentence.clone()),
        Value::Array(list) => Some(list.first()?.get("msg")?.as_str()?.to_owned()),
        other => Some(other.get("message")?.as_str()?.to_owned()),
    }
}

/// What a code or type means. Those that repeat the status, such as
/// `invalid_request_error`, are left to it.
fn kind_of_word(word: &str) -> Option<FailureKind> {
    Some(match word {
        "context_length_exceeded" | "exceed_context_size_error" | "string_above_max_length" => {
            FailureKind::ContextLengthExceeded
        }
        "content_policy_violation"
        | "content_filter"
        | "moderation_blocked"
        | "ResponsibleAIPolicyViolation"
        | "responsible_ai_policy_violation" => FailureKind::ContentPolicy,
        "insufficient_quota"
        | "billing_hard_limit_reached"
        | "billing_not_active"
        | "insufficient_balance"
        | "insufficient_credits" => FailureKind::PaymentRequired,
        "model_not_found"
        | "invalid_model"
        | "model_not_available"
        | "unknown_model"
        | "DeploymentNotFound" => FailureKind::ModelNotFound,
        "invalid_api_key" | "authentication_error" | "invalid_authentication" => {
            FailureKind::Authentication
        }
        "rate_limit_exceeded" | "rate_limit_error" | "tokens" | "requests" => {
            FailureKind::RateLimited
        }
        "overloaded_error" | "engine_overloaded" | "slow_down" | "UNAVAILABLE" => {
            FailureKind::Overloaded
        }
        "unsupported_parameter" | "unsupported_value" => FailureKind::Unsupported,
        // The model wrote what its own server could not use; another may do better.
        "tool_use_failed" | "json_validate_failed" => FailureKind::Unavailable,
        _ => return None,
    })
}

/// What a lower-case message means, for servers that say it in prose alone.
fn kind_of_prose(status: u16, message: &str) -> Option<FailureKind> {
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| message.contains(phrase));
    let faults: &[(&[u16], &[&str], FailureKind)] = &[
        (
            &[400, 413, 422, 500],
            &["context length", "context window", "context size", "maximum context"],
            FailureKind::ContextLengthExceeded,
        ),
        (
            &[400, 403],
            &["content management policy", "safety system", "content policy"],
            FailureKind::ContentPolicy,
        ),
        (
            &[400, 403, 429],
            &["exceeded your current quota", "insufficient balance", "insufficient credits"],
            FailureKind::PaymentRequired,
        ),
        (
            &[400, 422],
            &["not a valid model", "invalid model", "supported api model names", "model not found"],
            FailureKind::ModelNotFound,
        ),
        (
            &[400, 422, 500],
            &["not supported", "does not support", "unsupported", "not enabled for this model"],
            FailureKind::Unsupported,
        ),
    ];
    faults
        .iter()
        .find(|(statuses, phrases, _)| statuses.contains(&status) && says(phrases))
        .map(|(_, _, kind)| *kind)
}

/// The message on one line, without keys and names of accounts, and not too long.
fn cleaned(message: &str) -> String {
    let words: Vec<String> = message.split_whitespace().map(masked).collect();
    let line = words.join(" ");
    match line.char_indices().nth(MESSAGE_LIMIT) {
        None => line,
        Some((end, _)) => format!("{}...", &line[..end]),
    }
}

/// The word, or a mask where it holds something that looks like a key.
fn masked(word: &str) -> String {
    let inner = |c: char| c.is_ascii_alphanumeric() || "-_*.".contains(c);
    let secret =
        word.split(|c| !inner(c)).any(|token| token.contains("***") || begins_like_a_secret(token));
    if secret { "[redacted]".into() } else { word.into() }
}

fn begins_like_a_secret(token: &str) -> bool {
    SECRETS.iter().any(|prefix| token.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty()))
}
