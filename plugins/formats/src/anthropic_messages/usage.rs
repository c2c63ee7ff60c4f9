//! What an answer consumed. Anthropic counts input that was read from the cache, or
//! written to it, apart from the rest.

use std::collections::BTreeMap;

use plugway_sdk::chat::{Event, Usage};
use serde_json::value::RawValue;

use crate::json::Fields;

/// The `usage` of a message, or of one of the steps that it took. What cannot be read
/// is left out, and spoils nothing else.
#[derive(Clone, Default)]
pub(super) struct Counts {
    input: Option<u64>,
    output: Option<u64>,
    /// What a stream begins with: a guess, before anything was written.
    begun: Option<u64>,
    cache_read: Option<u64>,
    cache_written: Option<u64>,
    cache_written_for_an_hour: Option<u64>,
    thinking: Option<u64>,
    web_searches: Option<u64>,
    web_fetches: Option<u64>,
    /// The steps that the message took.
    steps: Vec<Counts>,
    /// What kind of step this is.
    kind: Option<String>,
    /// The model of this step, where it is not the one that answers.
    model: Option<String>,
    pub(super) service_tier: Option<String>,
}

impl Counts {
    /// None where the text is not a JSON object.
    pub(super) fn read(json: &str) -> Option<Self> {
        let usage = Fields::read(json)?;
        let steps = usage.get("iterations").and_then(|json| serde_json::from_str(json).ok());
        let steps: Vec<&RawValue> = steps.unwrap_or_default();
        // Steps have no steps.
        let steps = steps.into_iter().filter_map(|step| Fields::read(step.get()));
        let steps = steps.map(|step| Self::of(&step)).collect();
        let counts = Self { steps, ..Self::of(&usage) };
        // An object that counts nothing is no count.
        counts.input.or(counts.output).map(|_| counts)
    }

    fn of(usage: &Fields) -> Self {
        let object = |name| usage.get(name).and_then(Fields::read).unwrap_or_default();
        let (created, tools) = (object("cache_creation"), object("server_tool_use"));
        Self {
            input: count(usage, "input_tokens"),
            output: count(usage, "output_tokens"),
            begun: None,
            cache_read: count(usage, "cache_read_input_tokens"),
            cache_written: count(usage, "cache_creation_input_tokens"),
            cache_written_for_an_hour: count(&created, "ephemeral_1h_input_tokens"),
            thinking: count(&object("output_tokens_details"), "thinking_tokens"),
            web_searches: count(&tools, "web_search_requests"),
            web_fetches: count(&tools, "web_fetch_requests"),
            steps: Vec::new(),
            kind: usage.text("type"),
            model: usage.text("model"),
            service_tier: usage.text("service_tier"),
        }
    }

    /// Takes over what a stream begins with.
    pub(super) fn begin(&mut self, counts: Counts) {
        let begun = self.begun.max(counts.output);
        self.update(Counts { output: None, ..counts });
        self.begun = begun;
    }

    /// The stream has said all: where it never counted again, the guess stands. Whether
    /// that is news.
    pub(super) fn close(&mut self) -> bool {
        let is_news = self.output.is_none() && self.begun.is_some();
        self.output = self.output.or(self.begun);
        is_news
    }

    /// Takes over what is newer: a stream counts up, and repeats only some fields.
    pub(super) fn update(&mut self, newer: Counts) {
        let counts = [
            (&mut self.input, newer.input),
            (&mut self.output, newer.output),
            (&mut self.cache_read, newer.cache_read),
            (&mut self.cache_written, newer.cache_written),
            (&mut self.cache_written_for_an_hour, newer.cache_written_for_an_hour),
            (&mut self.thinking, newer.thinking),
            (&mut self.web_searches, newer.web_searches),
            (&mut self.web_fetches, newer.web_fetches),
        ];
        for (count, newer) in counts {
            // Servers that only copy the format close with zeros.
            *count = newer.max(*count);
        }
        if newer.steps.len() >= self.steps.len() {
            self.steps = newer.steps;
        }
        if newer.service_tier.is_some() {
            self.service_tier = newer.service_tier;
        }
    }

    /// One usage for the model that answers, and one for each that it consulted. None
    /// where nothing was counted: the router counts for itself.
    pub(super) fn events(&self) -> impl Iterator<Item = Event> {
        let counted = [self.input, self.output, self.cache_read, self.cache_written];
        let is_counted = counted.iter().any(Option::is_some);
        let mut usage = self.usage();
        let mut consulted: BTreeMap<&str, Usage> = BTreeMap::new();
        for step in &self.steps {
            match (step.kind.as_deref(), &step.model) {
                // The sums of the message leave these two out.
                (Some("compaction"), _) => add(&mut usage, &step.usage()),
                (Some("message"), _) => {}
                (_, Some(model)) => {
                    let sum = consulted.entry(model).or_default();
                    add(sum, &step.usage());
                }
                _ => {}
            }
        }
        let consulted = consulted
            .into_iter()
            .map(|(model, usage)| Usage { model: Some(model.into()), ..usage });
        let usage = is_counted.then_some(usage);
        usage.into_iter().chain(consulted.collect::<Vec<_>>()).map(Event::Usage)
    }

    fn usage(&self) -> Usage {
        let input = self.input.unwrap_or(0);
        let read = self.cache_read.unwrap_or(0);
        let written = self.cache_written.unwrap_or(0);
        let completion = self.output.unwrap_or(0);
        Usage {
            prompt_tokens: input.saturating_add(read).saturating_add(written),
            completion_tokens: completion,
            cache_read_tokens: read,
            cache_write_tokens: written,
            reasoning_tokens: self.thinking.unwrap_or(0).min(completion),
            meters: self.meters(written),
            ..Usage::default()
        }
    }

    fn meters(&self, written: u64) -> Vec<(String, u64)> {
        [
            ("cache-write-1h-tokens", self.cache_written_for_an_hour.map(|it| it.min(written))),
            ("web-searches", self.web_searches),
            ("web-fetches", self.web_fetches),
        ]
        .into_iter()
        .filter_map(|(name, count)| Some((name.to_owned(), count?)))
        .filter(|(_, count)| *count > 0)
        .collect()
    }
}

fn count(fields: &Fields, name: &str) -> Option<u64> {
    serde_json::from_str(fields.get(name)?).ok()
}

fn add(sum: &mut Usage, more: &Usage) {
    let counts = [
        (&mut sum.prompt_tokens, more.prompt_tokens),
        (&mut sum.completion_tokens, more.completion_tokens),
        (&mut sum.cache_read_tokens, more.cache_read_tokens),
        (&mut sum.cache_write_tokens, more.cache_write_tokens),
        (&mut sum.reasoning_tokens, more.reasoning_tokens),
    ];
    for (count, more) in counts {
        *count = count.saturating_add(more);
    }
    for (name, more) in &more.meters {
        match sum.meters.iter_mut().find(|(known, _)| known == name) {
            Some((_, count)) => *count = count.saturating_add(*more),
            None => sum.meters.push((name.clone(), *more)),
        }
    }
}
