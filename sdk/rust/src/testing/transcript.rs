//! What a provider answered, and the ways to have an adapter read it.

use crate::chat::{Event, Failure};
use crate::export::push_all;
use crate::provider::{Frame, Framing, Provider, ResponseHead, StreamDecoder, UpstreamResponse};

/// A provider's response as it came: status, headers and the body's bytes.
#[derive(Clone, Debug)]
pub struct Transcript {
    /// HTTP status.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body, decoded of any content encoding.
    pub body: Vec<u8>,
}

impl Transcript {
    /// A response without headers.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    /// A 200 whose body is a stream of server-sent events with these data.
    pub fn sse<'a>(data: impl IntoIterator<Item = &'a str>) -> Self {
        let mut body = String::new();
        for item in data {
            for line in item.lines() {
                body.push_str("data: ");
                body.push_str(line);
                body.push('\n');
            }
            body.push('\n');
        }
        Self::new(200, body)
    }

    /// The same with one more header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    fn head(&self) -> ResponseHead {
        ResponseHead { status: self.status, headers: self.headers.clone() }
    }

    fn response(&self) -> UpstreamResponse {
        UpstreamResponse { head: self.head(), body: self.body.clone() }
    }
}

/// Decodes the response as a whole one.
pub fn whole<P: Provider>(transcript: &Transcript, memo: &str) -> Vec<Event> {
    P::decode(transcript.response(), memo.into())
}

/// Decodes the response as a stream that ends cleanly.
pub fn streamed<P: Provider>(transcript: &Transcript, framing: Framing, memo: &str) -> Vec<Event> {
    let mut decoder = P::Decoder::new(transcript.head(), memo.into());
    let mut events = push_all(&mut decoder, frames(&transcript.body, framing));
    if !matches!(events.last(), Some(Event::Failed(_))) {
        decoder.end(&mut events);
    }
    events
}

/// What the adapter makes of a response that is no success.
pub fn explained<P: Provider>(transcript: &Transcript) -> Failure {
    P::explain(transcript.response())
}

/// Cuts a body into frames: well enough for transcripts, not for the network.
fn frames(body: &[u8], framing: Framing) -> Vec<Frame> {
    match framing {
        Framing::Sse => sse_frames(&String::from_utf8_lossy(body)),
        Framing::Ndjson => body
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.trim_ascii().is_empty())
            .map(|line| frame(None, line))
            .collect(),
        Framing::AwsEventStream | Framing::Raw => vec![frame(None, body)],
    }
}

fn frame(kind: Option<&str>, data: &[u8]) -> Frame {
    Frame { kind: kind.map(Into::into), data: data.to_vec() }
}

fn sse_frames(body: &str) -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut kind = None;
    let mut data: Vec<&str> = Vec::new();
    // The extra empty line ends an event that the body leaves open; a router would
    // discard that one, but transcripts written by hand often lack the last newline.
    for line in body.lines().chain([""]) {
        if line.is_empty() {
            if !data.is_empty() {
                frames.push(frame(kind, data.join("\n").as_bytes()));
            }
            (kind, data) = (None, Vec::new());
        } else if let Some((field, value)) = line.split_once(':') {
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "data" => data.push(value),
                "event" => kind = Some(value),
                _ => {}
            }
        }
    }
    frames
}
