//! The dialect of Google's Gemini API, as AI Studio and Vertex AI speak it.
//!
//! [`Target`] reads what a path asks of which model, [`decode`] reads a client's body,
//! [`encode_error`] writes a refusal, and [`Generation`] says how an answer is told.
//!
//! The API's proof of what a model thought is `thoughtSignature`: one base64 text on a
//! part. A proof of another provider's, and what belongs to it, travels in such a text
//! too, behind a mark by which it is known when it comes back; see [`signature`].
//! Calls without an id get one that begins with [`UNNAMED`]: it is for the router's own
//! bookkeeping, and neither client nor provider is shown it.

mod candidate;
mod contents;
mod decode;
mod embeddings;
mod errors;
mod generation;
mod growing;
mod listing;
mod names;
mod parts;
mod pieces;
mod results;
mod schema;
mod signature;
mod stream;
mod target;
mod tools;
mod usage;
mod whole;

use bytes::Bytes;

use crate::answer::Answer;
use crate::{Bill, ErrorBody, Form, Head, StreamEncoder};

pub use decode::{decode, decode_count};
pub use embeddings::{decode_embeddings, encode_embeddings};
pub use errors::encode_error;
pub use listing::{Listed, encode_model, encode_models, listed};
pub use target::{Method, Target};

/// What `request.dialect` says of native values in this format.
pub const DIALECT: &str = "gemini";

/// Names the signatures that are Google's own.
const FORMAT: &str = "google-gemini-v1";

/// What the made-up id of a call begins with. Google's adapter knows it too.
const UNNAMED: &str = "unnamed-";

/// How the chunks of a stream follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Server-sent events.
    Events,
    /// The items of one JSON array.
    Array,
}

/// The form of an answer: a `GenerateContentResponse`, or a stream of them.
#[derive(Clone, Copy, Debug)]
pub struct Generation {
    /// The answer is to show what the model thought.
    pub include_thoughts: bool,
    /// How it is to be streamed.
    pub framing: Framing,
}

/// The answer to a request to count.
pub fn encode_count(tokens: u64) -> Bytes {
    Bytes::from(format!("{{\"totalTokens\":{tokens}}}"))
}

impl Form for Generation {
    fn encode_whole(
        &self,
        answer: &Answer,
        head: &Head,
        bill: Option<&Bill>,
        failure: Option<&ErrorBody>,
    ) -> Option<Bytes> {
        // A response of this format is an answer or an error.
        failure.is_none().then(|| whole::encode(answer, head, self.include_thoughts, bill))
    }

    fn stream(&self, head: Head) -> Box<dyn StreamEncoder> {
        Box::new(stream::Chunks::new(head, *self))
    }

    fn stream_type(&self) -> &'static str {
        match self.framing {
            Framing::Events => "text/event-stream",
            Framing::Array => "application/json",
        }
    }

    /// Google's client libraries take a comment for a broken chunk. Between the values
    /// of an array there is room for white space.
    fn keep_alive(&self) -> &'static [u8] {
        match self.framing {
            Framing::Events => b"",
            Framing::Array => b"\n",
        }
    }
}
