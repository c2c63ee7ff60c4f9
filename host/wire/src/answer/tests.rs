//! Folding, counting and checking, event by event.

use super::*;
use crate::events::*;
use chat::{Event, FinishReason, PartBody, Reasoning};

#[test]
fn content_commits_and_nothing_else_does() {
    let media = |data: &str| PartBody::Media(image(data));
    for (event, expected) in [
        (origin("id"), false),
        (usage(1, 1), false),
        (finish(0, FinishReason::Stop), false),
        (piece(0, 0, PartBody::Text(String::new())), false),
        (piece(0, 0, PartBody::Text("a".into())), true),
        (piece(0, 0, PartBody::Refusal("no".into())), true),
        (piece(0, 0, PartBody::Reasoning(Reasoning::Text(String::new()))), false),
        (piece(0, 0, PartBody::Reasoning(Reasoning::Text("a".into()))), true),
        (piece(0, 0, PartBody::Reasoning(Reasoning::Encrypted("a".into()))), true),
        (piece(0, 0, call("id", "name", "")), true),
        (piece(0, 0, media("")), false),
        (piece(0, 0, media("AAAA")), true),
    ] {
        assert_eq!(commits(&event), expected, "{event:?}");
    }
}

#[test]
fn pieces_join_by_choice_and_index() {
    let mut signed = piece_of(piece(0, 0, reasoning("")));
    signed.part.signature = Some("sig".into());
    let answer = Answer::from_events([
        piece(0, 0, reasoning("th")),
        piece(1, 0, PartBody::Text("other".into())),
        piece(0, 0, reasoning("ink")),
        Event::Piece(signed),
        piece(0, 2, call("c1", "f", "{")),
        piece(0, 1, PartBody::Text("he".into())),
        piece(0, 2, call("", "", "}")),
        piece(0, 1, PartBody::Text("llo".into())),
        finish(1, FinishReason::Length),
        finish(0, FinishReason::ToolCalls),
    ]);
    let [first, second] = answer.choices() else {
        panic!("two choices");
    };
    let bodies: Vec<_> = first.parts.iter().map(|part| part.body.clone()).collect();
    let text = PartBody::Text("hello".into());
    assert_eq!(bodies, [reasoning("think"), text, call("c1", "f", "{}")]);
    assert_eq!(first.parts[0].signature.as_deref(), Some("sig"));
    assert_eq!(second.parts.len(), 1);
    assert_eq!(answer.tally().finish_reason, Some(FinishReason::ToolCalls));
    assert_eq!(answer.tally().finished, 2);
}

#[test]
fn media_bits_join_to_one_base64_text() {
    let answer = Answer::from_events([
        piece(0, 0, PartBody::Media(image("SGVsbA=="))),
        piece(0, 0, PartBody::Media(image("byE="))),
    ]);
    let expected = PartBody::Media(image("SGVsbG8h"));
    assert_eq!(answer.choices()[0].parts[0].body, expected);
}

#[test]
fn usage_is_replaced_per_model_and_summed_over_models() {
    let mut tally = Tally::default();
    assert!(tally.total_usage().is_none());
    let of = |model: Option<&str>, prompt, completion, cost| {
        Event::Usage(chat::Usage {
            model: model.map(str::to_owned),
            cost,
            meters: vec![("web-searches".into(), 1)],
            ..usage_of(prompt, completion)
        })
    };
    tally.observe(&of(None, 10, 1, Some(5)));
    tally.observe(&of(None, 10, 7, Some(6)));
    tally.observe(&of(Some("advisor"), 100, 20, Some(4)));
    let total = tally.total_usage().expect("reported");
    assert_eq!((total.prompt_tokens, total.completion_tokens), (110, 27));
    assert_eq!(total.meters, [("web-searches".to_owned(), 2)]);
    assert_eq!(total.cost, Some(10));
    tally.observe(&of(Some("advisor"), 100, 20, None));
    assert_eq!(tally.total_usage().and_then(|total| total.cost), None);
}

#[test]
fn a_subcount_never_exceeds_its_whole() {
    let mut tally = Tally::default();
    tally.observe(&Event::Usage(chat::Usage {
        cache_read_tokens: 8,
        cache_write_tokens: 8,
        reasoning_tokens: 9,
        ..usage_of(10, 5)
    }));
    let total = tally.total_usage().expect("reported");
    assert_eq!(total.cache_read_tokens, 8);
    assert_eq!(total.cache_write_tokens, 2);
    assert_eq!(total.reasoning_tokens, 5);
}

#[test]
fn tokens_are_guessed_from_what_was_written() {
    let mut tally = Tally::default();
    tally.observe(&piece(0, 0, PartBody::Text("12345".into())));
    tally.observe(&piece(0, 1, call("id", "ab", "cd")));
    assert_eq!(tally.approx_completion_tokens(), 3);
}

#[test]
fn json_that_is_none_is_named_by_its_place() {
    let with_extra = |json: &str| {
        let mut piece = piece_of(piece(0, 0, PartBody::Text("a".into())));
        piece.part.extra.push(("x".into(), json.into()));
        Event::Piece(piece)
    };
    let with_logprobs = |json: &str| {
        let mut piece = piece_of(piece(0, 0, PartBody::Text("a".into())));
        piece.logprobs = Some(json.into());
        Event::Piece(piece)
    };
    let native = |json: &str| piece(0, 0, PartBody::Native(json.into()));
    for (event, place) in [
        (with_extra("{"), Some("part's extra")),
        (with_extra("{}"), None),
        (with_logprobs("{}"), Some("logprobs")),
        (with_logprobs("[1"), Some("logprobs")),
        (with_logprobs("[]"), None),
        (native("nope"), Some("native part")),
        (native("{\"type\":\"x\"}"), None),
    ] {
        let found = check(&event).err();
        assert_eq!(found.as_ref().map(|error| error.place), place, "{event:?}");
    }
}
