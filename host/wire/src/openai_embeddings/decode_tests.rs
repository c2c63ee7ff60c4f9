//! What is read of requests for embeddings, and what is refused.

use plugway_engine::chat::{Media, MediaKind, MediaSource};
use serde_json::{Value, json};

use super::*;

fn read(body: &Value) -> Result<Embeddings, BadRequest> {
    decode(Bytes::from(body.to_string()))
}

fn request(body: &Value) -> EmbedRequest {
    read(body).unwrap().call.request
}

/// The request with this input.
fn with(input: Value) -> Value {
    json!({"model": "a/m", "input": input})
}

fn text(text: &str) -> EmbedInput {
    EmbedInput::Text(text.to_owned())
}

#[test]
fn texts_and_tokens_come_alone_or_in_lists() {
    let long = "x".repeat(1000);
    for (input, expected) in [
        (json!("a"), vec![text("a")]),
        // Never sealed.
        (json!(long), vec![text(&long)]),
        (json!(["a", "b\u{1F600}\n"]), vec![text("a"), text("b\u{1F600}\n")]),
        (json!([1, 2]), vec![EmbedInput::Tokens(vec![1, 2])]),
        (json!([[1], [2, 3]]), vec![EmbedInput::Tokens(vec![1]), EmbedInput::Tokens(vec![2, 3])]),
        (json!(["a", [7]]), vec![text("a"), EmbedInput::Tokens(vec![7])]),
    ] {
        assert_eq!(request(&with(input)).input, expected);
    }
}

#[test]
fn text_and_media_make_one_vector() {
    let long = "QUJD".repeat(100);
    let input = json!([{"content": [
        {"type": "text", "text": "what"},
        {"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{long}")}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
    ]}]);
    let image = |source, mime: bool| {
        let mime = mime.then(|| "image/png".to_owned());
        ResultBody::Media(Media { kind: MediaKind::Image, source, mime, name: None, detail: None })
    };
    let bodies = [
        ResultBody::Text("what".to_owned()),
        image(MediaSource::Base64(long), true),
        image(MediaSource::Uri("https://example.com/a.png".to_owned()), false),
    ];
    let part = |body| ResultPart { body, extra: Vec::new() };
    let call = read(&with(input)).unwrap().call;
    assert_eq!(call.request.input, [EmbedInput::Parts(bodies.map(part).into())]);
    assert_eq!((call.media, call.native), (2, false));
    assert_eq!(call.approx_tokens(), 2001);
}

#[test]
fn everything_beside_the_input_is_read() {
    let mut body = with(json!("a"));
    let more = json!({
        "dimensions": 256, "encoding_format": "base64", "input_type": "search_query",
        "user": "u", "provider": {"only": ["p"]}, "trace": {}, "future": [1],
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let Embeddings { call, encoding } = read(&body).unwrap();
    assert_eq!(encoding, Encoding::Base64);
    assert_eq!(call.routing.models, ["a/m"]);
    assert_eq!(call.routing.only, ["p"]);
    assert_eq!(call.user.as_deref(), Some("u"));
    let EmbedRequest { model, dialect, dimensions, purpose, user, extra, .. } = call.request;
    assert_eq!((model.as_str(), dialect.as_str()), ("a/m", "openai-chat"));
    assert_eq!((dimensions, purpose.as_deref(), user), (Some(256), Some("search_query"), None));
    let extra: Vec<_> = extra.iter().map(|(name, json)| (name.as_str(), json.as_str())).collect();
    assert_eq!(extra, [("future", "[1]"), ("encoding_format", "\"base64\"")]);
    assert_eq!(read(&with(json!("a"))).unwrap().encoding, Encoding::Float);
}

#[test]
fn what_is_wrong_is_named() {
    let many = json!(vec!["a"; MAX_INPUTS + 1]);
    let content = |part: Value| with(json!([{"content": [part]}]));
    let and = |name: &str, value: Value| {
        let mut body = with(json!("a"));
        body[name] = value;
        body
    };
    for (body, param) in [
        (json!({"model": "m"}), "input"),
        (with(json!(null)), "input"),
        (with(json!(7)), "input"),
        (with(json!({})), "input"),
        (with(json!([])), "input"),
        (with(many), "input"),
        (with(json!([1, "a"])), "input[1]"),
        (with(json!([1, -1])), "input[1]"),
        (with(json!([1.5])), "input[0]"),
        (with(json!([4_294_967_296_u64])), "input[0]"),
        (with(json!(["a", 1])), "input[1]"),
        (with(json!(["a", null])), "input[1]"),
        (with(json!([[]])), "input[0]"),
        (with(json!([[1], ["a"]])), "input[1][0]"),
        (with(json!([{}])), "input[0].content"),
        (with(json!([{"content": []}])), "input[0].content"),
        (with(json!([{"content": "a"}])), "input[0].content"),
        (with(json!([{"content": [], "more": 1}])), "input[0].more"),
        (content(json!({"text": "a"})), "input[0].content[0].type"),
        (content(json!({"type": "refusal", "refusal": "a"})), "input[0].content[0].type"),
        (content(json!({"type": "unheard-of"})), "input[0].content[0].type"),
        (
            content(json!({"type": "image_url", "image_url": {"url": "a"}})),
            "input[0].content[0].image_url.url",
        ),
        (and("dimensions", json!(0)), "dimensions"),
        (and("dimensions", json!("8")), "dimensions"),
        (and("encoding_format", json!("int8")), "encoding_format"),
        (and("input_type", json!(1)), "input_type"),
        (and("user", json!(1)), "user"),
        (and("stream", json!(true)), "stream"),
        (and("provider", json!({"ordre": []})), "provider.ordre"),
    ] {
        let refused = read(&body).unwrap_err();
        assert_eq!(refused.param.as_deref(), Some(param), "{body}: {refused}");
    }
    for body in ["", "{", "[]", "{\"model\": 1}x", "{\"input\": \"a\", \"input\": \"b\"}"] {
        assert!(decode(Bytes::from(body)).is_err(), "{body}");
    }
}
