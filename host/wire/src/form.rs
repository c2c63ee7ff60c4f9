//! The seam between the router and a client's format: how one answer is told.

use std::fmt;

use bytes::{Bytes, BytesMut};
use plugway_engine::chat::Event;

use crate::answer::Answer;
use crate::{Bill, ErrorBody};

/// What stands at the head of an answer, whole or streamed.
#[derive(Clone, Debug, Default)]
pub struct Head {
    /// The router's id of this generation, `gen-...`.
    pub id: String,
    /// Seconds since the Unix epoch.
    pub created: u64,
    /// The model that answers.
    pub model: String,
    /// Display name of the provider that answers.
    pub provider: String,
}

/// How one client wants its answer told. Made by the decoder of its dialect, which
/// knows what was asked; lives as long as the answer.
pub trait Form: fmt::Debug + Send + Sync {
    /// Writes a finished answer. `failure` tells of one that broke off: what there is
    /// of it is shown with the reason. None where the dialect has no way to say that;
    /// the answer is then the error alone, with its status.
    fn encode_whole(
        &self,
        answer: &Answer,
        head: &Head,
        bill: Option<&Bill>,
        failure: Option<&ErrorBody>,
    ) -> Option<Bytes>;

    /// Writes an answer that is still being told.
    fn stream(&self, head: Head) -> Box<dyn StreamEncoder>;

    /// The media type of the stream.
    fn stream_type(&self) -> &'static str {
        "text/event-stream; charset=utf-8"
    }

    /// What keeps proxies and clients from giving up on a quiet stream. May leave at
    /// any moment, also before the stream's first event; empty where the format has
    /// room for nothing.
    fn keep_alive(&self) -> &'static [u8] {
        b": PLUGWAY PROCESSING\n\n"
    }
}

/// Writes one answer, event by event.
pub trait StreamEncoder: Send {
    /// Appends what a provider was sent: a JSON object, for each attempt one. Comes before
    /// all events, and only where the client asked for it; nothing in a format without a
    /// place for it.
    fn echo(&mut self, _body: &str, _out: &mut BytesMut) {}

    /// Appends what the event has to say, which may be nothing. What the answer took
    /// and how it failed is told at the end: see [`Self::end`] and [`Self::fail`].
    fn push(&mut self, event: &Event, out: &mut BytesMut);

    /// Appends all that is left to say of a good answer, and the end mark.
    fn end(&mut self, bill: Option<&Bill>, out: &mut BytesMut);

    /// Appends the error, with what was used until then, and the end mark.
    fn fail(&mut self, error: &ErrorBody, bill: Option<&Bill>, out: &mut BytesMut);
}
