//! What an answer consumed. Thoughts come on top of what was written, and results of
//! native tools on top of the prompt.

use plugway_sdk::chat::Usage;
use serde::Deserialize;

use super::chunk::Word;

/// `usageMetadata`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Counts {
    prompt_token_count: Option<u64>,
    candidates_token_count: Option<u64>,
    thoughts_token_count: Option<u64>,
    tool_use_prompt_token_count: Option<u64>,
    cached_content_token_count: Option<u64>,
    total_token_count: Option<u64>,
    prompt_tokens_details: Option<Vec<Detail>>,
    tool_use_prompt_tokens_details: Option<Vec<Detail>>,
    cache_tokens_details: Option<Vec<Detail>>,
    candidates_tokens_details: Option<Vec<Detail>>,
    service_tier: Option<String>,
    traffic_type: Option<Word>,
    #[serde(skip)]
    searches: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    modality: Option<Word>,
    token_count: Option<u64>,
}

impl Counts {
    /// Takes over what is newer. A stream estimates at first, so that a count may be
    /// less than its former one, and a chunk leaves out what it has not counted.
    pub(super) fn update(&mut self, newer: Counts) {
        fn take<T>(former: &mut Option<T>, newer: Option<T>) {
            if newer.is_some() {
                *former = newer;
            }
        }
        take(&mut self.prompt_token_count, newer.prompt_token_count);
        take(&mut self.candidates_token_count, newer.candidates_token_count);
        take(&mut self.thoughts_token_count, newer.thoughts_token_count);
        take(&mut self.tool_use_prompt_token_count, newer.tool_use_prompt_token_count);
        take(&mut self.cached_content_token_count, newer.cached_content_token_count);
        take(&mut self.total_token_count, newer.total_token_count);
        take(&mut self.prompt_tokens_details, newer.prompt_tokens_details);
        take(&mut self.tool_use_prompt_tokens_details, newer.tool_use_prompt_tokens_details);
        take(&mut self.cache_tokens_details, newer.cache_tokens_details);
        take(&mut self.candidates_tokens_details, newer.candidates_tokens_details);
        take(&mut self.service_tier, newer.service_tier);
        take(&mut self.traffic_type, newer.traffic_type);
    }

    /// Adds searches that the provider ran.
    pub(super) fn searched(&mut self, searches: u64) {
        self.searches = self.searches.saturating_add(searches);
    }

    /// The tier that served, in the word of the service; none for Vertex's usual one,
    /// which is no tier.
    pub(super) fn tier(&self) -> Option<&str> {
        let traffic = self.traffic_type.as_ref().map(|Word(traffic)| traffic.as_str());
        let is_tier = |traffic: &&str| !matches!(*traffic, "ON_DEMAND" | "1");
        self.service_tier.as_deref().or(traffic.filter(is_tier))
    }

    /// None where the prompt was not counted: no prompt is empty, and an estimate that is
    /// marked as one is better than a bill that leaves it out.
    pub(super) fn usage(&self) -> Option<Usage> {
        let count = |count: Option<u64>| count.unwrap_or_default();
        let tools = count(self.tool_use_prompt_token_count);
        let thoughts = count(self.thoughts_token_count);
        let completion = count(self.candidates_token_count).saturating_add(thoughts);
        let rest = completion.saturating_add(tools);
        let told = self.total_token_count.and_then(|total| total.checked_sub(rest));
        let prompt = self.prompt_token_count.or(told)?;
        Some(Usage {
            prompt_tokens: prompt.saturating_add(tools),
            completion_tokens: completion,
            cache_read_tokens: count(self.cached_content_token_count),
            reasoning_tokens: thoughts,
            meters: self.meters(),
            ..Usage::default()
        })
    }

    fn meters(&self) -> Vec<(String, u64)> {
        let kinds = ["audio", "image", "video", "document"];
        let mut meters = Vec::new();
        for kind in kinds {
            let prompt = sum(&self.prompt_tokens_details, kind)
                .saturating_add(sum(&self.tool_use_prompt_tokens_details, kind));
            meters.push((format!("prompt-{kind}-tokens"), prompt));
            meters
                .push((format!("cache-read-{kind}-tokens"), sum(&self.cache_tokens_details, kind)));
            let written = sum(&self.candidates_tokens_details, kind);
            meters.push((format!("completion-{kind}-tokens"), written));
        }
        meters.push(("web-searches".into(), self.searches));
        meters.retain(|(_, count)| *count > 0);
        meters
    }
}

fn sum(details: &Option<Vec<Detail>>, kind: &str) -> u64 {
    let of_kind = details.iter().flatten().filter(|detail| detail.is_of(kind));
    of_kind.fold(0, |sum, detail| sum.saturating_add(detail.token_count.unwrap_or_default()))
}

impl Detail {
    fn is_of(&self, kind: &str) -> bool {
        let Some(Word(modality)) = &self.modality else {
            return false;
        };
        let named = match modality.as_str() {
            "2" => "image",
            "3" => "video",
            "4" => "audio",
            "5" => "document",
            name => name,
        };
        named.eq_ignore_ascii_case(kind)
    }
}
