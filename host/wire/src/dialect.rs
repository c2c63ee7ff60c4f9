//! The formats that clients speak.

use bytes::Bytes;
use http::request::Parts;

use crate::{BadRequest, ChatCall, DecodeOptions, ErrorBody};
use crate::{anthropic_messages, openai_chat, openai_completions};

/// A client's format. A dialect is a folder of this crate; this is their list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// OpenAI's chat completions, with OpenRouter's additions.
    OpenAiChat,
    /// OpenAI's legacy completions: a prompt, and text.
    OpenAiCompletions,
    /// Anthropic's messages, with OpenRouter's additions.
    AnthropicMessages,
}

impl Dialect {
    /// What `request.dialect` says of native values in this format.
    pub fn name(self) -> &'static str {
        match self {
            // A prompt is a chat of one message, and goes on as one.
            Self::OpenAiChat | Self::OpenAiCompletions => openai_chat::DIALECT,
            Self::AnthropicMessages => anthropic_messages::DIALECT,
        }
    }

    /// Reads a client's request for a chat. Text is neither copied nor unescaped
    /// where it is long enough to be sealed.
    ///
    /// # Errors
    /// Where it is not what the dialect asks for; the first fault is named.
    pub fn decode(
        self,
        head: &Parts,
        body: Bytes,
        options: &DecodeOptions,
    ) -> Result<ChatCall, BadRequest> {
        match self {
            Self::OpenAiChat => openai_chat::decode(body, options),
            Self::OpenAiCompletions => openai_completions::decode(body, options),
            Self::AnthropicMessages => anthropic_messages::decode(head, body, options),
        }
    }

    /// The body of a response that is an error.
    pub fn encode_error(self, error: &ErrorBody) -> Bytes {
        match self {
            Self::OpenAiChat | Self::OpenAiCompletions => openai_chat::encode_error(error),
            Self::AnthropicMessages => anthropic_messages::encode_error(error),
        }
    }
}
