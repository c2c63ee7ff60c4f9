//! The dialect of Anthropic's messages, with OpenRouter's additions.
//!
//! [`decode`] reads a client's body, [`decode_count`] a question for the number of its
//! tokens, [`encode_count`] answers that, [`encode_error`] writes a refusal, and
//! [`Message`] says how an answer is told.
//!
//! What the format has no room for, and what is done about it:
//!
//! | in an answer | here |
//! |---|---|
//! | reasoning that another provider signed, sealed or numbered | a `thinking` block whose `signature`, or a `redacted_thinking` block whose `data`, says so; see `carried` |
//! | a proof on a call or a text | a `redacted_thinking` block of its own beside it |
//! | a call's input that is no JSON object | an object with the text under `INVALID_JSON`, the name that Anthropic's guides give it; a stream that began with a brace is told as it came |
//! | an image | an `image` block, as requests have it |
//! | sound, video | left out |
//! | a part that grows on after a later one has begun | a further block of its kind: blocks never overlap. A call is waited for instead, until its input is whole |
//! | an answer that ended in an error of the model's | the error alone, with its status |

mod carried;
mod citations;
mod decode;
mod errors;
mod input;
mod media;
mod messages;
mod options;
mod parts;
mod pieces;
mod stream;
mod tools;
mod usage;
mod whole;

use bytes::Bytes;
use plugway_engine::chat::FinishReason;

use crate::answer::Answer;
use crate::{Bill, ErrorBody, Form, Head, StreamEncoder};

pub use decode::{decode, decode_count};
pub use errors::encode_error;
pub use usage::encode_count;

/// What `request.dialect` says of native values in this format.
pub const DIALECT: &str = "anthropic-messages";

/// Names the signatures and sealed reasoning that stand in this format as they are.
const REASONING_FORMAT: &str = "anthropic-claude-v1";

/// The form of an answer: a `message`, or the events that make one.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    /// The answer is to show its reasoning.
    pub include_reasoning: bool,
}

impl Form for Message {
    /// None for an answer that broke off: a message has no word for that.
    fn encode_whole(
        &self,
        answer: &Answer,
        head: &Head,
        bill: Option<&Bill>,
        failure: Option<&ErrorBody>,
    ) -> Option<Bytes> {
        let finish = answer.choices().first().and_then(|choice| choice.finish.as_ref());
        let failed = finish.is_some_and(|finish| finish.reason == FinishReason::Error);
        if failure.is_some() || failed {
            return None;
        }
        Some(whole::encode(answer, head, self.include_reasoning, bill))
    }

    fn stream(&self, head: Head) -> Box<dyn StreamEncoder> {
        Box::new(stream::Events::new(head, self.include_reasoning))
    }

    fn keep_alive(&self) -> &'static [u8] {
        stream::PING
    }
}
