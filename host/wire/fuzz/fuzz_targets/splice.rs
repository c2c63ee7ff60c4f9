//! A body leaves when every seal stands in it once, inside a string, and then it
//! says what the adapter wrote with the client's texts in place of the seals.
//! Everything else is refused.
//!
//! The input is a script: texts of the client, each ended by a byte 0xFF, then what
//! the adapter writes. There, 0xF8 + n stands for the nth seal, 0xFD for one that
//! was never made, 0xFE for half a seal; any other byte for itself.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use plugway_engine::chat::PartBody;
use plugway_wire::openai_chat::decode;
use plugway_wire::seal::Seals;
use plugway_wire::{ChatCall, DecodeOptions};
use serde_json::{Value, json};

/// Texts of the client, of which each is sealed.
const MAX_TEXTS: usize = 4;

/// Makes a text long enough to be sealed. Its number makes it the only one.
const FILLING: &str = "long enough for a seal to be used instead";

fuzz_target!(|input: &[u8]| {
    let mut pieces: Vec<&[u8]> = input.splitn(MAX_TEXTS + 1, |byte| *byte == 0xFF).collect();
    let script = pieces.pop().unwrap_or_default();
    let texts: Vec<String> = pieces
        .into_iter()
        .enumerate()
        .map(|(index, text)| format!("{index}{}{FILLING}", String::from_utf8_lossy(text)))
        .collect();
    if texts.is_empty() {
        return;
    }
    let call = call(&texts);
    let tokens = tokens(&call);
    for (token, text) in tokens.iter().zip(&texts) {
        assert_eq!(call.seals.open(token).as_ref(), Some(text), "a seal opens to its text");
    }
    let body = written(script, &tokens);

    check(&call.seals, &body, &tokens, &texts);
    let nonce = &tokens[0].as_bytes()[..22];
    let unshown = call.seals.splice(body.clone(), false);
    assert_eq!(unshown.is_ok(), count(&body, nonce) == 0, "no seal may come from one not shown");
});

/// The call of a client that says these texts.
fn call(texts: &[String]) -> ChatCall {
    let parts: Vec<Value> =
        texts.iter().map(|text| json!({"type": "text", "text": text})).collect();
    let body = json!({"model": "m", "messages": [{"role": "user", "content": parts}]});
    let decoded = decode(Bytes::from(body.to_string()), &DecodeOptions { seal_min_bytes: 0 });
    decoded.unwrap_or_else(|error| panic!("{error}"))
}

fn tokens(call: &ChatCall) -> Vec<String> {
    let parts = call.request.messages.iter().flat_map(|message| &message.parts);
    let tokens = parts.map(|part| match &part.body {
        PartBody::Text(token) => token.clone(),
        _ => String::new(),
    });
    tokens.collect()
}

/// What the adapter writes.
fn written(script: &[u8], tokens: &[String]) -> Vec<u8> {
    let mut body = Vec::new();
    for byte in script {
        let token = &tokens[usize::from(*byte & 3) % tokens.len()];
        match byte {
            0xF8..=0xFB => body.extend_from_slice(token.as_bytes()),
            0xFD => {
                body.extend_from_slice(&token.as_bytes()[..22]);
                body.extend_from_slice(b"zzzzzz");
            }
            0xFE => body.extend_from_slice(&token.as_bytes()[..25]),
            other => body.push(*other),
        }
    }
    body
}

fn check(seals: &Seals, body: &[u8], tokens: &[String], texts: &[String]) {
    let spliced = seals.splice(body.to_vec(), true).map(|spliced| {
        let sent = spliced.chunks.concat();
        assert_eq!(sent.len(), spliced.len);
        sent
    });
    let once = tokens.iter().all(|token| count(body, token.as_bytes()) == 1)
        && count(body, &tokens[0].as_bytes()[..22]) == tokens.len();
    // A token may begin within the end of another, if its nonce looks like a number.
    let mut places: Vec<_> = tokens.iter().filter_map(|it| find(body, it.as_bytes())).collect();
    places.sort_unstable();
    let apart = places.windows(2).all(|pair| pair[1] >= pair[0] + tokens[0].len());
    let inside = inside_strings(body);
    let placed = tokens.iter().all(|token| {
        let at = find(body, token.as_bytes());
        at.is_some_and(|at| inside.get(at).copied().unwrap_or(false))
    });
    let closed = !inside.last().copied().unwrap_or(false);
    assert_eq!(spliced.is_ok(), once && apart && placed && closed, "{:?}", spliced.err());
    let Ok(sent) = spliced else { return };
    // What a provider reads, where the adapter wrote JSON.
    if let Ok(wrote) = serde_json::from_slice::<Value>(body) {
        let reads: Value = serde_json::from_slice(&sent).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(reads, opened(wrote, tokens, texts));
    }
}

/// For each place of the body, and the one behind it, whether a string holds it
/// and no escape reaches into it: byte by byte, as a JSON reader goes.
fn inside_strings(body: &[u8]) -> Vec<bool> {
    let mut inside = Vec::with_capacity(body.len() + 1);
    let (mut string, mut escaped) = (false, 0);
    for (at, byte) in body.iter().enumerate() {
        inside.push(string && escaped == 0);
        match byte {
            _ if escaped > 0 => escaped -= 1,
            b'\\' if string => escaped = if body.get(at + 1) == Some(&b'u') { 5 } else { 1 },
            b'"' => string = !string,
            _ => {}
        }
    }
    inside.push(string);
    inside
}

/// The value with every token replaced by its text.
fn opened(value: Value, tokens: &[String], texts: &[String]) -> Value {
    let open = |text: String| {
        tokens.iter().zip(texts).fold(text, |text, (token, with)| text.replace(token, with))
    };
    match value {
        Value::String(text) => Value::String(open(text)),
        Value::Array(items) => items.into_iter().map(|item| opened(item, tokens, texts)).collect(),
        Value::Object(fields) => {
            let fields = fields.into_iter();
            let fields = fields.map(|(name, value)| (open(name), opened(value, tokens, texts)));
            Value::Object(fields.collect())
        }
        other => other,
    }
}

fn count(body: &[u8], wanted: &[u8]) -> usize {
    body.windows(wanted.len()).filter(|window| *window == wanted).count()
}

fn find(body: &[u8], wanted: &[u8]) -> Option<usize> {
    body.windows(wanted.len()).position(|window| window == wanted)
}
