//! The goldens' shape, and the checked-in rules that explain why a cost of ours is
//! another.

use serde::Deserialize;
use serde_json::Value;
use std::path::Path;

/// One usage, read in one flavour, at one provider's price.
pub(crate) struct Case<'g> {
    pub(crate) file: &'g str,
    pub(crate) model: &'g str,
    pub(crate) usage: &'g Value,
    pub(crate) provider: &'g str,
    pub(crate) flavour: &'g str,
    /// In picodollars; none where that project names none.
    pub(crate) price: Option<Result<u64, String>>,
}

/// Every pair of the golden's usage and a reader of it.
pub(crate) fn cases(golden: &Value) -> Vec<Case<'_>> {
    let body = &golden["body"];
    let usage = ["usage", "usageMetadata", "meta"].iter().find_map(|key| body.get(key));
    let usage = usage.unwrap_or(&Value::Null);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut cases = Vec::new();
    for extractor in golden["extracted"].as_array().into_iter().flatten() {
        for reader in extractor["extractors"].as_array().into_iter().flatten() {
            let is_priced = reader.get("input_price").or(reader.get("output_price")).is_some();
            let price = |key: &str| match reader.get(key) {
                Some(price) => text(price),
                None => "0".to_owned(),
            };
            cases.push(Case {
                file: body["file"].as_str().unwrap_or_default(),
                model: golden["model"].as_str().unwrap_or_default(),
                usage,
                provider: reader["provider_id"].as_str().unwrap_or_default(),
                flavour: reader["api_flavor"].as_str().unwrap_or_default(),
                price: is_priced.then(|| super::sum(&price("input_price"), &price("output_price"))),
            });
        }
    }
    cases
}

/// Why the cost of some cases is another.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    /// In a word, to be counted by.
    cause: String,
    /// For people.
    reason: String,
    /// `*` at the end stands for any rest.
    provider: String,
    /// Any flavour, if none.
    flavour: Option<String>,
    /// Any model, if none; `*` as above.
    #[serde(default)]
    models: Vec<String>,
    /// A meter or a field that the usage has; `tier`: a price for long prompts holds;
    /// `unlisted`: the catalogue does not have the model.
    has: Option<String>,
    #[serde(skip)]
    used: bool,
}

/// All of them; the first that fits explains.
#[derive(Deserialize)]
pub(crate) struct Rules {
    rule: Vec<Rule>,
}

impl Rules {
    /// The checked-in list.
    pub(crate) fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/goldens.toml");
        toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    /// The cause, if a rule fits.
    pub(crate) fn explain(&mut self, case: &Case<'_>, has: &[String]) -> Option<String> {
        let rule = self.rule.iter_mut().find(|rule| {
            stands_for(&rule.provider, case.provider)
                && rule.flavour.as_ref().is_none_or(|flavour| flavour == case.flavour)
                && (rule.models.is_empty()
                    || rule.models.iter().any(|it| stands_for(it, case.model)))
                && rule
                    .has
                    .as_ref()
                    .map_or(!has.contains(&"unlisted".to_owned()), |it| has.contains(it))
        })?;
        rule.used = true;
        Some(rule.cause.clone())
    }

    /// Rules that explained nothing.
    pub(crate) fn unused(&self) -> Vec<&str> {
        self.rule.iter().filter(|rule| !rule.used).map(|rule| rule.reason.as_str()).collect()
    }
}

fn stands_for(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    }
}
