//! Joining events into the response that they stand for.

use std::collections::BTreeMap;

use crate::chat::{
    Event, Failure, Finish, MediaSource, Origin, Part, PartBody, Piece, Reasoning, Usage,
};

/// A response with its pieces joined: equal for the whole and the streamed form of
/// the same answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// All origins, joined.
    pub origin: Origin,
    /// Parts by choice and index.
    pub parts: BTreeMap<(u32, u32), Part>,
    /// Arrays of log probabilities by choice and index, joined as text.
    pub logprobs: BTreeMap<(u32, u32), Vec<String>>,
    /// The last usage of each model.
    pub usage: Vec<Usage>,
    /// In the order in which the choices ended.
    pub finishes: Vec<Finish>,
    /// What ended the response early.
    pub failure: Option<Failure>,
}

impl Answer {
    /// Joins events as the contract says.
    pub fn of(events: &[Event]) -> Self {
        let mut answer = Self::default();
        for event in events {
            match event {
                Event::Origin(origin) => answer.add_origin(origin),
                Event::Piece(piece) => answer.add_piece(piece),
                Event::Usage(usage) => answer.add_usage(usage),
                Event::Finish(finish) => answer.finishes.push(finish.clone()),
                Event::Failed(failure) => answer.failure = Some(failure.clone()),
            }
        }
        answer
    }

    /// The text of one choice, parts joined.
    pub fn text(&self, choice: u32) -> String {
        self.bodies(choice)
            .filter_map(|body| match body {
                PartBody::Text(text) => Some(text.as_str()),
                _ => None,
            })
            .collect()
    }

    /// The readable reasoning of one choice, parts joined.
    pub fn reasoning(&self, choice: u32) -> String {
        self.bodies(choice)
            .filter_map(|body| match body {
                PartBody::Reasoning(Reasoning::Text(text) | Reasoning::Summary(text)) => {
                    Some(text.as_str())
                }
                _ => None,
            })
            .collect()
    }

    /// Name and input of the tool calls of one choice.
    pub fn calls(&self, choice: u32) -> Vec<(&str, &str)> {
        self.bodies(choice)
            .filter_map(|body| match body {
                PartBody::ToolCall(call) => Some((call.name.as_str(), call.input.as_str())),
                _ => None,
            })
            .collect()
    }

    fn bodies(&self, choice: u32) -> impl Iterator<Item = &PartBody> {
        self.parts.range((choice, 0)..=(choice, u32::MAX)).map(|(_, part)| &part.body)
    }

    fn add_origin(&mut self, origin: &Origin) {
        replace(&mut self.origin.id, &origin.id);
        replace(&mut self.origin.model, &origin.model);
        replace(&mut self.origin.service_tier, &origin.service_tier);
        for extra in &origin.extra {
            if !self.origin.extra.contains(extra) {
                self.origin.extra.push(extra.clone());
            }
        }
    }

    fn add_usage(&mut self, usage: &Usage) {
        match self.usage.iter_mut().find(|other| other.model == usage.model) {
            Some(former) => *former = usage.clone(),
            None => self.usage.push(usage.clone()),
        }
    }

    fn add_piece(&mut self, piece: &Piece) {
        let place = (piece.choice, piece.index);
        if let Some(logprobs) = &piece.logprobs {
            self.logprobs.entry(place).or_default().push(logprobs.clone());
        }
        match self.parts.get_mut(&place) {
            Some(part) => join(part, &piece.part),
            None => {
                self.parts.insert(place, piece.part.clone());
            }
        }
    }
}

/// Joins the next bit to a part. A bit of another kind is left out: the contract
/// check reports it.
fn join(part: &mut Part, bit: &Part) {
    match (&mut part.body, &bit.body) {
        (PartBody::Text(text), PartBody::Text(more))
        | (PartBody::Refusal(text), PartBody::Refusal(more))
        | (
            PartBody::Reasoning(Reasoning::Text(text)),
            PartBody::Reasoning(Reasoning::Text(more)),
        )
        | (
            PartBody::Reasoning(Reasoning::Summary(text)),
            PartBody::Reasoning(Reasoning::Summary(more)),
        )
        | (
            PartBody::Reasoning(Reasoning::Encrypted(text)),
            PartBody::Reasoning(Reasoning::Encrypted(more)),
        ) => text.push_str(more),
        (PartBody::ToolCall(call), PartBody::ToolCall(more)) => call.input.push_str(&more.input),
        (PartBody::Media(media), PartBody::Media(more)) => {
            if let (MediaSource::Base64(data), MediaSource::Base64(more)) =
                (&mut media.source, &more.source)
            {
                data.push_str(more);
            }
        }
        _ => {}
    }
    replace(&mut part.id, &bit.id);
    replace(&mut part.signature, &bit.signature);
    replace(&mut part.format, &bit.format);
    part.citations.extend(bit.citations.iter().cloned());
    for (name, value) in &bit.extra {
        match part.extra.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => known.clone_from(value),
            None => part.extra.push((name.clone(), value.clone())),
        }
    }
}

fn replace(former: &mut Option<String>, later: &Option<String>) {
    if later.is_some() {
        former.clone_from(later);
    }
}
