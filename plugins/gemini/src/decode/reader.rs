//! Reads the chunks of one answer.

use std::collections::BTreeMap;

use plugway_formats::json::Fields;
use plugway_formats::report::cleaned;
use plugway_sdk::chat::{Event, Failure, FailureKind, Origin};
use plugway_sdk::log;
use serde_json::value::RawValue;

use super::candidate::Choice;
use super::chunk::{Candidate, Chunk, PromptFeedback};
use super::unreadable;
use super::usage::Counts;
use crate::explain;

/// Fields of a response that events model; the others are native to it.
const MODELLED: [&str; 6] =
    ["candidates", "promptFeedback", "usageMetadata", "modelVersion", "responseId", "error"];

/// What is known of an answer so far.
#[derive(Debug)]
pub(super) struct Reader {
    native: bool,
    origin: Origin,
    choices: BTreeMap<u32, Choice>,
    counts: Counts,
    /// Why the prompt was refused, in the provider's word and in a sentence.
    blocked: Option<(String, Option<String>)>,
}

impl Reader {
    pub(super) fn new(native: bool) -> Self {
        Self {
            native,
            origin: Origin::default(),
            choices: BTreeMap::new(),
            counts: Counts::default(),
            blocked: None,
        }
    }

    /// Reads a response, a chunk of one, or the list of chunks that a stream without
    /// frames is.
    ///
    /// # Errors
    /// The failure that ends the answer.
    pub(super) fn read(&mut self, data: &[u8], events: &mut Vec<Event>) -> Result<(), Failure> {
        if data.trim_ascii_start().first() == Some(&b'[') {
            let chunks: Vec<&RawValue> = serde_json::from_slice(data).map_err(|_| unreadable())?;
            return chunks.iter().try_for_each(|chunk| self.chunk(chunk.get(), events));
        }
        let data = std::str::from_utf8(data).map_err(|_| unreadable())?;
        self.chunk(data, events)
    }

    /// The body ended: says what was only clear then, counts and reasons last. A whole
    /// answer needs no word for its end.
    ///
    /// # Errors
    /// Where the end came too early, or there is no answer.
    pub(super) fn end(&mut self, whole: bool, events: &mut Vec<Event>) -> Result<(), Failure> {
        for choice in self.choices.values() {
            choice.cite(events);
            self.counts.searched(choice.searches());
        }
        events.extend(self.counts.usage().map(Event::Usage));
        if self.choices.is_empty() {
            return Err(match self.blocked.take() {
                Some((reason, said)) => blocked(&reason, said.as_deref()),
                None => Failure::unavailable("Gemini gave no answer"),
            });
        }
        let mut broken = false;
        for choice in self.choices.values_mut() {
            match choice.finish(whole) {
                Some(finish) => events.push(Event::Finish(finish)),
                None => broken = true,
            }
        }
        if broken { Err(Failure::unavailable("Gemini's answer broke off")) } else { Ok(()) }
    }

    fn chunk(&mut self, data: &str, events: &mut Vec<Event>) -> Result<(), Failure> {
        let chunk: Chunk<'_> = serde_json::from_str(data).map_err(|_| unreadable())?;
        let telling = [chunk.candidates.is_some(), chunk.usage_metadata.is_some()];
        if telling == [false; 2] && chunk.prompt_feedback.is_none() && chunk.error.is_none() {
            log::skipped("a chunk of an unknown type");
        }
        let counts = chunk.usage_metadata.and_then(|json| serde_json::from_str(json.get()).ok());
        self.counts.update(counts.unwrap_or_default());
        self.origin(&chunk, data, events);
        if let Some(error) = chunk.error {
            // What was counted before it is paid for.
            events.extend(self.counts.usage().map(Event::Usage));
            return Err(explain::inside(error));
        }
        if let Some(PromptFeedback { block_reason: Some(reason), block_reason_message }) =
            chunk.prompt_feedback
        {
            self.blocked = Some((reason.0, block_reason_message));
        }
        for (position, json) in (0..).zip(chunk.candidates.unwrap_or_default()) {
            let candidate: Option<Candidate<'_>> =
                serde_json::from_str(json.get()).map_err(|_| unreadable())?;
            if let Some(candidate) = candidate {
                let number = candidate.index.unwrap_or(position);
                let response = self.origin.id.as_deref().unwrap_or_default();
                let choice = self.choices.entry(number);
                let choice = choice.or_insert_with(|| Choice::new(number, self.native));
                choice.read(&candidate, json.get(), response, events)?;
            }
        }
        Ok(())
    }

    /// Tells what is new of who answered.
    fn origin(&mut self, chunk: &Chunk<'_>, data: &str, events: &mut Vec<Event>) {
        let mut told = Origin::default();
        let known = &mut self.origin;
        news(&mut known.id, &mut told.id, chunk.response_id.as_deref());
        news(&mut known.model, &mut told.model, chunk.model_version.as_deref());
        news(&mut known.service_tier, &mut told.service_tier, self.counts.tier());
        if self.native {
            let fields = Fields::read(data).unwrap_or_default();
            // What each chunk repeats is told once.
            let extra = fields.extra(&MODELLED);
            if extra != known.extra {
                told.extra.clone_from(&extra);
                known.extra = extra;
            }
        }
        if told != Origin::default() {
            events.push(Event::Origin(told));
        }
    }
}

fn news(known: &mut Option<String>, told: &mut Option<String>, value: Option<&str>) {
    if value.is_some() && value != known.as_deref() {
        *known = value.map(Into::into);
        told.clone_from(known);
    }
}

/// The prompt was refused, and nothing was generated.
fn blocked(reason: &str, said: Option<&str>) -> Failure {
    let message = match said {
        Some(said) => format!("Gemini refused the prompt: {}", cleaned(said)),
        None => format!("Gemini refused the prompt: {reason}"),
    };
    Failure { code: Some(reason.into()), ..Failure::new(FailureKind::ContentPolicy, message) }
}
