//! What was consumed: once as counted, and once as billed.

use plugway_sdk::chat::Usage;
use serde_json::Value;

/// Billed units that are no tokens, and the meters that they are.
const UNITS: [(&str, &str); 3] = [
    ("search_units", "search-units"),
    ("classifications", "classifications"),
    ("images", "images"),
];

/// What is billed in place of what was counted.
const BILLED: [(&str, &str); 2] =
    [("billed-prompt-tokens", "input_tokens"), ("billed-completion-tokens", "output_tokens")];

/// The usage of a chat answer; none where nothing is counted.
pub(crate) fn of_chat(usage: Option<&Value>) -> Option<Usage> {
    let usage = usage.filter(|usage| usage.is_object())?;
    let tokens = usage.get("tokens").filter(|tokens| tokens.is_object());
    let billed = usage.get("billed_units").filter(|billed| billed.is_object());
    // Without the one there is still the other.
    let counted = tokens.or(billed)?;
    // An object that counts nothing is no count.
    (["input_tokens", "output_tokens"].iter())
        .any(|name| counted.get(name).is_some_and(Value::is_number))
        .then_some(())?;
    let billed = billed.unwrap_or(&Value::Null);
    let mut meters = Vec::new();
    if tokens.is_some() {
        // Also where nothing is billed.
        for (meter, unit) in BILLED {
            if billed.get(unit).is_some_and(Value::is_number) {
                meters.push((meter.into(), count(billed, unit)));
            }
        }
    }
    units(&mut meters, billed);
    Some(Usage {
        prompt_tokens: count(counted, "input_tokens"),
        completion_tokens: count(counted, "output_tokens"),
        cache_read_tokens: count(usage, "cached_tokens").max(count(counted, "cached_tokens")),
        reasoning_tokens: count(counted, "reasoning_tokens"),
        meters,
        ..Usage::default()
    })
}

/// The usage of an answer that says only what is billed, in its `meta`.
pub(crate) fn of_meta(answer: &Value) -> Option<Usage> {
    let billed = answer.pointer("/meta/billed_units").filter(|billed| billed.is_object())?;
    let images = count(billed, "image_tokens");
    let mut meters = Vec::new();
    meter(&mut meters, "prompt-image-tokens", images);
    units(&mut meters, billed);
    Some(Usage {
        prompt_tokens: count(billed, "input_tokens").saturating_add(images),
        completion_tokens: count(billed, "output_tokens"),
        meters,
        ..Usage::default()
    })
}

fn units(meters: &mut Vec<(String, u64)>, billed: &Value) {
    for (unit, name) in UNITS {
        meter(meters, name, count(billed, unit));
    }
}

fn meter(meters: &mut Vec<(String, u64)>, name: &str, count: u64) {
    if count > 0 {
        meters.push((name.into(), count));
    }
}

/// A count, which the API declares as a float.
fn count(holder: &Value, name: &str) -> u64 {
    let value = holder.get(name).unwrap_or(&Value::Null);
    let float = || value.as_f64().filter(|count| (0.0..1e15).contains(count));
    value.as_u64().or_else(|| float().map(|count| count.ceil() as u64)).unwrap_or_default()
}
