//! What an answer consumed. The service counts input that was read from the cache, or
//! written to it, apart from the rest.

use plugway_formats::json::Fields;
use plugway_sdk::chat::Usage;
use serde_json::value::RawValue;

/// None where the text is not a JSON object, or counts nothing. A count that cannot be
/// read is none, and spoils no other.
pub(super) fn usage(json: &str) -> Option<Usage> {
    let usage = Fields::read(json)?;
    let is_counted = |name| usage.get(name).is_some_and(|json| json.parse::<u64>().is_ok());
    if !is_counted("inputTokens") && !is_counted("outputTokens") {
        return None;
    }
    // The longer names are those of older models.
    let read = either(&usage, "cacheReadInputTokens", "cacheReadInputTokenCount");
    let written = either(&usage, "cacheWriteInputTokens", "cacheWriteInputTokenCount");
    let input = count(&usage, "inputTokens");
    let hour = written_for_an_hour(&usage).min(written);
    Some(Usage {
        prompt_tokens: input.saturating_add(read).saturating_add(written),
        completion_tokens: count(&usage, "outputTokens"),
        cache_read_tokens: read,
        cache_write_tokens: written,
        meters: (hour > 0).then(|| ("cache-write-1h-tokens".into(), hour)).into_iter().collect(),
        ..Usage::default()
    })
}

fn written_for_an_hour(usage: &Fields) -> u64 {
    let details = usage.get("cacheDetails").and_then(|json| serde_json::from_str(json).ok());
    let details: Vec<&RawValue> = details.unwrap_or_default();
    let details = details.iter().filter_map(|detail| Fields::read(detail.get()));
    let of_an_hour = details.filter(|detail| detail.text("ttl").as_deref() == Some("1h"));
    of_an_hour.fold(0, |sum, detail| sum.saturating_add(count(&detail, "inputTokens")))
}

fn either(usage: &Fields, name: &str, other: &str) -> u64 {
    count(usage, name).max(count(usage, other))
}

fn count(fields: &Fields, name: &str) -> u64 {
    fields.get(name).and_then(|json| serde_json::from_str(json).ok()).unwrap_or(0)
}
