//! Sentences that plugins write for people: cut, and cleaned of what could forge
//! a line of a log or move a terminal's cursor, before anybody is shown them.

use crate::chat::{Event, Failure};

/// A sentence for a client or an operator.
const MAX_SENTENCE_BYTES: usize = 1024;

/// Marks where a sentence was cut.
const CUT: &str = "[cut]";

/// Cuts to `limit` bytes and takes out control characters.
pub(crate) fn clean(text: &str, limit: usize) -> String {
    let cut = text.floor_char_boundary(limit);
    let mark = if cut < text.len() { CUT } else { "" };
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    text[..cut].chars().map(printable).chain(mark.chars()).collect()
}

/// A sentence, as it may be shown.
pub(crate) fn sentence(text: &str) -> String {
    clean(text, MAX_SENTENCE_BYTES)
}

/// A failure whose texts may be shown.
pub(crate) fn failure(failure: Failure) -> Failure {
    Failure {
        message: sentence(&failure.message),
        code: failure.code.as_deref().map(sentence),
        param: failure.param.as_deref().map(sentence),
        ..failure
    }
}

/// Events whose failure may be shown.
pub(crate) fn events(mut events: Vec<Event>) -> Vec<Event> {
    for event in &mut events {
        if let Event::Failed(told) = event {
            *told = failure(told.clone());
        }
    }
    events
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_cut_on_a_character_and_cannot_forge_a_line() {
        assert_eq!(sentence("all\r\nwell\u{1b}[2J"), "all  well [2J");
        let long = sentence(&"\u{e9}".repeat(1000));
        assert_eq!(long.len(), MAX_SENTENCE_BYTES + CUT.len());
        assert!(long.ends_with(CUT));
    }
}
