//! What the tests of adapters of these formats have in common: how a request looks to
//! the provider, and what becomes of answers that are broken in every way.

#![allow(clippy::expect_used, clippy::panic, reason = "only tests call it")]

use plugway_sdk::chat::{Event, Failure, FailureKind, Request};
use plugway_sdk::provider::{Framing, Provider};
use plugway_sdk::testing::{Answer, Transcript, check_contract, endpoint, streamed, whole};
use serde_json::Value;

/// The body that a request becomes.
pub fn body<P: Provider>(request: Request, options: &[(&str, &str)]) -> Result<Value, Failure> {
    let upstream = P::encode(request, endpoint(options))?;
    Ok(serde_json::from_slice(&upstream.body).expect("the body is JSON"))
}

/// The answer in a whole response, which must keep the contract.
pub fn read_whole<P: Provider>(body: &Value, memo: &str) -> Answer {
    checked(whole::<P>(&Transcript::new(200, body.to_string()), memo))
}

/// The answer in a stream of these data, which must keep the contract.
pub fn read_stream<P: Provider>(data: &[Value], memo: &str) -> Answer {
    read_sse::<P>(&sse(data), memo)
}

/// The same of a stream as its text.
pub fn read_sse<P: Provider>(body: &str, memo: &str) -> Answer {
    checked(streamed::<P>(&Transcript::new(200, body), Framing::Sse, memo))
}

/// The stream's text; a string is written as it is.
fn sse(data: &[Value]) -> String {
    data.iter().fold(String::new(), |text, item| match item {
        Value::String(mark) => text + &format!("data: {mark}\n\n"),
        chunk => text + &format!("data: {chunk}\n\n"),
    })
}

fn checked(events: Vec<Event>) -> Answer {
    check_contract(&events).unwrap_or_else(|breach| panic!("{breach} in {events:#?}"));
    Answer::of(&events)
}

/// Breaks a whole answer and a stream in every way that providers have been seen to:
/// whatever comes of it keeps the contract, and what was cut says so.
pub fn check_broken<P: Provider>(body: &Value, data: &[Value], memo: &str) {
    check_bodies::<P>(body, memo);
    let text = sse(data);
    for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
        read_sse::<P>(&text[..end], memo);
    }
    check_cut::<P>(data, memo);
    for number in 0..data.len() {
        each_replaced(&data[number], &mut |changed| {
            let mut data = data.to_vec();
            data[number] = changed;
            read_stream::<P>(&data, memo);
        });
    }
    check_noise::<P>(data, memo);
}

fn check_bodies<P: Provider>(body: &Value, memo: &str) {
    let text = body.to_string();
    for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
        let cut = checked(whole::<P>(&Transcript::new(200, &text[..end]), memo));
        let failure = cut.failure.expect("a cut body is a failure");
        assert_eq!(failure.kind, FailureKind::Unavailable);
    }
    each_replaced(body, &mut |changed| {
        read_whole::<P>(&changed, memo);
    });
    for nonsense in ["", "<html>busy</html>", "[]", "{}", "null", "\"x\"", "7"] {
        let answer = checked(whole::<P>(&Transcript::new(200, nonsense), memo));
        assert!(answer.failure.is_some(), "{nonsense}");
    }
    let broken = [text.as_bytes(), b"\xff"].concat();
    assert!(checked(whole::<P>(&Transcript::new(200, broken), memo)).failure.is_some());
    let odd = read_whole::<P>(&with_future(body), memo);
    assert_eq!(odd.parts, read_whole::<P>(body, memo).parts);
}

/// A stream that ends before its last but one event was cut.
fn check_cut<P: Provider>(data: &[Value], memo: &str) {
    for kept in 0..data.len().saturating_sub(3) {
        let answer = read_stream::<P>(&data[..kept], memo);
        let failure = answer.failure.unwrap_or_else(|| panic!("cut after {kept} events"));
        assert_eq!(failure.kind, FailureKind::Unavailable);
    }
}

/// Comments, CR LF, unknown events and fields, and repeated ends change nothing.
fn check_noise<P: Provider>(data: &[Value], memo: &str) {
    let expected = read_stream::<P>(data, memo);
    let future = serde_json::json!({"type": "response.of_the_future", "of": null});
    let mut noisy = String::from(": hello\r\n\r\nevent: ping\r\ndata: now\r\n\r\n");
    for item in data {
        noisy += &sse(&[future.clone(), with_future(item)]).replace('\n', "\r\n");
        noisy += ": still there\r\n\r\n";
    }
    noisy += "data: [DONE]\r\n\r\ndata: [DONE]\r\n\r\n";
    let answer = read_sse::<P>(&noisy, memo);
    assert_eq!(answer.parts, expected.parts);
    assert_eq!((answer.usage, answer.finishes.len()), (expected.usage, expected.finishes.len()));
}

/// The value with one more field at its top.
fn with_future(value: &Value) -> Value {
    let mut value = value.clone();
    if let Some(fields) = value.as_object_mut() {
        fields.insert("of_the_future".into(), serde_json::json!({"a": [null, 1.5]}));
    }
    value
}

/// Calls `check` with copies of a value, in each of which one value below it is
/// replaced by one of another type.
fn each_replaced(value: &Value, check: &mut dyn FnMut(Value)) {
    for pointer in pointers(value) {
        let odd = [Value::Null, "".into(), 7.into(), u64::MAX.into(), Value::Array(Vec::new())];
        for replacement in odd {
            let mut changed = value.clone();
            if let Some(place) = changed.pointer_mut(&pointer) {
                *place = replacement;
            }
            check(changed);
        }
    }
}

fn pointers(value: &Value) -> Vec<String> {
    let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
    let children: Vec<(String, &Value)> = match value {
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (escaped(name), value)).collect()
        }
        Value::Array(items) => {
            items.iter().enumerate().map(|(place, value)| (place.to_string(), value)).collect()
        }
        _ => Vec::new(),
    };
    let below = children.iter().flat_map(|(name, child)| {
        pointers(child).into_iter().map(move |rest| format!("/{name}{rest}"))
    });
    std::iter::once(String::new()).chain(below).collect()
}
