//! Messages of `application/vnd.amazon.eventstream`.

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};

/// An event of this type.
pub(super) fn event(name: &'static str, payload: &[u8]) -> Vec<u8> {
    message("event", ":event-type", name, payload)
}

/// An exception of this type.
pub(super) fn exception(name: &str, payload: &[u8]) -> Vec<u8> {
    message("exception", ":exception-type", name, payload)
}

fn message(kind: &'static str, naming: &'static str, name: &str, payload: &[u8]) -> Vec<u8> {
    let header = |name: &'static str, value: &str| {
        Header::new(name, HeaderValue::String(value.to_owned().into()))
    };
    let message = Message::new(payload.to_vec())
        .add_header(header(naming, name))
        .add_header(header(":content-type", "application/json"))
        .add_header(header(":message-type", kind));
    let mut bytes = Vec::with_capacity(payload.len() + 128);
    // Only names and payloads that are far too long cannot be written.
    let _ = write_message_to(&message, &mut bytes);
    bytes
}
