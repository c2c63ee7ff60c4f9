//! What an answer consumed. Anthropic counts input that was read from the cache, or
//! written to it, apart from the rest.

use std::collections::BTreeMap;

use plugway_sdk::chat::{Event, Usage};
use serde::Deserialize;

/// The `usage` of a message, or of one of the steps that it took.
#[derive(Clone, Default, Deserialize)]
pub(super) struct Counts {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_creation: Option<CacheCreation>,
    output_tokens_details: Option<OutputDetails>,
    server_tool_use: Option<ServerTools>,
    /// The steps that the message took.
    iterations: Option<Vec<Counts>>,
    /// What kind of step this is.
    r#type: Option<String>,
    /// The model of this step, where it is not the one that answers.
    model: Option<String>,
    pub(super) service_tier: Option<String>,
}

#[derive(Clone, Deserialize)]
struct CacheCreation {
    ephemeral_1h_input_tokens: Option<u64>,
}

#[derive(Clone, Deserialize)]
struct OutputDetails {
    thinking_tokens: Option<u64>,
}

#[derive(Clone, Deserialize)]
struct ServerTools {
    web_search_requests: Option<u64>,
    web_fetch_requests: Option<u64>,
}

impl Counts {
    /// Takes over what is newer: a stream counts up, and repeats only some fields.
    pub(super) fn update(&mut self, newer: Counts) {
        fn take<T>(former: &mut Option<T>, newer: Option<T>) {
            if newer.is_some() {
                *former = newer;
            }
        }
        take(&mut self.input_tokens, newer.input_tokens);
        take(&mut self.output_tokens, newer.output_tokens);
        take(&mut self.cache_read_input_tokens, newer.cache_read_input_tokens);
        take(&mut self.cache_creation_input_tokens, newer.cache_creation_input_tokens);
        take(&mut self.cache_creation, newer.cache_creation);
        take(&mut self.output_tokens_details, newer.output_tokens_details);
        take(&mut self.server_tool_use, newer.server_tool_use);
        take(&mut self.iterations, newer.iterations);
        take(&mut self.service_tier, newer.service_tier);
    }

    /// One usage for the model that answers, and one for each that it consulted.
    pub(super) fn events(&self) -> impl Iterator<Item = Event> {
        let mut usage = self.usage();
        let mut consulted: BTreeMap<&str, Usage> = BTreeMap::new();
        for step in self.iterations.iter().flatten() {
            match (step.r#type.as_deref(), &step.model) {
                // The sums of the message leave these two out.
                (Some("compaction"), _) => add(&mut usage, &step.usage()),
                (Some("advisor_message"), Some(model)) => {
                    let sum = consulted.entry(model).or_default();
                    add(sum, &step.usage());
                }
                _ => {}
            }
        }
        let consulted = consulted
            .into_iter()
            .map(|(model, usage)| Usage { model: Some(model.into()), ..usage });
        std::iter::once(usage).chain(consulted.collect::<Vec<_>>()).map(Event::Usage)
    }

    fn usage(&self) -> Usage {
        let input = self.input_tokens.unwrap_or(0);
        let read = self.cache_read_input_tokens.unwrap_or(0);
        let written = self.cache_creation_input_tokens.unwrap_or(0);
        let details = self.output_tokens_details.as_ref();
        let completion = self.output_tokens.unwrap_or(0);
        let thinking = details.and_then(|it| it.thinking_tokens).unwrap_or(0);
        Usage {
            prompt_tokens: input.saturating_add(read).saturating_add(written),
            completion_tokens: completion,
            cache_read_tokens: read,
            cache_write_tokens: written,
            reasoning_tokens: thinking.min(completion),
            meters: self.meters(written),
            ..Usage::default()
        }
    }

    fn meters(&self, written: u64) -> Vec<(String, u64)> {
        let creation = self.cache_creation.as_ref();
        let tools = self.server_tool_use.as_ref();
        let hour = creation.and_then(|it| it.ephemeral_1h_input_tokens);
        [
            ("cache-write-1h-tokens", hour.map(|tokens| tokens.min(written))),
            ("web-searches", tools.and_then(|it| it.web_search_requests)),
            ("web-fetches", tools.and_then(|it| it.web_fetch_requests)),
        ]
        .into_iter()
        .filter_map(|(name, count)| Some((name.to_owned(), count?)))
        .filter(|(_, count)| *count > 0)
        .collect()
    }
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
