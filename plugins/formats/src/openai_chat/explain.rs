//! Whose fault a refusal was. Servers of this format wrap their errors in half a
//! dozen ways, and classify them by status, code, type or prose alone.

use plugway_sdk::chat::{Failure, FailureKind};
use plugway_sdk::provider::{ResponseHead, UpstreamResponse};

use crate::node::Node;
use crate::report::{cleaned, kind_of_prose};

/// Explains a response whose status is no success.
pub(crate) fn explain(response: &UpstreamResponse) -> Failure {
    let report = Node::read(&response.body)
        .and_then(|body| Report::find(&body))
        .unwrap_or_else(|| Report::from_prose(&response.body));
    report.failure(&response.head)
}

/// The failure inside a body or chunk that came with a success; none in an answer.
pub(crate) fn in_band(chunk: &Node) -> Option<Failure> {
    let chunk = first_of(chunk);
    let bare = chunk.get("choices").is_none() && chunk.get("usage").is_none();
    let failed = chunk.get("error").is_some()
        || chunk.text("object") == Some("error")
        || (bare && chunk.get("message").is_some_and(|message| message.as_text().is_some()));
    let report = failed.then(|| Report::find(chunk)).flatten()?;
    // Servers that fail late write the status where the code would be.
    let status = report.status().unwrap_or(500);
    Some(report.failure(&ResponseHead { status, headers: Vec::new() }))
}

/// What an error object says, of a failure that came in a success.
pub(crate) fn told(error: &Node) -> Option<Failure> {
    let report = match error {
        Node::Text(message) => Report { message: message.clone(), ..Report::default() },
        _ => Report::read(error)?,
    };
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
    /// What a provider behind the provider said.
    behind: Option<String>,
}

impl Report {
    fn find(body: &Node) -> Option<Self> {
        let body = first_of(body);
        match body.get("error") {
            Some(Node::Text(message)) => {
                let code = body.owned("code");
                Some(Self { message: message.clone(), code, ..Self::default() })
            }
            Some(error) => Self::read(error).or_else(|| Self::wordless(error)),
            None => Self::read(body.list("errors").first().unwrap_or(body)),
        }
    }

    fn read(error: &Node) -> Option<Self> {
        let message = error.owned("message").filter(|message| !message.is_empty());
        let message = message.or_else(|| detail(error.get("detail")?))?;
        Some(Self { message, ..Self::wordless(error).unwrap_or_default() })
    }

    /// An error that says no sentence; none where it says nothing at all.
    fn wordless(error: &Node) -> Option<Self> {
        let string = |name: &str| match error.get(name)? {
            Node::Text(text) if !text.is_empty() => Some(text.clone()),
            Node::Number(number) => Some(number.clone()),
            _ => None,
        };
        let number = |name: &str| u16::try_from(error.count(name)?).ok();
        let report = Self {
            message: String::new(),
            code: string("code"),
            kind: string("type").or_else(|| string("status")),
            param: string("param"),
            status: number("code").or_else(|| number("status_code")),
            behind: error.at(&["metadata", "raw"]).and_then(Node::as_text).map(Into::into),
        };
        (report.code.is_some() || report.kind.is_some() || report.status.is_some())
            .then_some(report)
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
        let mut failure = Failure::from_head(head, "");
        if kind == FailureKind::RateLimited && failure.retry_after_ms.is_none() {
            failure.retry_after_ms = wait_in_prose(&self.message);
        }
        let message = match cleaned(&self.message) {
            empty if empty.is_empty() => {
                format!("the provider answered with status {}", head.status)
            }
            message => message,
        };
        // Where there is no code, or only the status over again, the type says more.
        let code = self.code.filter(|code| code.parse::<u16>().is_err()).or(self.kind);
        Failure { kind, message, code, param: self.param, ..failure }
    }

    fn failure_kind(&self, status: u16) -> FailureKind {
        // A refused credential is that, whatever words come with it.
        if status == 401 {
            return FailureKind::Authentication;
        }
        let words = [self.code.as_deref(), self.kind.as_deref()];
        let named = words.into_iter().flatten().find_map(kind_of_word);
        let prose = |text: &str| {
            let text = text.to_ascii_lowercase();
            own_prose(&text).or_else(|| kind_of_prose(status, &text))
        };
        named
            .or_else(|| prose(&self.message))
            .or_else(|| prose(self.behind.as_deref()?))
            .unwrap_or_else(|| FailureKind::from_status(status))
    }
}

/// The first item where a list stands around an error.
fn first_of(body: &Node) -> &Node {
    match body {
        Node::List(items) => items.first().unwrap_or(body),
        _ => body,
    }
}

/// FastAPI's `detail`: a sentence, or a list of what is wrong with which field.
fn detail(detail: &Node) -> Option<String> {
    match detail {
        Node::Text(sentence) => Some(sentence.clone()),
        Node::List(list) => list.first()?.owned("msg"),
        other => other.owned("message"),
    }
}

/// What a lower-case message means in this format, whatever its status.
fn own_prose(message: &str) -> Option<FailureKind> {
    let phrases = [
        ("incorrect api key", FailureKind::Authentication),
        ("tool call validation failed", FailureKind::Unavailable),
        // A kind of content that the server has never heard of.
        ("unknown variant", FailureKind::Unsupported),
        ("not a chat model", FailureKind::Unsupported),
        ("does not exist or you do not have access", FailureKind::ModelNotFound),
        ("supported models are", FailureKind::ModelNotFound),
        ("too large to process", FailureKind::ContextLengthExceeded),
        // What the client named, not the model.
        ("no such file object", FailureKind::InvalidRequest),
        ("item with id", FailureKind::InvalidRequest),
    ];
    if message.starts_with("model ") && message.ends_with(" does not exist") {
        return Some(FailureKind::ModelNotFound);
    }
    phrases.iter().find(|(phrase, _)| message.contains(phrase)).map(|(_, kind)| *kind)
}

/// How long to wait, where only the message says so: `try again in 1m3.5s`.
fn wait_in_prose(message: &str) -> Option<u64> {
    let (_, rest) =
        message.split_once("try again in ").or_else(|| message.split_once("etry after "))?;
    let mut milliseconds = 0.0;
    let mut rest = rest.trim_start();
    loop {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let Ok(number) = rest[..digits].trim_end_matches('.').parse::<f64>() else { break };
        let unit = rest[digits..].trim_start();
        let (scale, length) = match unit.as_bytes() {
            [b'm', b's', ..] => (1.0, 2),
            [b's', ..] => (1000.0, 1),
            [b'm', ..] => (60_000.0, 1),
            [b'h', ..] => (3_600_000.0, 1),
            _ => break,
        };
        milliseconds += number * scale;
        rest = &unit[length..];
    }
    // A week, as of the header.
    (1.0..=604_800_000.0).contains(&milliseconds).then(|| milliseconds.ceil() as u64)
}

/// What a code or type means. Those that repeat the status, such as
/// `invalid_request_error`, are left to it.
fn kind_of_word(word: &str) -> Option<FailureKind> {
    Some(match word {
        "context_length_exceeded" | "exceed_context_size_error" | "string_above_max_length" => {
            FailureKind::ContextLengthExceeded
        }
        "content_policy_violation"
        | "invalid_prompt"
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
