//! Any bytes, cut anywhere, give the frames that a reader of the whole stream
//! gives, and none beyond the limit.
//!
//! The input: which framing, how large a frame may be, how many chunks and how
//! long each is, then the stream.

#![no_main]

use libfuzzer_sys::fuzz_target;
use plugway_engine::{Frame, Framing};
use plugway_wire::framing::{FrameError, Framer};

/// A limit that no input reaches.
const NO_LIMIT: usize = 1 << 20;

fuzz_target!(|input: &[u8]| {
    let Some((&[kind, limit, cuts], rest)) = input.split_first_chunk() else { return };
    let framing = match kind & 5 {
        0 => Framing::Sse,
        1 => Framing::Ndjson,
        _ => Framing::AwsEventStream,
    };
    let limit = if kind & 2 == 0 { NO_LIMIT } else { usize::from(limit) };
    let (lengths, stream) = rest.split_at(usize::from(cuts).min(rest.len()));

    let whole = read(framing, limit, &[stream]);
    assert_eq!(read(framing, limit, &chunks(stream, lengths)), whole, "cut otherwise");
    let single: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(read(framing, limit, &single), whole, "byte by byte");

    let (frames, outcome) = whole;
    for frame in &frames {
        assert!(frame.data.len() <= limit, "a frame beyond the limit");
    }
    let expected = match framing {
        Framing::Ndjson => lines(stream),
        Framing::Sse => events(stream),
        // Checksums decide what it holds: the tests build such streams.
        _ => return,
    };
    match outcome {
        Ok(()) => assert_eq!(frames, expected),
        Err(error) => {
            assert_eq!(error, FrameError::TooLarge { limit });
            assert!(limit < NO_LIMIT && expected.starts_with(&frames));
        }
    }
});

/// What comes of the stream in these chunks.
fn read(framing: Framing, limit: usize, chunks: &[&[u8]]) -> (Vec<Frame>, Result<(), FrameError>) {
    let mut framer = Framer::new(framing, limit);
    let mut frames = Vec::new();
    let pushed = chunks.iter().try_for_each(|chunk| framer.push(chunk, &mut frames));
    let outcome = pushed.and_then(|()| framer.end(&mut frames));
    (frames, outcome)
}

/// The stream in chunks of these lengths, and what is left in one.
fn chunks<'s>(mut stream: &'s [u8], lengths: &[u8]) -> Vec<&'s [u8]> {
    let mut chunks = Vec::new();
    for length in lengths {
        let (chunk, rest) = stream.split_at(usize::from(*length).min(stream.len()));
        chunks.push(chunk);
        stream = rest;
    }
    chunks.push(stream);
    chunks
}

/// The frames of newline-delimited JSON, the whole stream being there.
fn lines(stream: &[u8]) -> Vec<Frame> {
    let lines = stream.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let frames = lines.filter(|line| !line.is_empty());
    frames.map(|line| Frame { kind: None, data: line.to_vec() }).collect()
}

/// The frames of an event stream, the whole of it being there: WHATWG's rules, and
/// the last event also without its empty line, if it has data. What begins as JSON is
/// one frame.
fn events(stream: &[u8]) -> Vec<Frame> {
    let silent = |byte: &u8| byte.is_ascii_whitespace() || b"\xEF\xBB\xBF".contains(byte);
    if let Some(start) = stream.iter().position(|byte| !silent(byte))
        && matches!(stream[start], b'{' | b'[')
    {
        return vec![Frame { kind: None, data: stream[start..].to_vec() }];
    }
    let stream = stream.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(stream);
    let mut frames = Vec::new();
    let (mut kind, mut data) = (Vec::new(), None::<Vec<u8>>);
    let mut finish = |kind: &mut Vec<u8>, data: &mut Option<Vec<u8>>| {
        let kind = std::mem::take(kind);
        let kind = (!kind.is_empty()).then(|| String::from_utf8_lossy(&kind).into_owned());
        frames.extend(data.take().map(|data| Frame { kind, data }));
    };
    for line in ended_alike(stream).split(|byte| *byte == b'\n') {
        let (name, value) = match line.iter().position(|byte| *byte == b':') {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &line[line.len()..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            _ if line.is_empty() => finish(&mut kind, &mut data),
            b"event" => kind = value.to_vec(),
            b"data" => match &mut data {
                Some(data) => data.extend([b"\n", value].concat()),
                None => data = Some(value.to_vec()),
            },
            _ => {}
        }
    }
    data = data.filter(|data| !data.is_empty());
    finish(&mut kind, &mut data);
    frames
}

/// The stream with LF for every CR LF and every CR, and without its last empty
/// line: what follows the last LF is no line.
fn ended_alike(stream: &[u8]) -> Vec<u8> {
    let mut alike = Vec::with_capacity(stream.len());
    for (at, byte) in stream.iter().enumerate() {
        match byte {
            b'\n' if at > 0 && stream[at - 1] == b'\r' => {}
            b'\r' => alike.push(b'\n'),
            other => alike.push(*other),
        }
    }
    if alike.last() == Some(&b'\n') {
        alike.pop();
    }
    alike
}
