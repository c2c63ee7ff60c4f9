//! What a client writes is what leaves: any text, escaped in any way, sealed or in
//! clear, arrives at the provider as the same text; and where it was sealed, as the
//! same bytes.

use bytes::Bytes;
use plugway_engine::EndpointFacts;
use plugway_wire::openai_chat::decode;
use plugway_wire::{ChatCall, DecodeOptions};
use rand::Rng;
use rand::RngExt;
use rand::seq::IndexedRandom;
use serde_json::Value;

use crate::draws;
use crate::plugins::{ADAPTERS, CONTEXT, adapter};

/// Requests that are drawn.
const REQUESTS: usize = 400;

/// Bytes from which on a text is sealed: that of the default configuration.
const SEAL_MIN: usize = 64;

/// What the content of a JSON string is made of, as a client may write it: every
/// escape, in both cases; characters of one to four bytes; what ends strings,
/// objects and events where it stands outside of a string; and what looks like a
/// seal, or a bit of one.
const PIECES: [&str; 36] = [
    r#"\""#,
    r"\\",
    r"\/",
    r"\b",
    r"\f",
    r"\n",
    r"\r",
    r"\t",
    r"\u0000",
    r"\u001f",
    r"\u0022",
    r"\u005C",
    r"\u007f",
    r"\u00e9",
    r"\u00E9",
    r"\u2028",
    r"\ufeff",
    r"\uFFFF",
    r"\ud83e\uddea",
    r"\uD83D\uDE00",
    r"\\u0041",
    r"\\\\",
    "a",
    " ",
    "/",
    "\u{7f}",
    "\u{e9}",
    "\u{20ac}",
    "\u{2028}",
    "\u{1f9ea}",
    "\u{10ffff}",
    "e\u{301}\u{202e}",
    "'}],{[\u{feff}",
    "data: x",
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "k3uMn0BvQz7LrTy2XcWp5d000001",
];

/// The content of a JSON string: a few pieces, repeated or not, so that it falls
/// on either side of what is sealed.
fn content(draws: &mut impl Rng) -> String {
    let pieces = draws.random_range(1..10);
    let content: String = (0..pieces).map(|_| *PIECES.choose(draws).unwrap()).collect();
    // Adapters may leave out text that is nothing but space.
    format!("x{}", content.repeat(draws.random_range(1..6)))
}

/// Places of a request where text may stand.
struct Texts {
    system: String,
    user: [String; 2],
    said: String,
    result: String,
    base64: String,
}

impl Texts {
    fn drawn(draws: &mut impl Rng) -> Self {
        let base64 = "QUJD".repeat(draws.random_range(1..40));
        Self {
            system: content(draws),
            user: [content(draws), content(draws)],
            // A conversation goes on from it, so its end may be trimmed.
            said: format!("{}x", content(draws)),
            result: content(draws),
            base64,
        }
    }

    /// The client's own bytes.
    fn body(&self) -> String {
        let Self { system, user: [one, two], said, result, base64 } = self;
        format!(
            r#"{{"model":"m","max_tokens":9,"messages":[
            {{"role":"system","content":"{system}"}},
            {{"role":"user","content":[{{"type":"text","text":"{one}"}},
                {{"type":"image_url","image_url":{{"url":"data:image/png;base64,{base64}"}}}},
                {{"type":"text","text":"{two}"}}]}},
            {{"role":"assistant","content":"{said}","tool_calls":[
                {{"id":"call_1","type":"function","function":{{"name":"f","arguments":"{{}}"}}}}]}},
            {{"role":"tool","tool_call_id":"call_1","content":"{result}"}}]}}"#
        )
    }

    fn all(&self) -> [&str; 6] {
        let [one, two] = &self.user;
        [&self.system, one, two, &self.said, &self.result, &self.base64].map(String::as_str)
    }
}

/// What leaves for the provider, the adapter being shown seals or text.
fn sent(name: &str, call: &ChatCall, sealed: bool) -> Vec<u8> {
    let request = if sealed { call.request.clone() } else { call.seals.unseal(&call.request) };
    let mut attempt = adapter(name).attempt(CONTEXT).unwrap();
    let encoded = attempt.encode(&request, &EndpointFacts::default()).unwrap();
    let encoded = encoded.unwrap_or_else(|failure| panic!("{name}: {}", failure.message));
    call.seals.splice(encoded.body, sealed).unwrap().chunks.concat()
}

/// Every string of a value.
fn strings(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(strings).collect(),
        Value::Object(fields) => fields.values().flat_map(strings).collect(),
        _ => Vec::new(),
    }
}

/// The text that the content of a JSON string stands for, as others read it.
fn read(content: &str) -> String {
    serde_json::from_str(&format!("\"{content}\"")).unwrap()
}

fn check(name: &str, texts: &Texts) {
    let body = texts.body();
    let options = DecodeOptions { seal_min_bytes: SEAL_MIN };
    let call = decode(Bytes::from(body.clone()), &options).unwrap();
    let long = texts.all().into_iter().filter(|text| text.len() > SEAL_MIN);
    assert_eq!(call.seals.len(), long.clone().count(), "{body}");

    let sealed = sent(name, &call, true);
    let granted = sent(name, &call, false);
    let (sealed_text, granted) = (String::from_utf8(sealed.clone()).unwrap(), granted);
    for content in long {
        assert!(sealed_text.contains(content), "{name} changed the bytes {content:?}");
    }
    let sealed: Value = serde_json::from_slice(&sealed).unwrap();
    let granted: Value = serde_json::from_slice(&granted).unwrap();
    assert_eq!(sealed, granted, "{name} says otherwise with seals: {body}");
    let arrived = strings(&sealed);
    for content in texts.all() {
        let text = read(content);
        let there = arrived.iter().any(|arrived| arrived.ends_with(&text));
        assert!(there, "{name} lost {content:?} of {body}");
    }
}

#[test]
fn any_text_leaves_as_it_was_written() {
    for name in ADAPTERS {
        let mut draws = draws(1);
        for _ in 0..REQUESTS {
            check(name, &Texts::drawn(&mut draws));
        }
    }
}

#[test]
fn every_length_around_the_threshold_leaves_as_it_was_written() {
    for piece in PIECES {
        let mut draws = draws(2);
        let mut texts = Texts::drawn(&mut draws);
        for filling in SEAL_MIN - 14..=SEAL_MIN + 2 {
            texts.user[0] = format!("{}{piece}", "y".repeat(filling));
            texts.result = format!("{piece}{}", "z".repeat(filling));
            check(ADAPTERS[0], &texts);
        }
    }
}

/// A client that has seen a token of one request gains nothing from it in another:
/// there it is a text like any other.
#[test]
fn text_that_was_a_seal_is_text() {
    let mut draws = draws(3);
    let mut texts = Texts::drawn(&mut draws);
    texts.user[0] = "x".repeat(2 * SEAL_MIN);
    let call = decode(Bytes::from(texts.body()), &DecodeOptions::default()).unwrap();
    let user = &call.request.messages[1].parts[0].body;
    let plugway_engine::chat::PartBody::Text(token) = user else { panic!("no text") };
    assert!(call.seals.open(token).is_some());
    for text in [token.clone(), token.repeat(4), format!("{token}\\n{}", "y".repeat(SEAL_MIN))] {
        texts.user[1] = text;
        for name in ADAPTERS {
            check(name, &texts);
        }
    }
}
