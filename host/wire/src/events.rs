//! Short ways to write events, for tests.

use plugway_engine::chat::*;
use rand::RngExt;
use rand::rngs::StdRng;

pub(crate) fn part(body: PartBody) -> Part {
    Part {
        body,
        id: None,
        signature: None,
        format: None,
        citations: Vec::new(),
        cache: None,
        extra: Vec::new(),
    }
}

pub(crate) fn piece(choice: u32, index: u32, body: PartBody) -> Event {
    Event::Piece(Piece { choice, index, part: part(body), logprobs: None })
}

pub(crate) fn piece_of(event: Event) -> Piece {
    match event {
        Event::Piece(piece) => piece,
        other => panic!("not a piece: {other:?}"),
    }
}

pub(crate) fn text(text: &str) -> PartBody {
    PartBody::Text(text.into())
}

pub(crate) fn reasoning(text: &str) -> PartBody {
    PartBody::Reasoning(Reasoning::Text(text.into()))
}

pub(crate) fn call(id: &str, name: &str, input: &str) -> PartBody {
    PartBody::ToolCall(ToolCall {
        id: id.into(),
        name: name.into(),
        input: input.into(),
        freeform: false,
    })
}

pub(crate) fn image(data: &str) -> Media {
    Media {
        kind: MediaKind::Image,
        source: MediaSource::Base64(data.into()),
        mime: Some("image/png".into()),
        name: None,
        detail: None,
    }
}

pub(crate) fn origin(id: &str) -> Event {
    Event::Origin(Origin {
        id: Some(id.into()),
        model: None,
        service_tier: None,
        extra: Vec::new(),
    })
}

pub(crate) fn usage_of(prompt: u64, completion: u64) -> Usage {
    Usage {
        model: None,
        prompt_tokens: prompt,
        completion_tokens: completion,
        cache_read_tokens: 0,
        cache_write_tokens: 0,
        reasoning_tokens: 0,
        meters: Vec::new(),
        cost: None,
    }
}

pub(crate) fn usage(prompt: u64, completion: u64) -> Event {
    Event::Usage(usage_of(prompt, completion))
}

pub(crate) fn finish(choice: u32, reason: FinishReason) -> Event {
    Event::Finish(Finish {
        choice,
        reason,
        native: "native".into(),
        stop_sequence: None,
        extra: Vec::new(),
    })
}

/// An answer at random: parts of all kinds, one after the other, each in some bits, of
/// which the last may have a proof.
pub(crate) fn drawn(draws: &mut StdRng) -> Vec<Event> {
    const BITS: [&str; 4] = ["", "\u{1f9ea}\n", "\"} \\", "data: x\r\n\r\n"];
    let mut events = vec![origin("up")];
    for index in 0..draws.random_range(0..6) {
        let kind = draws.random_range(0..6);
        let bits = draws.random_range(1..4);
        for bit in 0..bits {
            let is_last = bit + 1 == bits;
            let said = BITS[draws.random_range(0..BITS.len())];
            let body = match kind {
                0 => PartBody::Refusal(said.into()),
                1 | 2 => reasoning(said),
                3 if bit == 0 => call(&format!("c{index}"), "f", if is_last { "{}" } else { "{" }),
                3 => call("", "", if is_last { "\"a\":1}" } else { " " }),
                _ => text(said),
            };
            let mut piece = piece_of(piece(0, index, body));
            if is_last && kind != 0 && draws.random_bool(0.3) {
                piece.part.format = Some("format".into());
                piece.part.signature = Some("proof".into());
            }
            events.push(Event::Piece(piece));
        }
        if draws.random_bool(0.3) {
            events.push(usage(5, u64::from(index)));
        }
    }
    let reasons = [FinishReason::Stop, FinishReason::Length, FinishReason::ToolCalls];
    events.push(finish(0, reasons[draws.random_range(0..reasons.len())]));
    events
}
