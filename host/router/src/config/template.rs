//! URLs with gaps, `https://{region}.example.com`, and what fills them: texts that
//! cannot change where the URL leads but within its gap.

use std::collections::BTreeMap;

use http::Uri;

use super::diagnostic::Severity;
use super::field::parse_url;
use super::load::Environment;
use super::reader::{Entry, Section};

/// A longer value fills no gap; bytes.
const MAX_VALUE_BYTES: usize = 128;

/// What every value stands for while a template is checked.
const SAMPLE: &str = "x";

pub(super) const VALUE_REMEDY: &str =
    "use letters, digits, `-`, `_` and `.`, and no `.` at an end or beside another";

/// A URL with gaps.
#[derive(Clone, Debug)]
pub(super) struct Template {
    text: String,
    sample: Uri,
}

impl Template {
    /// Reads the entry's text; a mistake is noted.
    pub(super) fn read(entry: &Entry<'_>) -> Option<Self> {
        const REMEDY: &str = "write a URL such as \"https://host/path\"";
        let text = entry.text()?;
        let read = fill(text, |_| Some(SAMPLE.to_owned()));
        let sample = read.map_err(|_| "has a `{` or `}` that is no `{name}`");
        let sample = sample.and_then(|sample| parse_url(&sample));
        match sample {
            Ok(sample) => Some(Self { text: text.to_owned(), sample }),
            Err(problem) => {
                entry.error(problem, REMEDY);
                None
            }
        }
    }

    /// The same with every gap filled by something.
    pub(super) fn sample(&self) -> &Uri {
        &self.sample
    }

    /// The names of its gaps.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        let _ = fill(&self.text, |name| {
            names.push(name.to_owned());
            Some(SAMPLE.to_owned())
        });
        names
    }

    /// The URL. None where a value is missing.
    pub(super) fn filled(&self, values: &BTreeMap<String, String>) -> Option<Uri> {
        let filled =
            fill(&self.text, |name| values.get(name).filter(|value| is_value(value)).cloned());
        parse_url(&filled.ok()?).ok()
    }
}

/// Puts values in gaps.
fn fill(text: &str, mut value: impl FnMut(&str) -> Option<String>) -> Result<String, ()> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or(())?;
        if before.contains('}') || !is_name(name) {
            return Err(());
        }
        out.push_str(before);
        out.push_str(&value(name).ok_or(())?);
        rest = after;
    }
    if rest.contains('}') {
        return Err(());
    }
    out.push_str(rest);
    Ok(out)
}

pub(super) fn is_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b);
    !name.is_empty() && name.bytes().all(allowed)
}

/// Whether it stays within its gap: no separator of a URL, no empty label, no climbing.
pub(super) fn is_value(value: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    value.len() <= MAX_VALUE_BYTES
        && value.bytes().all(allowed)
        && value.split('.').all(|label| !label.is_empty())
}

/// Where a value comes from.
#[derive(Clone, Debug, Default)]
pub(super) struct Variable {
    /// The environment variable that holds it.
    pub(super) env: Option<String>,
    /// What holds where that is not set, or there is none.
    pub(super) default: Option<String>,
}

impl Variable {
    /// Its value on this machine, or what is the matter.
    pub(super) fn value(&self, env: Environment<'_>) -> Result<String, String> {
        let set = self.env.as_deref().and_then(env).filter(|value| !value.is_empty());
        let Some(value) = set.or_else(|| self.default.clone()) else {
            return Err(format!("`{}` is not set", self.env.as_deref().unwrap_or_default()));
        };
        if !is_value(&value) {
            let name = self.env.as_deref().unwrap_or_default();
            return Err(format!("`{name}` holds what cannot be part of a URL"));
        }
        Ok(value)
    }
}

/// A table of texts, each written down or named by its environment variable.
pub(super) fn read_variables(entry: &Entry<'_>, into: &mut BTreeMap<String, Variable>) {
    let Some(section) = entry.table() else { return };
    for variable in section.entries() {
        if !is_name(variable.key()) {
            variable.error("is no usable name", "use lower-case letters, digits, `-` and `_`");
        }
        let read = match variable.subtable() {
            Some(table) => read_variable(&table),
            None => variable.text().map(|text| Variable { env: None, default: Some(text.into()) }),
        };
        let Some(read) = read else { continue };
        if read.default.as_deref().is_some_and(|value| !is_value(value)) {
            variable.error("holds what cannot be part of a URL", VALUE_REMEDY);
        }
        into.insert(variable.key().to_owned(), read);
    }
}

fn read_variable(table: &Section<'_>) -> Option<Variable> {
    let mut variable = Variable::default();
    table.read(VARIABLE_FIELDS, &mut variable);
    if !table.has("env") && !table.has("default") {
        table.remark(
            Severity::Error,
            "env",
            "is missing",
            "name the variable that holds the value",
        );
        return None;
    }
    Some(variable)
}

const VARIABLE_FIELDS: &[super::field::Field<Variable>] = &[
    super::field::Field {
        key: "env",
        slot: super::field::Slot::Text(|c| &mut c.env),
        about: "Environment variable that holds the value.",
    },
    super::field::Field {
        key: "default",
        slot: super::field::Slot::Text(|c| &mut c.default),
        about: "What holds where the variable is not set.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stays_within_its_gap() {
        for value in ["us-east-1", "my_project", "a.b", "A1", "x"] {
            assert!(is_value(value), "{value}");
        }
        for value in [
            "",
            ".",
            "..",
            "a..b",
            ".a",
            "a.",
            "a/b",
            "a@b",
            "a:1",
            "a?b",
            "a#b",
            "a%2Fb",
            "a b",
            "a\\b",
            "caf\u{e9}",
            "a\n",
        ] {
            assert!(!is_value(value), "{value:?}");
        }
        assert!(!is_value(&"x".repeat(MAX_VALUE_BYTES + 1)));
    }

    #[test]
    fn gaps_are_filled_by_name() {
        let values = |name: &str| (name == "a").then(|| "1".to_owned());
        assert_eq!(fill("x{a}y{a}", values), Ok("x1y1".to_owned()));
        assert_eq!(fill("plain", values), Ok("plain".to_owned()));
        for broken in ["{b}", "{a", "a}", "{}", "{a}}", "{{a}}", "{A}", "{a b}"] {
            assert_eq!(fill(broken, values), Err(()), "{broken}");
        }
    }
}
