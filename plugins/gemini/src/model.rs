//! What a model takes, concluded from its name: an operator should not have to know
//! which refuses what. Options of the endpoint override each conclusion.

use crate::options::{Options, ThinkingStyle};

/// Major and minor version, e.g. 2.5.
type Version = (u32, u32);

/// Where models of this API differ.
#[derive(Debug, PartialEq)]
pub(crate) struct Model {
    pub(crate) thinking: ThinkingStyle,
    /// The least and the most tokens that a thinking budget may have.
    pub(crate) budget: (u32, u32),
    /// It can be told not to think at all.
    pub(crate) can_rest: bool,
    /// It takes media in tool results, and wants its calls back signed.
    pub(crate) third_generation: bool,
    /// It fetches media from any https URL by itself.
    pub(crate) fetches_urls: bool,
}

impl Model {
    pub(crate) fn of(name: &str, options: &Options) -> Self {
        let version = version(name);
        let since = |first: Version| version.is_some_and(|version| version >= first);
        let newest = version.is_none() && name.contains("gemini-");
        let pro = name.contains("-pro");
        Self {
            thinking: options.thinking.unwrap_or_else(|| thinking(name, version)),
            budget: match () {
                () if pro => (128, 32_768),
                () if name.contains("-lite") => (512, 24_576),
                () => (0, 24_576),
            },
            can_rest: !pro,
            third_generation: since((3, 0)) || newest,
            fetches_urls: options
                .fetches_urls
                .unwrap_or_else(|| options.is_vertex() || since((2, 5)) || newest),
        }
    }
}

fn thinking(name: &str, version: Option<Version>) -> ThinkingStyle {
    let speaks_or_draws = ["-image", "-tts"].iter().any(|kind| name.contains(kind));
    match version {
        Some(version) if version < (2, 5) => ThinkingStyle::None,
        Some(version) if version < (3, 0) && speaks_or_draws => ThinkingStyle::None,
        Some(version) if version < (3, 0) => ThinkingStyle::Budget,
        // `gemini-flash-latest` and the like.
        None if !name.contains("gemini-") => ThinkingStyle::None,
        _ => ThinkingStyle::Level,
    }
}

/// The version in names such as `gemini-2.5-flash-lite` or `gemini-3-pro-preview`;
/// none where the name is another.
fn version(name: &str) -> Option<Version> {
    let (_, rest) = name.split_once("gemini-")?;
    let word = rest.split('-').next()?;
    let (major, minor) = word.split_once('.').unwrap_or((word, "0"));
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use plugway_sdk::testing::endpoint;

    fn model(name: &str, options: &[(&str, &str)]) -> Model {
        Model::of(name, &Options::of(&endpoint(options)).unwrap())
    }

    #[test]
    fn models_differ_by_their_names() {
        let check = |name: &str, thinking, budget, third_generation| {
            let model = model(name, &[]);
            assert_eq!(
                (model.thinking, model.budget, model.third_generation),
                (thinking, budget, third_generation),
                "{name}"
            );
        };
        use ThinkingStyle::{Budget, Level, None};
        check("gemini-2.5-pro", Budget, (128, 32_768), false);
        check("models/gemini-2.5-flash-lite-preview-09-2025", Budget, (512, 24_576), false);
        check("gemini-2.5-flash-image", None, (0, 24_576), false);
        check("gemini-2.0-flash", None, (0, 24_576), false);
        check("gemini-3.1-flash", Level, (0, 24_576), true);
        check("publishers/google/models/gemini-3-pro-preview", Level, (128, 32_768), true);
        check("gemini-flash-latest", Level, (0, 24_576), true);
        check("gemma-3-27b-it", None, (0, 24_576), false);
    }

    #[test]
    fn options_override_conclusions() {
        let options = [("thinking", "\"budget\""), ("fetches_urls", "false")];
        let told = model("gemini-3-flash", &options);
        assert_eq!((told.thinking, told.fetches_urls), (ThinkingStyle::Budget, false));
        assert!(model("gemini-2.5-flash", &[]).fetches_urls);
        assert!(!model("gemini-2.0-flash", &[]).fetches_urls);
        assert!(model("gemini-2.0-flash", &[("platform", "\"vertex\"")]).fetches_urls);
    }
}
