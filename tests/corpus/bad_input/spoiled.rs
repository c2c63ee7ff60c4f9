//! Streams of which something is broken or missing: what remains is the whole answer, or
//! a failure.

use plugway_engine::Frame;
use plugway_engine::chat::FailureKind;
use serde_json::Value;

use super::lanes::{Format, lanes};
use super::nodes::each_replaced;
use super::reading::{Said, body_of, read, read_frames, read_whole};
use super::streams::intact;

#[test]
fn a_stream_that_breaks_off_is_unavailable_or_was_complete() {
    for lane in lanes() {
        let answer = intact(lane);
        let frames = lane.stream();
        for end in 0..frames.len() {
            let said = Said::by(&read_frames(lane, &frames[..end]));
            let case = format!("{lane:?} after {end} frames");
            said.is_all_of_or_fails(&answer, FailureKind::Unavailable, &case);
            assert!(end > frames.len() / 2 || said.failure.is_some(), "{case}");
        }
        let body = body_of(lane, &frames);
        for end in (0..body.len()).step_by(13) {
            let said = Said::by(&read(lane, [&body[..end]]));
            let case = format!("{lane:?} after {end} bytes");
            said.is_all_of_or_fails(&answer, FailureKind::Unavailable, &case);
        }
    }
}

#[test]
fn an_error_within_a_stream_is_what_it_says() {
    for lane in lanes() {
        let answer = intact(lane);
        let frames = lane.stream();
        for at in 0..frames.len() {
            let mut spoiled = frames.clone();
            spoiled.insert(at, lane.error_frame());
            let said = Said::by(&read_frames(lane, &spoiled));
            let case = format!("{lane:?} at {at}");
            said.is_all_of_or_fails(&answer, lane.error().1, &case);
            assert!(at > frames.len() / 2 || said.failure.is_some(), "{case}");
        }
    }
}

#[test]
fn characters_that_are_cut_in_two_are_no_text() {
    for lane in lanes() {
        let answer = intact(lane);
        for (at, frame) in lane.stream().iter().enumerate() {
            let Some(byte) = frame.data.iter().position(|byte| *byte > 0xbf) else { continue };
            let mut frames = lane.stream();
            frames[at].data.remove(byte);
            let said = Said::by(&read_frames(lane, &frames));
            let case = format!("{lane:?} in frame {at}");
            said.is_all_of_or_fails(&answer, FailureKind::Unavailable, &case);
        }
    }
}

/// With null, or something else that is none, where a string belongs the answer may say
/// less, but it is billed as it was or not at all.
fn check_strings(other: &Value) {
    for lane in lanes() {
        let answer = intact(lane);
        let frames = lane.stream();
        for at in 0..frames.len() {
            let Ok(value) = serde_json::from_slice::<Value>(&frames[at].data) else { continue };
            for spoiled in each_replaced(&value, Value::is_string, other) {
                let data = spoiled.to_string().into_bytes();
                let mut frames = frames.clone();
                frames[at] = Frame { kind: frames[at].kind.clone(), data };
                let said = Said::by(&read_frames(lane, &frames));
                let is_billed =
                    said.failure.is_some() || said.used.is_none() || said.used == answer.used;
                assert!(is_billed, "{lane:?}: {said:?} of {spoiled}");
            }
        }
        let body = serde_json::from_str(lane.body()).unwrap();
        for spoiled in each_replaced(&body, Value::is_string, other) {
            let said = Said::by(&read_whole(lane, spoiled.to_string().as_bytes()));
            let is_billed =
                said.failure.is_some() || said.used.is_none() || said.used == answer.used;
            assert!(is_billed, "{lane:?}: {said:?} of {spoiled}");
        }
    }
}

#[test]
fn null_where_a_string_belongs_is_no_trap_and_no_other_bill() {
    check_strings(&Value::Null);
}

#[test]
fn a_number_or_a_list_where_a_string_belongs_is_no_trap_and_no_other_bill() {
    check_strings(&Value::from(7));
    check_strings(&serde_json::json!([{"text": "x"}]));
}

#[test]
fn nothing_where_anything_belongs_is_no_trap() {
    for lane in lanes() {
        let body = serde_json::from_str(lane.body()).unwrap();
        for spoiled in each_replaced(&body, |_| true, &Value::Null) {
            read_whole(lane, spoiled.to_string().as_bytes());
        }
        let frames = lane.stream();
        for at in 0..frames.len() {
            let Ok(value) = serde_json::from_slice::<Value>(&frames[at].data) else { continue };
            let such = |value: &Value| !value.is_string();
            for spoiled in each_replaced(&value, such, &Value::Null) {
                let mut frames = frames.clone();
                frames[at].data = spoiled.to_string().into_bytes();
                read_frames(lane, &frames);
            }
        }
    }
}

#[test]
fn a_page_where_a_stream_belongs_is_unavailable() {
    const PAGE: &str = "<!DOCTYPE html>\n<html><body>\n<h1>It works: data</h1></body></html>\n";
    for lane in lanes() {
        for events in [read(lane, [PAGE.as_bytes()]), read_whole(lane, PAGE.as_bytes())] {
            let failure = Said::by(&events).failure;
            assert_eq!(failure, Some(FailureKind::Unavailable), "{lane:?}");
        }
    }
}

#[test]
fn json_where_a_stream_belongs_is_read_as_what_it_is() {
    for lane in lanes() {
        let (error, kind) = lane.error();
        // That framing has checksums, which a JSON text does not pass.
        let framed = !matches!(lane.format, Format::Converse | Format::Invoke);
        let expected = if framed { kind } else { FailureKind::Unavailable };
        let said = Said::by(&read(lane, [error.as_bytes()]));
        assert_eq!(said.failure, Some(expected), "{lane:?}");
        let said = Said::by(&read(lane, [lane.body().as_bytes()]));
        let answer = intact(lane);
        if said.failure.is_none() {
            assert_eq!(said, answer, "{lane:?}");
        }
        if framed && lane.format != Format::Ollama {
            let list = format!("[{error}]\r\n");
            let said = Said::by(&read(lane, [list.as_bytes()]));
            assert!(said.failure.is_some(), "{lane:?}");
        }
    }
}
