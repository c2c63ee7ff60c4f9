//! Requests as clients write them, and what they are understood as.

use chat::{Message, Part, PartBody, Reasoning, ResponseFormat, ResultBody, Role, ToolChoice};
use http::Request;
use serde_json::{Value, json};

use super::*;
use crate::events;
use crate::gemini::Framing;
use crate::gemini::signature::written;

const LONG: &str = "A text that is long enough to be sealed, since it has more than 64 bytes.";

const PATH: &str = "/v1beta/models/author/slug:generateContent";

fn head(uri: &str) -> Parts {
    Request::post(uri).body(()).unwrap().into_parts().0
}

fn read(uri: &str, body: &str) -> Result<ChatCall, BadRequest> {
    decode(&head(uri), Bytes::copy_from_slice(body.as_bytes()), &DecodeOptions::default())
}

#[track_caller]
fn call(body: &Value) -> ChatCall {
    read(PATH, &body.to_string()).unwrap()
}

/// A call with one content and these further fields.
#[track_caller]
fn with(mut fields: Value) -> ChatCall {
    fields["contents"] = json!([{"parts": [{"text": "hi"}]}]);
    call(&fields)
}

#[track_caller]
fn messages(contents: Value) -> Vec<Message> {
    let call = call(&json!({"contents": contents}));
    call.seals.unseal(&call.request).messages
}

/// The one part of a content of this role, beside the answer to the call that it is.
#[track_caller]
fn part(role: &str, part: Value) -> Part {
    let name = &part["functionCall"]["name"];
    let answer = match name.is_string() {
        true => json!({"functionResponse": {"name": name}}),
        false => json!({"text": "t"}),
    };
    let contents = json!([{"role": role, "parts": [part]}, {"parts": [answer]}]);
    messages(contents).remove(0).parts.remove(0)
}

#[track_caller]
fn media(part_of: Value) -> (chat::Media, Vec<(String, String)>) {
    let part = part("user", part_of);
    match part.body {
        PartBody::Media(media) => (media, part.extra),
        other => panic!("no media: {other:?}"),
    }
}

#[track_caller]
fn refused(body: &str, param: &str, code: &str) {
    let error = read(PATH, body).expect_err(body);
    assert_eq!(error.param.as_deref().unwrap_or_default(), param, "{error}");
    assert_eq!(error.code, code, "{error}");
}

#[track_caller]
fn refused_part(role: &str, part: &str, param: &str) {
    let param = format!("contents[0].parts[0]{param}");
    let body = format!(r#"{{"contents":[{{"role":"{role}","parts":[{part}]}}]}}"#);
    refused(&body, &param, "invalid_value");
}

#[track_caller]
fn extra(list: &[(String, String)], name: &str) -> Value {
    let field = list.iter().find(|(known, _)| known == name);
    field.map_or(Value::Null, |(_, json)| serde_json::from_str(json).unwrap())
}

#[test]
fn the_path_names_the_model_and_the_query_the_framing() {
    let body = r#"{"model":"models/x","contents":{"parts":{"text":"hi"}}}"#;
    let stream = "/v1beta/models/author%2Fslug:streamGenerateContent?alt=sse";
    let call = read(stream, body).unwrap();
    assert_eq!(call.routing.models, ["author/slug"]);
    assert_eq!(call.request.model, "author/slug");
    assert!(call.request.streaming);
    assert!(format!("{:?}", call.form).contains(&format!("{:?}", Framing::Events)));
    assert!(!read(PATH, body).unwrap().request.streaming);
}

#[test]
fn contents_are_messages_in_order() {
    let call = call(&json!({
        "system_instruction": {"role": "user", "parts": [{"text": "Be brief."}]},
        "contents": [
            {"parts": [{"text": LONG}, {"text": "2"}]},
            {"role": "model", "parts": [{"text": "3"}]},
            {"role": "function", "parts": {"text": "4"}},
        ],
    }));
    assert_eq!(call.seals.len(), 1);
    assert_eq!(call.opening.len(), 2);
    let messages = call.seals.unseal(&call.request).messages;
    let roles: Vec<Role> = messages.iter().map(|message| message.role).collect();
    assert_eq!(roles, [Role::System, Role::User, Role::Assistant, Role::User]);
    assert!(matches!(&messages[1].parts[0].body, PartBody::Text(text) if text == LONG));
    assert_eq!(messages[1].parts.len(), 2);
}

#[test]
fn calls_and_answers_find_each_other_by_id_or_by_name_and_order() {
    let messages = messages(json!([
        {"role": "user", "parts": [{"text": "?"}]},
        {"role": "model", "parts": [
            {"functionCall": {"name": "f", "args": {"b": 1.0, "a": [ 2 ]}}},
            {"function_call": {"name": "f", "args": {}}},
            {"functionCall": {"id": "c9", "name": "g"}},
        ]},
        {"role": "user", "parts": [
            {"functionResponse": {"name": "f", "response": {"output": "1"}}},
            {"functionResponse": {"id": "c9", "response": {"error": "no"}}},
            {"function_response": {"name": "f", "response": {"result": [2]}}},
            {"text": "and?"},
        ]},
    ]));
    let roles: Vec<Role> = messages.iter().map(|message| message.role).collect();
    assert_eq!(roles, [Role::User, Role::Assistant, Role::Tool, Role::User]);
    let calls = messages[1].parts.iter().map(|part| match &part.body {
        PartBody::ToolCall(call) => (&*call.id, &*call.name, &*call.input),
        other => panic!("{other:?}"),
    });
    let calls: Vec<_> = calls.collect();
    assert_eq!(calls[0], ("unnamed-1", "f", r#"{"a":[2],"b":1.0}"#));
    assert_eq!(calls[1], ("unnamed-2", "f", "{}"));
    assert_eq!(calls[2], ("c9", "g", "{}"));
    let results = messages[2].parts.iter().map(|part| match &part.body {
        PartBody::ToolResult(result) => {
            let body = match &result.content[0].body {
                ResultBody::Text(text) | ResultBody::Json(text) => text.as_str(),
                other => panic!("{other:?}"),
            };
            (&*result.call_id, &*result.name, body, result.failed)
        }
        other => panic!("{other:?}"),
    });
    let results: Vec<_> = results.collect();
    assert_eq!(results[0], ("unnamed-1", "f", "1", false));
    assert_eq!(results[1], ("c9", "g", "no", true));
    assert_eq!(results[2], ("unnamed-2", "f", r#"{"result":[2]}"#, false));
}

#[test]
fn arguments_stay_as_they_were_written() {
    let body = r#"{"contents":[{"role":"model","parts":[
        {"functionCall":{"name":"f","args":{ "z" : 1e2, "a":"\u00e9" }}}]},
        {"parts":{"functionResponse":{"name":"f"}}}]}"#;
    let request = read(PATH, body).unwrap().request;
    match &request.messages[0].parts[0].body {
        PartBody::ToolCall(call) => assert_eq!(call.input, r#"{ "z" : 1e2, "a":"\u00e9" }"#),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_a_tool_answered_is_text_json_or_media() {
    let result = |response: Value| {
        let mut messages = messages(json!([
            {"role": "model", "parts": [{"functionCall": {"id": "c", "name": "f"}}]},
            {"parts": [{"functionResponse": response}]},
        ]));
        let part = messages.remove(1).parts.remove(0);
        match part.body {
            PartBody::ToolResult(result) => (result, part.extra),
            other => panic!("{other:?}"),
        }
    };
    let body = |response: Value| {
        let (result, _) = result(json!({"id": "c", "name": "f", "response": response.clone()}));
        (
            format!("{:?}", result.content.iter().map(|it| &it.body).collect::<Vec<_>>()),
            result.failed,
        )
    };
    for (response, expected, failed) in [
        (json!({"output": "x"}), r#"[ResultBody::Text("x")]"#, false),
        (json!({"error": "x"}), r#"[ResultBody::Text("x")]"#, true),
        (json!({"error": [1]}), r#"[ResultBody::Json("[1]")]"#, true),
        (json!({"output": 1}), r#"[ResultBody::Json("{\"output\":1}")]"#, false),
        (
            json!({"error": "x", "n": 1}),
            r#"[ResultBody::Json("{\"error\":\"x\",\"n\":1}")]"#,
            false,
        ),
        (json!({}), "[]", false),
    ] {
        assert_eq!(body(response.clone()), (expected.to_owned(), failed), "{response}");
    }
    let (seen, native) = result(json!({
        "id": "c", "name": "f", "response": {}, "willContinue": true,
        "parts": [
            {"inlineData": {"mimeType": "image/png", "data": "AAAA", "displayName": "a.png"}},
            {"file_data": {"file_uri": "gs://b/c.pdf"}},
        ],
    }));
    let names = seen.content.iter().map(|part| match &part.body {
        ResultBody::Media(media) => (media.kind, media.name.as_deref()),
        other => panic!("{other:?}"),
    });
    let kinds: Vec<_> = names.collect();
    assert_eq!(kinds[0], (chat::MediaKind::Image, Some("a.png")));
    assert_eq!(kinds[1], (chat::MediaKind::Document, None));
    assert_eq!(extra(&native, "functionResponse"), json!({"willContinue": true}));
}

#[test]
fn data_is_read_in_either_alphabet() {
    for (data, expected) in
        [("+/8=", "+/8="), ("-_8=", "+/8="), ("-_8", "+/8="), ("AAAA", "AAAA"), ("AA", "AA==")]
    {
        let part = json!({"inline_data": {"mime_type": "image/png", "data": data}});
        let (media, _) = media(part);
        assert!(matches!(&media.source, chat::MediaSource::Base64(it) if it == expected));
        assert_eq!(media.mime.as_deref(), Some("image/png"));
    }
    let long = "-_8A".repeat(30);
    let body = json!({"contents": [{"parts": [
        {"inlineData": {"mimeType": "audio/wav", "data": long}}]}]});
    let call = call(&body);
    assert_eq!(call.seals.len(), 1);
    let token = match &call.request.messages[0].parts[0].body {
        PartBody::Media(media) => match &media.source {
            chat::MediaSource::Base64(token) => token.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    assert_eq!(call.seals.open(&token), Some("+/8A".repeat(30)));
    assert_eq!(call.needs, ["audio"]);
}

#[test]
fn data_in_lines_is_one_text_and_what_is_no_data_is_refused() {
    let lines = "AAAA".repeat(19) + "\r\n" + &"-_8A".repeat(19) + "\n\tAA \n";
    let body = json!({"contents": [{"parts": [
        {"inlineData": {"mimeType": "audio/wav", "data": lines}}]}]});
    let call = call(&body);
    let token = match &call.request.messages[0].parts[0].body {
        PartBody::Media(chat::Media { source: chat::MediaSource::Base64(token), .. }) => token,
        other => panic!("{other:?}"),
    };
    let expected = "AAAA".repeat(19) + &"+/8A".repeat(19) + "AA==";
    assert_eq!(call.seals.open(token), Some(expected.clone()));
    let sent = format!(r#"{{"data":"{token}"}}"#).into_bytes();
    let sent = call.seals.splice(sent, true).unwrap().chunks.concat();
    assert_eq!(sent, format!(r#"{{"data":"{expected}"}}"#).into_bytes());

    let long = "AAAA".repeat(20);
    for end in ["\"}}]}],\"model\":\"other\",\"x\":\"", "\\AAA", "\u{1}AAA", "é!", "!!!!"] {
        let data = Value::from(format!("{long}{end}"));
        refused_part(
            "user",
            &format!(r#"{{"inlineData":{{"mimeType":"image/png","data":{data}}}}}"#),
            ".inlineData.data",
        );
    }
}

#[test]
fn files_are_where_their_address_says() {
    let file = |uri: &str| media(json!({"fileData": {"fileUri": uri, "mimeType": "image/png"}})).0;
    use chat::MediaSource::{Base64, FileId, Uri};
    assert!(matches!(file("gs://b/a.png").source, Uri(uri) if uri == "gs://b/a.png"));
    assert!(matches!(file("https://x.example/a").source, Uri(uri) if uri == "https://x.example/a"));
    assert!(matches!(file("files/abc").source, FileId(id) if id == "files/abc"));
    assert!(matches!(file("data:image/gif;base64,AAAA").source, Base64(data) if data == "AAAA"));
    let (video, aside) = media(json!({
        "fileData": {"fileUri": "https://youtu.be/x"}, "videoMetadata": {"fps": 2}}));
    assert_eq!(video.kind, chat::MediaKind::Video);
    assert_eq!(extra(&aside, "videoMetadata"), json!({"fps": 2}));
}

#[test]
fn what_only_this_dialect_knows_is_native() {
    for native in [
        json!({"executableCode": {"language": "PYTHON", "code": "1"}}),
        json!({"code_execution_result": {"outcome": "OUTCOME_OK"}, "thoughtSignature": "c2ln"}),
        json!({"toolCall": {"id": "t"}}),
        json!({"of_the_future": 1}),
    ] {
        let call = call(&json!({"contents": [{"role": "model", "parts": [native]}]}));
        assert!(call.native, "{native}");
        match &call.request.messages[0].parts[0].body {
            PartBody::Native(json) => {
                assert_eq!(serde_json::from_str::<Value>(json).unwrap(), native);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn googles_signatures_stay_on_their_parts() {
    for (wire, is_thought) in [
        (json!({"text": "t", "thought": true, "thoughtSignature": "c2ln"}), true),
        (json!({"text": "t", "thought_signature": "c2ln"}), false),
        (json!({"functionCall": {"name": "f"}, "thoughtSignature": "c2ln"}), false),
        (json!({"thoughtSignature": "c2ln"}), false),
        (json!({"text": "", "thoughtSignature": "c2ln"}), false),
    ] {
        let part = part("model", wire.clone());
        assert_eq!(part.signature.as_deref(), Some("c2ln"), "{wire}");
        assert_eq!(part.format.as_deref(), Some("google-gemini-v1"), "{wire}");
        assert_eq!(matches!(part.body, PartBody::Reasoning(_)), is_thought, "{wire}");
    }
    let unsigned = part("model", json!({"text": "t", "thought": true}));
    assert_eq!((unsigned.signature, unsigned.format), (None, None));
}

#[test]
fn what_another_provider_thought_comes_back_whole() {
    let thought = Part {
        format: Some("anthropic-claude-v1".into()),
        signature: Some("EqQB".into()),
        ..events::part(events::reasoning("First I think."))
    };
    let sealed = Part {
        format: Some("openai-responses-v1".into()),
        id: Some("rs_1".into()),
        ..events::part(PartBody::Reasoning(Reasoning::Encrypted("gAAA".into())))
    };
    let (proof, other) = (written(&thought).unwrap(), written(&sealed).unwrap());
    let bit = |text: &str| json!({"text": text, "thought": true});
    let signed =
        |text: &str, proof: &str| json!({"text": text, "thought": true, "thoughtSignature": proof});
    let in_one = json!([{"role": "model", "parts": [
        signed("First I think.", &proof), signed("", &other), {"text": "Then I speak."}]}]);
    // As a client keeps a stream: a content for each chunk.
    let in_bits = json!([
        {"role": "model", "parts": [bit("First ")]},
        {"role": "model", "parts": [bit("I think.")]},
        {"role": "model", "parts": [signed("", &proof)]},
        {"role": "model", "parts": [signed("", &other), {"text": "Then I speak."}]},
    ]);
    for contents in [in_one, in_bits] {
        let messages = messages(contents);
        assert_eq!(messages.len(), 1);
        let expected =
            [thought.clone(), sealed.clone(), events::part(events::text("Then I speak."))];
        assert_eq!(format!("{:?}", messages[0].parts), format!("{expected:?}"));
    }
}

/// Were what is joined moved for each bit, this would not end.
#[test]
fn a_great_many_bits_are_one_thought() {
    let count = 100_000;
    let bit = |n: usize| {
        json!({"role": "model", "parts": [
            {"text": format!("{n:06} and so on; "), "thought": true, "x": n}]})
    };
    let thought =
        Part { format: Some("anthropic-claude-v1".into()), ..events::part(events::reasoning("")) };
    let mut contents: Vec<Value> = (0..count).map(bit).collect();
    let proof = written(&thought).unwrap().into_owned();
    contents.push(json!({"role": "model", "parts": [
        {"text": "", "thought": true, "thoughtSignature": proof}]}));
    let messages = messages(Value::Array(contents));
    let [Message { parts, .. }] = messages.as_slice() else { panic!("{}", messages.len()) };
    let [part] = parts.as_slice() else { panic!("{}", parts.len()) };
    let PartBody::Reasoning(Reasoning::Text(text)) = &part.body else { panic!("no thought") };
    assert!(text.starts_with("000000 and so on; 000001 and"));
    assert!(text.ends_with("099999 and so on; "));
    assert_eq!((text.len(), part.extra.len()), (17 * count + count, count));
    assert_eq!(part.extra[1], ("x".to_owned(), "1".to_owned()));
}

#[test]
fn a_stream_of_googles_own_stays_as_it_was_kept() {
    let contents = json!([
        {"role": "model", "parts": [{"text": "a", "thought": true}]},
        {"role": "model", "parts": [{"text": "b", "thought": true}]},
        {"role": "model", "parts": [{"text": "", "thoughtSignature": "c2ln"}]},
    ]);
    assert_eq!(messages(contents).len(), 3);
}

#[test]
fn tiers_have_the_names_that_all_know() {
    for (word, tier) in [("standard", "default"), ("flex", "flex"), ("priority", "priority")] {
        let call = with(json!({"serviceTier": word}));
        assert_eq!(call.request.service_tier.as_deref(), Some(tier));
    }
}

#[test]
fn labels_are_as_many_as_google_takes() {
    let labels = |count: usize| -> Value {
        (0..count).map(|n| (format!("l{n}"), json!("v"))).collect::<serde_json::Map<_, _>>().into()
    };
    assert_eq!(with(json!({"labels": labels(64)})).metadata.len(), 64);
    let body = json!({"contents": [{"parts": [{"text": "hi"}]}], "labels": labels(65)});
    refused(&body.to_string(), "labels", "invalid_value");
}

#[test]
fn wishes_for_the_answer() {
    let call = with(json!({"generationConfig": {
        "temperature": 1, "topP": 0.5, "top_k": 40.0, "maxOutputTokens": 7, "candidateCount": 2,
        "stopSequences": ["x"], "seed": -3, "frequencyPenalty": 0.1, "presencePenalty": 0.2,
        "responseLogprobs": true, "logprobs": 4, "responseModalities": ["TEXT", "IMAGE"],
        "speechConfig": {"a": 1}, "mediaResolution": "LOW",
    }, "safetySettings": [], "labels": {"team": "a"}, "serviceTier": "flex"}));
    let request = &call.request;
    let sampling = &request.sampling;
    assert_eq!(
        (sampling.temperature, sampling.top_p, sampling.top_k),
        (Some(1.0), Some(0.5), Some(40))
    );
    assert_eq!((sampling.frequency_penalty, sampling.presence_penalty), (Some(0.1), Some(0.2)));
    assert_eq!((sampling.seed, sampling.top_logprobs), (Some(-3), Some(4)));
    assert_eq!(sampling.stop, ["x"]);
    assert_eq!((request.max_tokens, request.choices), (Some(7), 2));
    assert_eq!(request.modalities, ["text", "image"]);
    assert_eq!(request.service_tier.as_deref(), Some("flex"));
    assert_eq!(
        extra(&request.extra, "generationConfig"),
        json!({"speechConfig": {"a": 1}, "mediaResolution": "LOW"})
    );
    assert_eq!(extra(&request.extra, "safetySettings"), json!([]));
    assert_eq!(call.metadata, [("team".to_owned(), "a".to_owned())]);
    assert!(!call.native);
}

#[test]
fn what_is_cached_is_googles_alone() {
    let call = with(json!({"cachedContent": "cachedContents/x"}));
    assert!(call.native);
    assert_eq!(extra(&call.request.extra, "cachedContent"), json!("cachedContents/x"));
}

#[test]
fn thinking_is_asked_for_in_levels_or_tokens() {
    let thinking = |config: Value| {
        let call = with(json!({"generationConfig": {"thinkingConfig": config}}));
        let shown = format!("{:?}", call.form).contains("include_thoughts: true");
        let options = call.request.reasoning.unwrap();
        assert_eq!(options.hidden, !shown);
        assert_eq!(options.summary.as_deref(), shown.then_some("auto"));
        (options.enabled, options.effort, options.max_tokens, shown)
    };
    let check =
        |config: Value, expected| assert_eq!(thinking(config.clone()), expected, "{config}");
    check(json!({"includeThoughts": true}), (None, None, None, true));
    check(json!({"thinkingBudget": -1}), (Some(true), None, None, false));
    check(json!({"thinking_budget": 0}), (Some(false), None, None, false));
    check(json!({"thinkingBudget": 99, "includeThoughts": true}), (None, None, Some(99), true));
    check(json!({"thinkingLevel": "LOW"}), (None, Some("low".into()), None, false));
    assert!(with(json!({})).request.reasoning.is_none());
}

#[test]
fn structured_output_is_a_schema_that_all_can_read() {
    let format = |config: Value| {
        let call = with(json!({"generationConfig": config}));
        let left = extra(&call.request.extra, "generationConfig");
        (call.request.response_format, left, call.native)
    };
    let own = json!({"type": "OBJECT", "properties": {"a": {"type": "STRING"}}});
    let common = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let json_mime = "application/json";
    let schema = |format: Option<ResponseFormat>| match format {
        Some(ResponseFormat::JsonSchema(schema)) => {
            serde_json::from_str::<Value>(&schema.schema).unwrap()
        }
        other => panic!("{other:?}"),
    };
    let (told, left, _) = format(json!({"responseMimeType": json_mime, "responseSchema": own}));
    assert_eq!((schema(told), left), (common.clone(), json!({"responseSchema": own})));
    let (told, left, _) =
        format(json!({"response_mime_type": json_mime, "response_json_schema": common}));
    assert_eq!((schema(told), left), (common, Value::Null));
    let (told, ..) = format(json!({"responseMimeType": json_mime}));
    assert!(matches!(told, Some(ResponseFormat::JsonObject)));
    let (told, ..) = format(json!({"responseMimeType": "text/plain"}));
    assert!(matches!(told, Some(ResponseFormat::Text)));
    let (told, _, native) = format(json!({"responseMimeType": "text/x.enum", "responseSchema": {
        "type": "STRING", "enum": ["a"]}}));
    assert!(native && matches!(told, Some(ResponseFormat::Native(_))));
}

#[test]
fn tools_are_functions_or_the_providers() {
    let call = with(json!({"tools": [
        {"functionDeclarations": [
            {"name": "f", "description": "d", "parameters": {"type": "OBJECT"}, "behavior": "BLOCKING"},
            {"name": "g", "parametersJsonSchema": {"type": "object"}},
            {"name": "h"},
        ], "codeExecution": {}},
        {"googleSearch": {}},
    ]}));
    let tools = &call.request.tools;
    assert!(call.native);
    assert_eq!(tools.len(), 5);
    let function = |place: usize| match &tools[place] {
        chat::Tool::Function(tool) => tool,
        other => panic!("{other:?}"),
    };
    assert_eq!(function(0).parameters.as_deref(), Some(r#"{"type":"object"}"#));
    assert_eq!(extra(&function(0).extra, "parameters"), json!({"type": "OBJECT"}));
    assert_eq!(extra(&function(0).extra, "behavior"), json!("BLOCKING"));
    assert_eq!(function(1).parameters.as_deref(), Some(r#"{"type":"object"}"#));
    assert!(function(1).extra.is_empty());
    assert_eq!(function(2).parameters, None);
    assert!(matches!(&tools[3], chat::Tool::Native(json) if json == r#"{"codeExecution":{}}"#));
    assert!(matches!(&tools[4], chat::Tool::Native(json) if json == r#"{"googleSearch":{}}"#));
}

#[test]
fn the_choice_among_tools() {
    let choice = |config: Value| {
        let call = with(json!({"toolConfig": {"functionCallingConfig": config}}));
        let left = extra(&call.request.extra, "toolConfig");
        (call.request.tool_choice, left)
    };
    assert!(matches!(choice(json!({"mode": "AUTO"})).0, Some(ToolChoice::Auto)));
    assert!(matches!(choice(json!({})).0, Some(ToolChoice::Auto)));
    assert!(matches!(choice(json!({"mode": "NONE"})).0, Some(ToolChoice::None)));
    assert!(matches!(choice(json!({"mode": "ANY"})).0, Some(ToolChoice::Required)));
    let named = json!({"mode": "ANY", "allowed_function_names": ["f"]});
    assert!(matches!(choice(named).0, Some(ToolChoice::Named(name)) if name == "f"));
    for (mode, required) in [("ANY", true), ("VALIDATED", false)] {
        match choice(json!({"mode": mode, "allowedFunctionNames": ["f", "g"]})).0 {
            Some(ToolChoice::Allowed(it)) => {
                assert_eq!((it.names.len(), it.required), (2, required));
            }
            other => panic!("{other:?}"),
        }
    }
    let (told, left) = choice(json!({"mode": "VALIDATED", "streamFunctionCallArguments": true}));
    assert!(told.is_none());
    assert_eq!(
        left["functionCallingConfig"],
        json!({
        "mode": "VALIDATED", "streamFunctionCallArguments": true})
    );
}

#[test]
fn a_request_to_count_may_hold_a_whole_one() {
    let uri = "/v1beta/models/m:countTokens";
    let count = |body: Value| {
        decode_count(&head(uri), Bytes::from(body.to_string()), &DecodeOptions::default())
    };
    let contents = json!([{"parts": [{"text": "hi"}]}]);
    assert_eq!(count(json!({"contents": contents})).unwrap().request.messages.len(), 1);
    let whole = json!({"model": "models/m", "contents": contents,
        "systemInstruction": {"parts": [{"text": "s"}]}});
    let call = count(json!({"generateContentRequest": whole})).unwrap();
    assert_eq!(call.request.messages.len(), 2);
    for (body, param) in [
        (json!({"generateContentRequest": whole, "contents": contents}), "contents"),
        (json!({"generateContentRequest": {}}), "generateContentRequest.contents"),
    ] {
        assert_eq!(count(body).unwrap_err().param.as_deref(), Some(param));
    }
}

#[test]
fn what_is_wrong_is_named() {
    let invalid = "invalid_value";
    refused("{", "", "invalid_json");
    refused("[]", "", "invalid_type");
    refused("{}", "contents", "missing_required_parameter");
    refused(r#"{"contents":[]}"#, "contents", invalid);
    refused(r#"{"contents":"hi"}"#, "contents", "invalid_type");
    refused(r#"{"contents":[{"role":"user"}]}"#, "contents[0].parts", "missing_required_parameter");
    refused(r#"{"contents":[{"parts":[]}]}"#, "contents[0].parts", invalid);
    refused(
        r#"{"contents":[{"role":"system","parts":[{"text":""}]}]}"#,
        "contents[0].role",
        invalid,
    );
}

#[test]
fn what_is_wrong_with_a_wish_is_named() {
    let invalid = "invalid_value";
    let text = r#"{"parts":[{"text":"hi"}]}"#;
    let with = |fields: &str| format!(r#"{{"contents":[{text}],{fields}}}"#);
    for (fields, param, code) in [
        (
            r#""systemInstruction":{"parts":[{"inlineData":{"mimeType":"image/png","data":"AAAA"}}]}"#,
            "systemInstruction.parts[0]",
            invalid,
        ),
        (
            r#""systemInstruction":{},"system_instruction":{}"#,
            "system_instruction",
            "duplicate_field",
        ),
        (r#""generationConfig":{"topP":1,"top_p":1}"#, "generationConfig.top_p", "duplicate_field"),
        (r#""generationConfig":{"topK":1.5}"#, "generationConfig.topK", invalid),
        (r#""generationConfig":{"candidateCount":0}"#, "generationConfig.candidateCount", invalid),
        (
            r#""generationConfig":{"maxOutputTokens":0}"#,
            "generationConfig.maxOutputTokens",
            invalid,
        ),
        (r#""generationConfig":{"logprobs":2}"#, "generationConfig.logprobs", invalid),
        (
            r#""generationConfig":{"responseLogprobs":true,"logprobs":21}"#,
            "generationConfig.logprobs",
            invalid,
        ),
        (
            r#""generationConfig":{"thinkingConfig":{"thinkingBudget":-2}}"#,
            "generationConfig.thinkingConfig.thinkingBudget",
            invalid,
        ),
        (
            r#""generationConfig":{"thinkingConfig":{"thinkingBudget":1,"thinkingLevel":"LOW"}}"#,
            "generationConfig.thinkingConfig.thinkingLevel",
            invalid,
        ),
        (
            r#""generationConfig":{"responseSchema":{"type":"TEXT"}}"#,
            "generationConfig.responseSchema.type",
            invalid,
        ),
        (
            r#""generationConfig":{"responseSchema":{},"responseJsonSchema":{}}"#,
            "generationConfig.responseJsonSchema",
            invalid,
        ),
    ] {
        refused(&with(fields), param, code);
    }
}

#[test]
fn what_is_wrong_with_a_tool_is_named() {
    let invalid = "invalid_value";
    let text = r#"{"parts":[{"text":"hi"}]}"#;
    let with = |fields: &str| format!(r#"{{"contents":[{text}],{fields}}}"#);
    for (fields, param, code) in [
        (
            r#""tools":[{"functionDeclarations":[{"name":""}]}]"#,
            "tools[0].functionDeclarations[0].name",
            invalid,
        ),
        (
            r#""tools":[{"functionDeclarations":[{"name":"f","parameters":{},"parametersJsonSchema":{}}]}]"#,
            "tools[0].functionDeclarations[0].parametersJsonSchema",
            invalid,
        ),
        (
            r#""tools":[{"functionDeclarations":[{"name":"f","parameters":{"items":{"type":1,"type":2}}}]}]"#,
            "tools[0].functionDeclarations[0].parameters.items.type",
            "duplicate_field",
        ),
        (
            r#""toolConfig":{"functionCallingConfig":{"mode":"SOME"}}"#,
            "toolConfig.functionCallingConfig.mode",
            invalid,
        ),
        (
            r#""toolConfig":{"functionCallingConfig":{"mode":"AUTO","allowedFunctionNames":["f"]}}"#,
            "toolConfig.functionCallingConfig.allowedFunctionNames",
            invalid,
        ),
    ] {
        refused(&with(fields), param, code);
    }
}

#[test]
fn what_is_wrong_with_a_part_is_named() {
    refused_part("user", "{}", "");
    refused_part("user", r#"{"videoMetadata":{}}"#, "");
    refused_part("user", r#"{"text":"","inlineData":{}}"#, ".inlineData");
    refused_part("model", r#"{"text":"","executableCode":{}}"#, ".executableCode");
    refused_part("user", r#"{"text":"x","thought":true}"#, ".text");
    refused_part("user", r#"{"functionCall":{"name":"f"}}"#, ".functionCall");
    refused_part("model", r#"{"functionCall":{"name":"f","args":[]}}"#, ".functionCall.args");
    refused_part("model", r#"{"functionResponse":{"name":"f"}}"#, ".functionResponse");
    refused_part("user", r#"{"functionResponse":{"name":"f","response":{}}}"#, ".functionResponse");
    refused_part("user", r#"{"fileData":{"fileUri":"abc"}}"#, ".fileData.fileUri");
    refused_part(
        "user",
        r#"{"file_data":{"file_uri":"file:///etc/passwd"}}"#,
        ".file_data.file_uri",
    );
    refused_part(
        "user",
        r#"{"inlineData":{"mimeType":"image/png","data":"AAAAA"}}"#,
        ".inlineData.data",
    );
    let missing = "missing_required_parameter";
    let contents = |part: &str| format!(r#"{{"contents":[{{"parts":[{{"text":"a"}},{part}]}}]}}"#);
    for (part, param) in [
        (r#"{"inlineData":{"data":""}}"#, ".inlineData.mimeType"),
        (r#"{"inlineData":{"mimeType":"image/png"}}"#, ".inlineData.data"),
        (r#"{"fileData":{}}"#, ".fileData.fileUri"),
        (r#"{"functionResponse":{"id":"c"}}"#, ".functionResponse.name"),
    ] {
        refused(&contents(part), &format!("contents[0].parts[1]{param}"), missing);
    }
    refused(&contents(r#"{"text":"","text":""}"#), "contents[0].parts[1].text", "duplicate_field");
}
