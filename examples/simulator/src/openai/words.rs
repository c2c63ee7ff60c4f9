//! What answers say the same way, whole and in chunks.

use serde_json::{Map, Value, json};

use super::flavour::{Flavour, Name, Sources, Thoughts};
use super::thoughts;
use crate::dialect::Answer;
use crate::reply::{Finish, Reply};
use crate::speech::Say;

/// Null where there are calls alone, or a refusal.
pub(super) fn content(flavour: &Flavour, reply: &Reply) -> Value {
    if flavour.thoughts == Thoughts::Chunks && reply.reasoning().is_some() {
        return thoughts::chunks(reply);
    }
    let text = reply.text();
    let silent = reply.calls().next().is_some() || reply.refusal().is_some();
    if text.is_empty() && silent { Value::Null } else { text.into() }
}

pub(super) fn finish_reason(reply: &Reply) -> &'static str {
    match reply.finish {
        Finish::Stop | Finish::StopSequence(_) => "stop",
        Finish::Length => "length",
        Finish::ToolCalls => "tool_calls",
        Finish::ContentFilter => "content_filter",
    }
}

/// OpenRouter tells the word of the provider behind it.
pub(super) fn native_finish(flavour: &Flavour, reply: &Reply) -> Map<String, Value> {
    let native = (flavour.name == Name::OpenRouter)
        .then(|| ("native_finish_reason".to_owned(), finish_reason(reply).into()));
    native.into_iter().collect()
}

/// The annotations of the message; none where the provider has no such field.
pub(super) fn annotations(flavour: &Flavour, reply: &Reply) -> Option<Vec<Value>> {
    if flavour.sources != Sources::Annotations {
        return None;
    }
    let mut list = Vec::new();
    let mut start = 0;
    for say in &reply.parts {
        let end = start + say.as_text().map_or(0, |text| text.chars().count());
        if let Say::Cited { sources, .. } = say {
            list.extend(sources.iter().map(|source| {
                json!({"type": "url_citation", "url_citation": {
                    "start_index": start, "end_index": end,
                    "url": source.url, "title": source.title}})
            }));
        }
        start = end;
    }
    Some(list)
}

/// The sources that stand beside the choices.
pub(super) fn sources(flavour: &Flavour, reply: &Reply) -> Map<String, Value> {
    let cited = reply.parts.iter().filter_map(|say| match say {
        Say::Cited { sources, .. } => Some(sources),
        _ => None,
    });
    let cited: Vec<_> = cited.flatten().collect();
    let mut fields = Map::new();
    if cited.is_empty() {
        return fields;
    }
    if matches!(flavour.sources, Sources::Urls | Sources::Results) {
        let urls: Vec<Value> = cited.iter().map(|source| source.url.as_str().into()).collect();
        fields.insert("citations".into(), urls.into());
    }
    if flavour.sources == Sources::Results {
        let found = cited.iter().map(|source| {
            json!({"url": source.url, "title": source.title, "snippet": source.quote,
                   "date": null, "last_updated": null})
        });
        fields.insert("search_results".into(), found.collect());
    }
    fields
}

/// Fields that stand in every completion and chunk.
pub(super) fn common(flavour: &Flavour, answer: &Answer<'_>) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    match flavour.name {
        Name::OpenAi => {
            set("service_tier", "default".into());
            set("system_fingerprint", "fp_simulated".into());
        }
        Name::Mistral | Name::Perplexity => {}
        Name::OpenRouter => {
            set("provider", "Simulated".into());
        }
        Name::Azure | Name::DeepSeek | Name::Groq | Name::Xai => {
            set("system_fingerprint", "fp_simulated".into());
        }
    }
    if answer.extras {
        set("x_simulated", json!({"note": "no client knows this"}));
    }
    fields
}
