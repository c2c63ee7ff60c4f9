//! The checker of events finds every breach that it claims to.

use plugway_sdk::chat::*;
use plugway_sdk::testing::{Answer, check_contract};

fn text(index: u32, text: &str) -> Event {
    Piece::new(0, index, Part::text(text)).into()
}

fn call(index: u32, id: &str, name: &str) -> Event {
    Piece::new(0, index, ToolCall::new(id, name, "{}")).into()
}

fn base64(data: &str) -> Event {
    let source = MediaSource::Base64(data.into());
    let media = Media { kind: MediaKind::Image, source, mime: None, name: None, detail: None };
    Piece::new(0, 0, media).into()
}

fn finish() -> Event {
    Event::Finish(Finish::new(0, FinishReason::Stop, "stop"))
}

fn failed() -> Event {
    Failure::unavailable("cut").into()
}

/// Checks that events are fine, or what is said of the breach.
fn check(events: &[Event], breach: Option<&str>) {
    match (check_contract(events), breach) {
        (Ok(()), None) => {}
        (Err(error), Some(breach)) => assert!(error.contains(breach), "{error}"),
        (result, _) => panic!("{result:?}, expected {breach:?}"),
    }
}

#[test]
fn what_is_allowed() {
    check(&[text(0, "a"), call(1, "c", "f"), text(0, "b"), finish()], None);
    check(&[text(0, "a"), failed()], None);
    check(&[failed()], None);
    check(&[base64("AAAA"), base64("BBBB"), finish()], None);
}

#[test]
fn what_is_forbidden() {
    check(&[], Some("finishes or fails"));
    check(&[text(0, "a")], Some("never finishes"));
    check(&[text(1, "a"), finish()], Some("order"));
    check(&[failed(), finish()], Some("nothing follows"));
    check(&[finish(), finish()], Some("finishes once"));
    check(&[finish(), text(0, "a")], Some("no piece follows"));
    check(&[text(0, "a"), call(0, "", ""), finish()], Some("one kind"));
    check(&[call(0, "", "f"), finish()], Some("has an id"));
    check(&[call(0, "c", ""), finish()], Some("has a name"));
    check(&[call(0, "c", "f"), call(1, "c", "f"), finish()], Some("unique"));
    check(&[call(0, "c", "f"), call(0, "c", ""), finish()], Some("first bit"));
    check(&[base64("AAA"), finish()], Some("base64"));
    let native = || Event::from(Piece::new(0, 0, PartBody::Native("{}".into())));
    check(&[native(), native(), finish()], Some("one bit"));
    let broken = Event::from(Piece::new(0, 0, PartBody::Native("{".into())));
    check(&[broken, finish()], Some("not JSON"));
}

#[test]
fn answers_join_their_pieces() {
    let mut signed = Part::reasoning("b");
    signed.signature = Some("S".into());
    let bits = [
        Piece::new(0, 0, Part::reasoning("a")).into(),
        Piece::new(0, 0, signed).into(),
        call(1, "c", "f"),
        Piece::new(0, 1, ToolCall::more(" ")).into(),
        Event::Usage(Usage { prompt_tokens: 1, ..Usage::default() }),
        Event::Usage(Usage { prompt_tokens: 2, ..Usage::default() }),
        finish(),
    ];
    let answer = Answer::of(&bits);
    assert_eq!(answer.reasoning(0), "ab");
    assert_eq!(answer.parts[&(0, 0)].signature.as_deref(), Some("S"));
    assert_eq!(answer.calls(0), [("f", "{} ")]);
    assert_eq!(answer.usage, [Usage { prompt_tokens: 2, ..Usage::default() }]);
}
