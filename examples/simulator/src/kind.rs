//! The providers that there are, and who speaks for each.

use http::Uri;
use serde::{Deserialize, Serialize};

use crate::anthropic::{ANTHROPIC, VERTEX};
use crate::bedrock::{Converse, Invoke};
use crate::cohere::Cohere;
use crate::dialect::Dialect;
use crate::gemini::Gemini;
use crate::ollama::Ollama;
use crate::openai;
use crate::prompt::Prompt;
use crate::responses::Responses;
use crate::script::Behaviour;
use crate::speech::{Speech, Unsupported};

/// Whose API a simulator speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// OpenAI's chat completions, as many servers have taken them over.
    #[serde(rename = "openai")]
    OpenAi,
    /// OpenAI's responses.
    #[serde(rename = "openai-responses")]
    OpenAiResponses,
    /// OpenAI's chat completions at Azure.
    #[serde(rename = "azure-openai")]
    AzureOpenAi,
    /// Anthropic's messages.
    Anthropic,
    /// Google's Gemini at AI Studio and at Vertex, and Anthropic's models there, by path.
    Gemini,
    /// Amazon Bedrock: Converse, and Invoke for Anthropic's models, by path.
    Bedrock,
    /// Cohere's chat, version 2.
    Cohere,
    /// Ollama's own chat.
    Ollama,
    /// DeepSeek.
    #[serde(rename = "deepseek")]
    DeepSeek,
    /// Groq.
    Groq,
    /// Mistral.
    Mistral,
    /// OpenRouter.
    #[serde(rename = "openrouter")]
    OpenRouter,
    /// Perplexity.
    Perplexity,
    /// xAI.
    Xai,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 14] = [
        Kind::OpenAi,
        Kind::OpenAiResponses,
        Kind::AzureOpenAi,
        Kind::Anthropic,
        Kind::Gemini,
        Kind::Bedrock,
        Kind::Cohere,
        Kind::Ollama,
        Kind::DeepSeek,
        Kind::Groq,
        Kind::Mistral,
        Kind::OpenRouter,
        Kind::Perplexity,
        Kind::Xai,
    ];

    /// The id of the adapter that speaks this API.
    #[must_use]
    pub fn adapter(self) -> &'static str {
        match self {
            Kind::OpenAi | Kind::OpenAiResponses => "openai",
            Kind::AzureOpenAi => "azure-openai",
            Kind::Anthropic => "anthropic",
            Kind::Gemini => "gemini",
            Kind::Bedrock => "bedrock",
            Kind::Cohere => "cohere",
            Kind::Ollama => "ollama",
            Kind::DeepSeek => "deepseek",
            Kind::Groq => "groq",
            Kind::Mistral => "mistral",
            Kind::OpenRouter => "openrouter",
            Kind::Perplexity => "perplexity",
            Kind::Xai => "xai",
        }
    }

    /// Whether the API can say what a behaviour scripts.
    ///
    /// # Errors
    /// Saying what it cannot.
    pub fn says(self, behaviour: &Behaviour) -> Result<(), Unsupported> {
        behaviour.speeches.iter().try_for_each(|speech| self.says_speech(speech))
    }

    fn says_speech(self, speech: &Speech) -> Result<(), Unsupported> {
        self.dialect(&Uri::default()).limits().check(speech)
    }

    /// What a request asks for; none where it is no well-formed request to chat.
    pub(crate) fn prompt(self, head: &http::request::Parts, body: &[u8]) -> Option<Prompt> {
        self.dialect(&head.uri).read(head, body).ok()
    }

    pub(crate) fn dialect(self, uri: &Uri) -> &'static dyn Dialect {
        let path = uri.path();
        match self {
            Kind::OpenAi => &openai::OPENAI,
            Kind::OpenAiResponses => &Responses,
            Kind::AzureOpenAi => &openai::AZURE,
            Kind::Anthropic => &ANTHROPIC,
            Kind::Gemini if path.contains("/publishers/anthropic/") => &VERTEX,
            Kind::Gemini => Gemini::of(uri),
            Kind::Bedrock if path.contains("/invoke") => &Invoke,
            Kind::Bedrock => &Converse,
            Kind::Cohere => &Cohere,
            Kind::Ollama => &Ollama,
            Kind::DeepSeek => &openai::DEEPSEEK,
            Kind::Groq => &openai::GROQ,
            Kind::Mistral => &openai::MISTRAL,
            Kind::OpenRouter => &openai::OPENROUTER,
            Kind::Perplexity => &openai::PERPLEXITY,
            Kind::Xai => &openai::XAI,
        }
    }
}
