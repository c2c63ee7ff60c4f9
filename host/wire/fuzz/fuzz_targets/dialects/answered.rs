//! One answer, told in the form that a request was read to ask for.

use bytes::BytesMut;
use plugway_engine::chat::{
    Event, Finish, FinishReason, Part, PartBody, Piece, Reasoning, ToolCall, Usage,
};
use plugway_wire::answer::Answer;
use plugway_wire::{Bill, ErrorBody, Form, Head};

use super::is_json;

/// Choices that are told of. A request may ask for many, which say the same.
const MAX_CHOICES: u32 = 2;

/// An answer of every kind of part can be told whole and streamed, and so can one that
/// breaks off.
pub(super) fn check(form: &dyn Form, choices: u32) {
    let events: Vec<Event> = (0..choices.min(MAX_CHOICES)).flat_map(choice).collect();
    let head = Head { id: "gen-1".into(), created: 1, model: "m".into(), provider: "P".into() };
    let bill = Bill::unpriced(usage());
    let answer = Answer::from_events(events.iter().cloned());
    let whole = form.encode_whole(&answer, &head, Some(&bill), None);
    assert!(whole.is_some_and(|whole| is_json(&whole)), "the answer is no JSON");
    let error = ErrorBody { status: 502, message: "x".into(), ..ErrorBody::default() };
    if let Some(whole) = form.encode_whole(&answer, &head, None, Some(&error)) {
        assert!(is_json(&whole), "the answer that broke off is no JSON");
    }
    for breaks in [false, true] {
        let mut stream = form.stream(head.clone());
        let mut out = BytesMut::new();
        events.iter().for_each(|event| stream.push(event, &mut out));
        match breaks {
            false => stream.end(Some(&bill), &mut out),
            true => stream.fail(&error, None, &mut out),
        }
        assert!(!out.is_empty() && std::str::from_utf8(&out).is_ok(), "the stream is no text");
    }
}

fn choice(choice: u32) -> Vec<Event> {
    let call = |id: &str, name: &str, input: &str| {
        let (id, name, input) = (id.to_owned(), name.to_owned(), input.to_owned());
        PartBody::ToolCall(ToolCall { id, name, input, freeform: false })
    };
    let said = [
        (0, PartBody::Reasoning(Reasoning::Text("h\u{e4}".into()))),
        (1, PartBody::Text("two\n".into())),
        (1, PartBody::Text("\"bits\"".into())),
        (2, call("c", "f", "{")),
        (2, call("", "", "}")),
        (3, PartBody::Refusal("no".into())),
    ];
    let mut events: Vec<Event> =
        said.into_iter().map(|(at, body)| piece(choice, at, body)).collect();
    events.push(Event::Finish(Finish {
        choice,
        reason: FinishReason::ToolCalls,
        native: "tool".into(),
        stop_sequence: None,
        extra: Vec::new(),
    }));
    events
}

fn piece(choice: u32, index: u32, body: PartBody) -> Event {
    let part = Part {
        body,
        id: None,
        signature: None,
        format: None,
        citations: Vec::new(),
        cache: None,
        extra: Vec::new(),
    };
    Event::Piece(Piece { choice, index, part, logprobs: None })
}

fn usage() -> Usage {
    Usage {
        model: None,
        prompt_tokens: 5,
        completion_tokens: 7,
        cache_read_tokens: 1,
        cache_write_tokens: 0,
        reasoning_tokens: 2,
        meters: Vec::new(),
        cost: None,
    }
}
