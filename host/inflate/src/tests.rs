//! Bodies as encoders write them, whole, cut short, spoiled and swollen.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

const TEXT: &str = "plain text, said twice: plain text";

/// [`TEXT`] in brotli, by another implementation.
const BROTLI: &str = "1b2100f88d946edeb4062983a3533a7839c827a2f409b5602311a9ef9fc48500";

/// [`TEXT`] in zstd with a checksum, by another implementation.
const CHECKED_ZSTD: &str =
    "28b52ffd2422f50000c0706c61696e20746578742c20736169642074776963653a200100ec36c77b6b9cca";

/// [`BROTLI`] with a large window.
const LARGE_BROTLI: &str = "115a8400e03752ba79d31aa40c8e4ee9e0e5209f88d227a805362442eafb27712100";

fn hex(digits: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(byte).collect()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// A frame of blocks without compression: of a byte repeated, or of bytes as they are.
fn zstd(window: u8, blocks: &[(u8, u32, &[u8])]) -> Vec<u8> {
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0, window];
    for (place, (kind, size, content)) in blocks.iter().enumerate() {
        let last = u32::from(place + 1 == blocks.len());
        let header = size << 3 | u32::from(*kind) << 1 | last;
        frame.extend(&header.to_le_bytes()[..3]);
        frame.extend(*content);
    }
    frame
}

fn plain_zstd(text: &[u8]) -> Vec<u8> {
    zstd(0, &[(0, u32::try_from(text.len()).unwrap(), text)])
}

fn encoded() -> [(Coding, Vec<u8>); 4] {
    [
        (Coding::Zstd, hex(CHECKED_ZSTD)),
        (Coding::Gzip, gzip(TEXT.as_bytes())),
        (Coding::Brotli, hex(BROTLI)),
        (Coding::Zstd, plain_zstd(TEXT.as_bytes())),
    ]
}

/// All that comes out, by so many bytes at a time.
fn inflated(coding: Coding, body: Vec<u8>, step: usize) -> Result<String, Broken> {
    let mut inflating = Inflating::new(coding, body.into());
    let (mut plain, mut buffer) = (Vec::new(), vec![0; step]);
    loop {
        match inflating.read(&mut buffer)? {
            Step::Plain(count) => plain.extend(&buffer[..count]),
            Step::Pause => {}
            Step::End => return Ok(String::from_utf8(plain).unwrap()),
        }
    }
}

#[test]
fn what_was_compressed_comes_out_again() {
    for (coding, body) in encoded() {
        for step in [1, 7, 4096] {
            assert_eq!(inflated(coding, body.clone(), step).as_deref(), Ok(TEXT), "{coding:?}");
        }
    }
}

#[test]
fn what_is_cut_short_is_broken() {
    for (coding, body) in encoded() {
        for length in 1..body.len() {
            let cut = inflated(coding, body[..length].to_vec(), 64);
            assert_eq!(cut, Err(Broken), "{coding:?} at {length}");
        }
    }
}

#[test]
fn what_is_something_else_is_broken() {
    for (coding, _) in encoded() {
        assert_eq!(inflated(coding, b"{\"model\":\"m\"}".to_vec(), 64), Err(Broken), "{coding:?}");
    }
    for (coding, mut trailed) in encoded() {
        trailed.extend(b"trailing");
        for step in [64, 4096] {
            assert_eq!(inflated(coding, trailed.clone(), step), Err(Broken), "{coding:?}");
        }
    }
    for (coding, mut spoiled, behind) in
        [(Coding::Gzip, gzip(TEXT.as_bytes()), 8), (Coding::Zstd, hex(CHECKED_ZSTD), 4)]
    {
        let checksum = spoiled.len() - behind;
        spoiled[checksum] ^= 1;
        assert_eq!(inflated(coding, spoiled, 64), Err(Broken), "{coding:?}");
    }
}

#[test]
fn members_and_frames_follow_each_other() {
    let twice = [gzip(b"one "), gzip(b"two")].concat();
    assert_eq!(inflated(Coding::Gzip, twice, 64).as_deref(), Ok("one two"));
    let skipped = [&[0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"xyz"].concat();
    let frames =
        [skipped.clone(), plain_zstd(b"one "), skipped.clone(), plain_zstd(b"two"), skipped];
    assert_eq!(inflated(Coding::Zstd, frames.concat(), 64).as_deref(), Ok("one two"));
    let endless = [0x5a, 0x2a, 0x4d, 0x18, 0xff, 0xff, 0xff, 0xff].to_vec();
    assert_eq!(inflated(Coding::Zstd, endless, 64), Err(Broken));
}

#[test]
fn more_parts_than_anybody_writes_are_broken() {
    let skipped = [&[0x50, 0x2a, 0x4d, 0x18][..], &[0; 4]].concat();
    for (coding, part) in
        [(Coding::Gzip, gzip(b"")), (Coding::Zstd, plain_zstd(b"")), (Coding::Zstd, skipped)]
    {
        assert_eq!(inflated(coding, part.repeat(MAX_PARTS), 64).as_deref(), Ok(""), "{coding:?}");
        assert_eq!(inflated(coding, part.repeat(MAX_PARTS + 1), 64), Err(Broken), "{coding:?}");
    }
}

/// Bodies of some MiB that come to nothing.
fn barren() -> [(Coding, Vec<u8>); 3] {
    const BLOCKS: usize = 1 << 20;
    let empty = gzip(b"");
    let (head, tail) = (&empty[..10], &empty[empty.len() - 8..]);
    let stored = [0, 0, 0, 0xff, 0xff].repeat(BLOCKS);
    let last = [1, 0, 0, 0xff, 0xff];
    // Blocks of metadata without any, behind a window's size and before the end.
    let metadata = [&[0x0c][..], &[0x06].repeat(BLOCKS), &[0x03]].concat();
    [
        (Coding::Gzip, [head, &stored, &last, tail].concat()),
        (Coding::Brotli, metadata),
        (Coding::Zstd, zstd(0, &vec![(0, 0, &b""[..]); BLOCKS])),
    ]
}

#[test]
fn what_comes_to_nothing_is_read_step_by_step() {
    for (coding, body) in barren() {
        let length = body.len();
        let mut inflating = Inflating::new(coding, body.into());
        let mut buffer = [0; 64];
        let mut pauses = 0;
        loop {
            match inflating.read(&mut buffer).unwrap() {
                Step::Plain(_) => panic!("{coding:?} made something of nothing"),
                Step::Pause => pauses += 1,
                Step::End => break,
            }
        }
        assert!(pauses >= length / STEP_BYTES, "{coding:?}: {pauses} pauses");
    }
}

#[test]
fn windows_beyond_the_bound_are_refused() {
    let exponent = |bytes: u32| u8::try_from((bytes.trailing_zeros() - 10) << 3).unwrap();
    let frame = |bytes| zstd(exponent(bytes), &[(0, 2, b"ok")]);
    assert_eq!(inflated(Coding::Zstd, frame(8 << 20), 64).as_deref(), Ok("ok"));
    assert_eq!(inflated(Coding::Zstd, frame(16 << 20), 64), Err(Broken));
    assert_eq!(inflated(Coding::Brotli, hex(LARGE_BROTLI), 64), Err(Broken));
}

#[test]
fn a_bomb_goes_off_step_by_step() {
    let blocks = vec![(1, 128 << 10, &b" "[..]); 4096];
    let bomb = zstd(0x38, &blocks);
    assert!(bomb.len() < 20_000);
    let mut inflating = Inflating::new(Coding::Zstd, bomb.into());
    let mut buffer = vec![0; 4096];
    for _ in 0..100 {
        assert_eq!(inflating.read(&mut buffer), Ok(Step::Plain(4096)));
    }
}

#[test]
fn codings_are_known_by_name() {
    for name in TAKEN.split(", ") {
        assert!(Coding::named(name).is_some(), "{name}");
    }
    assert_eq!(Coding::named("GZIP"), Some(Coding::Gzip));
    assert_eq!(Coding::named("x-gzip"), Some(Coding::Gzip));
    for name in ["", "deflate", "identity", "gzip, br", "*"] {
        assert_eq!(Coding::named(name), None, "{name}");
    }
}
