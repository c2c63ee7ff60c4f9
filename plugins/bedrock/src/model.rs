//! What a model takes, concluded from its name: Converse passes much on in the words of
//! the model's family, and refuses what the family does not know.

use plugway_formats::anthropic_messages;
use serde::Deserialize;

/// Whose words the additional fields are in.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Family {
    Anthropic,
    Nova,
    #[serde(rename = "openai")]
    OpenAi,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Model {
    pub(crate) family: Family,
    /// It takes cache points in messages and in the system prompt.
    pub(crate) cache_points: bool,
    /// It takes cache points among its tools.
    pub(crate) tool_cache_points: bool,
    /// Its cache points have a time to live.
    pub(crate) cache_ttl: bool,
    /// It can be kept from calling several tools at once.
    pub(crate) single_calls: bool,
    /// It reasons if told to, where that is said in words of the Nova family.
    pub(crate) nova_reasoning: bool,
}

impl Model {
    /// `family` overrides what the name says.
    pub(crate) fn of(name: &str, family: Option<Family>) -> Self {
        let family = family.unwrap_or_else(|| family_of(name));
        let anthropic = family == Family::Anthropic;
        let version = anthropic_messages::version(name);
        // Of a name without a version the newest is assumed.
        let since = |first| anthropic && version.is_none_or(|version| version >= first);
        let caches = since((3, 7)) || name.contains("claude-3-5-haiku");
        Self {
            family,
            cache_points: caches || family == Family::Nova,
            tool_cache_points: caches,
            cache_ttl: since((4, 5)),
            single_calls: since((4, 5)),
            nova_reasoning: name.contains("nova-2"),
        }
    }
}

fn family_of(name: &str) -> Family {
    if name.contains("anthropic.") || name.contains("claude") {
        Family::Anthropic
    } else if name.contains("amazon.nova") {
        Family::Nova
    } else if name.contains("openai.") {
        Family::OpenAi
    } else {
        Family::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_read_from_names() {
        let names = [
            ("anthropic.claude-3-haiku-20240307-v1:0", Family::Anthropic),
            ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", Family::Anthropic),
            ("amazon.nova-lite-v1:0", Family::Nova),
            ("us.amazon.nova-2-lite-v1:0", Family::Nova),
            ("openai.gpt-oss-120b-1:0", Family::OpenAi),
            ("amazon.titan-text-lite-v1", Family::Other),
            ("arn:aws:bedrock:us-east-1:1:application-inference-profile/x", Family::Other),
        ];
        for (name, family) in names {
            assert_eq!(Model::of(name, None).family, family, "{name}");
        }
        assert_eq!(Model::of("arn:x", Some(Family::Nova)).family, Family::Nova);
    }

    #[test]
    fn models_are_told_apart_by_what_they_take() {
        let model = |name| Model::of(name, None);
        assert!(!model("anthropic.claude-3-5-sonnet-20240620-v1:0").cache_points);
        assert!(model("anthropic.claude-3-5-haiku-20241022-v1:0").cache_points);
        assert!(!model("us.anthropic.claude-3-7-sonnet-20250219-v1:0").cache_ttl);
        assert!(model("us.anthropic.claude-haiku-4-5-20251001-v1:0").cache_ttl);
        let nova = model("amazon.nova-pro-v1:0");
        assert!(nova.cache_points && !nova.tool_cache_points && !nova.nova_reasoning);
        assert!(model("us.amazon.nova-2-lite-v1:0").nova_reasoning);
        assert!(!model("qwen.qwen3-32b-v1:0").cache_points);
    }
}
