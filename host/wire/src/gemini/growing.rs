//! One candidate as it is being told: text at once, and whatever this format only has
//! whole once it is.

use std::collections::VecDeque;

use plugway_engine::chat::{Citation, Finish, Part, PartBody, Piece, Reasoning};

use super::pieces;
use crate::answer::join;
use crate::conversation::plain;

/// What a client has not been told yet of one candidate.
pub(super) struct Growing {
    pub(super) index: u32,
    /// Parts that are not told of to their end, by their indices. Only the first may be
    /// told of in bits; what it was told of is not kept.
    parts: VecDeque<(u32, Part)>,
    /// The first index that has not begun.
    begun: u32,
    /// By the indices of their parts.
    citations: Vec<(u32, Citation)>,
    /// The tool of a call whose arguments are no object.
    pub(super) malformed: Option<String>,
    pub(super) finish: Option<Finish>,
    /// Something was told.
    pub(super) spoke: bool,
}

impl Growing {
    pub(super) fn new(index: u32) -> Self {
        Self {
            index,
            parts: VecDeque::new(),
            begun: 0,
            citations: Vec::new(),
            malformed: None,
            finish: None,
            spoke: false,
        }
    }

    /// The parts, or bits of them, that a client can be told of now.
    pub(super) fn push(&mut self, piece: &Piece, include_thoughts: bool) -> Vec<Part> {
        let mut part = piece.part.clone();
        let cited = std::mem::take(&mut part.citations);
        if matches!(part.body, PartBody::Text(_) | PartBody::Refusal(_)) {
            self.citations.extend(cited.into_iter().map(|citation| (piece.index, citation)));
        }
        let mut told = Vec::new();
        match self.parts.iter_mut().find(|(index, _)| *index == piece.index) {
            Some((_, growing)) => join(growing, part),
            None if piece.index >= self.begun => {
                self.begun = piece.index.saturating_add(1);
                self.parts.push_back((piece.index, part));
            }
            // Its part is closed: what follows late is told late.
            None => told.extend(late(part)),
        }
        while self.parts.len() > 1 && self.is_whole() {
            told.extend(self.close());
        }
        told.extend(self.bit());
        self.pick(told, include_thoughts)
    }

    /// All that is left to tell.
    pub(super) fn end(&mut self, include_thoughts: bool) -> Vec<Part> {
        let mut told = Vec::new();
        while let Some(part) = self.close() {
            told.push(part);
        }
        self.pick(told, include_thoughts)
    }

    /// In the order of their texts.
    pub(super) fn citations(&mut self) -> Vec<&Citation> {
        self.citations.sort_by_key(|(index, _)| *index);
        self.citations.iter().map(|(_, citation)| citation).collect()
    }

    /// The first part has an end, for another has begun, and it is fit to be told of. A
    /// call may still grow beside others that are made at once.
    fn is_whole(&self) -> bool {
        self.parts.front().is_none_or(|(_, part)| match &part.body {
            PartBody::ToolCall(call) => !call.input.is_empty() && pieces::input(call).is_some(),
            _ => true,
        })
    }

    fn close(&mut self) -> Option<Part> {
        let (_, part) = self.parts.pop_front()?;
        if let Some(name) = pieces::malformed(&part.body) {
            self.malformed.get_or_insert_with(|| name.to_owned());
        }
        Some(part)
    }

    /// What is new of the first part, where it is text.
    fn bit(&mut self) -> Option<Part> {
        let (_, part) = self.parts.front_mut()?;
        let text = match &mut part.body {
            PartBody::Text(text)
            | PartBody::Refusal(text)
            | PartBody::Reasoning(Reasoning::Text(text) | Reasoning::Summary(text)) => text,
            _ => return None,
        };
        let text = std::mem::take(text);
        let body = match &part.body {
            PartBody::Reasoning(_) => PartBody::Reasoning(Reasoning::Text(text)),
            _ => PartBody::Text(text),
        };
        Some(plain(body))
    }

    fn pick(&mut self, mut told: Vec<Part>, include_thoughts: bool) -> Vec<Part> {
        told.retain(|part| pieces::is_told(part, include_thoughts));
        self.spoke |= !told.is_empty();
        told
    }
}

/// What can still be told of a part that is closed. A call was told with its input: all
/// that can come is its proof, which here may stand on a text that says nothing.
fn late(bit: Part) -> Option<Part> {
    if !matches!(bit.body, PartBody::ToolCall(_)) {
        return Some(bit);
    }
    let Part { signature, format, .. } = bit;
    let nothing = PartBody::Text(String::new());
    signature.is_some().then(|| Part { signature, format, ..plain(nothing) })
}
