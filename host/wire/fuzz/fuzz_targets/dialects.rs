//! Any body, in whatever dialect, is refused with a sentence that names its field, or
//! read so that nothing of it is lost: every seal stands for text of the body, and what
//! is read with seals is what is read without. What was read can be answered, whole and
//! streamed, and so can what was refused.
//!
//! The input: a letter for what is asked for, how long a text must be to be sealed, then
//! the body.

#![no_main]

#[path = "dialects/answered.rs"]
mod answered;

use bytes::Bytes;
use http::Request;
use http::request::Parts;
use libfuzzer_sys::fuzz_target;
use plugway_engine::{EmbedInput, chat};
use plugway_wire::rerank::Version;
use plugway_wire::{
    BadRequest, ChatCall, DecodeOptions, Dialect, EmbedCall, ErrorBody, anthropic_messages, gemini,
    ollama, openai_embeddings, rerank,
};
use serde_json::value::RawValue;

/// Bytes of a message to the client. Names of fields are cut, values never shown.
const MAX_MESSAGE: usize = 8 * 1024;

/// What is asked for, `A` first: the dialect that an error is told in, and the path.
const ASKED: [(Asked, Dialect, &str); 16] = [
    (Asked::Chat, Dialect::OpenAiChat, "/v1/chat/completions"),
    (Asked::Chat, Dialect::OpenAiCompletions, "/v1/completions"),
    (Asked::Chat, Dialect::OpenAiResponses, "/v1/responses"),
    (Asked::Chat, Dialect::AnthropicMessages, "/v1/messages"),
    (Asked::Count, Dialect::AnthropicMessages, "/v1/messages/count_tokens"),
    (Asked::Chat, Dialect::Gemini, "/v1beta/models/a/m:generateContent"),
    (Asked::Chat, Dialect::Gemini, "/v1beta/models/m:streamGenerateContent?alt=sse"),
    (Asked::Count, Dialect::Gemini, "/v1beta/models/m:countTokens"),
    (Asked::Chat, Dialect::Ollama, "/api/chat"),
    (Asked::Chat, Dialect::Ollama, "/api/generate"),
    (Asked::Vectors, Dialect::OpenAiChat, "/v1/embeddings"),
    (Asked::Vectors, Dialect::Gemini, "/v1beta/models/m:embedContent"),
    (Asked::Vectors, Dialect::Gemini, "/v1beta/models/m:batchEmbedContents"),
    (Asked::Vectors, Dialect::Ollama, "/api/embed"),
    (Asked::Vectors, Dialect::Ollama, "/api/embeddings"),
    (Asked::Ranking, Dialect::OpenAiChat, "/v1/rerank"),
];

#[derive(Clone, Copy)]
enum Asked {
    Chat,
    /// How much a chat would read.
    Count,
    Vectors,
    Ranking,
}

fuzz_target!(|input: &[u8]| {
    let Some((&[letter, shortest], body)) = input.split_first_chunk() else { return };
    let place = usize::from(letter.wrapping_sub(b'A')) % ASKED.len();
    let (asked, dialect, path) = ASKED[place];
    let body = Bytes::copy_from_slice(body);
    let head = head(path);
    let refusal = match asked {
        Asked::Chat | Asked::Count => {
            let sealing = DecodeOptions { seal_min_bytes: usize::from(shortest) };
            let plain = DecodeOptions { seal_min_bytes: usize::MAX };
            let read = |options| decode(asked, dialect, &head, body.clone(), options);
            match (read(&sealing), read(&plain)) {
                (Ok(sealed), Ok(plain)) => {
                    accepted(&body, &sealed, &plain);
                    answered::check(&*sealed.form, sealed.request.choices);
                    None
                }
                (Err(one), Err(other)) => {
                    assert_eq!(one, other);
                    Some(one)
                }
                (sealed, plain) => {
                    panic!("refused in one way only: {:?} and {:?}", sealed.err(), plain.err())
                }
            }
        }
        Asked::Vectors => match vectors(dialect, &head, body.clone()) {
            Ok(call) => {
                embeds(&body, &call);
                None
            }
            Err(refusal) => Some(refusal),
        },
        Asked::Ranking => match rerank::decode(&body, Version::V1) {
            Ok(call) => {
                assert!(is_json(&body) && !call.request.documents.is_empty());
                assert!(call.request.extra.iter().all(|(_, json)| is_json(json.as_bytes())));
                None
            }
            Err(refusal) => Some(refusal),
        },
    };
    if let Some(refusal) = refusal {
        refused(dialect, refusal);
    }
});

fn head(path: &str) -> Parts {
    let request = Request::builder().uri(path).body(());
    request.unwrap_or_else(|error| panic!("{error}")).into_parts().0
}

fn decode(
    asked: Asked,
    dialect: Dialect,
    head: &Parts,
    body: Bytes,
    options: &DecodeOptions,
) -> Result<ChatCall, BadRequest> {
    match (asked, dialect) {
        (Asked::Count, Dialect::Gemini) => gemini::decode_count(head, body, options),
        (Asked::Count, _) => anthropic_messages::decode_count(head, body, options),
        _ => dialect.decode(head, body, options),
    }
}

fn vectors(dialect: Dialect, head: &Parts, body: Bytes) -> Result<EmbedCall, BadRequest> {
    match dialect {
        Dialect::Gemini => gemini::decode_embeddings(head, body),
        Dialect::Ollama => ollama::decode_embed(&body, head.uri.path() == "/api/embeddings"),
        _ => openai_embeddings::decode(body).map(|embeddings| embeddings.call),
    }
}

fn refused(dialect: Dialect, refusal: BadRequest) {
    let BadRequest { message, param, code } = refusal;
    assert!(message.len() <= MAX_MESSAGE, "{} bytes", message.len());
    assert!(!code.is_empty());
    match &param {
        Some(field) => assert!(message.starts_with(&format!("`{field}` ")), "{field}: {message}"),
        None => assert!(message.starts_with("the body "), "{message}"),
    }
    assert!(param.as_deref() != Some(""), "a field without a name");
    let error = ErrorBody {
        status: 400,
        message,
        kind: "invalid_request",
        class: "invalid_request_error",
        code: Some(code.to_owned()),
        param,
        ..ErrorBody::default()
    };
    assert!(is_json(&dialect.encode_error(&error)), "the error is no JSON");
}

fn accepted(body: &Bytes, sealed: &ChatCall, plain: &ChatCall) {
    assert!(is_json(body), "that was no JSON");
    assert!(plain.seals.is_empty());
    // Not compared as values: a number of a request may be none, as in 1e999.
    let unsealed = sealed.seals.unseal(&sealed.request);
    assert_eq!(format!("{unsealed:?}"), format!("{:?}", plain.request));
    assert!(sealed.size.text_bytes <= body.len(), "more text than there is");
    for part in &sealed.opening {
        // Of a conversation without messages it is nothing.
        assert!(part.is_empty() || is_json(part), "an opening is no JSON");
    }
    for (name, json) in plain.request.extra.iter().chain(&plain.router_fields) {
        assert!(is_json(json.as_bytes()), "`{name}` is no JSON");
    }
    for message in &plain.request.messages {
        told_in_order(message);
    }
    leaves_once(sealed);
}

/// What an adapter relies on: results are a tool's alone, and calls have ids.
fn told_in_order(message: &chat::Message) {
    for part in &message.parts {
        let is_result = matches!(part.body, chat::PartBody::ToolResult(_));
        assert_eq!(is_result, message.role == chat::Role::Tool, "a result is not a tool's");
        match &part.body {
            chat::PartBody::ToolCall(call) => assert!(!call.id.is_empty(), "a call has no id"),
            chat::PartBody::ToolResult(result) => assert!(!result.call_id.is_empty()),
            chat::PartBody::Native(json) => assert!(is_json(json.as_bytes())),
            _ => {}
        }
        assert!(part.extra.iter().all(|(_, json)| is_json(json.as_bytes())));
    }
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

/// Each input holds something, and all of it is the body's.
fn embeds(body: &Bytes, call: &EmbedCall) {
    assert!(is_json(body) && !call.request.input.is_empty());
    assert!(call.request.extra.iter().all(|(_, json)| is_json(json.as_bytes())));
    for input in &call.request.input {
        match input {
            EmbedInput::Text(text) => assert!(text.len() <= body.len()),
            EmbedInput::Tokens(tokens) => assert!(!tokens.is_empty()),
            EmbedInput::Parts(parts) => assert!(!parts.is_empty()),
        }
    }
}

fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<&RawValue>(text).is_ok()
}
