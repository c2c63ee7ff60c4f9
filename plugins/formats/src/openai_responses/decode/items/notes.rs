//! Sources of a text: addresses, and files of several kinds.

use plugway_sdk::chat::Citation;

use crate::node::Node;

pub(super) fn citation(note: &Node, native: bool) -> Citation {
    let common = note.text("type") == Some("url_citation");
    let modelled: &[&str] = if common {
        &["type", "url", "title", "start_index", "end_index"]
    } else {
        &["url", "title", "filename", "start_index", "end_index"]
    };
    let span = note.index("start_index").zip(note.index("end_index"));
    Citation {
        url: note.owned("url"),
        title: note.owned("title").or_else(|| note.owned("filename")),
        quote: None,
        span: span.filter(|(first, end)| first < end),
        extra: if native { note.extras(modelled) } else { Vec::new() },
    }
}
