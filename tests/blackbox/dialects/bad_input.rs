//! Every way in which a conversation can be bad, in every dialect: a 400 in the dialect's
//! own envelope, which names the field by the dialect's own name for it. What a dialect's
//! own service takes is passed on as it is.

use crate::setup::{bare_provider, endpoint, provider};
use http::Method;
use plugway_simulator::{Behaviour, Kind, Script, Simulator};
use plugway_tests::{Answer, TestRouter};
use serde_json::{Value, json};

/// Stands in a body where bytes are to be that no Rust string holds.
const BYTES: &str = "<bytes>";

/// A 1x1 image's first bytes, and those of a document.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB";
const PDF: &str = "JVBERi0xLjcKJeLjz9MKMSAwIG9iago8";

/// A dialect at the front door.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Door {
    Chat,
    Completions,
    Responses,
    Messages,
    Count,
    Gemini,
    Ollama,
    Generate,
    Embeddings,
    Rerank,
}

use Door::{
    Chat, Completions, Count, Embeddings, Gemini, Generate, Messages, Ollama, Rerank, Responses,
};

impl Door {
    /// Where a client sends what is for this model.
    fn path(self, model: &str) -> String {
        let path = match self {
            Chat => "/v1/chat/completions",
            Completions => "/v1/completions",
            Responses => "/v1/responses",
            Messages => "/v1/messages",
            Count => "/v1/messages/count_tokens",
            Gemini => return format!("/v1beta/models/{model}:generateContent"),
            Ollama => "/api/chat",
            Generate => "/api/generate",
            Embeddings => "/v1/embeddings",
            Rerank => "/v1/rerank",
        };
        path.to_owned()
    }

    /// A body for this model, with these fields.
    fn body(self, model: &str, fields: &str) -> String {
        match self {
            Gemini => format!("{{{fields}}}"),
            Messages => format!(r#"{{"model":"{model}","max_tokens":9,{fields}}}"#),
            Ollama | Generate => format!(r#"{{"model":"{model}","stream":false,{fields}}}"#),
            _ => format!(r#"{{"model":"{model}",{fields}}}"#),
        }
    }

    /// The fields of a conversation of these messages, items or contents.
    fn conversation(self, list: &str) -> String {
        match self {
            Responses => format!(r#""input":[{list}]"#),
            Gemini => format!(r#""contents":[{list}]"#),
            _ => format!(r#""messages":[{list}]"#),
        }
    }

    /// What its envelope says of the field at fault. Where there is no place for a field,
    /// the sentence begins with it.
    fn field(self, answer: &Answer) -> String {
        let body = answer.json();
        let error = &body["error"];
        match self {
            Messages | Count => {
                assert_eq!((&body["type"], &error["type"]), (&json!("error"), &json!(INVALID)));
                named(&error["message"])
            }
            Gemini => {
                assert_eq!((&error["code"], &error["status"]), (&json!(400), &json!(ARGUMENT)));
                let details = error["details"].as_array().unwrap().iter();
                let field = |detail: &Value| detail.pointer("/fieldViolations/0/field").cloned();
                let fields: Vec<Value> = details.filter_map(field).collect();
                fields.first().and_then(Value::as_str).unwrap_or_default().to_owned()
            }
            Ollama | Generate => named(error),
            Responses => {
                assert_eq!(error["type"], INVALID, "{error}");
                error["param"].as_str().unwrap_or_default().to_owned()
            }
            _ => {
                assert_eq!(error["code"], 400, "{error}");
                error["param"].as_str().unwrap_or_default().to_owned()
            }
        }
    }
}

const INVALID: &str = "invalid_request_error";
const ARGUMENT: &str = "INVALID_ARGUMENT";

/// The field that a sentence begins with.
fn named(sentence: &Value) -> String {
    let sentence = sentence.as_str().unwrap_or_else(|| panic!("no sentence: {sentence}"));
    sentence.split('`').nth(1).unwrap_or_default().to_owned()
}

/// A router that serves the same behind three formats.
struct Scene {
    router: TestRouter,
    upstreams: [Simulator; 3],
}

impl Scene {
    async fn start() -> Self {
        let script = || Script { behaviour: Behaviour::new(), ..Script::new() };
        let kinds = [Kind::OpenAi, Kind::Anthropic, Kind::Ollama];
        let upstreams = kinds.map(|kind| Simulator::start(kind, script()).unwrap());
        let [open, anth, own] = &upstreams;
        let mut toml = provider("open", open, 1) + &provider("anth", anth, 2);
        toml += &bare_provider("own", own);
        toml += "[models.\"test/own\"]\ninput_modalities = ['text', 'image']\n";
        toml += "supported_parameters = ['tools']\n";
        toml += &endpoint("test/own", "own", 1);
        Self { router: TestRouter::start(&toml).await, upstreams }
    }

    async fn post(&self, door: Door, model: &str, fields: &str) -> Answer {
        let body = door.body(model, fields);
        let bytes = match body.split_once(BYTES) {
            Some((before, after)) => [before.as_bytes(), b"\xff", after.as_bytes()].concat(),
            None => body.into_bytes(),
        };
        let client = self.router.client();
        client.read(client.request(Method::POST, &door.path(model), bytes)).await
    }

    /// The body is refused for the field, whoever would have been asked.
    async fn refuses(&self, door: Door, fields: &str, field: &str) {
        for model in ["test/open", "test/anth", "test/own"] {
            let answer = self.post(door, model, fields).await;
            let shown = fields.get(..fields.len().min(300)).unwrap_or(fields);
            assert_eq!(answer.status, 400, "{door:?} {shown}: {}", answer.text());
            assert_eq!(door.field(&answer), field, "{door:?} {shown}: {}", answer.text());
        }
    }

    /// Nobody was asked anything.
    fn kept_quiet(&self) {
        assert!(self.upstreams.iter().all(|upstream| upstream.requests().is_empty()));
    }

    async fn refuses_conversations(&self, cases: &[(Door, &str, &str)]) {
        for (door, list, field) in cases {
            self.refuses(*door, &door.conversation(list), field).await;
        }
        self.kept_quiet();
    }
}

/// A user's text, written as this JSON value, as each dialect has it; and the way to it.
fn saying(value: &str) -> [(Door, String, &'static str); 10] {
    let spoken = || format!(r#"{{"role":"user","content":{value}}}"#);
    let messages = || format!(r#""messages":[{}]"#, spoken());
    [
        (Chat, messages(), "messages[0].content"),
        (Completions, format!(r#""prompt":{value}"#), "prompt"),
        (Responses, format!(r#""input":[{}]"#, spoken()), "input[0].content"),
        (Messages, messages(), "messages[0].content"),
        (Count, messages(), "messages[0].content"),
        (
            Gemini,
            format!(r#""contents":[{{"role":"user","parts":[{{"text":{value}}}]}}]"#),
            "contents[0].parts[0].text",
        ),
        (Ollama, messages(), "messages[0].content"),
        (Generate, format!(r#""prompt":{value}"#), "prompt"),
        (Embeddings, format!(r#""input":{value}"#), "input"),
        (Rerank, format!(r#""documents":["a"],"query":{value}"#), "query"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_text_is_refused_where_it_stands() {
    let scene = Scene::start().await;
    for text in [BYTES, r"\ud800", r"a\udc00", r"\ud83d\ud83d\ude00"] {
        for (door, fields, field) in saying(&format!("\"{text}\"")) {
            scene.refuses(door, &fields, field).await;
        }
    }
    scene.kept_quiet();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_nested_too_deep_is_refused_where_it_begins() {
    let scene = Scene::start().await;
    for depth in [70, 130, 50_000] {
        let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        for (door, fields, field) in saying(&nested) {
            // The way is told for twelve levels, of which these lead to the field.
            let above = 1 + 2 * field.matches('[').count();
            let way = format!("{field}{}", "[0]".repeat(12 - above));
            scene.refuses(door, &fields, &way).await;
        }
    }
    scene.kept_quiet();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_twice_is_refused_by_its_name() {
    let scene = Scene::start().await;
    for (door, fields, field) in saying("\"x\"") {
        // The field of the user's text once more, beside the first.
        let (_, name) = field.rsplit_once('.').unwrap_or(("", field));
        let text = format!("\"{name}\":\"x\"");
        assert!(fields.contains(&text), "{fields}");
        scene.refuses(door, &fields.replace(&text, &format!("{text},{text}")), field).await;
    }
    scene
        .refuses_conversations(&[
            (
                Messages,
                r#"{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{"a":[{"b":1,"b":2}]}}]}"#,
                "messages[0].content[0].input.a[0].b",
            ),
            (
                Gemini,
                r#"{"role":"model","parts":[{"functionCall":{"name":"f","args":{"a":1,"a":2}}}]}"#,
                "contents[0].parts[0].functionCall.args.a",
            ),
            (
                Ollama,
                r#"{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":{"a":1,"a":2}}}]}"#,
                "messages[0].tool_calls[0].function.arguments.a",
            ),
            (Responses, r#"{"type":"future_call","x":{"a":1,"a":2}}"#, "input[0].x.a"),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_is_none_here_is_refused_by_its_name() {
    let scene = Scene::start().await;
    let huge = "99999999999999999999999999";
    for (door, fields, field) in [
        (Chat, r#""temperature":1e400"#.to_owned(), "temperature"),
        (Chat, format!(r#""max_tokens":{huge}"#), "max_tokens"),
        (Completions, r#""top_p":-1e400"#.to_owned(), "top_p"),
        (Completions, format!(r#""seed":{huge}"#), "seed"),
        (Responses, r#""temperature":1e400"#.to_owned(), "temperature"),
        (Responses, format!(r#""max_output_tokens":{huge}"#), "max_output_tokens"),
        (Messages, r#""temperature":1e400"#.to_owned(), "temperature"),
        (Messages, format!(r#""top_k":{huge}"#), "top_k"),
        (Count, r#""temperature":1e400"#.to_owned(), "temperature"),
        (
            Gemini,
            r#""generationConfig":{"temperature":1e400}"#.to_owned(),
            "generationConfig.temperature",
        ),
        (
            Gemini,
            format!(r#""generationConfig":{{"maxOutputTokens":{huge}}}"#),
            "generationConfig.maxOutputTokens",
        ),
        (Ollama, r#""options":{"temperature":1e400}"#.to_owned(), "options.temperature"),
        (Ollama, format!(r#""options":{{"num_predict":{huge}}}"#), "options.num_predict"),
        (Generate, format!(r#""options":{{"seed":{huge}}}"#), "options.seed"),
        (Embeddings, format!(r#""dimensions":{huge}"#), "dimensions"),
        (Rerank, format!(r#""top_n":{huge}"#), "top_n"),
    ] {
        let said = saying("\"x\"").into_iter().find(|(it, ..)| *it == door).unwrap().1;
        scene.refuses(door, &format!("{said},{fields}"), field).await;
    }
    scene.kept_quiet();
}

/// An image that is said to be of this type, and is this data, as each dialect has it.
fn showing(mime: &str, data: &str) -> [(Door, String, &'static str); 5] {
    let url = format!("data:{mime};base64,{data}");
    let source = format!(r#"{{"type":"base64","media_type":"{mime}","data":"{data}"}}"#);
    [
        (
            Chat,
            format!(
                r#"{{"role":"user","content":[{{"type":"image_url","image_url":{{"url":"{url}"}}}}]}}"#
            ),
            "messages[0].content[0].image_url.url",
        ),
        (
            Responses,
            format!(
                r#"{{"role":"user","content":[{{"type":"input_image","image_url":"{url}"}}]}}"#
            ),
            "input[0].content[0].image_url",
        ),
        (
            Messages,
            format!(r#"{{"role":"user","content":[{{"type":"image","source":{source}}}]}}"#),
            "messages[0].content[0].source.data",
        ),
        (
            Gemini,
            format!(r#"{{"parts":[{{"inlineData":{{"mimeType":"{mime}","data":"{data}"}}}}]}}"#),
            "contents[0].parts[0].inlineData.data",
        ),
        (
            Ollama,
            format!(r#"{{"role":"user","content":"x","images":["{data}"]}}"#),
            "messages[0].images[0]",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn media_that_are_not_what_they_are_said_to_be_are_refused() {
    let scene = Scene::start().await;
    for (mime, data) in [
        ("image/png", PDF),
        ("image/png", "!!!! no base64 !!!!"),
        ("image/png", ""),
        ("text/plain", PNG),
    ] {
        for (door, shown, field) in showing(mime, data) {
            // There an image has no type.
            if mime == "image/png" || door != Ollama {
                scene.refuses(door, &door.conversation(&shown), field).await;
            }
        }
    }
    let text = "data:text/plain;base64,QUJD";
    scene
        .refuses_conversations(&[
            (
                Chat,
                &format!(r#"{{"role":"user","content":[{{"type":"image_url","image_url":"{text}"}}]}}"#),
                "messages[0].content[0].image_url",
            ),
            (
                Chat,
                r#"{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png,x"}}]}"#,
                "messages[0].content[0].image_url.url",
            ),
            (
                Chat,
                &format!(r#"{{"role":"user","content":[{{"type":"input_audio","input_audio":{{"format":"mp3","data":"{PNG}"}}}}]}}"#),
                "messages[0].content[0].input_audio.data",
            ),
            (
                Chat,
                &format!(r#"{{"role":"user","content":[{{"type":"file","file":{{"file_data":"data:application/pdf;base64,{PNG}"}}}}]}}"#),
                "messages[0].content[0].file.file_data",
            ),
            (
                Responses,
                &format!(r#"{{"role":"user","content":[{{"type":"input_image","image_url":"{text}"}}]}}"#),
                "input[0].content[0].image_url",
            ),
            (
                Messages,
                &format!(r#"{{"role":"user","content":[{{"type":"document","source":{{"type":"base64","media_type":"application/pdf","data":"{PNG}"}}}}]}}"#),
                "messages[0].content[0].source.data",
            ),
            (
                Messages,
                &format!(r#"{{"role":"user","content":[{{"type":"image","source":{{"type":"url","url":"{text}"}}}}]}}"#),
                "messages[0].content[0].source.url",
            ),
            (
                Gemini,
                r#"{"parts":[{"fileData":{"mimeType":"image/png","fileUri":"data:text/plain;base64,QUJD"}}]}"#,
                "contents[0].parts[0].fileData.fileUri",
            ),
        ])
        .await;
}

/// Providers take the bytes for what they are, and so does the router: what is told to
/// the next provider is true.
#[tokio::test(flavor = "multi_thread")]
async fn the_type_of_an_image_is_put_right() {
    let scene = Scene::start().await;
    for mime in ["image/jpeg", "image/webp", "application/octet-stream"] {
        for (door, shown, _) in showing(mime, PNG) {
            if door == Gemini && !mime.starts_with("image/") {
                continue;
            }
            let answer = scene.post(door, "test/anth", &door.conversation(&shown)).await;
            assert_eq!(answer.status, 200, "{door:?} {mime}: {}", answer.text());
            let asked = scene.upstreams[1].requests().pop().unwrap().json();
            let blocks = asked["messages"][0]["content"].as_array().unwrap().iter();
            let source = blocks.map(|block| &block["source"]).find(|it| it.is_object()).unwrap();
            let expected = json!({"type": "base64", "media_type": "image/png", "data": PNG});
            assert_eq!(*source, expected, "{door:?} {mime}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn results_without_calls_are_refused() {
    let scene = Scene::start().await;
    let user = r#"{"role":"user","content":"x"}"#;
    scene
        .refuses_conversations(&[
            (
                Chat,
                &format!(r#"{user},{{"role":"tool","tool_call_id":"c","content":"r"}}"#),
                "messages[1].tool_call_id",
            ),
            (
                Chat,
                r#"{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f"}}]},
                   {"role":"tool","tool_call_id":"b","content":"r"}"#,
                "messages[1].tool_call_id",
            ),
            (
                Chat,
                &format!(r#"{user},{{"role":"function","name":"f","content":"r"}}"#),
                "messages[1].name",
            ),
            (
                Responses,
                &format!(r#"{user},{{"type":"function_call_output","call_id":"c","output":"r"}}"#),
                "input[1].call_id",
            ),
            (
                Messages,
                r#"{"role":"user","content":[{"type":"tool_result","tool_use_id":"c","content":"r"}]}"#,
                "messages[0].content[0].tool_use_id",
            ),
            (
                Gemini,
                r#"{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"a":1}}}]}"#,
                "contents[0].parts[0].functionResponse",
            ),
            (
                Gemini,
                r#"{"role":"user","parts":[{"functionResponse":{"id":"c","name":"f","response":{}}}]}"#,
                "contents[0].parts[0].functionResponse.id",
            ),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_without_results_are_refused() {
    let scene = Scene::start().await;
    let call =
        |id: &str| format!(r#"{{"id":"{id}","function":{{"name":"f","arguments":"{{}}"}}}}"#);
    let item = |id: &str| {
        format!(r#"{{"type":"function_call","call_id":"{id}","name":"f","arguments":"{{}}"}}"#)
    };
    let (a, b) = (call("a"), call("b"));
    let user = r#"{"role":"user","content":"x"}"#;
    scene
        .refuses_conversations(&[
            (
                Chat,
                &format!(r#"{user},{{"role":"assistant","tool_calls":[{a}]}}"#),
                "messages[1].tool_calls[0]",
            ),
            (
                Chat,
                &format!(
                    r#"{{"role":"assistant","tool_calls":[{a},{b}]}},
                       {{"role":"tool","tool_call_id":"a","content":"r"}},{user}"#
                ),
                "messages[0].tool_calls[1]",
            ),
            (
                Chat,
                r#"{"role":"assistant","function_call":{"name":"f","arguments":""}}"#,
                "messages[0].function_call",
            ),
            (
                Responses,
                &format!(
                    r#"{},{},{{"type":"function_call_output","call_id":"b","output":"r"}}"#,
                    item("a"),
                    item("b")
                ),
                "input[0]",
            ),
            (
                Messages,
                r#"{"role":"assistant","content":[{"type":"text","text":"t"},{"type":"tool_use","id":"c","name":"f","input":{}}]},
                   {"role":"user","content":"x"}"#,
                "messages[0].content[1]",
            ),
            (
                Gemini,
                r#"{"role":"model","parts":[{"functionCall":{"name":"f"}},{"functionCall":{"name":"f"}}]},
                   {"role":"user","parts":[{"functionResponse":{"name":"f","response":{}}}]}"#,
                "contents[0].parts[1].functionCall",
            ),
        ])
        .await;
}

/// A local model is shown any conversation, and makes of it what it can.
#[tokio::test(flavor = "multi_thread")]
async fn calls_and_results_that_stand_alone_are_a_local_models_to_judge() {
    let scene = Scene::start().await;
    let messages = json!([
        {"role": "user", "content": "x"},
        {"role": "tool", "tool_name": "g", "content": "r"},
        {"role": "assistant", "content": "t", "tool_calls": [
            {"function": {"name": "f", "arguments": {"a": 1}}},
        ]},
        {"role": "user", "content": "y"},
    ]);
    let fields = format!(r#""messages":{messages}"#);
    let answer = scene.post(Ollama, "test/own", &fields).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let asked = scene.upstreams[2].requests().pop().unwrap().json();
    assert_eq!(asked["messages"][1]["content"], "r");
    assert_eq!(asked["messages"][1]["tool_name"], "g");
    let call = &asked["messages"][2]["tool_calls"][0]["function"];
    assert_eq!(*call, json!({"name": "f", "arguments": {"a": 1}}));
    assert_eq!(asked["messages"][3]["content"], "y");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_nothing_or_is_nobody_is_refused() {
    let scene = Scene::start().await;
    scene
        .refuses_conversations(&[
            (Chat, "", "messages"),
            (Chat, r#"{"role":"user"}"#, "messages[0].content"),
            (Chat, r#"{"role":"user","content":[]}"#, "messages[0].content"),
            (Chat, r#"{"role":"king","content":"x"}"#, "messages[0].role"),
            (Chat, r#"{"content":"x"}"#, "messages[0].role"),
            (Responses, "", "input"),
            (Responses, r#"{"role":"user","content":[]}"#, "input[0].content"),
            (Responses, r#"{"role":"king","content":"x"}"#, "input[0].role"),
            (Messages, "", "messages"),
            (Messages, r#"{"role":"user","content":""}"#, "messages[0].content"),
            (Messages, r#"{"role":"user","content":[]}"#, "messages[0].content"),
            (Messages, r#"{"role":"king","content":"x"}"#, "messages[0].role"),
            (Count, r#"{"role":"user","content":[]}"#, "messages[0].content"),
            (Gemini, "", "contents"),
            (Gemini, r#"{"role":"user","parts":[]}"#, "contents[0].parts"),
            (Gemini, r#"{"role":"user","parts":[{}]}"#, "contents[0].parts[0]"),
            (Gemini, r#"{"role":"king","parts":[{"text":"x"}]}"#, "contents[0].role"),
            (Ollama, r#"{"role":"king","content":"x"}"#, "messages[0].role"),
            (Ollama, r#"{"content":"x"}"#, "messages[0].role"),
            (Ollama, r#"{"role":"user","content":[{"type":"text"}]}"#, "messages[0].content"),
        ])
        .await;
    for (door, fields, field) in [
        (Completions, r#""prompt":[]"#, "prompt"),
        (Embeddings, r#""input":[]"#, "input"),
        (Rerank, r#""query":"q","documents":[]"#, "documents"),
    ] {
        scene.refuses(door, fields, field).await;
    }
    scene.kept_quiet();
}

/// A part that only the dialect's own family knows, where nobody of it serves.
#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_no_provider_of_the_model_reads_is_refused_by_its_place() {
    let scene = Scene::start().await;
    let text = r#"{"type":"text","text":"x"}"#;
    for (door, model, list, field) in [
        (
            Chat,
            "test/anth",
            format!(r#"{{"role":"user","content":[{text},{{"type":"hologram","x":1}}]}}"#),
            "messages[0].content[1]",
        ),
        (
            Responses,
            "test/anth",
            r#"{"role":"user","content":"x"},{"type":"hologram_call","x":1}"#.to_owned(),
            "input[1]",
        ),
        (
            Messages,
            "test/open",
            format!(r#"{{"role":"user","content":[{text},{{"type":"hologram","x":1}}]}}"#),
            "messages[0].content[1]",
        ),
        (
            Gemini,
            "test/open",
            r#"{"parts":[{"text":"x"},{"hologram":{"x":1}}]}"#.to_owned(),
            "contents[0].parts[1]",
        ),
    ] {
        let answer = scene.post(door, model, &door.conversation(&list)).await;
        assert_eq!(answer.status, 400, "{door:?}: {}", answer.text());
        assert!(answer.text().contains(field), "{door:?}: {}", answer.text());
    }
    scene.kept_quiet();
}

/// Bytes of base64: an image of 20 MB.
const LARGE: usize = 20_000_000 / 3 * 4;

#[tokio::test(flavor = "multi_thread")]
async fn a_large_image_arrives_byte_for_byte() {
    let scene = Scene::start().await;
    let mut data = PNG.repeat(LARGE / PNG.len());
    // Not the same wherever one looks.
    data.replace_range(LARGE / 2..LARGE / 2 + 4, "abcd");
    for (door, shown, _) in showing("image/png", &data) {
        for (place, model) in ["test/open", "test/anth"].into_iter().enumerate() {
            let answer = scene.post(door, model, &door.conversation(&shown)).await;
            assert_eq!(answer.status, 200, "{door:?} {model}: {}", answer.text());
            let asked = scene.upstreams[place].requests().pop().unwrap();
            let body = std::str::from_utf8(&asked.body).unwrap();
            assert!(body.contains(&data), "{door:?} {model}: another image arrived");
            scene.upstreams[place].clear();
        }
    }
}
