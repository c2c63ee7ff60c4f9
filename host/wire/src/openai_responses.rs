//! The dialect of OpenAI's responses, stateless, with OpenRouter's additions.
//!
//! A conversation is a list of items here, and so is an answer: [`decode`] makes messages
//! of the one, [`Response`] tells the other, and [`encode_error`] writes a refusal.
//! Nothing is kept between two requests: what refers to something kept is refused.

mod carried;
mod citations;
mod content;
mod decode;
mod echo;
mod errors;
mod events;
mod input;
mod layout;
mod options;
mod output;
mod reasoning;
mod response;
mod stream;
mod tools;
mod usage;

use bytes::Bytes;

use crate::answer::Answer;
use crate::{Bill, ErrorBody, Form, Head, StreamEncoder};

pub use decode::decode;
pub use errors::encode_error;

use echo::Echo;

/// What `request.dialect` says of native values in this format.
pub const DIALECT: &str = "openai-responses";

/// The form of an answer: a `response`, or the events that it grows by.
#[derive(Clone, Debug)]
pub struct Response {
    /// What was asked, as each response says it again.
    echo: Echo,
    /// The answer is to show its reasoning.
    include_reasoning: bool,
}

impl Form for Response {
    fn encode_whole(
        &self,
        answer: &Answer,
        head: &Head,
        bill: Option<&Bill>,
        failure: Option<&ErrorBody>,
    ) -> Option<Bytes> {
        Some(response::whole(self, answer, head, bill, failure))
    }

    fn stream(&self, head: Head) -> Box<dyn StreamEncoder> {
        Box::new(stream::Events::new(self.clone(), head))
    }
}
