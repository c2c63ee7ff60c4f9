//! `annotations`: the sources of a text, as they come back and as they are told.

use plugway_engine::chat::Citation;

use crate::BadRequest;
use crate::json::{Fields, Node, Writer, write_extra};

/// The kind that every client knows; of the others what they are is native.
const COMMON: &str = "url_citation";

/// Files that a tool made: the one that is shown and not named has an empty place.
const PLACED: &str = "\"container_file_citation\"";

pub(super) fn read(node: &Node<'_, '_>) -> Result<Vec<Citation>, BadRequest> {
    node.array()?.iter().map(citation).collect()
}

fn citation(node: &Node<'_, '_>) -> Result<Citation, BadRequest> {
    let mut fields = node.object()?;
    if fields.need("type")?.text()? != COMMON {
        return uncommon(node.object()?);
    }
    Ok(Citation {
        url: fields.string("url")?,
        title: fields.string("title")?,
        quote: fields.string("content")?,
        span: span(&mut fields)?,
        extra: fields.rest()?,
    })
}

/// Of a file, say: nothing of it means the same to anybody else.
fn uncommon(mut fields: Fields<'_, '_>) -> Result<Citation, BadRequest> {
    Ok(Citation {
        url: fields.string("url")?,
        title: None,
        quote: None,
        span: span(&mut fields)?,
        extra: fields.rest()?,
    })
}

/// None where nothing lies between its ends.
fn span(fields: &mut Fields<'_, '_>) -> Result<Option<(u32, u32)>, BadRequest> {
    let start = fields.integer("start_index")?;
    let end = fields.integer("end_index")?;
    Ok(start.zip(end).filter(|(start, end)| start < end))
}

/// Whether the citation has a form here: an address, or a kind of its own.
pub(super) fn has_form(citation: &Citation) -> bool {
    citation.url.is_some() || is_uncommon(citation)
}

fn is_uncommon(citation: &Citation) -> bool {
    citation.extra.iter().any(|(name, _)| name == "type")
}

/// Whether it is of a kind that has a place in the text always, if an empty one.
fn is_placed(citation: &Citation) -> bool {
    let kind = citation.extra.iter().find(|(name, _)| name == "type");
    kind.is_none_or(|(_, kind)| kind == PLACED)
}

/// Writes one; `length` is that of the text, in characters, which a citation without a
/// place is for.
pub(super) fn write(json: &mut Writer<'_>, citation: &Citation, length: u32) {
    json.open(b'{');
    let uncommon = is_uncommon(citation);
    if !uncommon {
        json.key("type").string(COMMON);
    }
    if let Some(url) = &citation.url {
        json.key("url").string(url);
    }
    let title = citation.title.as_deref();
    if uncommon && citation.url.is_none() {
        if let Some(name) = title {
            json.key("filename").string(name);
        }
    } else {
        json.key("title").string(title.unwrap_or_default());
    }
    if let Some(quote) = &citation.quote {
        json.key("content").string(quote);
    }
    if citation.span.is_some() || is_placed(citation) {
        let (start, end) = citation.span.unwrap_or((0, if uncommon { 0 } else { length }));
        json.key("start_index").number(u64::from(start));
        json.key("end_index").number(u64::from(end));
    }
    write_extra(json, &citation.extra, &["url", "title", "content", "start_index", "end_index"]);
    json.close(b'}');
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_file_that_a_tool_made_has_a_place_also_where_that_is_empty() {
        let written = |citation: Value| {
            let text = citation.to_string();
            let citation = super::citation(&Node::root(&text)).unwrap();
            let mut out = BytesMut::new();
            write(&mut Writer::new(&mut out), &citation, 9);
            serde_json::from_slice::<Value>(&out).unwrap()
        };
        let made = json!({"type": "container_file_citation", "container_id": "c", "file_id": "f",
            "filename": "plot.png", "start_index": 0, "end_index": 0});
        assert_eq!(written(made.clone()), made);
        let found = json!({"type": "file_citation", "file_id": "f", "filename": "a.txt",
            "index": 3});
        assert_eq!(written(found.clone()), found);
        let linked = json!({"type": "url_citation", "url": "https://x.test", "title": "X",
            "start_index": 0, "end_index": 0});
        assert_eq!(written(linked)["end_index"], 9);
    }
}
