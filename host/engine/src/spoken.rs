//! What plugins write for people: sentences are cut, and cleaned of what could
//! forge a line of a log or move a terminal's cursor, before anybody is shown
//! them. Names are taken whole or not at all: half a name is another name.

use crate::chat::{Event, Failure};

/// A sentence for a client or an operator.
const MAX_SENTENCE_BYTES: usize = 1024;

/// For the learner, never shown.
const MAX_NOTE_BYTES: usize = 64 << 10;

/// A name in a list of claims, and how many of them are taken.
const MAX_NAME_BYTES: usize = 256;
const MAX_NAMES: usize = 256;

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

/// A plan's note. It is data, so it is kept as it is, or not at all.
pub(crate) fn note(note: String) -> String {
    if note.len() <= MAX_NOTE_BYTES { note } else { String::new() }
}

/// A name, unless it is none that anybody would have given.
pub(crate) fn name(name: String) -> Option<String> {
    let is_fit = name.len() <= MAX_NAME_BYTES && !name.chars().any(char::is_control);
    is_fit.then_some(name)
}

/// As many names as anybody would have listed.
pub(crate) fn names(names: Vec<String>) -> Vec<String> {
    names.into_iter().filter_map(name).take(MAX_NAMES).collect()
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

    #[test]
    fn names_and_notes_are_taken_whole_or_not_at_all() {
        let fit = "n".repeat(MAX_NAME_BYTES);
        let listed = vec![fit.clone(), format!("{fit}n"), "two\nlines".to_owned()];
        assert_eq!(names(listed), [fit]);
        assert_eq!(names(vec!["n".to_owned(); MAX_NAMES + 1]).len(), MAX_NAMES);
        assert_eq!(note("n".repeat(MAX_NOTE_BYTES)).len(), MAX_NOTE_BYTES);
        assert_eq!(note("n".repeat(MAX_NOTE_BYTES + 1)), "");
    }

    #[test]
    fn the_failure_at_the_end_of_a_stream_is_cleaned() {
        let kind = crate::chat::FailureKind::Overloaded;
        let told = Failure {
            kind,
            message: "a\nb".to_owned(),
            code: Some("c\u{7}".to_owned()),
            param: None,
            retry_after_ms: Some(1),
        };
        let [Event::Failed(shown)] = &events(vec![Event::Failed(told)])[..] else {
            panic!("it is no failure any more");
        };
        assert_eq!((shown.message.as_str(), shown.code.as_deref()), ("a b", Some("c ")));
        assert_eq!((shown.kind, shown.retry_after_ms), (kind, Some(1)));
    }
}
