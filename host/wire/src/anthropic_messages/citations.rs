//! Sources of a text, in requests and in answers.

use plugway_engine::chat::Citation;

use crate::BadRequest;
use crate::json::{Fields, Node, Writer, write_extra};

/// The kind of a citation that names an address, and nothing else of its source.
const BY_ADDRESS: &str = "web_search_result_location";

/// A field of that kind that only the provider that found the source can fill.
const INDEX: &str = "encrypted_index";

/// Where a kind of citation keeps what the contract models.
struct Keys {
    title: &'static str,
    url: Option<&'static str>,
}

impl Keys {
    fn of(kind: &str) -> Self {
        let (title, url) = match kind {
            BY_ADDRESS => ("title", Some("url")),
            "search_result_location" => ("title", Some("source")),
            _ => ("document_title", None),
        };
        Self { title, url }
    }
}

/// The `citations` of a text block.
pub(super) fn read(fields: &mut Fields<'_, '_>) -> Result<Vec<Citation>, BadRequest> {
    let Some(node) = fields.take("citations") else { return Ok(Vec::new()) };
    let mut citations = Vec::new();
    for node in node.array()? {
        let citation = citation(&node)?;
        let made_here = |(name, json): &(String, String)| name == INDEX && json == "\"\"";
        // What stands in for another provider's source, nobody takes back.
        if !citation.extra.iter().any(made_here) {
            citations.push(citation);
        }
    }
    Ok(citations)
}

fn citation(node: &Node<'_, '_>) -> Result<Citation, BadRequest> {
    let mut fields = node.object()?;
    let kind = fields.left().find(|(name, _)| *name == "type").map(|(_, kind)| kind.string());
    let Some(kind) = kind.transpose()? else { return Err(fields.missing("type")) };
    let Keys { title, url } = Keys::of(&kind);
    Ok(Citation {
        url: url.map(|key| fields.string(key)).transpose()?.flatten(),
        title: fields.string(title)?,
        quote: fields.string("cited_text")?,
        span: None,
        // With its type: what must come back of it is native.
        extra: fields.rest()?,
    })
}

/// Whether the citation has a form in this dialect: it is native, or has an address.
pub(super) fn is_told(citation: &Citation) -> bool {
    citation.url.is_some() || kind(citation).is_some()
}

fn kind(citation: &Citation) -> Option<&str> {
    let kind = citation.extra.iter().find(|(name, _)| name == "type");
    kind.map(|(_, json)| json.trim_matches('"'))
}

/// One source of a text that the model wrote.
pub(super) fn write(json: &mut Writer<'_>, citation: &Citation) {
    let native = kind(citation);
    let Keys { title, url } = Keys::of(native.unwrap_or(BY_ADDRESS));
    json.open(b'{');
    json.key("type").string(native.unwrap_or(BY_ADDRESS));
    json.key("cited_text").string(citation.quote.as_deref().unwrap_or_default());
    json.key(title).string_or_null(citation.title.as_deref());
    if let Some(key) = url {
        json.key(key).string(citation.url.as_deref().unwrap_or_default());
    }
    if native.is_none() {
        json.key(INDEX).string("");
    }
    let ours = ["type", "cited_text", title, url.unwrap_or("type")];
    write_extra(json, &citation.extra, &ours);
    json.close(b'}');
}
