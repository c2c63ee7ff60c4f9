//! Any body is refused with a sentence, or read so that nothing of it is lost:
//! every seal stands for text of the body, and what is read with seals is what is
//! read without.
//!
//! The input: how long a text must be to be sealed, then the body.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use plugway_engine::chat;
use plugway_wire::openai_chat::decode;
use plugway_wire::{ChatCall, DecodeOptions};
use serde_json::value::RawValue;

/// Bytes of a message to the client. Names of fields are cut, values never shown.
const MAX_MESSAGE: usize = 8 * 1024;

fuzz_target!(|input: &[u8]| {
    let Some((shortest, body)) = input.split_first() else { return };
    let body = Bytes::copy_from_slice(body);
    let sealing = DecodeOptions { seal_min_bytes: usize::from(*shortest) };
    let plain = DecodeOptions { seal_min_bytes: usize::MAX };
    match (decode(body.clone(), &sealing), decode(body.clone(), &plain)) {
        (Ok(sealed), Ok(plain)) => accepted(&body, &sealed, &plain),
        (Err(one), Err(other)) => {
            assert_eq!(one, other);
            assert!(one.message.len() <= MAX_MESSAGE, "{} bytes", one.message.len());
            assert!(!one.message.is_empty() && !one.code.is_empty());
        }
        (sealed, plain) => {
            panic!("refused in one way only: {:?} and {:?}", sealed.err(), plain.err())
        }
    }
});

fn accepted(body: &Bytes, sealed: &ChatCall, plain: &ChatCall) {
    assert!(serde_json::from_slice::<&RawValue>(body).is_ok(), "that was no JSON");
    assert!(plain.seals.is_empty());
    // Not compared as values: a number of a request may be none, as in 1e999.
    let unsealed = sealed.seals.unseal(&sealed.request);
    assert_eq!(format!("{unsealed:?}"), format!("{:?}", plain.request));
    assert!(sealed.approx_prompt_bytes <= body.len(), "more text than there is");
    for part in &sealed.opening {
        assert!(serde_json::from_slice::<&RawValue>(part).is_ok(), "an opening is no JSON");
    }
    let extra = plain.request.extra.iter().chain(&plain.router_fields);
    for (name, json) in extra {
        assert!(serde_json::from_str::<&RawValue>(json).is_ok(), "`{name}` is no JSON");
    }
    leaves_once(sealed);
}

/// An adapter that sends every seal sends every text, as the client wrote it.
fn leaves_once(call: &ChatCall) {
    let tokens: Vec<&str> = call.request.messages.iter().flat_map(texts).collect();
    let tokens: Vec<&str> =
        tokens.into_iter().filter(|text| call.seals.open(text).is_some()).collect();
    assert_eq!(tokens.len(), call.seals.len(), "a seal is shown once");
    let written = serde_json::to_vec(&tokens).unwrap_or_default();
    let spliced = call.seals.splice(written, true).map(|spliced| spliced.chunks.concat());
    let Ok(sent) = spliced else { panic!("{:?}", spliced.err()) };
    let Ok(sent) = serde_json::from_slice::<Vec<String>>(&sent) else { panic!("sent no JSON") };
    let texts: Vec<String> = tokens.iter().filter_map(|token| call.seals.open(token)).collect();
    assert_eq!(sent, texts);
}

/// The texts of a message that may be seals.
fn texts(message: &chat::Message) -> impl Iterator<Item = &str> {
    message.parts.iter().flat_map(|part| match &part.body {
        chat::PartBody::Text(text) => vec![text.as_str()],
        chat::PartBody::Media(media) => vec![source(media)],
        chat::PartBody::ToolResult(result) => {
            let content = result.content.iter().map(|part| match &part.body {
                chat::ResultBody::Text(text) => text.as_str(),
                chat::ResultBody::Media(media) => source(media),
                chat::ResultBody::Json(_) | chat::ResultBody::Native(_) => "",
            });
            content.collect()
        }
        _ => Vec::new(),
    })
}

fn source(media: &chat::Media) -> &str {
    match &media.source {
        chat::MediaSource::Base64(text) | chat::MediaSource::Text(text) => text,
        chat::MediaSource::Uri(_) | chat::MediaSource::FileId(_) => "",
    }
}
