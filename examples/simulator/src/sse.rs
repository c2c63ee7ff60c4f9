//! Server-sent events, as most formats stream.

use serde::Serialize;

use crate::timeline::{Frames, Part};

/// Appends an event without a name.
pub(crate) fn data(frames: &mut Frames, data: &impl Serialize, part: Part) {
    let buffer = frames.buffer();
    buffer.extend_from_slice(b"data: ");
    // Writing into a Vec cannot fail.
    let _ = serde_json::to_writer(&mut *buffer, data);
    buffer.extend_from_slice(b"\n\n");
    frames.end(part);
}

/// Appends an event of this name.
pub(crate) fn event(frames: &mut Frames, name: &str, data: &impl Serialize, part: Part) {
    let buffer = frames.buffer();
    buffer.extend_from_slice(b"event: ");
    buffer.extend_from_slice(name.as_bytes());
    buffer.push(b'\n');
    self::data(frames, data, part);
}
