//! `usageMetadata`: what an answer took. Thoughts are counted beside what was written.

use crate::Bill;
use crate::json::Writer;

/// What is counted apart of a prompt, of what the cache held of it, and of an answer.
const KINDS: [(&str, [&str; 3]); 4] = [
    ("AUDIO", ["prompt-audio-tokens", "cache-read-audio-tokens", "completion-audio-tokens"]),
    ("IMAGE", ["prompt-image-tokens", "cache-read-image-tokens", "completion-image-tokens"]),
    ("VIDEO", ["prompt-video-tokens", "cache-read-video-tokens", "completion-video-tokens"]),
    (
        "DOCUMENT",
        ["prompt-document-tokens", "cache-read-document-tokens", "completion-document-tokens"],
    ),
];

/// `tier` is the one that served, where the provider tells.
pub(super) fn write(json: &mut Writer<'_>, bill: &Bill, tier: Option<&str>) {
    let usage = &bill.usage;
    let thoughts = usage.reasoning_tokens.min(usage.completion_tokens);
    let written = usage.completion_tokens - thoughts;
    let total = usage.prompt_tokens.saturating_add(usage.completion_tokens);
    json.open(b'{');
    json.key("promptTokenCount").number(usage.prompt_tokens);
    json.key("candidatesTokenCount").number(written);
    json.key("totalTokenCount").number(total);
    if usage.cache_read_tokens > 0 {
        json.key("cachedContentTokenCount").number(usage.cache_read_tokens);
    }
    if thoughts > 0 {
        json.key("thoughtsTokenCount").number(thoughts);
    }
    let details = [
        ("promptTokensDetails", usage.prompt_tokens),
        ("cacheTokensDetails", usage.cache_read_tokens),
        ("candidatesTokensDetails", written),
    ];
    for (place, (name, whole)) in details.into_iter().enumerate() {
        write_details(json, name, whole, bill, place);
    }
    if let Some(tier) = tier {
        json.key("serviceTier").string(tier);
    }
    json.close(b'}');
}

/// The counts by kind, where anything but text was counted.
fn write_details(json: &mut Writer<'_>, name: &str, whole: u64, bill: &Bill, place: usize) {
    let counts = KINDS.iter().map(|(kind, meters)| {
        let count = meters.get(place).map_or(0, |meter| bill.meter(meter));
        (*kind, count)
    });
    let counts: Vec<(&str, u64)> = counts.filter(|(_, count)| *count > 0).collect();
    if counts.is_empty() {
        return;
    }
    let others = counts.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
    json.key(name).open(b'[');
    let text = ("TEXT", whole.saturating_sub(others));
    for (kind, count) in std::iter::once(text).chain(counts) {
        json.open(b'{');
        json.key("modality").string(kind);
        json.key("tokenCount").number(count);
        json.close(b'}');
    }
    json.close(b']');
}
