//! What one provider of this format has of its own: a constant of its adapter.

use plugway_sdk::provider::{AuthScheme, Info};

/// A provider of chat completions. Adding one that needs nothing else is a crate of
/// these values.
pub struct Profile {
    /// Lower-case slug.
    pub name: &'static str,
    /// Proposed where the operator configures none.
    pub base_url: Option<&'static str>,
    /// Proposed, best first.
    pub auth: fn() -> Vec<AuthScheme>,
    /// Client formats whose native values are read and written.
    pub dialects: &'static [&'static str],
    /// Formats of reasoning that the provider takes back.
    pub reasoning_formats: &'static [&'static str],
    /// The format of what the provider's responses API encrypts and takes back.
    pub responses_format: Option<&'static str>,
    /// OpenAI-style names of the parameters that the provider has. Others are left
    /// out where they only tune, and refused where they change what is answered.
    pub parameters: &'static [&'static str],
    /// What an endpoint's options say where they say nothing.
    pub defaults: Defaults,
}

/// The endpoint options, each with the value that it has when nobody gives it one.
/// [`super`] says what each means.
#[derive(Clone, Copy)]
pub struct Defaults {
    pub api: Api,
    pub path: &'static str,
    pub responses_path: &'static str,
    pub embeddings_path: &'static str,
    pub rerank_path: &'static str,
    pub models_path: &'static str,
    pub max_tokens_field: &'static str,
    pub user_field: &'static str,
    pub seed_field: &'static str,
    pub dimensions_field: &'static str,
    pub system_role: &'static str,
    pub developer_role: &'static str,
    pub required_choice: &'static str,
    pub efforts: &'static [&'static str],
    pub ask_reasoning: AskReasoning,
    pub send_reasoning: SendReasoning,
    pub cache_points: CachePoints,
    pub documents: Documents,
    pub images: bool,
    pub image_urls: bool,
    pub audio: bool,
    pub videos: bool,
    pub result_media: ResultMedia,
    pub echo_images: bool,
    pub stream_usage: bool,
    /// Items of reasoning go back though nobody signed them; no option.
    pub unsigned_reasoning: bool,
    pub freeform_tools: bool,
    pub allowed_tools: bool,
    pub prefix: bool,
    pub prefix_path: Option<&'static str>,
    pub call_id_chars: Option<u32>,
}

impl Defaults {
    /// OpenAI's own.
    pub const OPENAI: Self = Self {
        api: Api::Chat,
        path: "/chat/completions",
        responses_path: "/responses",
        embeddings_path: "/embeddings",
        rerank_path: "/rerank",
        models_path: "/models",
        max_tokens_field: "max_completion_tokens",
        user_field: "user",
        seed_field: "seed",
        dimensions_field: "dimensions",
        system_role: "system",
        developer_role: "developer",
        required_choice: "required",
        efforts: &["none", "minimal", "low", "medium", "high", "xhigh"],
        ask_reasoning: AskReasoning::Effort,
        send_reasoning: SendReasoning::No,
        cache_points: CachePoints::Breakpoint,
        documents: Documents::File,
        images: true,
        image_urls: true,
        audio: true,
        videos: false,
        result_media: ResultMedia::Message,
        echo_images: false,
        stream_usage: true,
        unsigned_reasoning: false,
        freeform_tools: true,
        allowed_tools: true,
        prefix: false,
        prefix_path: None,
        call_id_chars: None,
    };

    /// What most of those who took the format over have in common.
    pub const COMPATIBLE: Self = Self {
        max_tokens_field: "max_tokens",
        developer_role: "system",
        cache_points: CachePoints::None,
        unsigned_reasoning: true,
        freeform_tools: false,
        allowed_tools: false,
        ..Self::OPENAI
    };
}

/// Which of the two formats requests are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    Chat,
    Responses,
}

/// How a request asks for reasoning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskReasoning {
    /// Not at all.
    No,
    /// `reasoning_effort`.
    Effort,
    /// The same, and `include_reasoning: false` where it is to be kept out.
    HiddenEffort,
    /// `reasoning`, an object with an effort or a number of tokens.
    Object,
    /// `thinking`, an object with a type, and `reasoning_effort` beside it.
    Thinking,
    /// `enable_thinking`, and `thinking_budget` beside it.
    Switch,
    /// The same switch, in `chat_template_kwargs`.
    Template,
}

/// Where an assistant message takes reasoning back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendReasoning {
    /// Nowhere.
    No,
    /// One string, in the field of this name.
    Field(&'static str),
    /// A list with a format and a signature for each item.
    Details,
    /// Among the content.
    Chunks,
    /// Only the signatures, on the calls that they are of.
    Calls,
}

/// How a prompt-cache breakpoint is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CachePoints {
    /// The provider has none.
    None,
    /// `cache_control`, on whatever carries it.
    Control,
    /// The same, where the client wrote it so.
    Native,
    /// `prompt_cache_breakpoint`, where the client asks for explicit caching.
    Breakpoint,
}

/// How a document is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Documents {
    /// Not at all, but for those that are text.
    No,
    /// As a `file`, which is data.
    File,
    /// As a `file`, which may be a URL.
    FileUrl,
    /// As a `document_url`.
    DocumentUrl,
}

/// Where media go that a tool gave back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultMedia {
    /// Nowhere: results are text.
    No,
    /// Among the result's content.
    Content,
    /// Into a message of the user's behind the results, which say so.
    Message,
}

impl Profile {
    /// What the adapter says of itself.
    pub fn info(&self) -> Info {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Info {
            name: self.name.into(),
            default_base_url: self.base_url.map(Into::into),
            auth: (self.auth)(),
            dialects: owned(self.dialects),
            reasoning_formats: owned(self.reasoning_formats),
            supported_parameters: owned(self.parameters),
        }
    }

    /// Whether native values in this client format are the provider's own.
    pub(crate) fn speaks(&self, dialect: &str) -> bool {
        self.dialects.contains(&dialect)
    }
}

/// Request parameters that OpenAI's own API takes, wherever it is served.
pub const OPENAI_PARAMETERS: [&str; 27] = [
    "frequency_penalty",
    "include_reasoning",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "modalities",
    "n",
    "parallel_tool_calls",
    "presence_penalty",
    "prompt_cache_key",
    "reasoning",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "stream_options",
    "structured_outputs",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
    "verbosity",
];
