//! What a model takes, concluded from its name: the API refuses a request for one
//! parameter too many, and an operator should not have to know which. Each conclusion
//! can be overridden by an option of the endpoint.

use plugway_sdk::chat::Failure;
use plugway_sdk::provider::Endpoint;

/// Major and minor version, e.g. 4.7.
pub type Version = (u32, u32);

/// Where models of this API differ. Of a model with an unknown name only what all
/// servers of this API have in common is assumed.
#[derive(Debug, PartialEq)]
pub(super) struct Model {
    /// It can think at all.
    pub(super) thinks: bool,
    /// It decides for itself how much to think, and refuses a budget.
    pub(super) adaptive_thinking: bool,
    /// It takes `output_config.effort`.
    pub(super) effort: bool,
    /// It takes the effort `xhigh`.
    pub(super) xhigh_effort: bool,
    /// It refuses `temperature`, `top_p` and `top_k`.
    pub(super) fixed_sampling: bool,
    /// It refuses `temperature` and `top_p` in one request.
    pub(super) one_sampling_parameter: bool,
    /// It takes `system` turns among the messages.
    pub(super) inline_system: bool,
    /// It takes JSON schemas for its answer, and strict tools.
    pub(super) structured_outputs: bool,
}

impl Model {
    /// # Errors
    /// Of kind `unsupported`, where an option of the endpoint has the wrong type.
    pub(super) fn of(name: &str, endpoint: &Endpoint) -> Result<Self, Failure> {
        let version = version(name);
        let since = |first: Version| version.is_some_and(|version| version >= first);
        let before = |first: Version| version.is_some_and(|version| version < first);
        let option = |name, concluded| Ok(endpoint.option(name)?.unwrap_or(concluded));

        let adaptive_thinking = option("adaptive_thinking", since((4, 7)))?;
        Ok(Self {
            thinks: !before((3, 7)),
            adaptive_thinking,
            effort: adaptive_thinking || since((4, 6)),
            xhigh_effort: since((4, 7)),
            fixed_sampling: option("fixed_sampling", since((4, 7)))?,
            one_sampling_parameter: since((4, 1)),
            inline_system: option("inline_system", name.contains("opus") && since((4, 8)))?,
            structured_outputs: option("structured_outputs", !before((4, 5)))?,
        })
    }
}

/// The version in names such as `claude-opus-4-7`, `claude-3-5-sonnet-20241022` or
/// `anthropic.claude-sonnet-4-20250514-v1:0`; none where the name is another.
pub fn version(name: &str) -> Option<Version> {
    let (_, rest) = name.split_once("claude-")?;
    let mut numbers = rest
        .split(['-', '.', '@', ':'])
        .skip_while(|word| number(word).is_none())
        .map_while(number);
    let major = numbers.next()?;
    Some((major, numbers.next().unwrap_or(0)))
}

/// A version number; dates are longer.
fn number(word: &str) -> Option<u32> {
    (word.len() <= 2).then(|| word.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_names() {
        let names = [
            ("claude-opus-4-7", Some((4, 7))),
            ("claude-opus-5", Some((5, 0))),
            ("claude-opus-5-5", Some((5, 5))),
            ("claude-sonnet-4-20250514", Some((4, 0))),
            ("claude-sonnet-4-5-20250929", Some((4, 5))),
            ("claude-3-5-sonnet-20241022", Some((3, 5))),
            ("claude-3-opus-latest", Some((3, 0))),
            ("claude-opus-4.6", Some((4, 6))),
            ("claude-haiku-4-5@20251001", Some((4, 5))),
            ("anthropic.claude-opus-4-1-20250805-v1:0", Some((4, 1))),
            ("claude-next", None),
            ("some-other-model-7", None),
        ];
        for (name, expected) in names {
            assert_eq!(version(name), expected, "{name}");
        }
    }

    #[test]
    fn options_override_conclusions() {
        let endpoint = |json: &str| Endpoint {
            max_output_tokens: None,
            options: vec![("adaptive_thinking".into(), json.into())],
        };
        let adaptive = |name, json| Model::of(name, &endpoint(json)).map(|it| it.adaptive_thinking);
        assert_eq!(adaptive("claude-opus-4-6", "null"), Ok(false));
        assert_eq!(adaptive("claude-opus-4-6", "true"), Ok(true));
        assert_eq!(adaptive("claude-opus-4-8", "null"), Ok(true));
        assert_eq!(adaptive("claude-opus-4-8", "false"), Ok(false));
        assert!(adaptive("claude-opus-4-8", "\"yes\"").is_err());
    }
}
