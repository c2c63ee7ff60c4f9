//! The dialect of OpenAI's chat completions, with OpenRouter's additions.
//!
//! [`decode`] reads a client's body, [`encode_error`] writes a refusal, and
//! [`Completion`] says how an answer is told.

mod decode;
mod errors;
mod messages;
pub(crate) mod options;
mod parts;
pub(crate) mod pieces;
mod reasoning;
mod stream;
mod tools;
mod usage;
mod whole;

use bytes::Bytes;

use crate::answer::Answer;
use crate::{Bill, ErrorBody, Form, Head, StreamEncoder};

pub use decode::decode;
pub use errors::encode_error;
pub(crate) use messages::Messages;
pub(crate) use tools::response_format;

/// What `request.dialect` says of native values in this format.
pub const DIALECT: &str = "openai-chat";

/// The form of an answer: a `chat.completion`, or its chunks.
#[derive(Clone, Copy, Debug)]
pub struct Completion {
    /// The answer is to show its reasoning.
    pub include_reasoning: bool,
}

impl Form for Completion {
    fn encode_whole(
        &self,
        answer: &Answer,
        head: &Head,
        bill: Option<&Bill>,
        failure: Option<&ErrorBody>,
    ) -> Option<Bytes> {
        Some(whole::encode(answer, head, self.include_reasoning, bill, failure))
    }

    fn stream(&self, head: Head) -> Box<dyn StreamEncoder> {
        Box::new(stream::Chunks::new(head, self.include_reasoning))
    }
}
