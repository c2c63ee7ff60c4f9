//! The same frames come out wherever the network cuts the stream.

use super::*;

const LIMIT: usize = 64;

fn frames(framing: Framing, chunks: &[&[u8]]) -> Vec<(Option<String>, String)> {
    let mut framer = Framer::new(framing, LIMIT);
    let mut out = Vec::new();
    for chunk in chunks {
        framer.push(chunk, &mut out).unwrap();
    }
    framer.end(&mut out).unwrap();
    out.into_iter().map(|frame| (frame.kind, String::from_utf8(frame.data).unwrap())).collect()
}

/// Cuts the stream once at every place, twice at every pair of places, and into
/// single bytes.
#[track_caller]
fn check(framing: Framing, stream: &str, expected: &[(Option<&str>, &str)]) {
    let expected: Vec<_> =
        expected.iter().map(|(kind, data)| (kind.map(str::to_owned), (*data).to_owned())).collect();
    let stream = stream.as_bytes();
    for first in 0..=stream.len() {
        for second in first..=stream.len() {
            let chunks = [&stream[..first], &stream[first..second], &stream[second..]];
            let cut = frames(framing, &chunks);
            assert_eq!(cut, expected, "cut at {first} and {second}");
        }
    }
    let single: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(frames(framing, &single), expected, "byte by byte");
}

#[track_caller]
fn sse(stream: &str, expected: &[(Option<&str>, &str)]) {
    check(Framing::Sse, stream, expected);
}

#[test]
fn events_end_with_an_empty_line() {
    sse("data: a\n\ndata: b\n\n", &[(None, "a"), (None, "b")]);
    sse("data: a\r\rdata: b\r\r", &[(None, "a"), (None, "b")]);
    sse("data: a\r\n\r\ndata: b\r\n\r\n", &[(None, "a"), (None, "b")]);
    sse("data: a\r\n\ndata: b\n\r\ndata: c\r\n\r", &[(None, "a"), (None, "b"), (None, "c")]);
    sse("\n\n\r\n\rdata: a\n\n\n\n", &[(None, "a")]);
}

#[test]
fn data_of_several_lines_is_joined() {
    sse("data: a\ndata: b\ndata:\ndata: c\n\n", &[(None, "a\nb\n\nc")]);
    sse("data: a\r\ndata:  b\r\n\r\n", &[(None, "a\n b")]);
}

#[test]
fn an_event_has_the_last_name_given_and_the_next_has_none() {
    sse(
        "event: x\nevent: ping\ndata: 1\n\ndata: 2\n\nevent:\ndata: 3\n\n",
        &[(Some("ping"), "1"), (None, "2"), (None, "3")],
    );
    sse("event: lost\n\ndata: 1\n\n", &[(None, "1")]);
    sse("data: 1\nevent: late\n\n", &[(Some("late"), "1")]);
}

#[test]
fn a_body_that_is_json_is_one_frame() {
    sse("{\"error\":\n{\"code\": 400}}\n", &[(None, "{\"error\":\n{\"code\": 400}}\n")]);
    sse("\u{feff}\r\n [1,\r\n2]", &[(None, "[1,\r\n2]")]);
    sse("data: {\"a\":1}\n\n{\n\n", &[(None, "{\"a\":1}")]);
    // However long the silence before it.
    sse(&format!("{}[1]", " ".repeat(2 * LIMIT)), &[(None, "[1]")]);
    sse(" data: 1\n\n\u{feff}data: 2\n\ndata: 3\n\n", &[(None, "3")]);
    sse("\u{feff}data: 1\n\n", &[(None, "1")]);
}

#[test]
fn comments_and_other_fields_are_not_shown() {
    sse(": PROCESSING\n\n:\nid: 7\nretry: 10\ndata: 1\nDATA: 2\nother\n\n: x\n\n", &[(None, "1")]);
}

#[test]
fn one_space_after_the_colon_is_not_data() {
    sse(
        "data:a\n\ndata: a\n\ndata:  a\n\ndata:a: b\n\n",
        &[(None, "a"), (None, "a"), (None, " a"), (None, "a: b")],
    );
}

/// The standard's own example.
#[test]
fn empty_data_is_data_but_no_data_is_none() {
    sse("data\n\ndata\ndata\n\ndata:", &[(None, ""), (None, "\n")]);
}

#[test]
fn a_byte_order_mark_opens_the_stream_alone() {
    sse("\u{feff}data: a\n\n", &[(None, "a")]);
    sse("\u{feff}\ndata: a\n\n", &[(None, "a")]);
    sse("data: a\n\n\u{feff}data: b\n\n", &[(None, "a")]);
}

#[test]
fn a_clean_end_completes_the_last_event() {
    sse("data: a\n\ndata: [DONE]", &[(None, "a"), (None, "[DONE]")]);
    sse("data: a\n\ndata: [DONE]\n", &[(None, "a"), (None, "[DONE]")]);
    sse("data: a\n\ndata: [DONE]\r", &[(None, "a"), (None, "[DONE]")]);
    sse("event: end\ndata: x\r\n", &[(Some("end"), "x")]);
    sse("data: a\n\nevent: end\n", &[(None, "a")]);
    sse("data: a\n\n: bye", &[(None, "a")]);
}

#[test]
fn characters_are_not_cut_in_two() {
    sse("data: \u{e9}\u{1F600}\n\n", &[(None, "\u{e9}\u{1F600}")]);
}

#[test]
fn ndjson_has_a_frame_per_line() {
    let check = |stream, expected| check(Framing::Ndjson, stream, expected);
    check("{\"a\":1}\n{\"b\":2}\n", &[(None, "{\"a\":1}"), (None, "{\"b\":2}")]);
    check("{}\r\n\r\n \n{}\r\n", &[(None, "{}"), (None, "{}")]);
    check("{}\n[1]", &[(None, "{}"), (None, "[1]")]);
    check("\n\n", &[]);
    check("", &[]);
}

#[test]
fn raw_is_not_framed() {
    let raw = frames(Framing::Raw, &[b"ab", b"c\n"]);
    assert_eq!(raw, [(None, "ab".to_owned()), (None, "c\n".to_owned())]);
    let large = [b'x'; LIMIT + 1];
    assert_eq!(frames(Framing::Raw, &[&large]).len(), 2);
}

#[track_caller]
fn too_large(framing: Framing, chunks: &[&[u8]]) {
    let mut framer = Framer::new(framing, LIMIT);
    let mut out = Vec::new();
    let error = chunks
        .iter()
        .try_for_each(|chunk| framer.push(chunk, &mut out))
        .expect_err("the frame is too large");
    assert_eq!(error, FrameError::TooLarge { limit: LIMIT });
    assert_eq!(out.len(), 1, "the frame before stands");
}

#[test]
fn no_frame_outgrows_the_limit() {
    let exact = format!("data: {}\n\n", "x".repeat(LIMIT));
    let chunks: Vec<&[u8]> = exact.as_bytes().chunks(7).collect();
    assert_eq!(frames(Framing::Sse, &chunks)[0].1.len(), LIMIT);

    let long = "x".repeat(LIMIT + 1);
    too_large(Framing::Sse, &[b"data: a\n\n", format!("data: {long}\n\n").as_bytes()]);
    let never_ending = [b"data: a\n\n".as_slice(), b"data: xxxxxxxxxxxxxxxx"];
    let more = [b"xxxxxxxxxxxxxxxx".as_slice(); 6];
    too_large(Framing::Sse, &[&never_ending[..], &more[..]].concat());
    let many = [b"data: a\n\n".as_slice(), &b"data: x\n".repeat(40)];
    too_large(Framing::Sse, &many);
    too_large(Framing::Ndjson, &[b"{}\n", long.as_bytes()]);
}

#[test]
fn a_line_that_is_no_data_is_bounded_wherever_the_stream_is_cut() {
    let comment = format!("data: a\n\n: {}\n\n", "x".repeat(2 * LIMIT));
    let comment = comment.as_bytes();
    too_large(Framing::Sse, &[comment]);
    for cut in 0..=comment.len() {
        too_large(Framing::Sse, &[&comment[..cut], &comment[cut..]]);
    }
}
