//! What the operator said about the server behind an endpoint.

use plugway_sdk::chat::Failure;
use plugway_sdk::provider::Endpoint;

/// The options of the crate's documentation, with their defaults.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) path: String,
    pub(crate) max_tokens_field: String,
    pub(crate) user_field: String,
    pub(crate) developer_role: String,
    pub(crate) efforts: Vec<String>,
    pub(crate) send_reasoning: Option<ReasoningField>,
    pub(crate) extended_sampling: bool,
    pub(crate) stream_usage: bool,
}

/// Where an assistant message takes reasoning back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReasoningField {
    /// One string, in the field of this name.
    Plain(&'static str),
    /// A list with a format and a signature for each item.
    Details,
}

/// OpenAI's own, from none to most.
const EFFORTS: [&str; 6] = ["none", "minimal", "low", "medium", "high", "xhigh"];

impl Options {
    pub(crate) fn of(endpoint: &Endpoint) -> Result<Self, Failure> {
        let text = |name, default: &str| {
            Ok(endpoint.option::<String>(name)?.unwrap_or_else(|| default.to_owned()))
        };
        Ok(Self {
            path: text("path", "/chat/completions")?,
            max_tokens_field: text("max_tokens_field", "max_completion_tokens")?,
            user_field: text("user_field", "user")?,
            developer_role: text("developer_role", "developer")?,
            efforts: endpoint
                .option("efforts")?
                .unwrap_or_else(|| EFFORTS.map(Into::into).to_vec()),
            send_reasoning: reasoning_field(endpoint.option("send_reasoning")?)?,
            extended_sampling: endpoint.option("extended_sampling")?.unwrap_or(false),
            stream_usage: endpoint.option("stream_usage")?.unwrap_or(true),
        })
    }
}

fn reasoning_field(name: Option<String>) -> Result<Option<ReasoningField>, Failure> {
    Ok(match name.as_deref() {
        None => None,
        Some("reasoning_content") => Some(ReasoningField::Plain("reasoning_content")),
        Some("reasoning") => Some(ReasoningField::Plain("reasoning")),
        Some("reasoning_details") => Some(ReasoningField::Details),
        Some(_) => {
            return Err(Failure::unsupported(
                "the endpoint's option \"send_reasoning\" must be reasoning_content, reasoning \
                 or reasoning_details",
            ));
        }
    })
}
