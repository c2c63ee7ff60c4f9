//! Reads bodies as the router does: framed, decoded, and no further than a failure.

use plugway_engine::chat::{Event, Failure, FailureKind, FinishReason, PartBody, Reasoning, Usage};
use plugway_engine::{Frame, Framing, ResponseHead};
use plugway_wire::answer::{Answer, Order};
use plugway_wire::framing::{FrameError, Framer};

use super::lanes::{Format, Lane};

/// The router's own default.
const MAX_FRAME_BYTES: usize = 16 << 20;

/// What an answer comes to, without its trimmings.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Said {
    pub(crate) text: String,
    pub(crate) thought: String,
    /// Names and inputs.
    pub(crate) calls: Vec<(String, String)>,
    /// Tokens of prompt and completion.
    pub(crate) used: Option<(u64, u64)>,
    pub(crate) finish: Option<FinishReason>,
    pub(crate) failure: Option<FailureKind>,
}

impl Said {
    pub(crate) fn by(events: &[Event]) -> Self {
        let answer = Answer::from_events(events.iter().cloned());
        let tally = answer.tally();
        let mut said = Self {
            text: String::new(),
            thought: String::new(),
            calls: Vec::new(),
            used: tally.total_usage().map(|it| (it.prompt_tokens, it.completion_tokens)),
            finish: tally.finish_reason,
            failure: tally.failure.as_ref().map(|failure| failure.kind),
        };
        for part in answer.choices().iter().flat_map(|choice| &choice.parts) {
            match &part.body {
                PartBody::Text(text) => said.text.push_str(text),
                PartBody::Reasoning(Reasoning::Text(text) | Reasoning::Summary(text)) => {
                    said.thought.push_str(text);
                }
                PartBody::ToolCall(call) => {
                    said.calls.push((call.name.clone(), call.input.clone()))
                }
                _ => {}
            }
        }
        said
    }

    /// The whole of `answer`, or the failure that is named so; the count may be missing
    /// but not be another one.
    #[track_caller]
    pub(crate) fn is_all_of_or_fails(&self, answer: &Self, failure: FailureKind, case: &str) {
        if let Some(kind) = self.failure {
            assert_eq!(kind, failure, "{case}");
            return;
        }
        let counted = Self { used: answer.used, ..self.clone() };
        assert_eq!(&counted, answer, "{case}");
        assert!(self.used.is_none() || self.used == answer.used, "{case}: {self:?}");
    }
}

/// Frames of a transcript.
pub(crate) fn frames_of(transcript: &str) -> Vec<Frame> {
    let framing = if transcript.starts_with('{') { Framing::Ndjson } else { Framing::Sse };
    let mut framer = Framer::new(framing, MAX_FRAME_BYTES);
    let mut frames = Vec::new();
    framer.push(transcript.as_bytes(), &mut frames).unwrap();
    framer.end(&mut frames).unwrap();
    frames
}

/// The frames as they travel.
pub(crate) fn body_of(lane: Lane, frames: &[Frame]) -> Vec<u8> {
    frames.iter().flat_map(|frame| written(lane, frame)).collect()
}

fn written(lane: Lane, frame: &Frame) -> Vec<u8> {
    let mut written = Vec::new();
    match lane.format {
        Format::Ollama => {
            written.extend_from_slice(&frame.data);
            written.push(b'\n');
        }
        Format::Converse => written = message(frame.kind.as_deref(), &frame.data),
        Format::Invoke if frame.kind.as_deref().is_some_and(|kind| kind.ends_with("Exception")) => {
            written = message(frame.kind.as_deref(), &frame.data);
        }
        Format::Invoke => {
            let chunk = format!(r#"{{"bytes":"{}","p":"ab"}}"#, base64(&frame.data));
            written = message(Some("chunk"), chunk.as_bytes());
        }
        _ => {
            if let Some(kind) = &frame.kind {
                written.extend_from_slice(format!("event: {kind}\n").as_bytes());
            }
            for line in frame.data.split(|byte| *byte == b'\n') {
                written.extend_from_slice(b"data: ");
                written.extend_from_slice(line);
                written.push(b'\n');
            }
            written.push(b'\n');
        }
    }
    written
}

/// A message of an event stream.
fn message(kind: Option<&str>, payload: &[u8]) -> Vec<u8> {
    let mut headers = Vec::new();
    if let Some(kind) = kind {
        let name = if kind.ends_with("Exception") { ":exception-type" } else { ":event-type" };
        headers.push(u8::try_from(name.len()).unwrap());
        headers.extend_from_slice(name.as_bytes());
        // A string.
        headers.push(7);
        headers.extend_from_slice(&u16::try_from(kind.len()).unwrap().to_be_bytes());
        headers.extend_from_slice(kind.as_bytes());
    }
    let length = |bytes: usize| u32::try_from(bytes).unwrap().to_be_bytes();
    let mut message = Vec::new();
    message.extend_from_slice(&length(headers.len() + payload.len() + 16));
    message.extend_from_slice(&length(headers.len()));
    message.extend_from_slice(&crc32(&message).to_be_bytes());
    message.extend_from_slice(&headers);
    message.extend_from_slice(payload);
    message.extend_from_slice(&crc32(&message).to_be_bytes());
    message
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1))
        })
    })
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = |group: &[u8]| {
        let bits = (0..3).fold(0, |bits, at| bits << 8 | usize::from(*group.get(at).unwrap_or(&0)));
        let digit = |at: usize| char::from(DIGITS[bits >> (18 - 6 * at) & 63]);
        let digit = |at: usize| if at <= group.len() { digit(at) } else { '=' };
        (0..4).map(digit).collect::<String>()
    };
    bytes.chunks(3).map(digits).collect()
}

/// The events of a streamed body that comes in these chunks.
#[track_caller]
pub(crate) fn read<'c>(lane: Lane, chunks: impl IntoIterator<Item = &'c [u8]>) -> Vec<Event> {
    let mut framer = Framer::new(lane.framing(), MAX_FRAME_BYTES);
    let mut groups = Vec::new();
    let mut framed = Ok(());
    for chunk in chunks {
        let mut group = Vec::new();
        framed = framed.and_then(|()| framer.push(chunk, &mut group));
        groups.push(group);
    }
    let mut rest = Vec::new();
    framed = framed.and_then(|()| framer.end(&mut rest));
    groups.push(rest);
    let mut events = decoded(lane, groups, framed.is_ok());
    if !matches!(events.last(), Some(Event::Failed(_))) {
        events.extend(framed.err().map(|error| Event::Failed(unreadable(error))));
    }
    keeps_the_contract(&events, lane);
    events
}

/// As the router calls a stream that cannot be framed.
fn unreadable(error: FrameError) -> Failure {
    Failure {
        kind: FailureKind::Unavailable,
        message: error.to_string(),
        code: None,
        param: None,
        retry_after_ms: None,
    }
}

#[track_caller]
fn decoded(lane: Lane, groups: Vec<Vec<Frame>>, ended: bool) -> Vec<Event> {
    let attempt = lane.adapter().attempt(Default::default()).unwrap();
    let mut decoder = attempt.decoder(head(), lane.memo).unwrap();
    let mut events = Vec::new();
    for group in groups.into_iter().filter(|group| !group.is_empty()) {
        events.extend(decoder.push(group).unwrap());
        if matches!(events.last(), Some(Event::Failed(_))) {
            return events;
        }
    }
    if ended {
        events.extend(decoder.end().unwrap());
    }
    events
}

/// The events of these frames.
#[track_caller]
pub(crate) fn read_frames(lane: Lane, frames: &[Frame]) -> Vec<Event> {
    read(lane, [&*body_of(lane, frames)])
}

/// The events of a body in one piece.
#[track_caller]
pub(crate) fn read_whole(lane: Lane, body: &[u8]) -> Vec<Event> {
    let attempt = lane.adapter().attempt(Default::default()).unwrap();
    let events = attempt.decode(head(), body.to_vec(), lane.memo).unwrap();
    keeps_the_contract(&events, lane);
    events
}

pub(crate) fn head() -> ResponseHead {
    ResponseHead { status: 200, headers: Vec::new() }
}

/// What holds whatever the provider sends.
#[track_caller]
fn keeps_the_contract(events: &[Event], lane: Lane) {
    let mut order = Order::new(4);
    let mut finished = Vec::new();
    let mut used: Vec<Usage> = Vec::new();
    for (number, event) in events.iter().enumerate() {
        assert_eq!(order.check(event), Ok(()), "{lane:?}: event {number}");
        match event {
            Event::Piece(piece) => {
                assert!(!finished.contains(&piece.choice), "{lane:?}: {number} follows the end");
            }
            Event::Finish(finish) => {
                assert!(!finished.contains(&finish.choice), "{lane:?}: {number} ends it again");
                finished.push(finish.choice);
            }
            Event::Usage(usage) => {
                match used.iter_mut().find(|former| former.model == usage.model) {
                    Some(former) => {
                        assert!(holds(usage, former), "{lane:?}: {former:?} shrinks to {usage:?}");
                        former.clone_from(usage);
                    }
                    None => used.push(usage.clone()),
                }
            }
            Event::Failed(failure) => {
                assert_eq!(number + 1, events.len(), "{lane:?}: something follows a failure");
                assert!(!failure.message.is_empty(), "{lane:?}");
            }
            Event::Origin(_) => {}
        }
    }
    let failed = matches!(events.last(), Some(Event::Failed(_)));
    assert!(failed || !finished.is_empty(), "{lane:?} neither finishes nor fails");
}

/// Nothing of it is less than it was.
fn holds(usage: &Usage, former: &Usage) -> bool {
    let counts = |usage: &Usage| {
        [
            usage.prompt_tokens,
            usage.completion_tokens,
            usage.cache_read_tokens,
            usage.cache_write_tokens,
            usage.reasoning_tokens,
        ]
    };
    let metered = |name: &str| usage.meters.iter().find(|(it, _)| it == name).map(|(_, n)| *n);
    counts(usage).iter().zip(counts(former)).all(|(now, then)| *now >= then)
        && former.meters.iter().all(|(name, then)| metered(name) >= Some(*then))
}
