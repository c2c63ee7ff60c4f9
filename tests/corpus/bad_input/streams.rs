//! Streams whose answer is all there, however oddly it is wrapped: it is understood.

use plugway_engine::chat::FinishReason;
use plugway_tests::corpus::joined;
use serde_json::{Map, Value, json};

use super::lanes::{Format, Lane, frame, lanes};
use super::nodes::{each_object, edited};
use super::reading::{Said, body_of, read, read_frames, read_whole};

/// What every transcript says.
const TEXT: &str = "caf\u{e9} \u{1f9ea} \u{4f60}\u{597d}";
const THOUGHT: &str = "H\u{e4}, \u{1f914}";
const INPUT: &str = "{\"city\":\"Z\u{fc}rich\"}";

/// A frame's text that counts as large.
const LARGE_BYTES: usize = 5_000_000;

/// Ways to cut a stream that are drawn for each lane.
const DRAWN_CUTS: usize = 40;

/// What the lane's transcript says.
pub(crate) fn intact(lane: Lane) -> Said {
    Said::by(&read_frames(lane, &lane.stream()))
}

fn is_sse(lane: &Lane) -> bool {
    lane.framing() == plugway_engine::Framing::Sse
}

#[test]
fn the_same_answer_is_understood_in_every_format_streamed_and_whole() {
    for lane in lanes() {
        for said in [intact(lane), Said::by(&read_whole(lane, lane.body().as_bytes()))] {
            assert_eq!(said.text, TEXT, "{lane:?}");
            assert_eq!(said.thought, THOUGHT, "{lane:?}");
            assert_eq!(said.calls[0], ("weather".into(), INPUT.into()), "{lane:?}");
            assert_eq!(said.used, Some((11, 7)), "{lane:?}");
            assert_eq!(said.finish, Some(FinishReason::ToolCalls), "{lane:?}");
            assert_eq!(said.failure, None, "{lane:?}");
        }
    }
}

#[test]
fn however_a_stream_is_cut_it_is_the_same_answer() {
    for lane in lanes() {
        let body = body_of(lane, &lane.stream());
        let expected = joined(read(lane, [&*body]));
        for length in [1, 2, 3, 7, 64] {
            assert!(joined(read(lane, body.chunks(length))) == expected, "{lane:?} by {length}");
        }
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut draw = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state % below as u64).unwrap()
        };
        for _ in 0..DRAWN_CUTS {
            let most = [16, 300, 3000][draw(3)];
            let (mut chunks, mut rest) = (Vec::new(), &*body);
            while !rest.is_empty() {
                let (chunk, after) = rest.split_at((1 + draw(most)).min(rest.len()));
                chunks.push(chunk);
                rest = after;
            }
            let sizes: Vec<usize> = chunks.iter().map(|chunk| chunk.len()).collect();
            assert!(joined(read(lane, chunks)) == expected, "{lane:?} in {sizes:?}");
        }
    }
}

#[test]
fn lines_may_end_in_cr_or_both_and_comments_may_stand_between() {
    for lane in
        lanes().filter(|lane| lane.format != Format::Converse && lane.format != Format::Invoke)
    {
        let body = String::from_utf8(body_of(lane, &lane.stream())).unwrap();
        let expected = joined(read(lane, [body.as_bytes()]));
        let mut variants = vec![body.replace('\n', "\r\n"), body.replace('\n', "\n\n")];
        if is_sse(&lane) {
            let comment = "\n\n: keep-alive\n\n:\n\nid: 7\nretry: 10\n";
            variants.push(body.replace('\n', "\r"));
            variants.push(format!(": hello\n\n{}", body.replace("\n\n", comment)));
            variants.push(format!("\u{feff}{body}"));
            variants.push(body.trim_end().to_owned());
        }
        if lane.format != Format::Ollama {
            // Here it would be the line that ends the event.
            variants.remove(1);
        }
        for variant in variants {
            assert!(joined(read(lane, [variant.as_bytes()])) == expected, "{lane:?}: {variant}");
        }
    }
}

#[test]
fn an_end_mark_may_come_twice_or_not_at_all() {
    for lane in lanes().filter(is_sse) {
        let expected = joined(read_frames(lane, &lane.stream()));
        let mut frames = lane.stream();
        frames.retain(|frame| frame.data != b"[DONE]");
        for _ in 0..3 {
            assert!(joined(read_frames(lane, &frames)) == expected, "{lane:?}");
            frames.push(frame(None, "[DONE]"));
        }
    }
}

#[test]
fn what_comes_after_the_end_says_nothing_more() {
    // What is told at the end of a body only may be told until then.
    for lane in lanes().filter(|lane| lane.format != Format::Gemini) {
        let twice = [lane.stream(), lane.stream()].concat();
        assert_eq!(Said::by(&read_frames(lane, &twice)), intact(lane), "{lane:?}");
    }
}

#[test]
fn what_nobody_counted_is_not_free() {
    const COUNTS: [&str; 4] = ["usage", "usageMetadata", "prompt_eval_count", "eval_count"];
    let dropped = |fields: &mut Map<String, Value>| {
        fields.retain(|name, _| !COUNTS.contains(&&**name));
    };
    let emptied = |fields: &mut Map<String, Value>| {
        for (name, value) in fields {
            if COUNTS.contains(&&**name) {
                *value = if value.is_object() { json!({}) } else { Value::Null };
            }
        }
    };
    for spoil in [dropped, emptied] as [fn(&mut Map<String, Value>); 2] {
        let uncounted = |value: &mut Value| each_object(value, &mut { spoil });
        for lane in lanes() {
            let expected = Said { used: None, ..intact(lane) };
            let frames: Vec<_> = lane.stream().iter().map(|it| edited(it, uncounted)).collect();
            assert_eq!(Said::by(&read_frames(lane, &frames)), expected, "{lane:?}");
            let mut body = serde_json::from_str(lane.body()).unwrap();
            uncounted(&mut body);
            let said = Said::by(&read_whole(lane, body.to_string().as_bytes()));
            assert_eq!((said.used, said.failure), (None, None), "{lane:?}");
        }
    }
}

#[test]
fn usage_that_is_told_again_and_smaller_never_shrinks() {
    let halved = |value: &mut Value| {
        each_object(value, &mut |fields| {
            for (name, count) in fields {
                if let Some(n) = count.as_u64().filter(|_| {
                    name.to_lowercase().contains("count") || name.to_lowercase().contains("tokens")
                }) {
                    *count = (n / 2).into();
                }
            }
        });
    };
    for lane in lanes() {
        let mut frames = Vec::new();
        for frame in lane.stream() {
            let counts = String::from_utf8_lossy(&frame.data).contains("sage");
            frames.push(frame.clone());
            if counts && lane.format != Format::Messages && lane.format != Format::Invoke {
                frames.push(edited(&frame, halved));
            }
        }
        // Some count down on purpose, and are told once, at the end.
        if lane.format == Format::Gemini {
            read_frames(lane, &frames);
            continue;
        }
        // The contract is checked as they are read.
        assert_eq!(Said::by(&read_frames(lane, &frames)).used, Some((11, 7)), "{lane:?}");
    }
}

#[test]
fn unknown_events_are_skipped_and_counted() {
    for lane in lanes() {
        let expected = joined(read_frames(lane, &lane.stream()));
        let unknown = match lane.format {
            // A line is part of the answer, whatever else it is.
            Format::Ollama => continue,
            Format::Gemini => frame(Some("future.event"), r#"{"futureField":{"a":[1]}}"#),
            Format::Chat => frame(Some("future.event"), r#"{"object":"future.event"}"#),
            _ => frame(Some("future.event"), r#"{"type":"future.event","n":{"a":[1]}}"#),
        };
        let mut frames = vec![unknown.clone()];
        for frame in lane.stream() {
            frames.extend([frame, unknown.clone()]);
        }
        let before = lane.adapter().skipped();
        let read = joined(read_frames(lane, &frames));
        // Other tests read beside this one.
        assert!(lane.adapter().skipped() - before >= 3, "{lane:?} counts nothing");
        let is_told = lane.native && matches!(lane.format, Format::Gemini);
        assert!(read == expected || is_told, "{lane:?}: {read}");
    }
}

#[test]
fn unknown_fields_change_nothing() {
    let future = |value: &mut Value| {
        each_object(value, &mut |fields| {
            fields.insert("future_field".into(), json!({"a": [1, null, "x"], "text": "no"}));
        });
    };
    for lane in lanes() {
        let frames: Vec<_> = lane.stream().iter().map(|it| edited(it, future)).collect();
        assert_eq!(Said::by(&read_frames(lane, &frames)), intact(lane), "{lane:?}");
    }
}

#[test]
fn empty_lists_of_choices_say_nothing() {
    for lane in lanes() {
        let empty = match lane.format {
            Format::Chat => r#"{"id":"chatcmpl-1","choices":[]}"#,
            Format::Gemini => r#"{"candidates":[],"responseId":"r-1"}"#,
            _ => continue,
        };
        let mut frames = Vec::new();
        for it in lane.stream() {
            frames.extend([frame(None, empty), it]);
        }
        assert_eq!(Said::by(&read_frames(lane, &frames)), intact(lane), "{lane:?}");
        for said in [read_frames(lane, &frames[..1]), read_whole(lane, empty.as_bytes())] {
            assert!(Said::by(&said).failure.is_some(), "{lane:?}: {empty} was an answer");
        }
    }
}

#[test]
fn input_of_a_tool_is_passed_on_byte_for_byte_be_it_json_or_not() {
    const CUT: &str = "{\"city\": Z\\u00fcrich";
    for lane in lanes() {
        // Here the input is a JSON value, and could be any.
        if matches!(lane.format, Format::Gemini | Format::Ollama) {
            continue;
        }
        let spoil = |text: &str| {
            text.replace(r#""{\"city\":\"Zürich\"}""#, r#""{\"city\": Z\\u00fcrich""#)
                .replace(r#""\"Zürich\"}""#, r#"" Z\\u00fcrich""#)
        };
        let frames: Vec<_> = lane
            .stream()
            .iter()
            .map(|it| frame(it.kind.as_deref(), &spoil(std::str::from_utf8(&it.data).unwrap())))
            .collect();
        let mut expected = intact(lane);
        expected.calls[0].1 = CUT.into();
        assert_eq!(Said::by(&read_frames(lane, &frames)), expected, "{lane:?}");
    }
}

#[test]
fn a_frame_of_five_megabytes_is_read() {
    // It begins as the text that it stands for.
    let large = format!("caf\u{e9} {}", "\u{e9}".repeat(LARGE_BYTES / 2));
    for lane in lanes() {
        let frames: Vec<_> = lane
            .stream()
            .iter()
            .map(|it| {
                let text = String::from_utf8(it.data.clone()).unwrap();
                frame(it.kind.as_deref(), &text.replace("caf\u{e9} ", &large))
            })
            .collect();
        let said = Said::by(&read_frames(lane, &frames));
        let expected = Said { text: TEXT.replace("caf\u{e9} ", &large), ..intact(lane) };
        assert!(said == expected, "{lane:?}: {} bytes, {:?}", said.text.len(), said.failure);
    }
}
