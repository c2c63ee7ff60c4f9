//! A stream gives the same frames, and fails alike, wherever the network cuts it.

use plugway_engine::{Frame, Framing};
use plugway_wire::framing::{FrameError, Framer};
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};

use crate::draws;

/// Streams that are drawn for each framing.
const STREAMS: usize = 1_500;

/// Small, so that drawn streams exceed it now and then; bytes.
const LIMIT: usize = 24;

/// What streams are made of: line ends of each kind, fields, characters of one to
/// four bytes, white space, and what is longer than a frame may be.
const PIECES: [&str; 24] = [
    "\n",
    "\n\n",
    "\r",
    "\r\n",
    "\r\n\r\n",
    "data: ",
    "data:",
    "data",
    "event: ping",
    "event:",
    "id: 7",
    "retry: 10",
    ": a comment beyond the limit of bytes, and more of it",
    ":",
    " ",
    "\u{feff}",
    "{\"a\":1}",
    "[DONE]",
    "\u{e9}",
    "\u{20ac}",
    "\u{1f9ea}",
    "unknown field that has more bytes than a frame may: x",
    "0123456789abcdef",
    "\t\0",
];

fn stream(framing: Framing, draws: &mut impl Rng) -> Vec<u8> {
    if framing == Framing::AwsEventStream {
        return messages(draws);
    }
    let pieces = draws.random_range(1..14);
    (0..pieces).map(|_| *PIECES.choose(draws).unwrap()).collect::<String>().into_bytes()
}

/// The shortest message of an event stream, no header, no payload. Some end early, or
/// have a bit flipped, which their checksums find.
fn messages(draws: &mut impl Rng) -> Vec<u8> {
    const EMPTY: [u8; 16] =
        [0, 0, 0, 16, 0, 0, 0, 0, 0x05, 0xc2, 0x48, 0xeb, 0x7d, 0x98, 0xc8, 0xff];
    let mut stream = EMPTY.repeat(draws.random_range(1..6));
    if draws.random_bool(0.3) {
        let at = draws.random_range(0..stream.len());
        stream[at] ^= 1 << draws.random_range(0..8);
    }
    if draws.random_bool(0.3) {
        stream.truncate(draws.random_range(0..stream.len()));
    }
    stream
}

/// The frames of a stream in these chunks, and how it ended.
pub(crate) fn read<'c>(
    framing: Framing,
    limit: usize,
    chunks: impl IntoIterator<Item = &'c [u8]>,
) -> (Vec<Frame>, Result<(), FrameError>) {
    let mut framer = Framer::new(framing, limit);
    let mut frames = Vec::new();
    let pushed = chunks.into_iter().try_for_each(|chunk| framer.push(chunk, &mut frames));
    let outcome = pushed.and_then(|()| framer.end(&mut frames));
    (frames, outcome)
}

/// The stream in two at every byte, in three at a drawn pair of bytes, and in
/// single bytes.
fn check(framing: Framing, stream: &[u8], draws: &mut impl Rng) -> bool {
    let whole = read(framing, LIMIT, [stream]);
    let shown = String::from_utf8_lossy(stream);
    for cut in 0..=stream.len() {
        let (before, after) = stream.split_at(cut);
        assert_eq!(read(framing, LIMIT, [before, after]), whole, "cut at {cut}: {shown:?}");
        let (between, rest) = after.split_at(draws.random_range(0..=after.len()));
        let three = read(framing, LIMIT, [before, between, rest]);
        assert_eq!(three, whole, "cut at {cut} and {}: {shown:?}", cut + between.len());
    }
    assert_eq!(read(framing, LIMIT, stream.chunks(1)), whole, "byte by byte: {shown:?}");
    whole.1.is_ok()
}

#[test]
fn a_stream_cut_anywhere_gives_the_same_frames() {
    for framing in [Framing::Sse, Framing::Ndjson, Framing::AwsEventStream] {
        let mut draws = draws(framing as u64);
        let read = (0..STREAMS)
            .filter(|_| {
                let stream = stream(framing, &mut draws);
                check(framing, &stream, &mut draws)
            })
            .count();
        let within = STREAMS / 10..STREAMS * 9 / 10;
        assert!(within.contains(&read), "{read} streams of {STREAMS} say too little");
    }
}
