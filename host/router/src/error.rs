//! What went wrong, whose fault it was and whether another endpoint may do
//! better. This file alone decides which status a client sees.

mod availability;
mod reasons;

pub use reasons::{Reason, Reasons, Why};

use http::StatusCode;
use plugway_accounts::limits::Standing;
use plugway_engine::chat::{Failure, FailureKind};
use std::time::Duration;

/// What a client is asked to wait when the router is at one of its own bounds.
const OVERLOAD_PAUSE: Duration = Duration::from_secs(1);

/// Who has to act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Whoever sent the request.
    Client,
    /// Whoever runs this router.
    Operator,
    /// The provider behind it.
    Provider,
    /// A plugin.
    Plugin,
}

/// Every way in which a request can fail, as clients may match on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The request itself is wrong, wherever it were sent.
    InvalidRequest,
    /// No endpoint that was tried can do what the request asks for.
    Unsupported,
    /// Longer than the model can read.
    ContextLength,
    /// Refused for what it says.
    ContentPolicy,
    /// There is no key, or none that is good here.
    Unauthorized,
    /// The key is good, but not for this.
    Forbidden,
    /// The key, or its workspace, has spent what it may.
    BudgetExceeded,
    /// It would fit, had others not reserved what they may cost.
    BudgetReserved,
    /// The key, or its workspace, asks more often than it may.
    KeyLimited,
    /// A web page may not use a router that asks for no key.
    ForeignOrigin,
    /// No such route, or nothing at it.
    NotFound,
    /// The route exists for another method.
    MethodNotAllowed,
    /// No such model here.
    ModelNotFound,
    /// It contradicts what is there.
    Conflict,
    /// The body did not arrive in time.
    RequestTimeout,
    /// The body is larger than configured.
    PayloadTooLarge,
    /// The body is compressed in a way that is not understood.
    UnsupportedCoding,
    /// The model exists, but what the request or the operator insists on rules out
    /// every endpoint of it.
    NoEndpoint,
    /// The model exists, but none of its endpoints can be used now.
    TemporarilyUnavailable,
    /// This router is at a configured bound.
    Overloaded,
    /// The router's own credential was refused.
    ProviderAuthentication,
    /// The router's own account is out of credit.
    PaymentRequired,
    /// The provider forbids it.
    PermissionDenied,
    /// The provider does not know the model that the catalogue names.
    ProviderModelNotFound,
    /// The provider's rate limit.
    RateLimited,
    /// The provider is at its capacity.
    ProviderOverloaded,
    /// The provider took too long.
    ProviderTimeout,
    /// The time that the request as a whole may take is over. Says nothing about
    /// an endpoint: the client may have allowed it next to none.
    OutOfTime,
    /// The provider could not be reached, failed, or answered nonsense.
    ProviderUnavailable,
    /// A plugin trapped or broke its contract.
    PluginFailed,
    /// What is asked for needs something that the operator has not configured.
    Unconfigured,
    /// The router itself failed.
    Internal,
}

/// One row of the table: what a code means to a client and to failover.
struct Row {
    status: u16,
    name: &'static str,
    error_type: &'static str,
    fault: Fault,
    elsewhere: bool,
}

/// Of a code whose name is OpenRouter's own.
const fn row(status: u16, name: &'static str, fault: Fault, elsewhere: bool) -> Row {
    Row { status, name, error_type: name, fault, elsewhere }
}

impl Row {
    /// Of a code for which OpenRouter has a wider name.
    const fn within(self, error_type: &'static str) -> Self {
        Self { error_type, ..self }
    }
}

impl Code {
    /// The table. `elsewhere` says whether another endpoint may succeed.
    const fn row(self) -> Row {
        use Fault::{Client, Operator, Plugin, Provider};
        const INVALID: &str = "invalid_request";
        const UNAVAILABLE: &str = "provider_unavailable";
        const OVERLOADED: &str = "provider_overloaded";
        match self {
            Self::InvalidRequest => row(400, INVALID, Client, false),
            Self::Unsupported => row(400, "unsupported", Client, true).within(INVALID),
            Self::ContextLength => row(400, "context_length_exceeded", Client, true),
            Self::ContentPolicy => row(400, "content_policy_violation", Client, false),
            Self::Unauthorized => {
                row(401, "invalid_api_key", Client, false).within("authentication")
            }
            Self::Forbidden => {
                row(403, "key_not_permitted", Client, false).within("permission_denied")
            }
            Self::BudgetExceeded => {
                row(403, "budget_exceeded", Client, false).within("permission_denied")
            }
            Self::BudgetReserved => {
                row(429, "budget_reserved", Client, false).within("rate_limit_exceeded")
            }
            Self::KeyLimited => {
                row(429, "key_limit_exceeded", Client, false).within("rate_limit_exceeded")
            }
            Self::ForeignOrigin => {
                row(403, "foreign_origin", Client, false).within("permission_denied")
            }
            Self::NotFound => row(404, "not_found", Client, false),
            Self::MethodNotAllowed => row(405, "method_not_allowed", Client, false).within(INVALID),
            Self::ModelNotFound => row(400, "model_not_found", Client, false).within(INVALID),
            Self::Conflict => row(409, "conflict", Client, false).within(INVALID),
            Self::RequestTimeout => row(408, "request_timeout", Client, false).within("timeout"),
            Self::PayloadTooLarge => row(413, "payload_too_large", Client, false),
            Self::UnsupportedCoding => {
                row(415, "unsupported_content_encoding", Client, false).within(INVALID)
            }
            Self::NoEndpoint => row(404, "no_endpoint", Client, false).within("not_found"),
            Self::TemporarilyUnavailable => {
                row(503, "temporarily_unavailable", Operator, false).within(OVERLOADED)
            }
            Self::Overloaded => row(503, "overloaded", Operator, false).within(OVERLOADED),
            Self::ProviderAuthentication => {
                row(502, "provider_authentication", Operator, true).within(UNAVAILABLE)
            }
            Self::PaymentRequired => row(402, "payment_required", Operator, true),
            Self::PermissionDenied => row(403, "permission_denied", Operator, true),
            Self::ProviderModelNotFound => {
                row(404, "provider_model_not_found", Operator, true).within("not_found")
            }
            Self::RateLimited => row(429, "rate_limit_exceeded", Provider, true),
            Self::ProviderOverloaded => row(503, OVERLOADED, Provider, true),
            Self::ProviderTimeout => row(504, "timeout", Provider, true),
            // To a client the same: it took too long.
            Self::OutOfTime => row(504, "timeout", Provider, false),
            Self::ProviderUnavailable => row(502, UNAVAILABLE, Provider, true),
            Self::PluginFailed => row(502, "plugin_failed", Plugin, true).within(UNAVAILABLE),
            Self::Unconfigured => row(501, "not_configured", Operator, false).within("server"),
            Self::Internal => row(500, "server", Operator, false),
        }
    }

    /// The status that a client sees.
    pub fn status(self) -> StatusCode {
        StatusCode::from_u16(self.row().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The stable name that a client may match on, and that logs and metrics tell.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// The kind of error as OpenRouter names it, in every dialect: one of the
    /// `ApiErrorType`s of its API description.
    pub const fn error_type(self) -> &'static str {
        self.row().error_type
    }

    /// The class of the error in OpenAI's own terms, which its clients look at.
    pub const fn class(self) -> &'static str {
        match self.row().status {
            402 => "insufficient_quota",
            403 => "permission_error",
            404 => "not_found_error",
            429 => "rate_limit_error",
            400..=499 => "invalid_request_error",
            _ => "server_error",
        }
    }

    /// Who has to act.
    pub const fn fault(self) -> Fault {
        self.row().fault
    }

    /// Another endpoint may succeed where this one failed.
    pub const fn elsewhere(self) -> bool {
        self.row().elsewhere
    }
}

impl From<FailureKind> for Code {
    fn from(kind: FailureKind) -> Self {
        match kind {
            FailureKind::InvalidRequest => Self::InvalidRequest,
            FailureKind::ContextLengthExceeded => Self::ContextLength,
            FailureKind::ContentPolicy => Self::ContentPolicy,
            FailureKind::Authentication => Self::ProviderAuthentication,
            FailureKind::PaymentRequired => Self::PaymentRequired,
            FailureKind::PermissionDenied => Self::PermissionDenied,
            FailureKind::ModelNotFound => Self::ProviderModelNotFound,
            FailureKind::RateLimited => Self::RateLimited,
            FailureKind::Overloaded => Self::ProviderOverloaded,
            FailureKind::Timeout => Self::ProviderTimeout,
            FailureKind::Unsupported => Self::Unsupported,
            FailureKind::Unavailable | FailureKind::Other => Self::ProviderUnavailable,
        }
    }
}

/// A failed request or attempt, ready for the client. Holds no credential, no
/// prompt and nothing of the router's inside.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// What kind, and thereby the status.
    pub code: Code,
    /// One sentence for the client, saying what to do where that is known.
    pub message: String,
    /// The request field at fault.
    pub param: Option<Box<str>>,
    /// The provider that failed.
    pub provider: Option<String>,
    /// The provider's own error code.
    pub provider_code: Option<Box<str>>,
    /// The sentence is the provider's own, and may quote the prompt: it goes to
    /// the client, and into no log.
    pub is_quoted: bool,
    /// How long the client should wait.
    pub retry_after: Option<Duration>,
    /// Why each endpoint was not used.
    pub reasons: Reasons,
    /// The limit of the router's own that refused.
    pub standing: Option<Box<Standing>>,
}

impl Error {
    /// An error with nothing but its sentence.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            param: None,
            provider: None,
            provider_code: None,
            is_quoted: false,
            retry_after: None,
            reasons: Reasons::default(),
            standing: None,
        }
    }

    /// Names the request field at fault.
    #[must_use]
    pub fn param(mut self, param: impl Into<Box<str>>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// Adds the models that the client named, and whether it wants the providers that
    /// it named or none.
    #[must_use]
    pub fn asked_for(mut self, models: &[String], is_pinned: bool) -> Self {
        self.reasons.asked(models, is_pinned);
        self
    }

    /// Adds the slugs of models that would serve what nothing serves here.
    #[must_use]
    pub fn or_instead(mut self, models: Vec<String>) -> Self {
        self.reasons.or_instead(models);
        self
    }

    /// How long the client should wait, in whole seconds that are enough.
    pub fn retry_seconds(&self) -> Option<u64> {
        let wait = self.retry_after?;
        Some(wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
    }

    /// OpenRouter's object about the availability of what was asked for, as JSON; none
    /// where that is not what the error is about.
    pub fn availability(&self) -> Option<serde_json::Value> {
        availability::of(self)
    }

    /// The router is at one of its own bounds.
    pub fn overloaded(message: impl Into<String>) -> Self {
        Self { retry_after: Some(OVERLOAD_PAUSE), ..Self::new(Code::Overloaded, message) }
    }

    /// No plugin instance is free: the router's load, and no plugin's fault.
    pub fn no_instance() -> Self {
        Self::overloaded(
            "The router runs as many plugin instances as plugins.limits.max_instances allows; \
             try again soon.",
        )
    }

    /// The request as a whole ran out of time.
    pub fn out_of_time() -> Self {
        let message = "The request was not answered in the time that server.request_deadline \
                       and the x-plugway-timeout header allow.";
        Self::new(Code::OutOfTime, message)
    }

    /// What an adapter said of its provider.
    pub fn from_failure(failure: Failure, provider: &str) -> Self {
        let code = Code::from(failure.kind);
        Self {
            code,
            message: match code {
                // Providers quote the key, and the client could not mend it anyway.
                Code::ProviderAuthentication => {
                    format!("The provider `{provider}` refused the router's credential.")
                }
                _ => failure.message,
            },
            param: failure.param.map(Into::into),
            provider: Some(provider.to_owned()),
            provider_code: failure.code.map(Into::into),
            is_quoted: true,
            retry_after: failure.retry_after_ms.map(Duration::from_millis),
            reasons: Reasons::default(),
            standing: None,
        }
    }

    /// The provider was at fault in a way that no adapter had to read.
    pub fn upstream(code: Code, provider: &str, message: impl Into<String>) -> Self {
        Self { provider: Some(provider.to_owned()), ..Self::new(code, message) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Code; 29] = [
        Code::InvalidRequest,
        Code::Unsupported,
        Code::ContextLength,
        Code::ContentPolicy,
        Code::Unauthorized,
        Code::Forbidden,
        Code::ForeignOrigin,
        Code::NotFound,
        Code::MethodNotAllowed,
        Code::ModelNotFound,
        Code::Conflict,
        Code::RequestTimeout,
        Code::PayloadTooLarge,
        Code::UnsupportedCoding,
        Code::NoEndpoint,
        Code::TemporarilyUnavailable,
        Code::Overloaded,
        Code::ProviderAuthentication,
        Code::PaymentRequired,
        Code::PermissionDenied,
        Code::ProviderModelNotFound,
        Code::RateLimited,
        Code::ProviderOverloaded,
        Code::ProviderTimeout,
        Code::OutOfTime,
        Code::ProviderUnavailable,
        Code::PluginFailed,
        Code::Unconfigured,
        Code::Internal,
    ];

    #[test]
    fn every_code_has_a_status_and_a_name() {
        assert_eq!(Code::OutOfTime.name(), Code::ProviderTimeout.name());
        let mut names: Vec<_> = ALL.iter().map(|code| code.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len() - 1, "only the two timeouts share theirs");
        for code in ALL {
            assert!(code.status().is_client_error() || code.status().is_server_error(), "{code:?}");
        }
    }

    #[test]
    fn every_kind_of_error_is_one_that_openrouters_clients_know() {
        const KNOWN: [&str; 27] = [
            "context_length_exceeded",
            "max_tokens_exceeded",
            "token_limit_exceeded",
            "string_too_long",
            "authentication",
            "permission_denied",
            "payment_required",
            "rate_limit_exceeded",
            "provider_overloaded",
            "provider_unavailable",
            "invalid_request",
            "invalid_prompt",
            "not_found",
            "precondition_failed",
            "payload_too_large",
            "unprocessable",
            "content_policy_violation",
            "refusal",
            "invalid_image",
            "image_too_large",
            "image_too_small",
            "unsupported_image_format",
            "image_not_found",
            "image_download_failed",
            "server",
            "timeout",
            "unmapped",
        ];
        for code in ALL {
            assert!(KNOWN.contains(&code.error_type()), "{code:?}");
        }
    }

    #[test]
    fn a_fault_of_the_provider_is_never_told_as_the_clients() {
        for code in ALL {
            let told_as_client = code.status().is_client_error();
            match code.fault() {
                Fault::Client => assert!(told_as_client, "{code:?}"),
                Fault::Plugin => assert!(!told_as_client, "{code:?}"),
                // A rate limit and a missing credit are the client's to know.
                Fault::Provider | Fault::Operator => {}
            }
        }
    }

    #[test]
    fn what_is_wrong_everywhere_is_not_tried_elsewhere() {
        for kind in [FailureKind::InvalidRequest, FailureKind::ContentPolicy] {
            assert!(!Code::from(kind).elsewhere());
        }
        for kind in [FailureKind::RateLimited, FailureKind::Unavailable, FailureKind::Timeout] {
            assert!(Code::from(kind).elsewhere());
        }
    }
}
