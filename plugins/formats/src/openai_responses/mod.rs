//! The responses API: OpenAI's second format, whose conversation is a list of items.
//!
//! It is spoken where the option `api` of [`crate::openai_chat`] is `responses`, by the
//! providers that have it, and shares the options, errors and efforts of that format.
//! Nothing is stored at the provider unless a client of this very format asks for it:
//! reasoning comes back encrypted, and goes back with its item.

mod decode;
mod encode;

use plugway_sdk::chat::{Event, Failure, Request};
use plugway_sdk::provider::{Endpoint, Frame, UpstreamRequest, UpstreamResponse};
use plugway_sdk::token_count::TokenCount;
use std::marker::PhantomData;

use crate::node::Node;
use crate::openai_chat::{Options, Profile, Profiled, in_band};

pub(crate) use decode::Decoder;

/// The client format whose native values this one reads and writes.
pub const DIALECT: &str = "openai-responses";

/// What the memo of a request in this format begins with; the dialect follows.
const MEMO: &str = "responses ";

pub(crate) fn encode(
    profile: &Profile,
    options: &Options,
    request: &Request,
) -> Result<UpstreamRequest, Failure> {
    let body = encode::body(profile, options, request, encode::Purpose::Answer)?;
    let mut upstream = UpstreamRequest::post_json(options.responses_path.clone(), body);
    if request.dialect == DIALECT {
        upstream.headers.extend(request.headers.iter().cloned());
    }
    upstream.memo = format!("{MEMO}{}", request.dialect);
    Ok(upstream)
}

/// The dialect of the request, if it was one in this format.
pub(crate) fn dialect(memo: &str) -> Option<&str> {
    memo.strip_prefix(MEMO)
}

pub(crate) fn whole(
    profile: &'static Profile,
    response: &UpstreamResponse,
    dialect: &str,
) -> Vec<Event> {
    let mut events = Vec::new();
    let mut decoder = Decoder::new(profile, dialect);
    match Node::read(&response.body) {
        Some(body) => decoder.whole(&body, &mut events),
        None => events.push(crate::openai_chat::nonsense("a body")),
    }
    events
}

/// Counting the tokens of a request, for providers of this format that offer it.
pub struct InputTokens<P>(PhantomData<P>);

impl<P: Profiled> TokenCount for InputTokens<P> {
    fn encode(request: Request, endpoint: Endpoint) -> Result<UpstreamRequest, Failure> {
        let profile = P::PROFILE;
        let options = Options::of(profile, &endpoint)?;
        let body = encode::body(profile, &options, &request, encode::Purpose::Count)?;
        let path = format!("{}/input_tokens", options.responses_path);
        Ok(UpstreamRequest::post_json(path, body))
    }

    fn decode(response: UpstreamResponse, _memo: String) -> Result<u64, Failure> {
        let unreadable = || Failure::unavailable("the provider sent no count");
        let body = Node::read(&response.body).ok_or_else(unreadable)?;
        let count = body.get("input_tokens").and_then(Node::as_count);
        count.ok_or_else(|| in_band(&body).unwrap_or_else(unreadable))
    }
}

impl Decoder {
    pub(crate) fn push(&mut self, frame: &Frame, events: &mut Vec<Event>) {
        let data = frame.data.trim_ascii();
        if data.is_empty() || data == b"[DONE]" {
            return;
        }
        match Node::read(data) {
            Some(event) => self.event(&event, events),
            // Events of other names are none of this format's, whatever they hold.
            None if frame.kind.as_ref().is_some_and(|kind| !kind.starts_with("response.")) => {}
            None => events.push(crate::openai_chat::nonsense("a stream event")),
        }
    }
}

#[cfg(test)]
mod tests;
