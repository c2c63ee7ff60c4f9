//! The dialect of OpenAI's legacy completions, with OpenRouter's additions: a prompt is
//! a chat of one message, and its answer is told as text.
//!
//! [`decode`] reads a client's body; [`TextCompletion`] says how an answer is told.
//! Errors are told as those of [`crate::openai_chat`].

mod decode;
mod logprobs;
mod stream;
mod whole;

use bytes::Bytes;

use crate::answer::Answer;
use crate::{Bill, ErrorBody, Form, Head, StreamEncoder};

pub use decode::decode;

/// The form of an answer: a `text_completion`, or its chunks.
#[derive(Clone, Copy, Debug)]
pub struct TextCompletion {
    /// The answer is to show its reasoning.
    pub include_reasoning: bool,
}

impl Form for TextCompletion {
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

/// What `object` says, whole and streamed.
const OBJECT: &str = "text_completion";
