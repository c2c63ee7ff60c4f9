//! What the contract forbids in a list of events.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::discriminant;

use crate::chat::{Event, MediaSource, Part, PartBody, Piece, Reasoning};

/// Checks the events of one complete response, whole or streamed, and says what is
/// wrong with them.
///
/// # Errors
/// The first breach: a sentence that starts with the number of the event.
pub fn check_contract(events: &[Event]) -> Result<(), String> {
    let mut checker = Checker::default();
    for (number, event) in events.iter().enumerate() {
        checker.event(event).map_err(|breach| format!("event {number}: {breach}"))?;
    }
    checker.complete()
}

#[derive(Default)]
struct Checker {
    /// The first bit of each part, by choice and index.
    begun: BTreeMap<(u32, u32), Part>,
    call_ids: BTreeSet<(u32, String)>,
    finished: BTreeSet<u32>,
    failed: bool,
}

impl Checker {
    fn event(&mut self, event: &Event) -> Result<(), String> {
        require(!self.failed, "nothing follows a failed event")?;
        match event {
            Event::Origin(origin) => extras(&origin.extra),
            Event::Piece(piece) => self.piece(piece),
            // The host cuts a subcount that exceeds its whole: providers do send such.
            Event::Usage(_) => Ok(()),
            Event::Finish(finish) => {
                require(self.finished.insert(finish.choice), "a choice finishes once")?;
                extras(&finish.extra)
            }
            Event::Failed(failure) => {
                self.failed = true;
                require(!failure.message.is_empty(), "a failure has a message")
            }
        }
    }

    fn piece(&mut self, piece: &Piece) -> Result<(), String> {
        require(!self.finished.contains(&piece.choice), "no piece follows the end of its choice")?;
        extras(&piece.part.extra)?;
        for citation in &piece.part.citations {
            extras(&citation.extra)?;
        }
        if let Some(logprobs) = &piece.logprobs {
            parses(logprobs, "logprobs")?;
        }
        let place = (piece.choice, piece.index);
        match self.begun.get(&place) {
            Some(first) => next_bit(first, &piece.part),
            None => {
                self.first_bit(piece)?;
                self.begun.insert(place, piece.part.clone());
                Ok(())
            }
        }
    }

    fn first_bit(&mut self, piece: &Piece) -> Result<(), String> {
        let in_order = match piece.index.checked_sub(1) {
            Some(before) => self.begun.contains_key(&(piece.choice, before)),
            None => true,
        };
        require(in_order, "parts begin in the order of their indices")?;
        match &piece.part.body {
            PartBody::ToolCall(call) => {
                require(!call.id.is_empty(), "a call has an id")?;
                require(!call.name.is_empty(), "a call has a name")?;
                let new = self.call_ids.insert((piece.choice, call.id.clone()));
                require(new, "ids of calls are unique")
            }
            PartBody::Native(json) => parses(json, "a native body"),
            PartBody::Media(media) => whole_base64(&media.source),
            _ => Ok(()),
        }
    }

    fn complete(&self) -> Result<(), String> {
        let open = self.begun.keys().find(|(choice, _)| !self.finished.contains(choice));
        match open {
            Some((choice, _)) if !self.failed => Err(format!("choice {choice} never finishes")),
            _ => require(self.failed || !self.finished.is_empty(), "a response finishes or fails"),
        }
    }
}

fn next_bit(first: &Part, bit: &Part) -> Result<(), String> {
    let same = match (&first.body, &bit.body) {
        (PartBody::Reasoning(a), PartBody::Reasoning(b)) => same_reasoning(a, b),
        (a, b) => discriminant(a) == discriminant(b),
    };
    require(same, "all bits of a part are of one kind")?;
    match &bit.body {
        PartBody::ToolCall(call) => require(
            call.id.is_empty() && call.name.is_empty(),
            "id and name come whole in the first bit of a call",
        ),
        PartBody::Native(_) => require(false, "a native body comes in one bit"),
        PartBody::Media(media) => whole_base64(&media.source),
        _ => Ok(()),
    }
}

fn same_reasoning(a: &Reasoning, b: &Reasoning) -> bool {
    discriminant(a) == discriminant(b)
}

fn whole_base64(source: &MediaSource) -> Result<(), String> {
    match source {
        MediaSource::Base64(data) => {
            require(data.len().is_multiple_of(4), "a base64 bit decodes on its own")
        }
        _ => Ok(()),
    }
}

fn extras(extra: &[(String, String)]) -> Result<(), String> {
    extra.iter().try_for_each(|(name, json)| parses(json, name))
}

fn parses(json: &str, what: &str) -> Result<(), String> {
    serde_json::from_str::<serde::de::IgnoredAny>(json)
        .map(drop)
        .map_err(|error| format!("{what} is not JSON: {error}"))
}

fn require(holds: bool, rule: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(rule.into()) }
}
