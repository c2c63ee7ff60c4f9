//! What the events of any answer keep to, and what the same answer is.

use plugway_engine::Frame;
use plugway_engine::chat::{Event, Part, PartBody, Reasoning};
use plugway_wire::answer::{Answer, Order};

/// Choices, of which providers may send more than anybody asked for.
const CHOICES: u32 = 64;

/// What the router does not take from any provider: more than was asked for, or than it
/// holds, and JSON that its clients could not read. An adapter passes on what it is sent,
/// native values as they were written, and the router ends the answer there.
const BOUNDS: [&str; 4] = ["not asked for", "more than", "nested deeper", "half a surrogate pair"];

/// Bytes that a byte of the answer may become. JSON is longer than what it stands for,
/// but for numbers and lists that the contract writes in another way: 15 digits of
/// `1e15`, four of every byte of a token.
const GROWTH: usize = 6;

/// Bytes that an event may have beyond that: ids and sentences of the adapter's own.
const EVENT_BYTES: usize = 400;

/// A source is told with each passage that it backs, and a native field with each source:
/// what is said once may be told as often as something refers to it.
const REFERENCES: usize = 64;

/// What was sent.
pub(crate) struct Input {
    bytes: usize,
    /// Values of any kind: each has a sign of its own.
    values: usize,
    frames: usize,
}

impl Input {
    /// Of these frames.
    pub(crate) fn of(frames: &[Frame]) -> Self {
        let data = || frames.iter().flat_map(|frame| &frame.data);
        let values = data().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count();
        Self { bytes: data().count(), values, frames: frames.len() }
    }
}

/// The last of the events is a failure.
pub(crate) fn failed(events: &[Event]) -> bool {
    matches!(events.last(), Some(Event::Failed(_)))
}

/// Panics where the events are no answer.
pub(crate) fn holds(events: &[Event], input: &Input) {
    let mut order = Order::new(CHOICES);
    let mut finished = Vec::new();
    for (number, event) in events.iter().enumerate() {
        if let Err(flaw) = order.check(event) {
            let flaw = flaw.to_string();
            assert!(BOUNDS.iter().any(|bound| flaw.contains(bound)), "event {number}: {flaw}");
            return;
        }
        match event {
            Event::Piece(piece) => {
                assert!(!finished.contains(&piece.choice), "event {number}: a piece after the end");
            }
            Event::Finish(finish) => {
                assert!(!finished.contains(&finish.choice), "event {number}: a second end");
                finished.push(finish.choice);
            }
            Event::Failed(failure) => {
                assert_eq!(number + 1, events.len(), "something follows a failure");
                assert!(!failure.message.is_empty(), "a failure without a message");
            }
            Event::Origin(_) | Event::Usage(_) => {}
        }
    }
    assert!(failed(events) || !finished.is_empty(), "it neither finishes nor fails");
    is_bounded(events, input);
}

/// What is told is bounded by what was said.
fn is_bounded(events: &[Event], input: &Input) {
    let allowed = input.values + 4 * input.frames + 8;
    assert!(events.len() <= allowed, "{} events of {} values", events.len(), input.values);
    let constant = EVENT_BYTES * events.len();
    let said: usize = events.iter().map(said).sum();
    assert!(said <= GROWTH * input.bytes + constant, "{said} bytes of {}", input.bytes);
    let told: usize = events.iter().map(told).sum();
    let allowed = REFERENCES * input.bytes + constant;
    assert!(told <= allowed, "{told} bytes with all trimmings of {}", input.bytes);
}

/// Bytes of what is answered.
fn said(event: &Event) -> usize {
    let Event::Piece(piece) = event else { return 0 };
    let logprobs = piece.logprobs.as_ref().map_or(0, String::len);
    logprobs
        + match &piece.part.body {
            PartBody::Text(text)
            | PartBody::Refusal(text)
            | PartBody::Native(text)
            | PartBody::Reasoning(
                Reasoning::Text(text) | Reasoning::Summary(text) | Reasoning::Encrypted(text),
            ) => text.len(),
            PartBody::ToolCall(call) => call.name.len() + call.input.len(),
            PartBody::Media(_) | PartBody::ToolResult(_) => 0,
        }
}

/// Bytes of all there is, roughly as they lie in memory.
fn told(event: &Event) -> usize {
    let extras = |extra: &[(String, String)]| -> usize {
        extra.iter().map(|(name, value)| name.len() + value.len()).sum()
    };
    match event {
        Event::Piece(piece) => said(event) + trimmings(&piece.part),
        Event::Origin(origin) => extras(&origin.extra),
        Event::Usage(usage) => {
            let names: usize = usage.meters.iter().map(|(name, _)| name.len()).sum();
            names + usage.model.as_ref().map_or(0, String::len)
        }
        Event::Finish(finish) => finish.native.len() + extras(&finish.extra),
        Event::Failed(failure) => failure.message.len(),
    }
}

fn trimmings(part: &Part) -> usize {
    let extras = |extra: &[(String, String)]| -> usize {
        extra.iter().map(|(name, value)| name.len() + value.len()).sum()
    };
    let of = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let citations: usize = part
        .citations
        .iter()
        .map(|it| of(&it.url) + of(&it.title) + of(&it.quote) + extras(&it.extra))
        .sum();
    citations + of(&part.signature) + of(&part.id) + extras(&part.extra)
}

/// Panics where two ways to read one stream come to two answers.
pub(crate) fn same(one: &[Event], other: &[Event]) {
    let folded = |events: &[Event]| Answer::from_events(events.iter().cloned());
    let (one, other) = (folded(one), folded(other));
    assert_eq!(one.choices().len(), other.choices().len(), "choices depend on the grouping");
    for (one, other) in one.choices().iter().zip(other.choices()) {
        assert!(
            one.index == other.index
                && one.parts == other.parts
                && one.logprobs == other.logprobs
                && one.reasoning_logprobs == other.reasoning_logprobs
                && one.finish == other.finish,
            "what a choice says depends on the grouping"
        );
    }
    assert_eq!(one.extra(), other.extra(), "native fields depend on the grouping");
    let counts = |answer: &Answer| format!("{:?}", answer.tally());
    assert_eq!(counts(&one), counts(&other), "counts depend on the grouping");
}
