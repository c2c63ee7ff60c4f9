//! What a request asks for, whatever format it came in.

use serde_json::Value;

use crate::schema;
use crate::script::{Call, ToolUse};

/// A well-formed request.
#[derive(Debug, Default)]
pub(crate) struct Prompt {
    pub(crate) model: String,
    pub(crate) stream: bool,
    /// A stream ends with a usage frame (always so in Anthropic's format).
    pub(crate) include_usage: bool,
    pub(crate) last: Last,
    pub(crate) images: u32,
    pub(crate) documents: u32,
    /// Bytes of all text in the prompt.
    pub(crate) text_bytes: usize,
    pub(crate) tools: Vec<Tool>,
    pub(crate) tool_choice: ToolChoice,
    pub(crate) format: Format,
    /// Most tokens of the answer.
    pub(crate) max_tokens: Option<u32>,
    pub(crate) reasoning: Reasoning,
    /// The prefix that the request marks for caching.
    pub(crate) cache_prefix: Option<CachePrefix>,
}

/// What the answer answers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Last {
    /// The user's words.
    User(String),
    /// Results of tools, in order.
    ToolResults(Vec<String>),
}

impl Default for Last {
    fn default() -> Last {
        Last::User(String::new())
    }
}

/// A tool that the request offers.
#[derive(Debug)]
pub(crate) struct Tool {
    pub(crate) name: String,
    pub(crate) schema: Value,
}

/// What the request says about calling tools.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum ToolChoice {
    #[default]
    Auto,
    Forbidden,
    Named(String),
}

/// Whether the answer shows its reasoning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Reasoning {
    /// If there is any: the request has no say.
    #[default]
    IfScripted,
    /// The request did not ask for it.
    Hidden,
    /// The request asked for it.
    Shown,
}

/// The form of the answer's text.
#[derive(Debug, Default)]
pub(crate) enum Format {
    #[default]
    Text,
    Json,
    Schema(Value),
}

/// A prefix of the prompt that is to be cached.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CachePrefix {
    pub(crate) digest: u64,
    pub(crate) text_bytes: usize,
}

/// Tokens that an image counts for.
const IMAGE_TOKENS: u32 = 85;

/// The tokens of so many bytes of text.
pub(crate) fn text_tokens(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(4)).unwrap_or(u32::MAX)
}

impl Prompt {
    /// Tokens of the whole prompt.
    pub(crate) fn tokens(&self) -> u32 {
        let images = self.images.saturating_mul(IMAGE_TOKENS);
        text_tokens(self.text_bytes).saturating_add(images).max(1)
    }

    /// The calls that the answer makes under this script.
    pub(crate) fn calls(&self, tools: &ToolUse) -> Vec<Call> {
        let after_user = matches!(self.last, Last::User(_));
        if !after_user || self.tools.is_empty() || self.tool_choice == ToolChoice::Forbidden {
            return Vec::new();
        }
        match tools {
            ToolUse::Never => Vec::new(),
            ToolUse::Calls(calls) => calls.clone(),
            ToolUse::Auto => self.chosen_tool().into_iter().map(call).collect(),
        }
    }

    fn chosen_tool(&self) -> Option<&Tool> {
        match &self.tool_choice {
            ToolChoice::Named(name) => self.tools.iter().find(|tool| tool.name == *name),
            ToolChoice::Auto | ToolChoice::Forbidden => self.tools.first(),
        }
    }
}

fn call(tool: &Tool) -> Call {
    let arguments = match schema::sample(&tool.schema) {
        object @ Value::Object(_) => object,
        _ => Value::Object(serde_json::Map::new()),
    };
    Call { name: tool.name.clone(), arguments }
}
