//! What parts of items are, and how a bit of one looks.

use plugway_sdk::chat::{Part, PartBody, Reasoning, ToolCall};

/// What tells parts apart: the item's place, what it is, and its place in the item.
pub(super) type Key = (u32, Kind, u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Aside,
    Text,
    Refusal,
    Summary,
    Thought,
    Encrypted,
    Call,
    Other,
}

/// A bit of a part, or all of it so far.
#[derive(Clone, Copy)]
pub(super) enum Said<'a> {
    More(&'a str),
    All(&'a str),
}

/// A part of this kind with this text.
pub(super) fn of(kind: Kind, text: &str) -> Part {
    match kind {
        Kind::Text | Kind::Other => Part::text(text),
        Kind::Refusal => PartBody::Refusal(text.into()).into(),
        Kind::Summary => summary(text),
        Kind::Thought | Kind::Aside => Part::reasoning(text),
        Kind::Encrypted => PartBody::Reasoning(Reasoning::Encrypted(text.into())).into(),
        Kind::Call => ToolCall::more(text).into(),
    }
}

pub(super) fn summary(text: &str) -> Part {
    PartBody::Reasoning(Reasoning::Summary(text.into())).into()
}

/// Bytes of a part's text.
pub(super) fn length(body: &PartBody) -> usize {
    match body {
        PartBody::Text(text)
        | PartBody::Refusal(text)
        | PartBody::Reasoning(
            Reasoning::Text(text) | Reasoning::Summary(text) | Reasoning::Encrypted(text),
        ) => text.len(),
        PartBody::ToolCall(call) => call.input.len(),
        _ => 0,
    }
}
