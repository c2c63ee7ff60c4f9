//! How hard to think, in the words that the model has.

use std::borrow::Cow;

use plugway_sdk::chat::ReasoningOptions;

/// From none to most; servers have some of these.
const LADDER: [&str; 7] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

/// The nearest of the known efforts to what is wanted; the lesser of two that are
/// equally near. None where nothing is wanted, or nothing is known.
pub(crate) fn effort(wanted: &ReasoningOptions, known: &[Cow<'_, str>]) -> Option<String> {
    let word = match (wanted.enabled, wanted.effort.as_deref()) {
        (Some(false), _) => "none",
        (_, Some(effort)) => effort,
        (enabled, None) => match wanted.max_tokens {
            Some(tokens) => effort_of_budget(tokens),
            None if enabled == Some(true) => "medium",
            None => return None,
        },
    };
    if known.iter().any(|effort| effort == word) {
        return Some(word.into());
    }
    let Some(height) = height(word) else {
        // A word of the future: the provider knows best.
        return (!known.is_empty()).then(|| word.into());
    };
    known
        .iter()
        .filter_map(|effort| Some((self::height(effort)?, effort)))
        // Who asks for thought gets some, however little.
        .filter(|(other, _)| word == "none" || *other > 0)
        .min_by_key(|(other, _)| (other.abs_diff(height), *other))
        .map(|(_, effort)| effort.to_string())
}

fn height(effort: &str) -> Option<usize> {
    LADDER.iter().position(|word| *word == effort)
}

/// The effort that mostly stays within a bound on reasoning tokens, which this
/// format cannot state.
fn effort_of_budget(tokens: u32) -> &'static str {
    match tokens {
        0 => "none",
        1..=1024 => "minimal",
        1025..=4096 => "low",
        4097..=16_384 => "medium",
        _ => "high",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(wanted: ReasoningOptions, known: &[&str], expected: Option<&str>) {
        let known: Vec<Cow<'_, str>> = known.iter().map(|word| (*word).into()).collect();
        assert_eq!(effort(&wanted, &known).as_deref(), expected, "{wanted:?} of {known:?}");
    }

    fn word(effort: &str) -> ReasoningOptions {
        ReasoningOptions { effort: Some(effort.into()), ..ReasoningOptions::default() }
    }

    fn on(enabled: bool) -> ReasoningOptions {
        ReasoningOptions { enabled: Some(enabled), ..ReasoningOptions::default() }
    }

    fn budget(tokens: u32) -> ReasoningOptions {
        ReasoningOptions { max_tokens: Some(tokens), ..ReasoningOptions::default() }
    }

    #[test]
    fn nearest_effort() {
        let three = ["low", "medium", "high"];
        check(word("high"), &three, Some("high"));
        check(word("xhigh"), &three, Some("high"));
        check(word("max"), &["none", "xhigh"], Some("xhigh"));
        check(word("minimal"), &three, Some("low"));
        check(word("minimal"), &["none", "high"], Some("high"));
        check(word("medium"), &["low", "high"], Some("low"));
        check(word("ultra"), &three, Some("ultra"));
        check(word("high"), &[], None);
        check(on(true), &three, Some("medium"));
        check(on(false), &three, Some("low"));
        check(on(false), &["none", "low"], Some("none"));
        check(budget(2000), &three, Some("low"));
        check(budget(100_000), &three, Some("high"));
        check(ReasoningOptions::default(), &three, None);
    }
}
