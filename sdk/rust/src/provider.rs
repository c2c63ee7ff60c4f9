//! What a provider adapter implements: a pure translator between the contract's
//! chat types and one provider's wire format. It opens no connection, sees no
//! credential and cannot choose the host that its request goes to.

pub use crate::bindings::provider::exports::plugway::provider::provider::{
    AuthScheme, Frame, Info,
};
pub use crate::bindings::provider::plugway::provider::types::{
    Endpoint, Framing, ResponseHead, UpstreamRequest, UpstreamResponse,
};
#[doc(hidden)]
pub use crate::export::{ExportedProvider as Exported, exportable_provider as exportable};

use crate::chat::{Event, Failure, Header, Request};
use serde::de::DeserializeOwned;

/// An adapter. The router makes a fresh instance of the component for every
/// attempt and is free to drop it between any two calls, so nothing is kept in
/// statics: what an answer cannot be read without travels in the memo.
pub trait Provider {
    /// Decodes one streamed response.
    type Decoder: StreamDecoder;

    /// Claims about the provider, the same on every call.
    fn describe() -> Info;

    /// Translates a request; the same input gives the same output.
    ///
    /// Where the contract says that a string may be a seal, copy it verbatim into a
    /// string of the body, once, and never look at it.
    ///
    /// # Errors
    /// Mostly of kind `unsupported`, naming what this provider cannot do: the router
    /// then tries another endpoint.
    fn encode(request: Request, endpoint: Endpoint) -> Result<UpstreamRequest, Failure>;

    /// Translates a whole 2xx response; also one that came whole though a stream was
    /// asked for.
    fn decode(response: UpstreamResponse, memo: String) -> Vec<Event>;

    /// Explains a response with any other status. By default: what the status and
    /// `retry-after` imply.
    fn explain(response: UpstreamResponse) -> Failure {
        let message = format!("the provider answered with status {}", response.head.status);
        Failure::from_head(&response.head, message)
    }
}

/// Translates one streamed 2xx response; lives as long as the stream.
pub trait StreamDecoder: Sized + 'static {
    /// Called once, before any frame.
    fn new(head: ResponseHead, memo: String) -> Self;

    /// Reads the next frame and adds the events that it completes, possibly none.
    /// After a failed event there is no further call.
    fn push(&mut self, frame: Frame, events: &mut Vec<Event>);

    /// The body ended cleanly. Before the provider's own end mark that is a failure
    /// of kind `unavailable`.
    fn end(&mut self, events: &mut Vec<Event>);
}

impl UpstreamRequest {
    /// A `POST` of JSON, answered by server-sent events where it asks for a stream.
    pub fn post_json(path: impl Into<String>, body: Vec<u8>) -> Self {
        Self {
            method: "POST".into(),
            path: path.into(),
            headers: vec![("content-type".into(), "application/json".into())],
            body,
            framing: Framing::Sse,
            memo: String::new(),
        }
    }
}

impl Endpoint {
    /// The operator's option of this name; none where it is absent or `null`. Given
    /// twice, the last stands: the endpoint's own overrides its provider's.
    ///
    /// # Errors
    /// A failure of kind `unsupported` naming the option, where its value has another
    /// type: the endpoint is misconfigured, and another may serve.
    pub fn option<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Failure> {
        let Some((_, json)) = self.options.iter().rev().find(|(key, _)| key == name) else {
            return Ok(None);
        };
        serde_json::from_str(json).map_err(|error| {
            Failure::unsupported(format!("the endpoint's option {name:?} is wrong: {error}"))
        })
    }
}

impl ResponseHead {
    /// The value of a header, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// How long the provider asks to be left alone: `retry-after-ms`, or
    /// `retry-after` in seconds, whole or fractional. None without one, and for the
    /// form that gives a date, which a guest without a clock cannot use.
    pub fn retry_after_ms(&self) -> Option<u64> {
        let number = |name, scale: f64| {
            let value: f64 = self.header(name)?.trim().parse().ok()?;
            let milliseconds = value * scale;
            // A week: beyond it the header is nonsense, and the cast below is exact.
            (0.0..=604_800_000.0).contains(&milliseconds).then(|| milliseconds.ceil() as u64)
        };
        number("retry-after-ms", 1.0).or_else(|| number("retry-after", 1000.0))
    }
}

fn find<'a>(headers: &'a [Header], name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// Gives the parts of a streamed answer their places, in the order in which they
/// begin, for formats that interleave parts without numbering them. `K` tells the
/// parts of one choice apart.
#[derive(Debug)]
pub struct Places<K> {
    begun: Vec<(u32, K)>,
}

impl<K> Default for Places<K> {
    fn default() -> Self {
        Self { begun: Vec::new() }
    }
}

impl<K: PartialEq> Places<K> {
    /// The place of this part in its choice, and whether it has just begun.
    pub fn of(&mut self, choice: u32, key: K) -> (u32, bool) {
        let mut place = 0;
        for (other_choice, other) in &self.begun {
            if *other_choice == choice {
                if *other == key {
                    return (place, false);
                }
                place += 1;
            }
        }
        self.begun.push((choice, key));
        (place, true)
    }
}
