//! Joining pieces into parts, and parts into choices.

use std::fmt;

use plugway_engine::chat;

use super::Tally;
use crate::base64;

/// A response, folded from its events. The same, however finely it was streamed.
/// `Debug` shows no content.
#[derive(Clone, Default)]
pub struct Answer {
    choices: Vec<Choice>,
    extra: Vec<(String, String)>,
    tally: Tally,
}

/// One of the answers that were asked for. `Debug` shows no content.
#[derive(Clone)]
pub struct Choice {
    /// From 0.
    pub index: u32,
    /// In the order of their own indices.
    pub parts: Vec<chat::Part>,
    /// Of the text, joined: arrays as in OpenAI chat's `logprobs.content`.
    pub logprobs: Vec<String>,
    /// The same of the reasoning.
    pub reasoning_logprobs: Vec<String>,
    /// None where the response ended before the choice did.
    pub finish: Option<chat::Finish>,
    /// The pieces' own index of each part.
    places: Vec<u32>,
    /// The same index of the part that each of `logprobs` is of.
    logprob_places: Vec<u32>,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("choices", &self.choices).finish_non_exhaustive()
    }
}

impl fmt::Debug for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Choice")
            .field("index", &self.index)
            .field("parts", &self.parts.len())
            .field("finished", &self.finish.is_some())
            .finish_non_exhaustive()
    }
}

impl Answer {
    /// Folds a whole response.
    pub fn from_events(events: impl IntoIterator<Item = chat::Event>) -> Self {
        let mut answer = Self::default();
        for event in events {
            answer.fold(event);
        }
        answer
    }

    /// Adds the next event.
    pub fn fold(&mut self, event: chat::Event) {
        self.tally.observe(&event);
        match event {
            chat::Event::Origin(origin) => super::extra::merge(&mut self.extra, &origin.extra),
            chat::Event::Piece(piece) => self.choice(piece.choice).add(piece),
            chat::Event::Finish(finish) => {
                let choice = self.choice(finish.choice);
                choice.finish = Some(finish);
            }
            // The tally keeps these.
            chat::Event::Usage(_) | chat::Event::Failed(_) => {}
        }
    }

    /// In the order of their indices.
    pub fn choices(&self) -> &[Choice] {
        &self.choices
    }

    /// Native fields of the response as a whole.
    pub fn extra(&self) -> &[(String, String)] {
        &self.extra
    }

    /// The counts.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    fn choice(&mut self, index: u32) -> &mut Choice {
        let place = self.choices.partition_point(|choice| choice.index < index);
        if self.choices.get(place).is_none_or(|choice| choice.index != index) {
            self.choices.insert(place, Choice::new(index));
        }
        &mut self.choices[place]
    }
}

impl Choice {
    /// One of which nothing has been said.
    pub(crate) fn new(index: u32) -> Self {
        Self {
            index,
            parts: Vec::new(),
            logprobs: Vec::new(),
            reasoning_logprobs: Vec::new(),
            finish: None,
            places: Vec::new(),
            logprob_places: Vec::new(),
        }
    }

    /// `logprobs`, for each part.
    pub(crate) fn logprobs_by_part(&self) -> Vec<Vec<String>> {
        let mut by_part = vec![Vec::new(); self.parts.len()];
        for (index, logprobs) in self.logprob_places.iter().zip(&self.logprobs) {
            let place = self.places.partition_point(|place| place < index);
            if let Some(of_part) = by_part.get_mut(place) {
                of_part.push(logprobs.clone());
            }
        }
        by_part
    }

    fn add(&mut self, piece: chat::Piece) {
        if let Some(logprobs) = piece.logprobs {
            match piece.part.body {
                chat::PartBody::Reasoning(_) => self.reasoning_logprobs.push(logprobs),
                _ => {
                    self.logprobs.push(logprobs);
                    self.logprob_places.push(piece.index);
                }
            }
        }
        let place = self.places.partition_point(|place| *place < piece.index);
        if self.places.get(place) == Some(&piece.index) {
            join(&mut self.parts[place], piece.part);
        } else {
            self.places.insert(place, piece.index);
            self.parts.insert(place, piece.part);
        }
    }
}

/// Joins the next bit onto a part: strings and lists are joined, of an option the
/// last given value stands.
pub(crate) fn join(part: &mut chat::Part, bit: chat::Part) {
    join_bodies(&mut part.body, bit.body);
    replace(&mut part.id, bit.id);
    replace(&mut part.signature, bit.signature);
    replace(&mut part.format, bit.format);
    replace(&mut part.cache, bit.cache);
    part.citations.extend(bit.citations);
    for (name, value) in bit.extra {
        // Looked for: a provider may repeat a field in every bit.
        match part.extra.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => part.extra.push((name, value)),
        }
    }
}

fn join_bodies(body: &mut chat::PartBody, bit: chat::PartBody) {
    use chat::{PartBody, Reasoning};
    match (body, bit) {
        (PartBody::Text(text), PartBody::Text(bit))
        | (PartBody::Refusal(text), PartBody::Refusal(bit))
        | (PartBody::Reasoning(Reasoning::Text(text)), PartBody::Reasoning(Reasoning::Text(bit)))
        | (
            PartBody::Reasoning(Reasoning::Summary(text)),
            PartBody::Reasoning(Reasoning::Summary(bit)),
        )
        | (
            PartBody::Reasoning(Reasoning::Encrypted(text)),
            PartBody::Reasoning(Reasoning::Encrypted(bit)),
        ) => text.push_str(&bit),
        (PartBody::ToolCall(call), PartBody::ToolCall(bit)) => {
            call.id.push_str(&bit.id);
            call.name.push_str(&bit.name);
            call.input.push_str(&bit.input);
            call.freeform |= bit.freeform;
        }
        (PartBody::Media(media), PartBody::Media(bit)) => join_media(media, bit),
        // A part keeps the kind that it began with.
        _ => {}
    }
}

/// Joins the next bit onto a medium.
pub(crate) fn join_media(media: &mut chat::Media, bit: chat::Media) {
    use chat::MediaSource::{Base64, FileId, Text, Uri};
    match (&mut media.source, bit.source) {
        (Base64(data), Base64(bit)) => base64::append(data, &bit),
        (Text(text), Text(bit)) | (Uri(text), Uri(bit)) | (FileId(text), FileId(bit)) => {
            text.push_str(&bit);
        }
        _ => {}
    }
    replace(&mut media.mime, bit.mime);
    replace(&mut media.name, bit.name);
    replace(&mut media.detail, bit.detail);
}

fn replace<T>(option: &mut Option<T>, given: Option<T>) {
    if given.is_some() {
        *option = given;
    }
}
