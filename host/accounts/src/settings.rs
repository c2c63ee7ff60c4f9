//! What is said of a key besides its budget: its limits, what it may use, and what holds
//! for requests that do not say. Kept as JSON; every list and text has a bound.

use crate::limits::RateSettings;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::num::NonZeroU32;

/// Tags of one key.
pub const MAX_TAGS: usize = 32;
/// Bytes of one tag.
pub const MAX_TAG_BYTES: usize = 64;
/// Models that one list names.
pub const MAX_MODELS: usize = 256;
/// Providers that the list names.
pub const MAX_PROVIDERS: usize = 128;
/// Bytes of a name: of a model, a provider, a preset, a strategy.
pub const MAX_NAME_BYTES: usize = 200;
/// Options of a strategy.
pub const MAX_OPTIONS: usize = 64;
/// Bytes of all options together, as JSON.
pub const MAX_OPTIONS_BYTES: usize = 8 * 1024;
/// Requests or tokens per minute, or requests at a time: what is more needs no limit.
pub const MAX_RATE: u32 = 1_000_000_000;

/// What is said of a key. What is left out holds no one back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeySettings {
    /// For reports.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Requests that it may make per minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<NonZeroU32>,
    /// Tokens, of prompts and completions, that it may use per minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<NonZeroU32>,
    /// Requests that it may have under way at the same time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrent_requests: Option<NonZeroU32>,
    /// Models that it may use, `author/slug` or `author/*`; none: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_models: Option<Vec<String>>,
    /// Models that it may not use, whatever else is said; written alike.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignored_models: Vec<String>,
    /// Providers that it may use; none: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_providers: Option<Vec<String>>,
    /// The preset of requests that name none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// The strategy of requests that name none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<String>,
    /// What that strategy is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<Map<String, Value>>,
}

/// A setting that cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {problem}")]
pub struct SettingsError {
    /// Its name.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A list that allows nothing.
    #[error("names nothing; leave it out to allow all")]
    AllowsNothing,
    /// A text without characters.
    #[error("holds an empty text; leave it out")]
    Empty,
    /// A list that is too long.
    #[error("has more than {0} entries; name fewer")]
    TooMany(usize),
    /// A text that is too long.
    #[error("holds a text of more than {0} bytes; shorten it")]
    TooLong(usize),
    /// A text that no header or line of a report can carry.
    #[error("holds a text with control characters or spaces around it; remove them")]
    Unprintable,
    /// An entry that is there more than once.
    #[error("names the same twice; remove one")]
    Twice,
    /// A `*` that does not stand for all of an author's models.
    #[error("may have `*` only in the form `author/*`")]
    Pattern,
    /// More than anyone could use.
    #[error("is more than {MAX_RATE}; leave it out for no limit")]
    TooLarge,
}

impl KeySettings {
    /// Whether all of it can hold.
    ///
    /// # Errors
    /// When a list or a text is beyond its bound, or says nothing.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let rates = [
            ("requests_per_minute", self.requests_per_minute),
            ("tokens_per_minute", self.tokens_per_minute),
            ("concurrent_requests", self.concurrent_requests),
        ];
        for (field, rate) in rates {
            let is_too_large = rate.is_some_and(|rate| rate.get() > MAX_RATE);
            check(field, !is_too_large, Problem::TooLarge)?;
        }
        list("tags", &self.tags, MAX_TAGS, MAX_TAG_BYTES)?;
        list("ignored_models", &self.ignored_models, MAX_MODELS, MAX_NAME_BYTES)?;
        patterns("ignored_models", &self.ignored_models)?;
        if let Some(models) = &self.allowed_models {
            check("allowed_models", !models.is_empty(), Problem::AllowsNothing)?;
            list("allowed_models", models, MAX_MODELS, MAX_NAME_BYTES)?;
            patterns("allowed_models", models)?;
        }
        if let Some(providers) = &self.allowed_providers {
            check("allowed_providers", !providers.is_empty(), Problem::AllowsNothing)?;
            list("allowed_providers", providers, MAX_PROVIDERS, MAX_NAME_BYTES)?;
        }
        for (field, name) in [("preset", &self.preset), ("strategy", &self.strategy)] {
            name.as_ref().map_or(Ok(()), |name| text(field, name, MAX_NAME_BYTES))?;
        }
        self.options.as_ref().map_or(Ok(()), options)
    }

    /// Whether it may use a model, which is called `author/slug`.
    #[must_use]
    pub fn allows_model(&self, model: &str) -> bool {
        let named = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, model));
        self.allowed_models.as_deref().is_none_or(named) && !named(&self.ignored_models)
    }

    /// Whether it may use a provider.
    #[must_use]
    pub fn allows_provider(&self, provider: &str) -> bool {
        let named = |names: &[String]| names.iter().any(|name| name == provider);
        self.allowed_providers.as_deref().is_none_or(named)
    }

    /// Its rate limits.
    #[must_use]
    pub const fn rates(&self) -> RateSettings {
        RateSettings {
            requests_per_minute: self.requests_per_minute,
            tokens_per_minute: self.tokens_per_minute,
            concurrent_requests: self.concurrent_requests,
        }
    }
}

fn matches(pattern: &str, model: &str) -> bool {
    match pattern.strip_suffix('*') {
        // With the slash.
        Some(author) => model.strip_prefix(author).is_some_and(|slug| !slug.is_empty()),
        None => pattern == model,
    }
}

fn list(
    field: &'static str,
    entries: &[String],
    most: usize,
    most_bytes: usize,
) -> Result<(), SettingsError> {
    check(field, entries.len() <= most, Problem::TooMany(most))?;
    for entry in entries {
        text(field, entry, most_bytes)?;
    }
    let distinct: BTreeSet<&String> = entries.iter().collect();
    check(field, distinct.len() == entries.len(), Problem::Twice)
}

fn text(field: &'static str, text: &str, most_bytes: usize) -> Result<(), SettingsError> {
    check(field, !text.is_empty(), Problem::Empty)?;
    check(field, text.len() <= most_bytes, Problem::TooLong(most_bytes))?;
    let is_printable = text.trim() == text && !text.chars().any(char::is_control);
    check(field, is_printable, Problem::Unprintable)
}

fn patterns(field: &'static str, models: &[String]) -> Result<(), SettingsError> {
    let is_pattern = |model: &String| {
        let author = model.strip_suffix("/*").unwrap_or(model);
        !author.is_empty() && !author.contains('*')
    };
    check(field, models.iter().all(is_pattern), Problem::Pattern)
}

fn options(options: &Map<String, Value>) -> Result<(), SettingsError> {
    check("options", options.len() <= MAX_OPTIONS, Problem::TooMany(MAX_OPTIONS))?;
    for name in options.keys() {
        text("options", name, MAX_NAME_BYTES)?;
    }
    let bytes = serde_json::to_string(options).map_or(usize::MAX, |json| json.len());
    check("options", bytes <= MAX_OPTIONS_BYTES, Problem::TooLong(MAX_OPTIONS_BYTES))
}

fn check(field: &'static str, holds: bool, problem: Problem) -> Result<(), SettingsError> {
    if holds { Ok(()) } else { Err(SettingsError { field, problem }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> KeySettings {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn settings_are_read_and_written_as_they_are() {
        let json = r#"{"tags":["team a"],"requests_per_minute":60,"allowed_models":["a/b","c/*"],"preset":"p","strategy":"s","options":{"x":[1,{"y":null}]}}"#;
        let settings = read(json);
        assert_eq!(settings.validate(), Ok(()));
        assert_eq!(serde_json::to_string(&settings).unwrap(), json);
        assert_eq!(read("{}"), KeySettings::default());
        assert_eq!(serde_json::to_string(&KeySettings::default()).unwrap(), "{}");
        assert_eq!(settings.rates().requests_per_minute, NonZeroU32::new(60));
    }

    #[test]
    fn what_is_no_setting_is_refused() {
        let zero = r#"{"tokens_per_minute":0}"#;
        let negative = r#"{"concurrent_requests":-1}"#;
        let huge = r#"{"requests_per_minute":4294967296}"#;
        for json in [r#"{"rpm":1}"#, zero, negative, huge, r#"{"tags":"a"}"#, r#"{"options":[]}"#] {
            assert!(serde_json::from_str::<KeySettings>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn every_list_and_text_has_a_bound() {
        let check = |json: &str, field: &str, problem: Problem| {
            let error = read(json).validate().unwrap_err();
            assert_eq!((error.field, error.problem), (field, problem), "{json}");
        };
        let many = |name: &str, count: usize| {
            let entries: Vec<String> = (0..count).map(|n| format!("\"n{n}\"")).collect();
            format!("{{\"{name}\":[{}]}}", entries.join(","))
        };
        let long = |name: &str, bytes: usize| format!("{{\"{name}\":\"{}\"}}", "x".repeat(bytes));
        check(&many("tags", 33), "tags", Problem::TooMany(32));
        check(&many("allowed_models", 257), "allowed_models", Problem::TooMany(256));
        check(&many("ignored_models", 257), "ignored_models", Problem::TooMany(256));
        check(&many("allowed_providers", 129), "allowed_providers", Problem::TooMany(128));
        assert_eq!(read(&many("allowed_models", 256)).validate(), Ok(()));
        check(&long("preset", 201), "preset", Problem::TooLong(200));
        check(&long("strategy", 201), "strategy", Problem::TooLong(200));
        assert_eq!(read(&long("strategy", 200)).validate(), Ok(()));
        check(r#"{"preset":""}"#, "preset", Problem::Empty);
        check(r#"{"tags":["a\nb"]}"#, "tags", Problem::Unprintable);
        check(r#"{"tags":[" a"]}"#, "tags", Problem::Unprintable);
        check(r#"{"tags":["a","a"]}"#, "tags", Problem::Twice);
        check(r#"{"allowed_models":[]}"#, "allowed_models", Problem::AllowsNothing);
        check(r#"{"allowed_providers":[]}"#, "allowed_providers", Problem::AllowsNothing);
        check(r#"{"requests_per_minute":1000000001}"#, "requests_per_minute", Problem::TooLarge);
        let options = format!("{{\"options\":{{\"a\":\"{}\"}}}}", "x".repeat(8 * 1024));
        check(&options, "options", Problem::TooLong(8 * 1024));
        check(r#"{"options":{"":1}}"#, "options", Problem::Empty);
        for pattern in ["*", "a*", "/*", "a/*b", "*/*"] {
            let json = format!("{{\"allowed_models\":[\"{pattern}\"]}}");
            check(&json, "allowed_models", Problem::Pattern);
        }
    }

    #[test]
    fn models_and_providers_are_allowed_by_name() {
        let settings = read(
            r#"{"allowed_models":["a/b","c/*"],"ignored_models":["c/d"],"allowed_providers":["p"]}"#,
        );
        let check = |model: &str, expected: bool| {
            assert_eq!(settings.allows_model(model), expected, "{model}");
        };
        check("a/b", true);
        check("a/bb", false);
        check("c/x", true);
        check("c/", false);
        check("c", false);
        check("cc/x", false);
        check("c/d", false);
        assert!(settings.allows_provider("p") && !settings.allows_provider("q"));
        let any = KeySettings::default();
        assert!(any.allows_model("a/b") && any.allows_provider("q"));
    }
}
