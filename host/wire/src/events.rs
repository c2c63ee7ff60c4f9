//! Short ways to write events, for tests.

use plugway_engine::chat::*;

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
