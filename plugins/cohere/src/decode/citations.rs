//! Citations: one passage of the answer with all its sources becomes one citation for
//! each of them.

use plugway_sdk::chat::{Citation, Extra};
use serde_json::Value;

use super::fields::{extras, index, list, text};
use crate::encode::SOURCE;

/// Where a source keeps what it says, by its names for it.
const PASSAGES: [&str; 4] = ["snippet", "text", "content", "output"];

pub(super) fn read(citation: &Value, native: bool) -> Vec<Citation> {
    let span = index(citation, "start").zip(index(citation, "end"));
    let span = span.filter(|(first, end)| first < end);
    let extra = if native { extras(citation, &["start", "end", "sources"]) } else { Vec::new() };
    let sources = list(citation, "sources");
    if sources.is_empty() {
        return vec![Citation { span, extra, ..Citation::default() }];
    }
    sources
        .iter()
        .map(|source| Citation { span, ..of_source(source, extra.clone(), native) })
        .collect()
}

fn of_source(source: &Value, mut extra: Vec<Extra>, native: bool) -> Citation {
    if native {
        extra.push((SOURCE.into(), source.to_string()));
    }
    let held = source.get("document").or_else(|| source.get("tool_output"));
    let held = held.unwrap_or(&Value::Null);
    let owned = |name| text(held, name).map(String::from);
    Citation {
        url: owned("url"),
        title: owned("title"),
        quote: PASSAGES.iter().find_map(|name| owned(name)),
        span: None,
        extra,
    }
}
