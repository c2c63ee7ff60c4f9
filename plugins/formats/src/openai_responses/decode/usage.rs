//! What a response consumed.

use plugway_sdk::chat::Usage;

use crate::node::Node;
use crate::openai_chat::named_price;

/// Reads the usage of a response; none where it counts no tokens, be it none at all.
pub(super) fn usage(response: &Node) -> Option<Usage> {
    let usage = response.get("usage")?;
    let is_counted = |name: &str| usage.get(name).and_then(Node::as_count).is_some();
    if !["input_tokens", "output_tokens", "total_tokens"].iter().any(|it| is_counted(it)) {
        return None;
    }
    let null = Node::Null;
    let read = usage.get("input_tokens_details").unwrap_or(&null);
    let written = usage.get("output_tokens_details").unwrap_or(&null);
    let count = |holder: &Node, name: &str| holder.count(name).unwrap_or_default();
    let mut counted = Usage {
        prompt_tokens: count(usage, "input_tokens"),
        completion_tokens: count(usage, "output_tokens"),
        cache_read_tokens: count(read, "cached_tokens"),
        cache_write_tokens: count(read, "cache_write_tokens"),
        reasoning_tokens: count(written, "reasoning_tokens"),
        meters: meters(response, usage, read, written),
        cost: named_price(usage),
        model: None,
    };
    let total = count(usage, "total_tokens");
    let sum = counted.prompt_tokens.saturating_add(counted.completion_tokens);
    // Some servers count reasoning beside what they call output.
    let missing = total.saturating_sub(sum);
    if missing > 0 && missing == counted.reasoning_tokens {
        counted.completion_tokens += missing;
    }
    Some(counted)
}

fn meters(response: &Node, usage: &Node, read: &Node, written: &Node) -> Vec<(String, u64)> {
    let searches = response.at(&["tool_usage", "web_search", "num_requests"]);
    let counts = [
        ("prompt-audio-tokens", read.count("audio_tokens")),
        ("prompt-image-tokens", read.count("image_tokens")),
        ("completion-audio-tokens", written.count("audio_tokens")),
        ("completion-image-tokens", written.count("image_tokens")),
        ("web-searches", searches.and_then(Node::as_count).filter(|count| *count > 0)),
        ("sources", usage.count("num_sources_used")),
    ];
    counts.into_iter().filter_map(|(name, count)| Some((name.to_owned(), count?))).collect()
}
