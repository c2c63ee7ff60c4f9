//! The conversation: roles, parts, calls and what came of them.

use super::*;
use plugway_sdk::chat::*;

const FORMAT: &str = "google-gemini-v1";

fn media(kind: MediaKind, source: MediaSource, mime: Option<&str>) -> Media {
    Media { kind, source, mime: mime.map(Into::into), name: None, detail: None }
}

fn linked(kind: MediaKind, uri: &str) -> Part {
    media(kind, MediaSource::Uri(uri.into()), None).into()
}

fn result(content: Vec<ResultBody>) -> ToolResult {
    ToolResult {
        call_id: "c1".into(),
        name: "f".into(),
        content: content.into_iter().map(Into::into).collect(),
        failed: false,
        freeform: false,
    }
}

fn signed(part: Part, format: &str) -> Part {
    Part { signature: Some("c2ln".into()), format: Some(format.into()), ..part }
}

fn user(parts: Vec<Part>) -> Request {
    Request { messages: says(Role::User, parts), ..request() }
}

fn assistant(parts: Vec<Part>) -> Request {
    Request { messages: says(Role::Assistant, parts), ..request() }
}

#[test]
fn roles_and_the_system_instruction() {
    let developer = Message::new(Role::Developer, vec![Part::text("d")]);
    let messages = vec![
        Message::system(SEAL),
        developer,
        Message::user("u"),
        Message::user("v"),
        Message::assistant("a"),
    ];
    let expected = json!({
        "systemInstruction": {"parts": [{"text": SEAL}, {"text": "d"}]},
        "contents": [
            {"role": "user", "parts": [{"text": "u"}]},
            {"role": "user", "parts": [{"text": "v"}]},
            {"role": "model", "parts": [{"text": "a"}]},
        ],
    });
    assert_eq!(body(Request { messages, ..request() }, &[]).unwrap(), expected);
    let messages = vec![Message::user("u"), Message::system("late")];
    check_refused(Request { messages, ..request() }, "before all others");
    let shown = media(MediaKind::Image, MediaSource::Base64("QQ==".into()), Some("image/png"));
    let messages = says(Role::System, vec![shown.into()]);
    check_refused(Request { messages, ..request() }, "text only");
}

#[test]
fn parts_keep_their_order_and_seals() {
    let image = media(MediaKind::Image, MediaSource::Base64(SEAL.into()), Some("image/webp"));
    let plain = media(MediaKind::Document, MediaSource::Text(SEAL.into()), Some("text/plain"));
    let pdf = media(MediaKind::Document, MediaSource::Base64("QQ==".into()), None);
    check(
        user(vec![Part::text("before"), image.into(), Part::text(""), plain.into(), pdf.into()]),
        "/contents/0/parts",
        json!([
            {"text": "before"},
            {"inlineData": {"mimeType": "image/webp", "data": SEAL}},
            {"text": SEAL},
            {"inlineData": {"mimeType": "application/pdf", "data": "QQ=="}},
        ]),
    );
    let untyped = media(MediaKind::Image, MediaSource::Base64("QQ==".into()), None);
    let failure = body(user(vec![untyped.into()]), &[]).unwrap_err();
    assert_eq!(failure.kind, FailureKind::InvalidRequest);
}

#[test]
fn what_google_fetches_by_itself() {
    let check_uri = |options: &[(&str, &str)], kind, uri: &str, mime: Value| {
        let mut expected = json!({"fileUri": uri});
        if !mime.is_null() {
            expected["mimeType"] = mime;
        }
        check_at(user(vec![linked(kind, uri)]), options, "/contents/0/parts/0/fileData", expected);
    };
    let (image, video) = (MediaKind::Image, MediaKind::Video);
    check_uri(&[], image, "https://example.com/a.PNG?x=1", json!("image/png"));
    check_uri(&[], image, "https://example.com/picture", Value::Null);
    check_uri(&[], video, "https://youtu.be/abc", json!("video/mp4"));
    let file = "https://generativelanguage.googleapis.com/v1beta/files/abc";
    check_uri(&[], image, file, Value::Null);
    check_uri(&VERTEX, image, "gs://bucket/a.jpg", json!("image/jpeg"));
    check_uri(&VERTEX, video, "https://www.youtube.com/watch?v=1", json!("video/mp4"));
}

#[test]
fn what_the_router_must_fetch() {
    let check_fetch = |options: &[(&str, &str)], model: &str, uri: &str| {
        let wished = user(vec![linked(MediaKind::Image, uri)]);
        let failure = body(Request { model: model.into(), ..wished }, options).unwrap_err();
        let said = (failure.kind, failure.code.as_deref(), failure.param.as_deref());
        assert_eq!(said, (FailureKind::Unsupported, Some("fetch"), Some(uri)));
    };
    check_fetch(&[], "gemini-3-flash", "gs://bucket/a.jpg");
    check_fetch(&[], "gemini-3-flash", "s3://bucket/a.jpg");
    check_fetch(&[], "gemini-3-flash", "http://example.com/a.png");
    check_fetch(&[], "gemini-2.0-flash", "https://example.com/a.png");
    check_fetch(&[("fetches_urls", "false")], "gemini-3-flash", "https://example.com/a.png");
    // Vertex wants to be told what it fetches.
    check_fetch(&VERTEX, "gemini-3-flash", "https://example.com/picture");
}

#[test]
fn files_of_the_operators_account() {
    let file =
        |id: &str| media(MediaKind::Audio, MediaSource::FileId(id.into()), Some("audio/wav"));
    let uri = "https://generativelanguage.googleapis.com/v1beta/files/abc";
    for id in ["abc", "files/abc", uri] {
        check(
            user(vec![file(id).into()]),
            "/contents/0/parts/0/fileData",
            json!({"mimeType": "audio/wav", "fileUri": uri}),
        );
    }
    let failure = body(user(vec![file("abc").into()]), &VERTEX).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unsupported);
}

#[test]
fn signatures_return_on_the_very_part() {
    let parts = vec![
        signed(Part::reasoning("so"), FORMAT),
        signed(Part::text(""), FORMAT),
        signed(ToolCall::new("c1", "f", r#"{ "b": 1.0, "a": 2 }"#).into(), FORMAT),
        ToolCall::new("c2", "f", "").into(),
        Part { format: Some(FORMAT.into()), ..Part::reasoning("unsigned") },
        Part {
            format: Some(FORMAT.into()),
            ..PartBody::Reasoning(Reasoning::Encrypted("cHJvb2Y=".into())).into()
        },
    ];
    let upstream = upstream(assistant(parts), &[]).unwrap();
    let expected = [
        r#"{"contents":[{"role":"model","parts":["#,
        r#"{"text":"so","thought":true,"thoughtSignature":"c2ln"},"#,
        r#"{"text":"","thoughtSignature":"c2ln"},"#,
        r#"{"functionCall":{"id":"c1","name":"f","args":{ "b": 1.0, "a": 2 }},"#,
        r#""thoughtSignature":"c2ln"},"#,
        r#"{"functionCall":{"id":"c2","name":"f","args":{}}},"#,
        r#"{"text":"unsigned","thought":true},"#,
        r#"{"text":"","thoughtSignature":"cHJvb2Y="}]}]}"#,
    ];
    assert_eq!(String::from_utf8(upstream.body).unwrap(), expected.concat());
}

#[test]
fn proofs_of_others_are_dropped() {
    let claude = "anthropic-claude-v1";
    let parts = || {
        vec![
            signed(Part::reasoning("so"), claude),
            Part::reasoning("nobody's"),
            signed(Part::text("said"), claude),
            signed(ToolCall::new("c1", "f", "{}").into(), claude),
            ToolCall::new("c2", "f", "{}").into(),
        ]
    };
    let call = |id: &str| json!({"functionCall": {"id": id, "name": "f", "args": {}}});
    let mut unsigned = call("c1");
    unsigned["thoughtSignature"] = json!("skip_thought_signature_validator");
    let expected = json!([{"text": "said"}, unsigned, call("c2")]);
    check(assistant(parts()), "/contents/0/parts", expected);
    // Models before the third generation ask for no proof.
    check(
        Request { model: "gemini-2.5-pro".into(), ..assistant(parts()) },
        "/contents/0/parts",
        json!([{"text": "said"}, call("c1"), call("c2")]),
    );
    // A message of which nothing is left is none.
    let thought = Message::new(Role::Assistant, vec![Part::reasoning("so")]);
    let messages = vec![Message::user("u"), thought];
    check(Request { messages, ..request() }, "/contents/1", Value::Null);
}

#[test]
fn ids_of_calls_stay_away_from_vertex() {
    let answer = result(vec![ResultBody::Text("r".into())]);
    let wished = Request {
        messages: vec![
            Message::new(Role::Assistant, vec![ToolCall::new("c1", "f", "{}").into()]),
            Message::new(Role::Tool, vec![answer.into()]),
        ],
        ..request()
    };
    let pointer = "/contents/1/parts/0/functionResponse/id";
    check(wished.clone(), pointer, json!("c1"));
    check_at(wished.clone(), &VERTEX, pointer, Value::Null);
    check_at(Request { dialect: "gemini".into(), ..wished }, &VERTEX, pointer, json!("c1"));
}

#[test]
fn arguments_must_be_an_object() {
    for input in ["[1]", "not json", "\"text\""] {
        let call = ToolCall::new("c1", "f", input);
        let failure = body(assistant(vec![call.into()]), &[]).unwrap_err();
        assert_eq!(failure.kind, FailureKind::InvalidRequest, "{input}");
        assert_eq!(failure.param.as_deref(), Some("messages.tool_calls.arguments"));
    }
    let freeform = ToolCall { freeform: true, ..ToolCall::new("c1", "f", "text") };
    check_refused(assistant(vec![freeform.into()]), "plain text");
}

#[test]
fn results_are_objects() {
    let check_result = |result: ToolResult, expected: Value| {
        let messages = says(Role::Tool, vec![result.into()]);
        let wished = Request { messages, ..request() };
        check(wished, "/contents/0/parts/0/functionResponse/response", expected);
    };
    let text = |text: &str| ResultBody::Text(text.into());
    let json = |json: &str| ResultBody::Json(json.into());
    check_result(result(vec![text(SEAL)]), json!({"output": SEAL}));
    check_result(result(vec![text(SEAL), text("2")]), json!({"output": [SEAL, "2"]}));
    check_result(result(vec![json(r#"{"t":[1]}"#)]), json!({"t": [1]}));
    check_result(result(vec![json("[1,2]")]), json!({"output": [1, 2]}));
    check_result(result(vec![]), json!({}));
    let failed = |content| ToolResult { failed: true, ..result(content) };
    check_result(failed(vec![text("no")]), json!({"error": "no"}));
    check_result(failed(vec![json(r#"{"code":5}"#)]), json!({"error": {"code": 5}}));
    check_result(failed(vec![]), json!({"error": "the tool failed"}));
}

#[test]
fn results_of_calls_that_were_made_at_once_are_one_content() {
    let tool = |text: &str| {
        Message::new(Role::Tool, vec![result(vec![ResultBody::Text(text.into())]).into()])
    };
    let messages = vec![tool("1"), tool("2"), Message::user("and?")];
    let answer = |text: &str| json!({"functionResponse": {"id": "c1", "name": "f", "response": {"output": text}}});
    check(
        Request { messages, ..request() },
        "/contents",
        json!([
            {"role": "user", "parts": [answer("1"), answer("2")]},
            {"role": "user", "parts": [{"text": "and?"}]},
        ]),
    );
}

#[test]
fn media_in_results() {
    let seen = Media {
        name: Some("chart.png".into()),
        ..media(MediaKind::Image, MediaSource::Base64(SEAL.into()), Some("image/png"))
    };
    let stored = media(MediaKind::Image, MediaSource::Uri("gs://b/a.png".into()), None);
    let content =
        vec![ResultBody::Text("see".into()), ResultBody::Media(seen), ResultBody::Media(stored)];
    let messages = says(Role::Tool, vec![result(content).into()]);
    let wished = Request { messages, ..request() };
    check_at(
        wished.clone(),
        &VERTEX,
        "/contents/0/parts/0/functionResponse",
        json!({
            "name": "f",
            "response": {"output": "see"},
            "parts": [
                {"inlineData": {"mimeType": "image/png", "data": SEAL,
                    "displayName": "chart.png"}},
                {"fileData": {"mimeType": "image/png", "fileUri": "gs://b/a.png"}},
            ],
        }),
    );
    let older = Request { model: "gemini-2.5-pro".into(), ..wished };
    let failure = body(older, &VERTEX).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unsupported);
    assert!(failure.message.contains("media in tool results"), "{}", failure.message);
}

#[test]
fn a_result_without_the_name_of_its_tool_is_refused() {
    let nameless = ToolResult { name: String::new(), ..result(vec![]) };
    let messages = says(Role::Tool, vec![nameless.into()]);
    check_refused(Request { messages, ..request() }, "name of the tool");
}

#[test]
fn native_parts_and_fields_go_back_as_they_came() {
    let video = Part {
        extra: vec![("videoMetadata".into(), r#"{"fps":0.5}"#.into())],
        ..linked(MediaKind::Video, "https://youtu.be/abc")
    };
    let native_part = |json: &str| Part::from(PartBody::Native(json.into()));
    let code = r#"{"executableCode":{"language":"PYTHON","code":"1"}}"#;
    let signature = || Some("c2ln".into());
    let parts = vec![
        video,
        native_part(code),
        Part { signature: signature(), ..native_part(r#"{"toolCall":{"id":"t"}}"#) },
        native_part(r#"{"toolResponse":{},"thoughtSignature":"own"}"#),
        Part { signature: signature(), ..Part::text("") },
    ];
    check(
        Request { messages: says(Role::Assistant, parts), ..native() },
        "/contents/0/parts",
        json!([
            {"fileData": {"fileUri": "https://youtu.be/abc"}, "videoMetadata": {"fps": 0.5}},
            {"executableCode": {"language": "PYTHON", "code": "1"}},
            {"toolCall": {"id": "t"}, "thoughtSignature": "c2ln"},
            {"toolResponse": {}, "thoughtSignature": "own"},
            {"text": "", "thoughtSignature": "c2ln"},
        ]),
    );
    check_refused(assistant(vec![native_part(code)]), "native values");
}
