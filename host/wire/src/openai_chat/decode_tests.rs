//! Requests as clients write them, and what they are understood as.

use chat::{MediaSource, PartBody, Reasoning, ResultBody, Role, ToolChoice};

use super::*;
use crate::{Partition, Sort};

const LONG: &str = "A text that is long enough to be sealed, since it has more than 64 bytes.";

#[track_caller]
fn call(body: &str) -> ChatCall {
    decode(Bytes::copy_from_slice(body.as_bytes()), &DecodeOptions::default()).unwrap()
}

/// A call with one user message and these further fields.
#[track_caller]
fn with(fields: &str) -> ChatCall {
    call(&format!(r#"{{"model":"m","messages":[{{"role":"user","content":"hi"}}],{fields}}}"#))
}

fn includes_reasoning(call: &ChatCall) -> bool {
    format!("{:?}", call.form).contains("include_reasoning: true")
}

/// The parts of the one message given.
#[track_caller]
fn parts(message: &str) -> Vec<chat::Part> {
    let call = call(&format!(r#"{{"model":"m","messages":[{message}]}}"#));
    call.seals.unseal(&call.request).messages.remove(0).parts
}

/// The bodies of a user's content.
#[track_caller]
fn content(content: &str) -> Vec<PartBody> {
    let parts = parts(&format!(r#"{{"role":"user","content":{content}}}"#));
    parts.into_iter().map(|part| part.body).collect()
}

#[track_caller]
fn media(part: &str) -> chat::Media {
    match content(&format!("[{part}]")).remove(0) {
        PartBody::Media(media) => media,
        other => panic!("no media: {other:?}"),
    }
}

#[track_caller]
fn refused(body: &str, param: &str, code: &str) {
    let error =
        decode(Bytes::copy_from_slice(body.as_bytes()), &DecodeOptions::default()).expect_err(body);
    assert_eq!(error.param.as_deref().unwrap_or_default(), param, "{error}");
    assert_eq!(error.code, code, "{error}");
}

#[track_caller]
fn refused_with(fields: &str, param: &str, code: &str) {
    let messages = r#""messages":[{"role":"user","content":"hi"}]"#;
    refused(&format!("{{{messages},{fields}}}"), param, code);
}

#[track_caller]
fn refused_message(message: &str, param: &str, code: &str) {
    refused(&format!(r#"{{"messages":[{message}]}}"#), param, code);
}

#[test]
fn roles_and_plain_text() {
    let call = call(
        r#"{"model":"a/b","messages":[
            {"role":"system","content":"s"},{"role":"developer","content":"d"},
            {"role":"user","content":[{"type":"text","text":"u"}],"name":"bob"},
            {"role":"assistant","content":"a"}]}"#,
    );
    let messages = &call.request.messages;
    let said: Vec<_> =
        messages.iter().map(|message| (message.role, message.parts[0].body.clone())).collect();
    let text = |text: &str| PartBody::Text(text.into());
    let expected = [
        (Role::System, text("s")),
        (Role::Developer, text("d")),
        (Role::User, text("u")),
        (Role::Assistant, text("a")),
    ];
    assert_eq!(said, expected);
    assert_eq!(messages[2].name.as_deref(), Some("bob"));
    assert_eq!(call.request.model, "a/b");
    assert_eq!(call.request.dialect, "openai-chat");
    assert_eq!(call.request.choices, 1);
    assert!(includes_reasoning(&call) && !call.request.streaming && call.seals.is_empty());
    assert_eq!(call.size.text_bytes, 4);
}

#[test]
fn reasoning_counts_as_far_as_it_can_be_read() {
    let size = |details: &str| {
        let body = format!(
            r#"{{"model":"a/b","messages":[{{"role":"user","content":"hi"}},
                {{"role":"assistant","content":"ho","reasoning_details":[{details}]}}]}}"#
        );
        call(&body).size.text_bytes
    };
    let sealed = "A".repeat(1000);
    let shown = r#"{"type":"reasoning.summary","summary":"hm"}"#;
    let encrypted = format!(r#"{{"type":"reasoning.encrypted","data":"{sealed}"}}"#);
    assert_eq!(size(&format!("{shown},{encrypted}")), "hihohm".len());
}

#[test]
fn long_text_is_sealed_and_opens_again() {
    let call = call(&format!(
        r#"{{"messages":[{{"role":"user","content":"{LONG}\n\u00e9"}},
            {{"role":"assistant","tool_calls":[{{"id":"x","function":{{"name":"f"}}}}]}},
            {{"role":"tool","tool_call_id":"x","content":[{{"type":"text","text":"{LONG}"}}]}}]}}"#
    ));
    assert_eq!(call.seals.len(), 2);
    let PartBody::Text(token) = &call.request.messages[0].parts[0].body else {
        panic!("text");
    };
    assert_eq!(call.seals.open(token), Some(format!("{LONG}\n\u{e9}")));
    let unsealed = call.seals.unseal(&call.request);
    let PartBody::ToolResult(result) = &unsealed.messages[2].parts[0].body else {
        panic!("tool result");
    };
    assert_eq!(result.content[0].body, ResultBody::Text(LONG.into()));
}

#[test]
fn arguments_and_reasoning_are_never_sealed() {
    let call = call(&format!(
        r#"{{"messages":[{{"role":"assistant","reasoning":"{LONG}","refusal":"{LONG}","tool_calls":[
            {{"id":"c","type":"function","function":{{"name":"f","arguments":"{LONG}"}}}}]}},
            {{"role":"tool","tool_call_id":"c","content":"r"}}]}}"#
    ));
    assert!(call.seals.is_empty());
}

#[test]
fn a_data_url_becomes_base64() {
    let data = "QUJD".repeat(30);
    let image = media(&format!(
        r#"{{"type":"image_url","image_url":{{"url":"data:Image/PNG;base64,{data}","detail":"low"}}}}"#
    ));
    assert_eq!(image.source, MediaSource::Base64(data.clone()));
    assert_eq!(image.mime.as_deref(), Some("image/png"));
    assert_eq!(image.detail.as_deref(), Some("low"));
}

#[test]
fn media_are_taken_from_wherever_they_are() {
    let uri = |uri: &str| MediaSource::Uri(uri.into());
    for (part, kind, source, mime) in [
        (
            r#"{"type":"image_url","image_url":"https://x.test/a"}"#,
            chat::MediaKind::Image,
            uri("https://x.test/a"),
            None,
        ),
        (
            r#"{"type":"image_url","image_url":{"url":"gs:\/\/bucket\/a"}}"#,
            chat::MediaKind::Image,
            uri("gs://bucket/a"),
            None,
        ),
        (
            "{\"type\":\"image_url\",\"image_url\":\"https://x.test/0123456789012345\u{e9}\"}",
            chat::MediaKind::Image,
            uri("https://x.test/0123456789012345\u{e9}"),
            None,
        ),
        (
            r#"{"type":"video_url","video_url":{"url":"https://x.test/v"}}"#,
            chat::MediaKind::Video,
            uri("https://x.test/v"),
            None,
        ),
        (
            r#"{"type":"input_audio","input_audio":{"data":"QUJD","format":"mp3"}}"#,
            chat::MediaKind::Audio,
            MediaSource::Base64("QUJD".into()),
            Some("audio/mpeg"),
        ),
        (
            r#"{"type":"input_audio","input_audio":{"data":"data:audio/wav;base64,QUJD","format":"wav"}}"#,
            chat::MediaKind::Audio,
            MediaSource::Base64("QUJD".into()),
            Some("audio/wav"),
        ),
        (
            r#"{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;x=y;base64,QUJD"}}"#,
            chat::MediaKind::Document,
            MediaSource::Base64("QUJD".into()),
            Some("application/pdf"),
        ),
        (
            r#"{"type":"file","file":{"file_data":"https://x.test/a.pdf"}}"#,
            chat::MediaKind::Document,
            uri("https://x.test/a.pdf"),
            None,
        ),
        (
            r#"{"type":"file","file":{"file_data":"QUJD"}}"#,
            chat::MediaKind::Document,
            MediaSource::Base64("QUJD".into()),
            None,
        ),
        (
            r#"{"type":"file","file":{"file_id":"file-1"}}"#,
            chat::MediaKind::Document,
            MediaSource::FileId("file-1".into()),
            None,
        ),
    ] {
        let media = media(part);
        assert_eq!((media.kind, &media.source), (kind, &source), "{part}");
        assert_eq!(media.mime.as_deref(), mime, "{part}");
    }
}

#[test]
fn media_that_nobody_may_or_can_read_are_refused() {
    let image = |url: &str| {
        let url = format!(r#"{{"type":"image_url","image_url":{{"url":"{url}"}}}}"#);
        format!(r#"{{"role":"user","content":["x",{url}]}}"#).replace("\"x\",", "")
    };
    let param = "messages[0].content[0].image_url.url";
    for url in [
        "",
        "QUJD",
        "file:///etc/passwd",
        "FILE:///etc/passwd",
        "data:image/png;base64",
        "data:image/svg+xml,%3Csvg/%3E",
        "d\\u0061ta:image/png;base64,QUJD",
    ] {
        refused_message(&image(url), param, "invalid_value");
    }
}

#[test]
fn cache_breakpoints_stand_on_their_part() {
    let marked = parts(
        r#"{"role":"user","content":[
            {"type":"text","text":"a","cache_control":{"type":"ephemeral","ttl":"1h"}},
            {"type":"text","text":"b","prompt_cache_breakpoint":{"mode":"x"}},
            {"type":"text","text":"c"}],"cache_control":{"type":"ephemeral"}}"#,
    );
    let ttl = |ttl: Option<&str>| {
        let ttl = ttl.map(str::to_owned);
        Some(chat::CachePoint { ttl })
    };
    let caches: Vec<_> = marked.into_iter().map(|part| part.cache).collect();
    assert_eq!(caches, [ttl(Some("1h")), ttl(None), ttl(None)]);
    assert_eq!(with(r#""cache_control":{"type":"ephemeral"}"#).request.auto_cache, ttl(None));
    let call = call(
        r#"{"messages":[
            {"role":"assistant","tool_calls":[{"id":"c","function":{"name":"f"}}]},
            {"role":"tool","tool_call_id":"c","content":[
            {"type":"text","text":"a","cache_control":{"type":"ephemeral","ttl":"5m"}}]}]}"#,
    );
    assert_eq!(call.request.messages[1].parts[0].cache, ttl(Some("5m")));
    refused_with(r#""cache_control":{"type":"forever"}"#, "cache_control.type", "invalid_value");
}

fn called(part: &chat::Part) -> (&str, &str, &str, bool) {
    match &part.body {
        PartBody::ToolCall(call) => (&call.id, &call.name, &call.input, call.freeform),
        other => panic!("no call: {other:?}"),
    }
}

#[test]
fn calls_keep_what_the_model_wrote() {
    let calls = parts(
        r#"{"role":"assistant","content":"","tool_calls":[
            {"id":"c1","type":"function","index":0,"function":{"name":"f","arguments":"{\"a\": 1"},"extra_content":{"x":1},"cache_control":{"type":"ephemeral"}},
            {"id":"c2","type":"custom","custom":{"name":"g","input":"plain"}},
            {"type":"function","function":{"name":"h","arguments":{"b":2}}}],
            "function_call":{"name":"old","arguments":"{}"}},
            {"role":"tool","tool_call_id":"c1","content":""},
            {"role":"tool","tool_call_id":"c2","content":""},
            {"role":"tool","tool_call_id":"call_0_2","content":""},
            {"role":"function","name":"old","content":""}"#,
    );
    assert_eq!(called(&calls[0]), ("c1", "f", "{\"a\": 1", false));
    assert_eq!(calls[0].extra, [("extra_content".to_owned(), "{\"x\":1}".to_owned())]);
    assert_eq!(calls[0].cache, Some(chat::CachePoint { ttl: None }));
    assert_eq!(called(&calls[1]), ("c2", "g", "plain", true));
    assert_eq!(called(&calls[2]), ("call_0_2", "h", "{\"b\":2}", false));
    assert_eq!(called(&calls[3]), ("call_0", "old", "{}", false));
    assert_eq!(calls.len(), 4);
}

#[test]
fn results_know_their_call() {
    let call = call(
        r#"{"messages":[
            {"role":"assistant","tool_calls":[{"id":"c1","type":"custom","custom":{"name":"g","input":"x"}}]},
            {"role":"tool","tool_call_id":"c1","content":"done"},
            {"role":"assistant","tool_calls":[{"id":"c9","type":"future","x":{}}]},
            {"role":"tool","tool_call_id":"c9","content":[{"type":"text","text":"a"},
                {"type":"image_url","image_url":{"url":"https://x.test/a"}},{"type":"other","x":1}]},
            {"role":"assistant","function_call":{"name":"old","arguments":"{}"}},
            {"role":"function","name":"old","content":"legacy"}]}"#,
    );
    let result = |index: usize| match &call.request.messages[index].parts[0].body {
        PartBody::ToolResult(result) => result,
        other => panic!("no result: {other:?}"),
    };
    assert_eq!((&*result(1).call_id, &*result(1).name, result(1).freeform), ("c1", "g", true));
    assert_eq!(result(1).content[0].body, ResultBody::Text("done".into()));
    assert_eq!((&*result(3).call_id, &*result(3).name), ("c9", ""));
    assert!(matches!(result(3).content[1].body, ResultBody::Media(_)));
    assert!(matches!(result(3).content[2].body, ResultBody::Native(_)));
    assert_eq!((&*result(5).call_id, &*result(5).name), ("call_4", "old"));
    assert!(call.native);
}

#[test]
fn reasoning_comes_back_as_it_was_given() {
    let said = parts(
        r#"{"role":"assistant","content":"answer","reasoning":"ignored beside details","reasoning_details":[
            {"type":"reasoning.text","text":"th","format":"anthropic-claude-v1","index":0},
            {"type":"reasoning.text","text":"ink","index":0},
            {"type":"reasoning.text","signature":"sig","index":0},
            {"type":"reasoning.encrypted","data":"enc","id":"rs_1","format":"openai-responses-v1","index":1},
            {"type":"reasoning.summary","summary":"sum","format":"unknown","index":2},
            {"type":"reasoning.text","format":"unknown","index":3},
            {"type":"reasoning.encrypted","index":3},
            {"type":"reasoning.server_tool_call","tool_name":"t"}]}"#,
    );
    let bodies: Vec<_> = said.iter().map(|part| part.body.clone()).collect();
    let expected = [
        PartBody::Reasoning(Reasoning::Text("think".into())),
        PartBody::Reasoning(Reasoning::Encrypted("enc".into())),
        PartBody::Reasoning(Reasoning::Summary("sum".into())),
        PartBody::Native(r#"{"type":"reasoning.server_tool_call","tool_name":"t"}"#.into()),
        PartBody::Text("answer".into()),
    ];
    assert_eq!(bodies, expected);
    assert_eq!(said[0].signature.as_deref(), Some("sig"));
    assert_eq!(said[0].format.as_deref(), Some("anthropic-claude-v1"));
    assert_eq!(said[1].id.as_deref(), Some("rs_1"));
    assert_eq!(said[2].format, None);
}

#[test]
fn reasoning_without_details_is_plain() {
    for field in ["reasoning", "reasoning_content"] {
        let said = parts(&format!(
            r#"{{"role":"assistant","content":"a","{field}":"think","reasoning_details":[]}}"#
        ));
        let expected = PartBody::Reasoning(Reasoning::Text("think".into()));
        assert_eq!((said.len(), &said[0].body), (2, &expected), "{field}");
    }
}

#[test]
fn the_proof_on_a_call_finds_its_call() {
    let call = call(
        r#"{"messages":[{"role":"assistant","reasoning_details":[
            {"type":"reasoning.encrypted","data":"proof","id":"c2","format":"google-gemini-v1","index":0}],
            "tool_calls":[
            {"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}},
            {"id":"c2","type":"function","function":{"name":"g","arguments":"{}"}}]},
            {"role":"tool","tool_call_id":"c1","content":"r"},
            {"role":"tool","tool_call_id":"c2","content":"r"}]}"#,
    );
    let parts = &call.request.messages[0].parts;
    assert_eq!(parts.len(), 2);
    assert_eq!(parts[0].signature, None);
    assert_eq!(parts[1].signature.as_deref(), Some("proof"));
    assert_eq!(parts[1].format.as_deref(), Some("google-gemini-v1"));
}

#[test]
fn an_assistant_may_say_nothing() {
    for message in [
        r#"{"role":"assistant"}"#,
        r#"{"role":"assistant","content":null,"model":"m"}"#,
        r#"{"role":"assistant","content":""}"#,
    ] {
        let said = parts(message);
        assert_eq!((said.len(), &said[0].body), (1, &PartBody::Text(String::new())), "{message}");
    }
}

#[test]
fn what_is_not_modelled_travels_on() {
    let call = call(
        r#"{"z_first":[1, 2],"messages":[{"role":"assistant","content":"a","prefix":true,"audio":null},
            {"role":"user","content":[{"type":"document_url","document_url":"https://x.test"},
            {"type":"input_audio","input_audio":"QUJD"},
            {"type":"text","text":"t","extra":{}}]}],"plugins":[],"a_second":"x","none":null,
            "store":true,"metadata":{"k":"v"},"trace":{"trace_id":"t"}}"#,
    );
    let owned = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        let pairs = pairs.iter();
        pairs.map(|(name, json)| ((*name).to_owned(), (*json).to_owned())).collect()
    };
    let extra = [
        ("metadata", r#"{"k":"v"}"#),
        ("z_first", "[1, 2]"),
        ("a_second", "\"x\""),
        ("store", "true"),
    ];
    assert_eq!(call.request.extra, owned(&extra));
    assert_eq!(call.metadata, owned(&[("k", "v")]));
    let to_router = [("plugins", "[]"), ("trace", r#"{"trace_id":"t"}"#)];
    assert_eq!(call.router_fields, owned(&to_router));
    assert_eq!(call.request.messages[0].extra, owned(&[("prefix", "true")]));
    let parts = &call.request.messages[1].parts;
    assert!(matches!(parts[0].body, PartBody::Native(_)) && call.native);
    assert!(matches!(parts[1].body, PartBody::Native(_)));
    assert_eq!(parts[2].extra, owned(&[("extra", "{}")]));
}

#[test]
fn what_is_said_to_the_router_is_granted_or_refused() {
    let granted = with(
        r#""plugins":[{"id":"web","enabled":false}],"transforms":["middle-out"],"preset":"p",
           "trace":{"trace_id":"t","any":[1]},"max_tool_calls":3,"stop_server_tools_when":[],
           "stream":true,"debug":{"echo_upstream_body":true}"#,
    );
    let names: Vec<_> = granted.router_fields.iter().map(|(name, _)| &**name).collect();
    assert_eq!(
        names,
        ["plugins", "transforms", "trace", "max_tool_calls", "stop_server_tools_when"]
    );
    assert_eq!(granted.preset.as_deref(), Some("p"));
    assert!(granted.echo && granted.request.extra.is_empty());
    // Only a stream has a place for it.
    assert!(!with(r#""debug":{"echo_upstream_body":true}"#).echo);
    assert!(!with(r#""stream":true,"debug":{"echo_upstream_body":false}"#).echo);
    for (fields, param, code) in [
        (r#""preset":7"#, "preset", "invalid_type"),
        (
            r#""plugins":[{"id":"a","enabled":false},{"id":"b"}]"#,
            "plugins[1]",
            "unsupported_parameter",
        ),
        (r#""plugins":[{"id":"a","enabled":1}]"#, "plugins[0].enabled", "invalid_type"),
        (r#""plugins":{}"#, "plugins", "invalid_type"),
        (r#""transforms":["middle-out","upside-down"]"#, "transforms[1]", "unsupported_parameter"),
        (r#""transforms":"middle-out""#, "transforms", "invalid_type"),
        (r#""trace":"t""#, "trace", "invalid_type"),
        (r#""max_tool_calls":"3""#, "max_tool_calls", "invalid_type"),
        (r#""stop_server_tools_when":{}"#, "stop_server_tools_when", "invalid_type"),
        (r#""debug":true"#, "debug", "invalid_type"),
        (r#""debug":{"echo_upstream_body":1}"#, "debug.echo_upstream_body", "invalid_type"),
        (r#""debug":{"timings":true}"#, "debug.timings", "unknown_parameter"),
    ] {
        refused_with(fields, param, code);
    }
}

#[test]
fn a_prompt_stands_in_for_messages() {
    let prompted = call(r#"{"model":"m","prompt":"Count.","max_tokens":5}"#);
    assert_eq!(prompted.request.messages.len(), 1);
    assert!(format!("{:?}", prompted.form).starts_with("TextCompletion"));
    refused_with(r#""prompt":"Count.""#, "prompt", "invalid_value");
    refused(r#"{"prompt":["a","b"]}"#, "prompt", "unsupported_parameter");
}

#[test]
fn tools_and_choices() {
    let call = with(
        r#""tools":[
            {"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"},"strict":true,"x":1},
             "cache_control":{"type":"ephemeral"},"y":2},
            {"type":"custom","custom":{"name":"g","format":{"type":"grammar","grammar":{"syntax":"lark","definition":"s"}}}},
            {"type":"openrouter:web_search"}],
          "parallel_tool_calls":false,"tool_choice":"any""#,
    );
    let [chat::Tool::Function(f), chat::Tool::Freeform(g), chat::Tool::Native(_)] =
        &call.request.tools[..]
    else {
        panic!("three kinds");
    };
    assert_eq!((&*f.name, f.strict), ("f", Some(true)));
    assert_eq!(f.parameters.as_deref(), Some(r#"{"type":"object"}"#));
    assert_eq!(f.extra.len(), 2);
    assert!(f.cache.is_some());
    assert_eq!(g.grammar.as_ref().map(|it| &*it.syntax), Some("lark"));
    assert_eq!(call.request.tool_choice, Some(ToolChoice::Required));
    assert_eq!(call.request.parallel_tool_calls, Some(false));
    assert_eq!(call.needs, ["tools", "freeform-tools", "native-tools"]);
    assert_eq!(call.parameters, ["tools", "tool_choice", "parallel_tool_calls"]);
    assert!(call.native);
}

#[test]
fn tool_choice_has_many_forms() {
    let allowed = |required| {
        let names = vec!["f".to_owned(), "g".to_owned()];
        ToolChoice::Allowed(chat::AllowedTools { names, required })
    };
    let set = r#""tools":[{"type":"function","function":{"name":"f"}},{"type":"custom","custom":{"name":"g"}}]"#;
    for (json, expected) in [
        ("\"auto\"".to_owned(), ToolChoice::Auto),
        ("\"none\"".to_owned(), ToolChoice::None),
        ("\"required\"".to_owned(), ToolChoice::Required),
        (
            r#"{"type":"function","function":{"name":"f"}}"#.to_owned(),
            ToolChoice::Named("f".into()),
        ),
        (r#"{"type":"custom","custom":{"name":"g"}}"#.to_owned(), ToolChoice::Named("g".into())),
        (
            format!(r#"{{"type":"allowed_tools","allowed_tools":{{"mode":"auto",{set}}}}}"#),
            allowed(false),
        ),
        (
            format!(r#"{{"type":"allowed_tools","allowed_tools":{{"mode":"required",{set}}}}}"#),
            allowed(true),
        ),
        (
            r#"{"type":"web_search"}"#.to_owned(),
            ToolChoice::Native(r#"{"type":"web_search"}"#.into()),
        ),
    ] {
        let call = with(&format!("\"tool_choice\":{json}"));
        assert_eq!(call.request.tool_choice, Some(expected), "{json}");
    }
    refused_with(r#""tool_choice":"maybe""#, "tool_choice", "invalid_value");
}

#[test]
fn response_formats() {
    use chat::ResponseFormat;
    let format = |json: &str| with(&format!("\"response_format\":{json}")).request.response_format;
    assert_eq!(format(r#"{"type":"text"}"#), Some(ResponseFormat::Text));
    assert_eq!(format(r#"{"type":"json_object"}"#), Some(ResponseFormat::JsonObject));
    let native = r#"{"type":"grammar","grammar":"root"}"#;
    assert_eq!(format(native), Some(ResponseFormat::Native(native.into())));
    let schema =
        r#"{"type":"json_schema","json_schema":{"name":"n","schema":{"a":[ ]},"strict":null}}"#;
    let expected = chat::JsonSchema {
        name: Some("n".into()),
        description: None,
        schema: r#"{"a":[ ]}"#.into(),
        strict: None,
    };
    assert_eq!(format(schema), Some(ResponseFormat::JsonSchema(expected)));
    assert_eq!(with(&format!("\"response_format\":{schema}")).needs, ["json-schema"]);
}

/// The native field of that name.
#[track_caller]
fn native(extra: &[(String, String)], name: &str) -> serde_json::Value {
    let (_, json) = extra.iter().find(|(known, _)| known == name).expect(name);
    serde_json::from_str(json).unwrap()
}

#[test]
fn what_is_left_of_an_inner_object_travels_on() {
    use serde_json::json;
    let of_call = |fields: serde_json::Value| {
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        call(&body.to_string()).request.extra
    };
    let extra = of_call(json!({"reasoning": {"effort": "low", "context": "all_turns",
        "mode": "pro"}}));
    assert_eq!(native(&extra, "reasoning"), json!({"context": "all_turns", "mode": "pro"}));
    let extra = of_call(json!({"response_format": {"type": "json_schema", "x": 1,
        "json_schema": {"name": "n", "schema": {}, "y": 2}}}));
    let expected = json!({"json_schema": {"y": 2}, "x": 1});
    assert_eq!(native(&extra, "response_format"), expected);

    let of_part = |part: serde_json::Value| {
        let body = json!({"model": "m", "messages": [{"role": "user", "content": [part]}]});
        call(&body.to_string()).request.messages[0].parts[0].extra.clone()
    };
    for (kind, mut inner) in [
        ("image_url", json!({"url": "https://x.test/a.png", "detail": "low"})),
        ("video_url", json!({"url": "https://x.test/a.mp4"})),
        ("input_audio", json!({"data": "AAAA", "format": "wav"})),
        ("file", json!({"file_data": "AAAA", "filename": "f"})),
        ("file", json!({"file_id": "f"})),
    ] {
        inner["max_pixels"] = json!(7);
        let extra = of_part(json!({"type": kind, kind: inner, "beside": 1}));
        assert_eq!(native(&extra, kind), json!({"max_pixels": 7}), "{kind}");
        assert_eq!((native(&extra, "beside"), extra.len()), (json!(1), 2), "{kind}");
    }
}

#[test]
fn what_cannot_be_meant_both_at_once_is_refused() {
    for (fields, param) in [
        (
            r#""messages":[{"role":"user","content":[
            {"type":"file","file":{"file_data":"AAAA","file_id":"f"}}]}]"#,
            "messages[0].content[0].file.file_id",
        ),
        (
            r#""messages":[{"role":"user","content":"hi"}],"reasoning":{"max_tokens":9},"reasoning_effort":"low""#,
            "reasoning_effort",
        ),
    ] {
        let body = Bytes::from(format!("{{{fields}}}").into_bytes());
        let error = decode(body, &DecodeOptions::default()).expect_err(param);
        assert_eq!(error.param.as_deref(), Some(param), "{error}");
    }
}

#[test]
fn the_newer_name_of_the_end_user_counts() {
    let both = with(r#""user":"u","safety_identifier":"s""#);
    assert_eq!(both.user.as_deref(), Some("s"));
    assert_eq!(with(r#""user":"u""#).user.as_deref(), Some("u"));
}

#[test]
fn every_knob() {
    let call = with(
        r#""temperature":0.5,"top_p":1,"top_k":40.0,"min_p":0.1,"top_a":0,"frequency_penalty":-2,
           "presence_penalty":2,"repetition_penalty":1.1,"seed":-7,"stop":["a","b"],
           "logit_bias":{"50256":-100,"1":0.5},"logprobs":true,"top_logprobs":3,"n":2,
           "max_tokens":10,"max_completion_tokens":20,"modalities":["text","image"],"verbosity":"low",
           "service_tier":"fast","user":"u","prompt_cache_key":"k","stream":true,
           "stream_options":{"include_usage":true},"session_id":"s","usage":{"include":true}"#,
    );
    let request = &call.request;
    let expected = chat::Sampling {
        temperature: Some(0.5),
        top_p: Some(1.0),
        top_k: Some(40),
        min_p: Some(0.1),
        top_a: Some(0.0),
        frequency_penalty: Some(-2.0),
        presence_penalty: Some(2.0),
        repetition_penalty: Some(1.1),
        seed: Some(-7),
        stop: vec!["a".into(), "b".into()],
        logit_bias: vec![("50256".into(), -100.0), ("1".into(), 0.5)],
        top_logprobs: Some(3),
    };
    assert_eq!(request.sampling, expected);
    assert_eq!((request.choices, request.max_tokens), (2, Some(20)));
    assert_eq!(request.modalities, ["text", "image"]);
    assert_eq!(request.verbosity.as_deref(), Some("low"));
    assert_eq!(request.service_tier.as_deref(), Some("priority"));
    assert_eq!(request.cache_key.as_deref(), Some("k"));
    assert_eq!((&request.user, call.user.as_deref()), (&None, Some("u")));
    assert_eq!(call.session_id.as_deref(), Some("s"));
    assert!(request.streaming);
    assert_eq!(request.extra, []);
    assert_eq!(call.needs, ["logprobs", "several-choices", "streaming", "image-output"]);
}

#[test]
fn knobs_turned_too_far_are_refused() {
    for (fields, param) in [
        (r#""n":0"#, "n"),
        (r#""n":129"#, "n"),
        (r#""max_tokens":0"#, "max_tokens"),
        (r#""max_tokens":1.5"#, "max_tokens"),
        (r#""max_tokens":4294967296"#, "max_tokens"),
        (r#""top_k":-2"#, "top_k"),
        (r#""top_logprobs":3"#, "top_logprobs"),
        (r#""logprobs":true,"top_logprobs":21"#, "top_logprobs"),
        (r#""temperature":1e999"#, "temperature"),
        (r#""metadata":{"a":"b","#, ""),
    ] {
        let code = if param.is_empty() { "invalid_json" } else { "invalid_value" };
        refused_with(fields, param, code);
    }
    let long = "x".repeat(513);
    refused_with(&format!(r#""metadata":{{"a":"{long}"}}"#), "metadata.a", "invalid_value");
    refused_with(&format!(r#""session_id":"{long}""#), "session_id", "invalid_value");
}

#[test]
fn reasoning_options() {
    let reasoning = |fields: &str| with(fields).request.reasoning;
    let options = |enabled, effort: Option<&str>, max_tokens, hidden| {
        Some(chat::ReasoningOptions {
            enabled,
            effort: effort.map(str::to_owned),
            max_tokens,
            summary: None,
            hidden,
        })
    };
    assert_eq!(with(r#""n":1"#).request.reasoning, None);
    for (fields, expected) in [
        (r#""reasoning":{}"#, options(None, None, None, false)),
        (r#""reasoning":{"effort":"high"}"#, options(None, Some("high"), None, false)),
        (
            r#""reasoning":{"max_tokens":2000,"exclude":true}"#,
            options(None, None, Some(2000), true),
        ),
        (r#""reasoning":{"enabled":true}"#, options(Some(true), None, None, false)),
        (r#""reasoning_effort":"none""#, options(Some(false), Some("none"), None, false)),
        (
            r#""reasoning_effort":"low","reasoning":{"effort":"low"}"#,
            options(None, Some("low"), None, false),
        ),
        (r#""include_reasoning":true"#, options(None, None, None, false)),
        (r#""include_reasoning":false"#, options(None, None, None, true)),
    ] {
        assert_eq!(reasoning(fields), expected, "{fields}");
    }
    assert_eq!(with(r#""include_reasoning":false"#).needs, [""; 0]);
    assert_eq!(with(r#""reasoning":{"effort":"low"}"#).needs, ["reasoning"]);
    assert!(!includes_reasoning(&with(r#""reasoning":{"exclude":true}"#)));
    let differs = r#""reasoning_effort":"low","reasoning":{"effort":"high"}"#;
    refused_with(differs, "reasoning_effort", "invalid_value");
    let both = r#""reasoning":{"effort":"low","max_tokens":10}"#;
    refused_with(both, "reasoning", "invalid_value");
}

#[test]
fn routing() {
    let routing = with(
        r#""models":["m","n","o","n"],"route":"sort","provider":{"order":["a"],"only":["a","b"],"ignore":["c"],
            "allow_fallbacks":false,"require_parameters":true,"data_collection":"deny","zdr":true,
            "quantizations":["fp8"],"sort":"throughput","max_price":{"prompt":"1.5","completion":2,"image":0.0000000000019},
            "preferred_min_throughput":50,"preferred_max_latency":{"p50":0.5,"p99":3},
            "strategy":"mine","options":{"z":1,"a":"x"}}"#,
    )
    .routing;
    assert_eq!(routing.models, ["m", "n", "o"]);
    assert_eq!((&routing.order[..], &routing.ignore[..]), (&["a".into()][..], &["c".into()][..]));
    assert_eq!(routing.only, ["a", "b"]);
    assert!(routing.no_fallbacks && routing.require_parameters && routing.zdr);
    assert!(routing.deny_data_collection);
    assert_eq!((routing.sort, routing.partition), (Some(Sort::Throughput), Partition::None));
    assert_eq!(routing.max_price.prompt, Some(1_500_000_000_000));
    assert_eq!(routing.max_price.completion, Some(2_000_000_000_000));
    assert_eq!(routing.max_price.image, Some(1));
    assert_eq!(routing.min_throughput.and_then(|it| it.p50), Some(50.0));
    let latency = routing.max_latency_ms.unwrap();
    assert_eq!((latency.p50, latency.p75, latency.p99), (Some(500.0), None, Some(3000.0)));
    assert_eq!(routing.strategy.as_deref(), Some("mine"));
    assert_eq!(routing.options[0], ("z".to_owned(), "1".to_owned()));
    let by = with(r#""provider":{"sort":{"by":"latency","partition":"none"}}"#).routing;
    assert_eq!((by.sort, by.partition), (Some(Sort::Latency), Partition::None));
    assert_eq!(with(r#""provider":null"#).routing.models, ["m"]);
}

#[test]
fn preferences_that_cannot_be_kept_are_refused() {
    for (provider, param, code) in [
        (r#"{"orders":["a"]}"#, "provider.orders", "unknown_parameter"),
        (r#"{"sort":"best"}"#, "provider.sort", "invalid_value"),
        (r#"{"sort":{"bye":"price"}}"#, "provider.sort.bye", "unknown_parameter"),
        (r#"{"order":"a"}"#, "provider.order", "invalid_type"),
        (r#"{"order":[1]}"#, "provider.order[0]", "invalid_type"),
        (
            &format!(r#"{{"only":[{}"p"]}}"#, r#""p","#.repeat(256)),
            "provider.only",
            "invalid_value",
        ),
        (r#"{"max_price":{"prompt":"cheap"}}"#, "provider.max_price.prompt", "invalid_value"),
        (r#"{"max_price":{"prompt":-1}}"#, "provider.max_price.prompt", "invalid_value"),
        (r#"{"data_collection":"some"}"#, "provider.data_collection", "invalid_value"),
    ] {
        refused_with(&format!("\"provider\":{provider}"), param, code);
    }
}

#[test]
fn faults_are_named_by_their_place() {
    refused("", "", "invalid_json");
    refused("[]", "", "invalid_type");
    refused("{}", "messages", "missing_required_parameter");
    refused(r#"{"messages":[]}"#, "messages", "invalid_value");
    refused(r#"{"messages":{}}"#, "messages", "invalid_type");
    for (message, param, code) in [
        ("7", "messages[0]", "invalid_type"),
        (r#"{"content":"x"}"#, "messages[0].role", "missing_required_parameter"),
        (r#"{"role":"king","content":"x"}"#, "messages[0].role", "invalid_value"),
        (r#"{"role":"user"}"#, "messages[0].content", "missing_required_parameter"),
        (r#"{"role":"user","content":7}"#, "messages[0].content", "invalid_type"),
        (r#"{"role":"user","content":["x"]}"#, "messages[0].content[0]", "invalid_type"),
        (
            r#"{"role":"user","content":[{"type":"image_url","image_url":{"url":null}}]}"#,
            "messages[0].content[0].image_url.url",
            "missing_required_parameter",
        ),
        (
            r#"{"role":"user","content":[{"type":"file","file":{}}]}"#,
            "messages[0].content[0].file",
            "invalid_value",
        ),
        (
            r#"{"role":"tool","content":"x"}"#,
            "messages[0].tool_call_id",
            "missing_required_parameter",
        ),
        (
            r#"{"role":"assistant","tool_calls":[{"id":"c","type":"function"}]}"#,
            "messages[0].tool_calls[0].function",
            "missing_required_parameter",
        ),
        (r#"{"role":"user","role":"user","content":"x"}"#, "messages[0].role", "duplicate_field"),
    ] {
        refused_message(message, param, code);
    }
    refused_with(r#""stream":true,"stream":false"#, "stream", "duplicate_field");
    refused_with(
        r#""tools":[{"type":"function","function":{"name":""}}]"#,
        "tools[0].function.name",
        "invalid_value",
    );
    refused_with(r#""functions":[]"#, "functions", "unsupported_parameter");
    refused_message(r#"{"role":"user","content":"\ud800"}"#, "messages[0].content", "invalid_json");
}

#[test]
fn faults_show_no_content() {
    let body = r#"{"messages":[{"role":"user","content":{"secret":1}}],"temperature":"secret"}"#;
    let error = decode(Bytes::from_static(body.as_bytes()), &DecodeOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), "`messages[0].content` must be a string, but is an object");
    let not_utf8 = decode(Bytes::from_static(b"{\"\xff\":1}"), &DecodeOptions::default());
    assert_eq!(not_utf8.unwrap_err().to_string(), "the body is not valid UTF-8");
}

#[test]
fn debug_shows_no_content() {
    let call = call(r#"{"user":"secret","messages":[{"role":"user","content":"secret"}]}"#);
    let shown = format!("{call:?}");
    assert!(shown.contains("messages: 1") && !shown.contains("secret"), "{shown}");
}

#[test]
fn nesting_has_a_limit() {
    let nested = |depth: usize| {
        let deep = "[".repeat(depth) + &"]".repeat(depth);
        format!(r#"{{"messages":[{{"role":"user","content":"x"}}],"deep":{deep}}}"#)
    };
    assert!(decode(Bytes::from(nested(63)), &DecodeOptions::default()).is_ok());
    let way = format!("deep{}", "[0]".repeat(11));
    for depth in [64, 127, 128, 10_000] {
        refused(&nested(depth), &way, "invalid_json");
    }
}

#[test]
fn an_opening_is_what_a_conversation_keeps() {
    let opening = |body: &str| call(body).opening;
    let first = r#"{"role":"user","content":"first"}"#;
    let system = r#"{"role":"system","content":"s"}"#;
    let more = r#"{"role":"assistant","content":"a"},{"role":"user","content":"b"}"#;
    let short = opening(&format!(r#"{{"messages":[{system},{first}]}}"#));
    assert_eq!(short, [system, first]);
    assert_eq!(opening(&format!(r#"{{"messages":[ {first} , {system} ,{more}]}}"#)), short);
    assert_eq!(opening(&format!(r#"{{"messages":[{first}]}}"#)), [first]);
}

/// Bodies on which a look through everything for each of many would take minutes.
#[test]
fn the_work_of_decoding_grows_with_the_body_alone() {
    let join = |item: &dyn Fn(usize) -> String| (0..20_000).map(item).collect::<Vec<_>>().join(",");
    let called = join(&|n| {
        format!(
            r#"{{"role":"assistant","content":null,"function_call":{{"name":"f{n}","arguments":"{{}}"}}}},{{"role":"function","name":"f{n}","content":"x"}}"#
        )
    });
    let details = join(&|n| {
        format!(r#"{{"type":"reasoning.encrypted","data":"x","id":"c{n}","format":"f{n}"}}"#)
    });
    let calls = join(&|n| {
        format!(r#"{{"id":"c{n}","type":"function","function":{{"name":"f","arguments":"{{}}"}}}}"#)
    });
    // Answered in another order than made.
    let answers = join(&|n| {
        let n = 19_999 - n;
        format!(r#"{{"role":"tool","tool_call_id":"c{n}","content":"x"}}"#)
    });
    let signed = format!(
        r#"{{"role":"assistant","content":null,"reasoning_details":[{details}],"tool_calls":[{calls}]}},{answers}"#
    );
    for messages in [called, signed] {
        let call = call(&format!(r#"{{"model":"m","messages":[{messages}]}}"#));
        assert!(!call.request.messages.is_empty());
    }
}

#[test]
fn the_work_for_an_object_grows_with_its_fields_alone() {
    let fields: String = (0..150_000).map(|n| format!(r#","f{n}":{n}"#)).collect();
    let user = r#"{"role":"user","content":"hi"}"#;
    let call = call(&format!(r#"{{"messages":[{user}]{fields}}}"#));
    assert_eq!(call.request.extra.len(), 150_000);
    refused(&format!(r#"{{"messages":[{user}]{fields},"f7":1}}"#), "f7", "duplicate_field");
}

/// Each result carries the name of its call, however often it is the same one.
#[test]
fn the_name_of_a_call_has_a_limit() {
    let called = |name: &str| {
        format!(
            r#"{{"role":"assistant","tool_calls":[{{"id":"c","function":{{"name":"{name}","arguments":""}}}}]}}"#
        )
    };
    let results = r#",{"role":"tool","tool_call_id":"c","content":""}"#.repeat(30_000);
    let body = |name: &str| format!(r#"{{"messages":[{}{results}]}}"#, called(name));
    assert_eq!(call(&body(&"n".repeat(256))).request.messages.len(), 30_001);
    let param = "messages[0].tool_calls[0].function.name";
    refused(&body(&"n".repeat(257)), param, "invalid_value");
}
