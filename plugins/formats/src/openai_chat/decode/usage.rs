//! What was consumed. Servers agree on three counts and on little else.

use plugway_sdk::chat::{Picodollars, Usage};

use crate::node::Node;

/// Reads the `usage` of a chunk; none where it counts no tokens.
pub(super) fn usage(usage: &Node, chunk: &Node) -> Option<Usage> {
    if !usage.is_object() {
        return None;
    }
    let null = Node::Null;
    let prompt = usage.get("prompt_tokens_details").unwrap_or(&null);
    let completion = usage.get("completion_tokens_details").unwrap_or(&null);
    let mut counted = Usage {
        prompt_tokens: usage.count("prompt_tokens").unwrap_or_default(),
        completion_tokens: usage.count("completion_tokens").unwrap_or_default(),
        cache_read_tokens: first(&[
            (prompt, "cached_tokens"),
            (usage, "prompt_cache_hit_tokens"),
            (usage, "cache_read_input_tokens"),
            (usage, "num_cached_tokens"),
            (usage, "cached_tokens"),
        ]),
        cache_write_tokens: first(&[
            (prompt, "cache_write_tokens"),
            (prompt, "cache_creation_tokens"),
            (usage, "cache_creation_input_tokens"),
        ]),
        reasoning_tokens: first(&[(completion, "reasoning_tokens"), (usage, "reasoning_tokens")]),
        meters: meters(usage, prompt, completion),
        cost: named_price(usage).or_else(|| dollars(chunk.at(&["cost", "usd"])?)),
        model: None,
    };
    let total = usage.count("total_tokens").unwrap_or_default();
    if total == 0 && counted.prompt_tokens == 0 && counted.completion_tokens == 0 {
        return None;
    }
    account_for(total, prompt.count("audio_tokens").unwrap_or_default(), &mut counted);
    Some(counted)
}

fn first(places: &[(&Node, &str)]) -> u64 {
    places.iter().find_map(|(holder, name)| holder.count(name)).unwrap_or_default()
}

/// Some servers leave tokens out of the two counts that their total holds: speech
/// out of the prompt, or reasoning, whether counted or not, out of the completion.
fn account_for(total: u64, prompt_audio: u64, usage: &mut Usage) {
    let counted = usage.prompt_tokens.saturating_add(usage.completion_tokens);
    let missing = total.saturating_sub(counted);
    if missing == 0 {
        return;
    }
    if missing == prompt_audio && missing != usage.reasoning_tokens {
        usage.prompt_tokens += missing;
    } else {
        usage.completion_tokens += missing;
    }
}

fn meters(usage: &Node, prompt: &Node, completion: &Node) -> Vec<(String, u64)> {
    let null = Node::Null;
    let tools = usage
        .get("server_tool_use")
        .or_else(|| usage.get("server_tool_use_details"))
        .unwrap_or(&null);
    let written = usage.get("cache_creation").unwrap_or(&null);
    let counts = [
        ("prompt-audio-tokens", prompt.count("audio_tokens")),
        ("prompt-image-tokens", prompt.count("image_tokens")),
        ("prompt-video-tokens", prompt.count("video_tokens")),
        ("completion-audio-tokens", completion.count("audio_tokens")),
        ("completion-image-tokens", completion.count("image_tokens")),
        ("accepted-prediction-tokens", completion.count("accepted_prediction_tokens")),
        ("rejected-prediction-tokens", completion.count("rejected_prediction_tokens")),
        ("web-searches", tools.count("web_search_requests")),
        ("web-searches", usage.count("num_search_queries")),
        ("sources", usage.count("num_sources_used")),
        ("citation-tokens", usage.count("citation_tokens")),
        ("prompt-audio-seconds", usage.count("prompt_audio_seconds")),
        ("cache-write-1h-tokens", written.count("ephemeral_1h_input_tokens")),
    ];
    counts.into_iter().filter_map(|(name, count)| Some((name.to_owned(), count?))).collect()
}

/// The price that some servers name: in US dollars, or in ticks of 10^-10 dollars.
pub(crate) fn named_price(usage: &Node) -> Option<Picodollars> {
    let cost = usage.get("cost");
    // With the operator's own key there, the provider behind bills apart.
    let behind = || dollars(usage.at(&["cost_details", "upstream_inference_cost"])?);
    let apart = if usage.flag("is_byok") == Some(true) { behind() } else { None };
    cost.and_then(dollars)
        .map(|cost| cost.saturating_add(apart.unwrap_or_default()))
        .or_else(|| dollars(cost?.get("total_cost")?))
        .or_else(|| usage.get("cost_in_usd_ticks")?.as_count()?.checked_mul(100))
}

fn dollars(cost: &Node) -> Option<Picodollars> {
    // Up to 9,000 dollars the product rounds to the very number that was written.
    let dollars = cost.as_f64().filter(|dollars| (0.0..9000.0).contains(dollars))?;
    Some((dollars * 1e12).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// The usage of a chunk that has this one.
    fn read(wire: &Value) -> Option<Usage> {
        usage(&Node::read(wire.to_string().as_bytes()).unwrap(), &Node::Null)
    }

    fn check(wire: &Value, expected: &Usage) {
        assert_eq!(read(wire).as_ref(), Some(expected), "{wire}");
    }

    fn plain(prompt_tokens: u64, completion_tokens: u64) -> Usage {
        Usage { prompt_tokens, completion_tokens, ..Usage::default() }
    }

    #[test]
    fn counts_by_their_many_names() {
        check(
            &json!({"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13,
                "prompt_tokens_details": {"cached_tokens": 5, "audio_tokens": 2},
                "completion_tokens_details": {"reasoning_tokens": 3, "rejected_prediction_tokens": 1}}),
            &Usage {
                cache_read_tokens: 5,
                reasoning_tokens: 3,
                meters: vec![
                    ("prompt-audio-tokens".into(), 2),
                    ("rejected-prediction-tokens".into(), 1),
                ],
                ..plain(9, 4)
            },
        );
        check(
            &json!({"prompt_tokens": 9, "completion_tokens": 4.0, "prompt_cache_hit_tokens": 8}),
            &Usage { cache_read_tokens: 8, ..plain(9, 4) },
        );
        check(
            &json!({"prompt_tokens": 9, "completion_tokens": null, "prompt_tokens_details": null}),
            &plain(9, 0),
        );
    }

    #[test]
    fn totals_that_hold_more() {
        // Reasoning that is counted, but not in the completion.
        check(
            &json!({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 35,
                "completion_tokens_details": {"reasoning_tokens": 20}}),
            &Usage { reasoning_tokens: 20, ..plain(10, 25) },
        );
        // Something that only the total knows of: it was written, and paid for.
        check(
            &json!({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 22}),
            &plain(10, 12),
        );
        // Speech that is counted apart from the text of the prompt.
        check(
            &json!({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 115,
                "prompt_tokens_details": {"audio_tokens": 100}}),
            &Usage { meters: vec![("prompt-audio-tokens".into(), 100)], ..plain(110, 5) },
        );
    }

    #[test]
    fn named_prices() {
        let priced = |wire: Value| read(&wire).and_then(|usage| usage.cost);
        let cost = |cost: Value| {
            priced(json!({"prompt_tokens": 1, "cost": cost, "cost_in_usd_ticks": 353}))
        };
        assert_eq!(cost(json!(0.000_328_7)), Some(328_700_000));
        assert_eq!(cost(json!({"total_cost": 0.005_12})), Some(5_120_000_000));
        assert_eq!(cost(Value::Null), Some(35_300));
        assert_eq!(priced(json!({"prompt_tokens": 1, "cost_in_usd_ticks": 7})), Some(700));
        let usage = Node::read(br#"{"prompt_tokens":1}"#).unwrap();
        let chunk = Node::read(br#"{"cost":{"usd":0.25}}"#).unwrap();
        assert_eq!(super::usage(&usage, &chunk).unwrap().cost, Some(250_000_000_000));
    }

    #[test]
    fn no_counts_are_no_usage() {
        assert_eq!(read(&Value::Null), None);
        assert_eq!(read(&json!({"prompt_tokens": 0, "total_tokens": 0})), None);
    }
}
