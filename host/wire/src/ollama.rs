//! The dialect of Ollama's API: `/api/chat`, and `/api/generate` for a single prompt.
//!
//! [`decode`] reads a client's body, [`encode_error`] writes a refusal, [`asked_model`]
//! reads whom a client wants to know about, and [`Told`] says how an answer is told.
//! [`decode_embed`] and [`encode_embed`] are the same for vectors.

mod decode;
mod embed;
mod errors;
mod lines;
mod messages;
mod options;
mod pieces;
mod prompt;
mod time;
mod tools;
mod whole;

use bytes::Bytes;

use crate::answer::Answer;
use crate::{Bill, ErrorBody, Form, Head, StreamEncoder};

pub use decode::{asked_model, decode};
pub use embed::{decode_embed, encode_embed};
pub use errors::encode_error;
pub use time::rfc3339;

/// What `request.dialect` says of native values in this format.
pub const DIALECT: &str = "ollama";

/// Which of the two kinds of answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A message.
    Chat,
    /// What follows a prompt.
    Generate,
}

/// The form of an answer: one object, or a line of JSON for each bit of it.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    kind: Kind,
    /// The answer is to show its thoughts.
    thinking: bool,
    /// Why an answer without an end ended.
    idle_reason: &'static str,
}

impl Form for Told {
    fn encode_whole(
        &self,
        answer: &Answer,
        head: &Head,
        bill: Option<&Bill>,
        failure: Option<&ErrorBody>,
    ) -> Option<Bytes> {
        // An answer is done or it is an error: there is no third way to end.
        failure.is_none().then(|| whole::encode(*self, answer, head, bill))
    }

    fn stream(&self, head: Head) -> Box<dyn StreamEncoder> {
        Box::new(lines::Lines::new(*self, head))
    }

    fn stream_type(&self) -> &'static str {
        "application/x-ndjson"
    }

    /// A blank line is no JSON: there is nothing to say in this format but what counts.
    fn keep_alive(&self) -> &'static [u8] {
        b""
    }
}
