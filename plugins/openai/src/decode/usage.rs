//! What was consumed. Servers agree on three counts and on little else.

use plugway_sdk::chat::{Picodollars, Usage};
use serde_json::Value;

use super::fields::count;

/// Reads a `usage` object; none where it counts no tokens.
pub(super) fn usage(usage: &Value) -> Option<Usage> {
    if !usage.is_object() {
        return None;
    }
    let null = Value::Null;
    let prompt = usage.get("prompt_tokens_details").unwrap_or(&null);
    let completion = usage.get("completion_tokens_details").unwrap_or(&null);
    let mut counted = Usage {
        prompt_tokens: count(usage, "prompt_tokens").unwrap_or_default(),
        completion_tokens: count(usage, "completion_tokens").unwrap_or_default(),
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
        cost: cost(usage),
        model: None,
    };
    let total = count(usage, "total_tokens").unwrap_or_default();
    if total == 0 && counted.prompt_tokens == 0 && counted.completion_tokens == 0 {
        return None;
    }
    account_for(total, count(prompt, "audio_tokens").unwrap_or_default(), &mut counted);
    Some(counted)
}

fn first(places: &[(&Value, &str)]) -> u64 {
    places.iter().find_map(|(holder, name)| count(holder, name)).unwrap_or_default()
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
        usage.reasoning_tokens = usage.reasoning_tokens.max(missing);
    }
}

fn meters(usage: &Value, prompt: &Value, completion: &Value) -> Vec<(String, u64)> {
    let null = Value::Null;
    let tools = usage
        .get("server_tool_use")
        .or_else(|| usage.get("server_tool_use_details"))
        .unwrap_or(&null);
    let counts = [
        ("prompt-audio-tokens", count(prompt, "audio_tokens")),
        ("prompt-image-tokens", count(prompt, "image_tokens")),
        ("prompt-video-tokens", count(prompt, "video_tokens")),
        ("completion-audio-tokens", count(completion, "audio_tokens")),
        ("completion-image-tokens", count(completion, "image_tokens")),
        ("accepted-prediction-tokens", count(completion, "accepted_prediction_tokens")),
        ("rejected-prediction-tokens", count(completion, "rejected_prediction_tokens")),
        ("web-searches", count(tools, "web_search_requests")),
        ("web-searches", count(usage, "num_search_queries")),
        ("sources", count(usage, "num_sources_used")),
    ];
    counts.into_iter().filter_map(|(name, count)| Some((name.to_owned(), count?))).collect()
}

/// The price that some servers name: in US dollars, or in ticks of 10^-10 dollars.
fn cost(usage: &Value) -> Option<Picodollars> {
    let cost = usage.get("cost")?;
    let ticks = || count(usage, "cost_in_usd_ticks")?.checked_mul(100);
    let dollars = cost.as_f64().or_else(|| cost.get("total_cost")?.as_f64());
    // Up to 9,000 dollars the product rounds to the very number that was written.
    dollars
        .filter(|dollars| (0.0..9000.0).contains(dollars))
        .map(|dollars| (dollars * 1e12).round() as u64)
        .or_else(ticks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(wire: &Value, expected: &Usage) {
        assert_eq!(usage(wire).as_ref(), Some(expected), "{wire}");
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
        // Reasoning that only the total knows of.
        check(
            &json!({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 22}),
            &Usage { reasoning_tokens: 7, ..plain(10, 12) },
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
        let priced = |cost: &Value| {
            let wire = json!({"prompt_tokens": 1, "cost": cost, "cost_in_usd_ticks": 353});
            usage(&wire).and_then(|usage| usage.cost)
        };
        assert_eq!(priced(&json!(0.000_328_7)), Some(328_700_000));
        assert_eq!(priced(&json!({"total_cost": 0.005_12})), Some(5_120_000_000));
        assert_eq!(priced(&Value::Null), Some(35_300));
    }

    #[test]
    fn no_counts_are_no_usage() {
        assert_eq!(usage(&Value::Null), None);
        assert_eq!(usage(&json!({"prompt_tokens": 0, "total_tokens": 0})), None);
    }
}
