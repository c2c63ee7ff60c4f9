//! Where a searching provider has its answer from: lists that stand beside the
//! choices, for the whole of the text.

use plugway_sdk::chat::{Citation, Extra};

use crate::node::Node;

/// The sources that a chunk names; of two lists of the same the one that says more.
pub(super) fn sources(chunk: &Node) -> Vec<Citation> {
    let lists = [
        chunk.list("search_results"),
        chunk
            .get("venice_parameters")
            .map_or(&[][..], |venice| venice.list("web_search_citations")),
        chunk.list("citations"),
    ];
    let found = lists.into_iter().find(|list| !list.is_empty()).unwrap_or_default();
    found.iter().filter_map(source).collect()
}

fn source(item: &Node) -> Option<Citation> {
    if let Some(url) = item.as_text() {
        return Some(Citation { url: Some(url.into()), ..Citation::default() });
    }
    Some(Citation {
        url: Some(item.owned("url")?),
        title: item.owned("title"),
        quote: item.owned("snippet").or_else(|| item.owned("content")),
        ..Citation::default()
    })
}

/// One entry of `annotations`; files that were read are none.
pub(super) fn annotation(annotation: &Node) -> Option<Citation> {
    let source = match annotation.get("url_citation") {
        Some(source) => source,
        None if annotation.text("type") == Some("url_citation") => annotation,
        None => return None,
    };
    let span = source.index("start_index").zip(source.index("end_index"));
    Some(Citation {
        url: source.owned("url"),
        title: source.owned("title"),
        quote: source.owned("content"),
        span: span.filter(|(first, end)| first < end),
        extra: Vec::new(),
    })
}

/// A reference among the items of `content`: to documents of the request, by number,
/// which means something to clients of the format alone, or to what a tool found.
pub(super) fn reference(item: &Node, native: bool) -> Option<Citation> {
    let extra: Vec<Extra> = match item.get("reference_ids") {
        Some(ids) if native => vec![("reference_ids".into(), ids.json())],
        _ => Vec::new(),
    };
    let found = Citation {
        url: item.owned("url"),
        title: item.owned("title"),
        quote: item.owned("description"),
        span: None,
        extra,
    };
    (found.url.is_some() || !found.extra.is_empty()).then_some(found)
}
