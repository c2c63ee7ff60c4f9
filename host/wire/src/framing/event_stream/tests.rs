//! Messages are built here byte by byte, with a checksum of our own.

use plugway_engine::{Frame, Framing};

use super::super::{FrameError, Framer};

const LIMIT: usize = 256;

/// The checksum that zip and Ethernet use, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 * (crc & 1)))
    })
}

/// A header whose value is a string.
fn header(name: &str, value: &str) -> Vec<u8> {
    let mut header = vec![u8::try_from(name.len()).unwrap()];
    header.extend(name.bytes());
    header.push(7);
    header.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
    header.extend(value.bytes());
    header
}

fn headers(pairs: &[(&str, &str)]) -> Vec<u8> {
    pairs.iter().flat_map(|(name, value)| header(name, value)).collect()
}

fn message(headers: &[u8], payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(headers.len() + payload.len() + 16).unwrap();
    let mut message = length.to_be_bytes().to_vec();
    message.extend(u32::try_from(headers.len()).unwrap().to_be_bytes());
    message.extend(crc32(&message).to_be_bytes());
    message.extend(headers);
    message.extend(payload);
    message.extend(crc32(&message).to_be_bytes());
    message
}

fn event(kind: &str, payload: &str) -> Vec<u8> {
    let headers = headers(&[
        (":event-type", kind),
        (":content-type", "application/json"),
        (":message-type", "event"),
    ]);
    message(&headers, payload.as_bytes())
}

fn read(chunks: &[&[u8]]) -> (Vec<Frame>, Result<(), FrameError>) {
    let mut framer = Framer::new(Framing::AwsEventStream, LIMIT);
    let mut frames = Vec::new();
    let pushed = chunks.iter().try_for_each(|chunk| framer.push(chunk, &mut frames));
    let outcome = pushed.and_then(|()| framer.end(&mut frames));
    (frames, outcome)
}

/// Cuts the stream once at every place, and into pieces of every small length.
#[track_caller]
fn check(stream: &[u8], expected: &[(Option<&str>, &str)], outcome: Result<(), FrameError>) {
    let frame = |(kind, data): &(Option<&str>, &str)| Frame {
        kind: kind.map(str::to_owned),
        data: data.as_bytes().to_vec(),
    };
    let expected = (expected.iter().map(frame).collect(), outcome);
    for cut in 0..=stream.len() {
        let (before, after) = stream.split_at(cut);
        assert_eq!(read(&[before, after]), expected, "cut at {cut}");
    }
    for length in 1..32 {
        let chunks: Vec<&[u8]> = stream.chunks(length).collect();
        assert_eq!(read(&chunks), expected, "{length} bytes at a time");
    }
}

/// The example of the format's specification: no headers, no payload.
#[test]
fn the_checksum_is_the_published_one() {
    assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    let published = [0, 0, 0, 0x10, 0, 0, 0, 0, 0x05, 0xc2, 0x48, 0xeb, 0x7d, 0x98, 0xc8, 0xff];
    assert_eq!(message(b"", b""), published);
}

#[test]
fn a_message_is_a_frame() {
    let stream = [event("chunk", "{\"bytes\":\"e30=\"}"), event("metadata", "{}")].concat();
    let expected = [(Some("chunk"), "{\"bytes\":\"e30=\"}"), (Some("metadata"), "{}")];
    check(&stream, &expected, Ok(()));
    check(&message(b"", b""), &[(None, "")], Ok(()));
    check(&message(b"", b"payload"), &[(None, "payload")], Ok(()));
    check(b"", &[], Ok(()));
}

#[test]
fn an_exception_is_named_by_its_type() {
    let modeled =
        headers(&[(":exception-type", "throttlingException"), (":message-type", "exception")]);
    check(
        &message(&modeled, b"{\"message\":\"slow down\"}"),
        &[(Some("throttlingException"), "{\"message\":\"slow down\"}")],
        Ok(()),
    );
}

#[test]
fn an_error_is_named_by_its_code_and_told_by_its_message() {
    let unmodeled = headers(&[
        (":error-code", "InternalError"),
        (":error-message", "An internal server error occurred"),
        (":message-type", "error"),
    ]);
    let expected = [(Some("InternalError"), "An internal server error occurred")];
    check(&message(&unmodeled, b""), &expected, Ok(()));
    check(&message(&unmodeled, b"{}"), &[(Some("InternalError"), "{}")], Ok(()));
}

#[test]
fn headers_of_every_type_are_read_over() {
    let mut every = Vec::new();
    let values: [&[u8]; 9] = [
        &[0],
        &[1],
        &[2, 0xff],
        &[3, 0, 1],
        &[4, 0, 0, 0, 1],
        &[5, 0, 0, 0, 0, 0, 0, 0, 1],
        &[6, 0, 2, 7, 7],
        &[8, 0, 0, 1, 0x8f, 0, 0, 0, 0],
        &[9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    ];
    for value in values {
        every.extend(b"\x03any");
        every.extend(value);
    }
    every.extend(header(":event-type", "last"));
    check(&message(&every, b"x"), &[(Some("last"), "x")], Ok(()));
}

#[test]
fn a_name_that_is_no_text_is_none() {
    check(&message(b"\x0b:event-type\x00", b"x"), &[(None, "x")], Ok(()));
}

#[test]
fn a_flipped_bit_anywhere_is_found() {
    let whole = event("delta", "{}");
    let before = event("start", "{}");
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut stream = [before.clone(), whole.clone(), whole.clone()].concat();
            stream[before.len() + at] ^= 1 << bit;
            let (frames, outcome) = read(&[&stream]);
            assert!(outcome.is_err(), "bit {bit} of byte {at}");
            assert_eq!(frames.len(), 1, "the frame before stands, bit {bit} of byte {at}");
        }
    }
}

#[test]
fn a_wrong_checksum_is_corrupt_wherever_the_stream_is_cut() {
    let good = event("start", "{}");
    let start = [(Some("start"), "{}")];
    for from_end in [1, 10] {
        let mut bad = event("delta", "{\"text\":\"x\"}");
        let at = bad.len() - from_end;
        bad[at] ^= 1;
        check(&[good.clone(), bad].concat(), &start, Err(FrameError::Corrupt));
    }
    // Shorter than its own frame.
    for length in 0u8..16 {
        let stream = [&good, [0, 0, 0, length, 0, 0, 0, 0].as_slice(), &[0; 12]].concat();
        check(&stream, &start, Err(FrameError::Corrupt));
    }
}

#[test]
fn headers_must_fill_their_length() {
    let mut short = headers(&[(":event-type", "x")]);
    short.pop();
    check(&message(&short, b""), &[], Err(FrameError::Corrupt));
    check(&message(b"\x01", b""), &[], Err(FrameError::Corrupt));
    check(&message(b"\x03any\x0a", b""), &[], Err(FrameError::Corrupt));
    let no_text = [b"\x03any\x07\x00\x02".as_slice(), &[0xff, 0xfe]].concat();
    check(&message(&no_text, b""), &[], Err(FrameError::Corrupt));
}

#[test]
fn a_stream_that_ends_within_a_message_is_truncated() {
    let (first, second) = (event("start", "{}"), event("delta", "{}"));
    for cut in 1..second.len() {
        let stream = [&first, &second[..cut]].concat();
        let (frames, outcome) = read(&[&stream]);
        assert_eq!(outcome, Err(FrameError::Truncated), "cut at {cut}");
        assert_eq!(frames.len(), 1, "cut at {cut}");
    }
}

#[test]
fn no_message_outgrows_the_limit() {
    let exact = message(b"", &[b'x'; LIMIT - 16]);
    assert_eq!(read(&[&exact]).0.len(), 1);
    let start = event("start", "{}");
    let large = [start.clone(), message(b"", &[b'x'; LIMIT - 15])].concat();
    check(&large, &[(Some("start"), "{}")], Err(FrameError::TooLarge { limit: LIMIT }));
    // What it claims is enough: nothing is held for it.
    let claimed = [&start, [0xff; 12].as_slice()].concat();
    check(&claimed, &[(Some("start"), "{}")], Err(FrameError::TooLarge { limit: LIMIT }));
}
