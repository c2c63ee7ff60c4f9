//! Families of models: those of one author whose names differ in their version alone.
//! `~author/family-latest` is the newest of them.

use super::{Catalog, Model};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What such a name begins and ends with.
const MARK: char = '~';
const LATEST: &str = "-latest";

/// The family of a model's slug, `author/family`: the slug without the words that are
/// a version, as in `4`, `v3.1` or `20250514`. None where the name has further parts
/// behind a colon, and where nothing is left of it.
pub(super) fn family(slug: &str) -> Option<String> {
    let (author, name) = slug.split_once('/')?;
    if name.contains([':', '/', '@']) {
        return None;
    }
    let words: Vec<&str> = name.split('-').filter(|word| !is_version(word)).collect();
    if words.is_empty() { None } else { Some(format!("{author}/{}", words.join("-"))) }
}

fn is_version(word: &str) -> bool {
    let digits = word.strip_prefix('v').unwrap_or(word);
    digits.starts_with(|first: char| first.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

impl Catalog {
    /// The newest model of the family that `~author/family-latest` names. Whose day of
    /// release is unknown is never it.
    pub(crate) fn latest(&self, name: &str) -> Option<&Arc<Model>> {
        let asked = name.strip_prefix(MARK)?.strip_suffix(LATEST)?;
        let (author, _) = asked.split_once('/')?;
        let of_author = self.models.range(format!("{author}/")..).map(|(_, model)| model);
        let of_author = of_author.take_while(|model| is_of(model, author));
        let members = of_author.filter(|model| family(&model.slug).as_deref() == Some(asked));
        members.filter(|model| model.created > 0).max_by_key(|model| (model.created, &model.slug))
    }

    /// The other models of the family of one of this name, the newest first. The name may
    /// be no model's, and have a suffix or a pin.
    pub(crate) fn kin(&self, name: &str) -> Vec<&Arc<Model>> {
        let base = name.split(['@', ':']).next().unwrap_or(name);
        let asked = base.strip_prefix(MARK).and_then(|name| name.strip_suffix(LATEST));
        let Some(asked) = asked.map(str::to_owned).or_else(|| family(base)) else {
            return Vec::new();
        };
        let author = asked.split('/').next().unwrap_or_default();
        let of_author = self.models.range(format!("{author}/")..).map(|(_, model)| model);
        let of_author = of_author.take_while(|model| is_of(model, author));
        let kin = of_author.filter(|it| it.slug != base);
        let mut kin: Vec<_> =
            kin.filter(|it| family(&it.slug).as_deref() == Some(asked.as_str())).collect();
        kin.sort_by(|a, b| b.created.cmp(&a.created).then_with(|| a.slug.cmp(&b.slug)));
        kin
    }

    /// Names of families that have more than one model, and the newest of each.
    pub(crate) fn families(&self) -> impl Iterator<Item = (String, &Arc<Model>)> {
        let mut families: BTreeMap<String, (usize, &Arc<Model>)> = BTreeMap::new();
        for model in self.models.values().filter(|model| model.created > 0) {
            let Some(family) = family(&model.slug) else { continue };
            let (count, newest) = families.entry(family).or_insert((0, model));
            *count += 1;
            if (model.created, &model.slug) >= (newest.created, &newest.slug) {
                *newest = model;
            }
        }
        let several = families.into_iter().filter(|(_, (count, _))| *count > 1);
        several.map(|(family, (_, newest))| (format!("{MARK}{family}{LATEST}"), newest))
    }

    /// Names of the author's families, those most like the name first.
    pub(crate) fn near_families(&self, name: &str) -> Vec<String> {
        /// More would not be read.
        const SHOWN: usize = 3;
        let asked = name.trim_start_matches(MARK);
        let author = asked.split('/').next().unwrap_or_default();
        let models = self.models.values().filter(|it| is_of(it, author) && it.created > 0);
        let mut families: Vec<String> = models.filter_map(|model| family(&model.slug)).collect();
        families.sort_unstable();
        families.dedup();
        let asked = asked.strip_suffix(LATEST).unwrap_or(asked);
        families.sort_by(|a, b| {
            let alike = |family: &str| strsim::jaro_winkler(asked, family);
            alike(b).total_cmp(&alike(a))
        });
        let named = families.into_iter().take(SHOWN);
        named.map(|family| format!("{MARK}{family}{LATEST}")).collect()
    }
}

fn is_of(model: &Model, author: &str) -> bool {
    model.slug.split_once('/').is_some_and(|(of, _)| of == author)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    #[test]
    fn kin_are_the_rest_of_the_family_and_the_newest_comes_first() {
        let model = |slug: &str, released: &str| {
            format!(
                "[models.\"{slug}\"]\n{released}\n[[models.\"{slug}\".endpoints]]\n\
                 provider = \"p\"\nmodel = \"{slug}\"\n"
            )
        };
        let toml = [
            "[providers.p]\nadapter = \"any\"\nbase_url = \"http://127.0.0.1:9\"\n".to_owned(),
            model("acme/swift-1", "released = 2024-01-01"),
            model("acme/swift-2", "released = 2026-01-01"),
            model("acme/swift-3", ""),
            model("acme/swift-mini-1", "released = 2026-01-01"),
            model("acmes/swift-4", "released = 2026-01-01"),
        ];
        let config = config::load_str("t.toml", &toml.join(""), &|_| None).unwrap();
        for (name, expected) in [
            ("acme/swift-1", &["acme/swift-2", "acme/swift-3"][..]),
            ("acme/swift-9:nitro", &["acme/swift-2", "acme/swift-1", "acme/swift-3"]),
            ("~acme/swift-latest@p", &["acme/swift-2", "acme/swift-1", "acme/swift-3"]),
            ("acme/swift-mini-1", &[]),
            ("acme/slow-1", &[]),
            ("swift-1", &[]),
            ("", &[]),
        ] {
            let kin: Vec<_> = config.catalog.kin(name).iter().map(|it| it.slug.as_str()).collect();
            assert_eq!(kin, expected, "{name}");
        }
    }

    #[test]
    fn a_family_is_a_name_without_its_version() {
        for (slug, expected) in [
            ("anthropic/claude-sonnet-4.5", Some("anthropic/claude-sonnet")),
            ("anthropic/claude-3.5-sonnet-20241022", Some("anthropic/claude-sonnet")),
            ("openai/gpt-5", Some("openai/gpt")),
            ("openai/gpt-5-mini", Some("openai/gpt-mini")),
            // The letter makes it a name.
            ("openai/gpt-4o", Some("openai/gpt-4o")),
            ("deepseek/deepseek-chat-v3.1", Some("deepseek/deepseek-chat")),
            // A size is no version, and a preview no release.
            ("meta/llama-3.3-70b", Some("meta/llama-70b")),
            ("google/gemini-2.5-pro-preview", Some("google/gemini-pro-preview")),
            ("google/gemini-2.5-pro:free", None),
            ("x/4.5", None),
            ("bare", None),
        ] {
            assert_eq!(family(slug).as_deref(), expected, "{slug}");
        }
    }
}
