//! Requests as clients write them, and what they are understood as.

use chat::{MediaSource, PartBody, Reasoning, ResultBody, Role, ToolChoice};

use super::*;
use crate::openai_responses::carried::{Carried, Kind};

const LONG: &str = "A text that is long enough to be sealed, since it has more than 64 bytes.";

#[track_caller]
fn call(body: &str) -> ChatCall {
    decode(Bytes::copy_from_slice(body.as_bytes()), &DecodeOptions::default()).unwrap()
}

/// A call with a short input and these further fields.
#[track_caller]
fn with(fields: &str) -> ChatCall {
    call(&format!(r#"{{"model":"m","input":"hi",{fields}}}"#))
}

/// The messages that these items make.
#[track_caller]
fn messages(items: &str) -> Vec<chat::Message> {
    let call = call(&format!(r#"{{"model":"m","input":[{items}]}}"#));
    call.seals.unseal(&call.request).messages
}

/// The parts of the one message that these items make.
#[track_caller]
fn parts(items: &str) -> Vec<chat::Part> {
    let mut messages = messages(items);
    assert_eq!(messages.len(), 1, "{messages:?}");
    messages.remove(0).parts
}

/// The one part of a user's content.
#[track_caller]
fn part(part: &str) -> chat::Part {
    parts(&format!(r#"{{"role":"user","content":[{part}]}}"#)).remove(0)
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
    refused(&format!(r#"{{"input":"hi",{fields}}}"#), param, code);
}

#[track_caller]
fn refused_item(item: &str, param: &str, code: &str) {
    refused(&format!(r#"{{"input":[{item}]}}"#), param, code);
}

fn text(text: &str) -> PartBody {
    PartBody::Text(text.into())
}

fn extra(name: &str, json: &str) -> (String, String) {
    (name.into(), json.into())
}

#[test]
fn a_string_is_what_the_user_says() {
    let call = call(r#"{"model":"a/b","instructions":"Be brief.","input":"hi"}"#);
    let said: Vec<_> =
        call.request.messages.iter().map(|it| (it.role, it.parts[0].body.clone())).collect();
    assert_eq!(said, [(Role::System, text("Be brief.")), (Role::User, text("hi"))]);
    assert_eq!(call.request.model, "a/b");
    assert_eq!(call.request.dialect, "openai-responses");
    assert_eq!(call.request.choices, 1);
    assert_eq!(call.opening, [r#""Be brief.""#, r#""hi""#]);
    assert_eq!(call.size.text_bytes, 11);
    // The provider is not to keep it either.
    assert_eq!(call.request.extra, [extra("store", "false")]);
    assert!(!call.native && !call.request.streaming);
}

#[test]
fn messages_come_from_everybody() {
    let said = messages(
        r#"{"role":"system","content":"s"},{"type":"message","role":"developer","content":"d"},
           {"role":"user","content":[{"type":"input_text","text":"u"}],"status":"completed"},
           {"role":"assistant","content":"a"}"#,
    );
    let said: Vec<_> = said.iter().map(|it| (it.role, it.parts[0].body.clone())).collect();
    let expected = [
        (Role::System, text("s")),
        (Role::Developer, text("d")),
        (Role::User, text("u")),
        (Role::Assistant, text("a")),
    ];
    assert_eq!(said, expected);
}

#[test]
fn the_opening_is_the_first_item_that_instructs_nobody() {
    let call = call(
        r#"{"input":[{"role":"developer","content":"d"},{"role":"user","content":"u"},
            {"role":"user","content":"v"}]}"#,
    );
    assert_eq!(call.opening, [r#"{"role":"user","content":"u"}"#]);
}

#[test]
fn what_the_model_did_in_a_row_is_one_message() {
    let said = messages(
        r#"{"role":"user","content":"u"},
           {"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"one"},
              {"type":"summary_text","text":"two"}],"encrypted_content":"sealed"},
           {"type":"message","role":"assistant","id":"msg_1","status":"completed",
              "phase":"commentary","content":[{"type":"output_text","text":"a","annotations":[]},
              {"type":"refusal","refusal":"r"}]},
           {"type":"function_call","id":"fc_1","call_id":"c1","name":"f","arguments":"{\"a\": 1}",
              "status":"completed"},
           {"type":"custom_tool_call","call_id":"c2","name":"g","input":"free"},
           {"type":"function_call_output","call_id":"c1","output":"r1"},
           {"type":"custom_tool_call_output","id":"o2","call_id":"c2","output":"r2"},
           {"role":"user","content":"v"}"#,
    );
    let roles: Vec<_> = said.iter().map(|message| message.role).collect();
    assert_eq!(roles, [Role::User, Role::Assistant, Role::Tool, Role::Tool, Role::User]);
    let thought = |text: &str| PartBody::Reasoning(Reasoning::Summary(text.into()));
    let called = |id: &str, name: &str, input: &str, freeform| {
        PartBody::ToolCall(chat::ToolCall {
            id: id.into(),
            name: name.into(),
            input: input.into(),
            freeform,
        })
    };
    let did: Vec<_> =
        said[1].parts.iter().map(|part| (part.id.as_deref(), part.body.clone())).collect();
    let expected = [
        (Some("rs_1"), thought("one")),
        (Some("rs_1"), thought("two")),
        (Some("rs_1"), PartBody::Reasoning(Reasoning::Encrypted("sealed".into()))),
        (Some("msg_1"), text("a")),
        (Some("msg_1"), PartBody::Refusal("r".into())),
        (Some("fc_1"), called("c1", "f", r#"{"a": 1}"#, false)),
        (None, called("c2", "g", "free", true)),
    ];
    assert_eq!(did, expected);
    assert_eq!(said[1].parts[2].format.as_deref(), Some("openai-responses-v1"));
    let of_item = [extra("status", r#""completed""#), extra("phase", r#""commentary""#)];
    assert_eq!(said[1].parts[3].extra, of_item);
    assert_eq!(said[1].parts[5].extra, [extra("status", r#""completed""#)]);

    let PartBody::ToolResult(first) = &said[2].parts[0].body else { panic!("no result") };
    assert_eq!((&*first.call_id, &*first.name, first.freeform), ("c1", "f", false));
    assert_eq!(first.content[0].body, ResultBody::Text("r1".into()));
    let PartBody::ToolResult(second) = &said[3].parts[0].body else { panic!("no result") };
    assert_eq!((&*second.call_id, &*second.name, second.freeform), ("c2", "g", true));
    assert_eq!(said[3].parts[0].id.as_deref(), Some("o2"));
}

#[test]
fn a_result_may_be_a_list_of_parts() {
    let said = messages(
        r#"{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},
           {"type":"function_call_output","call_id":"c","output":[{"type":"input_text","text":"t"},
           {"type":"input_image","image_url":"https://x.test/a","detail":"low"},
           {"type":"input_file","file_id":"file-1"},{"type":"output_chart","x":1}]}"#,
    );
    let PartBody::ToolResult(result) = &said[1].parts[0].body else { panic!("no result") };
    let [first, image, file, other] = &*result.content else { panic!("{:?}", result.content) };
    assert_eq!(first.body, ResultBody::Text("t".into()));
    assert!(matches!(&image.body, ResultBody::Media(media)
        if media.source == MediaSource::Uri("https://x.test/a".into())
            && media.detail.as_deref() == Some("low")));
    assert!(matches!(&file.body, ResultBody::Media(media)
        if media.source == MediaSource::FileId("file-1".into())));
    assert_eq!(other.body, ResultBody::Native(r#"{"type":"output_chart","x":1}"#.into()));
}

#[test]
fn long_text_is_sealed_and_opens_again() {
    let call = call(&format!(
        r#"{{"instructions":"{LONG}","input":[{{"role":"user","content":"{LONG}\n\u00e9"}},
            {{"type":"custom_tool_call","call_id":"x","name":"f","input":""}},
            {{"type":"custom_tool_call_output","call_id":"x","output":"{LONG}"}}]}}"#
    ));
    assert_eq!(call.seals.len(), 3);
    let PartBody::Text(token) = &call.request.messages[1].parts[0].body else { panic!("text") };
    assert_eq!(call.seals.open(token), Some(format!("{LONG}\n\u{e9}")));
}

#[test]
fn media_are_taken_from_wherever_they_are() {
    use chat::MediaKind::{Audio, Document, Image, Video};
    let uri = |uri: &str| MediaSource::Uri(uri.into());
    let base64 = || MediaSource::Base64("QUJD".into());
    let file = || MediaSource::FileId("file-1".into());
    for (json, kind, source, mime) in [
        (
            r#"{"type":"input_image","image_url":"https://x.test/a"}"#,
            Image,
            uri("https://x.test/a"),
            None,
        ),
        (
            r#"{"type":"input_image","image_url":"data:image/PNG;base64,QUJD"}"#,
            Image,
            base64(),
            Some("image/png"),
        ),
        (r#"{"type":"input_image","image_url":null,"file_id":"file-1"}"#, Image, file(), None),
        (
            r#"{"type":"input_file","filename":"a","file_data":"data:application/pdf;base64,QUJD"}"#,
            Document,
            base64(),
            Some("application/pdf"),
        ),
        (r#"{"type":"input_file","file_data":"QUJD"}"#, Document, base64(), None),
        (
            r#"{"type":"input_file","file_url":"https://x.test/b"}"#,
            Document,
            uri("https://x.test/b"),
            None,
        ),
        (r#"{"type":"input_file","file_id":"file-1"}"#, Document, file(), None),
        (
            r#"{"type":"input_audio","input_audio":{"data":"QUJD","format":"mp3"}}"#,
            Audio,
            base64(),
            Some("audio/mpeg"),
        ),
        (
            r#"{"type":"input_video","video_url":"https://x.test/v"}"#,
            Video,
            uri("https://x.test/v"),
            None,
        ),
    ] {
        let PartBody::Media(media) = part(json).body else { panic!("no media: {json}") };
        assert_eq!((media.kind, &media.source), (kind, &source), "{json}");
        assert_eq!(media.mime.as_deref(), mime, "{json}");
    }
}

#[test]
fn sources_come_back_as_they_were_told() {
    let said = parts(
        r#"{"role":"assistant","content":[{"type":"output_text","text":"abc","logprobs":[],"annotations":[
           {"type":"url_citation","url":"https://x.test","title":"T","start_index":0,"end_index":2},
           {"type":"file_citation","file_id":"f","filename":"n","index":3}]}]}"#,
    );
    let [common, uncommon] = &*said[0].citations else { panic!("{:?}", said[0].citations) };
    assert_eq!(common.url.as_deref(), Some("https://x.test"));
    assert_eq!((common.title.as_deref(), common.span), (Some("T"), Some((0, 2))));
    let native = [
        extra("type", r#""file_citation""#),
        extra("file_id", r#""f""#),
        extra("filename", r#""n""#),
        extra("index", "3"),
    ];
    assert_eq!((&uncommon.url, &uncommon.title), (&None, &None));
    assert_eq!(uncommon.extra, native);
    assert_eq!(said[0].extra, [extra("logprobs", "[]")]);
}

#[test]
fn reasoning_goes_to_whoever_can_read_it() {
    let format = |rest: &str| {
        let parts = parts(&format!(r#"{{"type":"reasoning","id":"rs","summary":[]{rest}}}"#));
        parts[0].format.clone()
    };
    let thought = r#","content":[{"type":"reasoning_text","text":"t"}]"#;
    for (rest, expected) in [
        ("", Some("openai-responses-v1")),
        (r#","encrypted_content":"x""#, Some("openai-responses-v1")),
        (r#","encrypted_content":"x","format":"xai-responses-v1""#, Some("xai-responses-v1")),
        (&*format!(r#"{thought},"encrypted_content":"x""#), Some("openai-responses-v1")),
        (thought, None),
        (&*format!(r#"{thought},"format":"unknown""#), None),
        (
            &*format!(r#"{thought},"signature":"s","format":"anthropic-claude-v1""#),
            Some("anthropic-claude-v1"),
        ),
    ] {
        assert_eq!(format(rest).as_deref(), expected, "{rest}");
    }
    // An item of which nothing is shown is still an item.
    let hidden = parts(r#"{"type":"reasoning","id":"rs_1","summary":[]}"#);
    assert_eq!(hidden[0].body, PartBody::Reasoning(Reasoning::Summary(String::new())));
    let signed = parts(r#"{"type":"reasoning","id":"rs_1","summary":[],"signature":"s"}"#);
    assert_eq!(signed[0].body, PartBody::Reasoning(Reasoning::Text(String::new())));
    assert_eq!(signed[0].signature.as_deref(), Some("s"));
}

#[test]
fn sealed_reasoning_without_an_id_stays_one_item() {
    let part = parts(
        r#"{"type":"reasoning","summary":[{"type":"summary_text","text":"s"}],"content":null,
           "encrypted_content":"sealed"}"#,
    );
    assert_eq!(part.len(), 1);
    assert_eq!(part[0].body, PartBody::Reasoning(Reasoning::Encrypted("sealed".into())));
    let shown = r#"[{"type":"summary_text","text":"s"}]"#;
    assert_eq!((part[0].id.as_deref(), &*part[0].extra), (None, &[extra("summary", shown)][..]));
}

#[test]
fn what_a_client_drops_beside_encrypted_content_was_carried_in_it() {
    let thought = r#""content":[{"type":"reasoning_text","text":"t"}]"#;
    let carried = |kind, signature: Option<&str>, data: Option<&str>, format: Option<&str>| {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let id = Some(if kind == Kind::Call { "c1" } else { "rs" }.to_owned());
        let (format, signature, data) = (owned(format), owned(signature), owned(data));
        serde_json::Value::from(Carried { kind, format, id, signature, data }.written())
    };
    for expected in [Some("f"), None] {
        let carried = carried(Kind::Text, Some("s"), None, expected);
        let [part] = &*parts(&format!(
            r#"{{"type":"reasoning","id":"rs","summary":[],{thought},"encrypted_content":{carried}}}"#
        )) else {
            panic!("not one part")
        };
        assert_eq!(part.body, PartBody::Reasoning(Reasoning::Text("t".into())));
        assert_eq!((part.signature.as_deref(), part.format.as_deref()), (Some("s"), expected));
    }
    let proof = carried(Kind::Call, None, Some("p"), Some("f"));
    let messages = messages(&format!(
        r#"{{"type":"function_call","call_id":"c1","name":"f","arguments":"{{}}"}},
           {{"type":"reasoning","id":"c1","summary":[],"encrypted_content":{proof}}},
           {{"type":"function_call_output","call_id":"c1","output":"r"}}"#
    ));
    let said = &messages[0].parts;
    assert_eq!(said.len(), 1);
    assert_eq!((said[0].signature.as_deref(), said[0].format.as_deref()), (Some("p"), Some("f")));
}

#[test]
fn a_proof_goes_back_to_its_call_and_its_text() {
    let messages = messages(
        r#"{"role":"assistant","id":"msg_1","content":"t"},
           {"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},
           {"type":"reasoning","id":"c1","summary":[],"encrypted_content":"p1","format":"g"},
           {"type":"reasoning","id":"msg_1","summary":[],"encrypted_content":"p2","format":"g"},
           {"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"p3","format":"g"},
           {"type":"function_call_output","call_id":"c1","output":"r"}"#,
    );
    let said = &messages[0].parts;
    let proofs: Vec<_> = said.iter().map(|part| part.signature.as_deref()).collect();
    assert_eq!(proofs, [Some("p2"), Some("p1"), None]);
    assert_eq!(said[1].format.as_deref(), Some("g"));
    assert_eq!(said[2].body, PartBody::Reasoning(Reasoning::Encrypted("p3".into())));
}

#[test]
fn what_was_carried_and_changed_on_the_way_is_refused() {
    for carried in [
        "plugway:",
        "plugway:{}",
        r#"plugway:{\"kind\":\"encrypted\"}"#,
        r#"plugway:{\"kind\":\"call\",\"data\":\"d\"}"#,
        r#"plugway:{\"kind\":\"text\",\"id\":\"i\"}"#,
        r#"plugway:{\"kind\":\"said\",\"data\":\"d\"}"#,
        r#"plugway:{\"kind\":\"text\",\"signature\":\"s\",\"x\":1}"#,
    ] {
        let item =
            format!(r#"{{"type":"reasoning","summary":[],"encrypted_content":"{carried}"}}"#);
        refused_item(&item, "input[0].encrypted_content", "invalid_value");
    }
}

#[test]
fn what_is_left_of_an_inner_object_travels_on() {
    let audio =
        part(r#"{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav","x":1}}"#);
    assert_eq!(audio.extra, [extra("input_audio", r#"{"x":1}"#)]);
    let call =
        with(r#""text":{"format":{"type":"json_schema","name":"n","schema":{},"x":1},"y":2}"#);
    let left = extra("text", r#"{"format":{"x":1},"y":2}"#);
    assert!(call.request.extra.contains(&left), "{:?}", call.request.extra);
}

#[test]
fn a_medium_has_one_source() {
    for (part, param) in [
        (r#"{"type":"input_image","image_url":"https://x.test/a","file_id":"f"}"#, "file_id"),
        (r#"{"type":"input_file","file_data":"AAAA","file_id":"f"}"#, "file_id"),
        (r#"{"type":"input_file","file_data":"AAAA","file_url":"https://x.test/a"}"#, "file_url"),
        (r#"{"type":"input_file","file_url":"https://x.test/a","file_id":"f"}"#, "file_id"),
    ] {
        let item = format!(r#"{{"role":"user","content":[{part}]}}"#);
        refused_item(&item, &format!("input[0].content[0].{param}"), "invalid_value");
    }
}

#[test]
fn the_format_of_an_image_is_json_whatever_is_in_it() {
    let part = parts(
        r#"{"type":"image_generation_call","status":"completed","result":"AAAA",
           "output_format":"p\"ng\n"}"#,
    );
    assert_eq!(part[0].extra, [extra("output_format", r#""p\"ng\n""#)]);
}

#[test]
fn items_of_the_providers_own_are_native_in_their_place() {
    let said = messages(
        r#"{"role":"user","content":"u"},
           {"type":"web_search_call","id":"ws_1","status":"completed"},
           {"role":"assistant","content":"a"},
           {"type":"computer_call_output","call_id":"c","output":{}},
           {"type":"compaction","encrypted_content":"x"}"#,
    );
    let native = |json: &str| PartBody::Native(json.into());
    let parts: Vec<_> = said
        .iter()
        .map(|it| (it.role, it.parts.iter().map(|part| part.body.clone()).collect::<Vec<_>>()))
        .collect();
    let search = native(r#"{"type":"web_search_call","id":"ws_1","status":"completed"}"#);
    let output = native(r#"{"type":"computer_call_output","call_id":"c","output":{}}"#);
    let compaction = native(r#"{"type":"compaction","encrypted_content":"x"}"#);
    let expected = [
        (Role::User, vec![text("u")]),
        (Role::Assistant, vec![search, text("a")]),
        (Role::User, vec![output]),
        (Role::Assistant, vec![compaction]),
    ];
    assert_eq!(parts, expected);
    let call = call(r#"{"input":[{"type":"web_search_call","id":"ws_1"}]}"#);
    assert!(call.native);
}

#[test]
fn an_image_that_the_model_made_is_an_image() {
    let made = parts(
        r#"{"type":"image_generation_call","id":"ig_1","status":"completed","result":"QUJD",
           "revised_prompt":"p","output_format":"webp"}"#,
    );
    let PartBody::Media(media) = &made[0].body else { panic!("no image") };
    assert_eq!(media.source, MediaSource::Base64("QUJD".into()));
    assert_eq!(media.mime.as_deref(), Some("image/webp"));
    assert_eq!(made[0].id.as_deref(), Some("ig_1"));
    let native = [extra("revised_prompt", r#""p""#), extra("output_format", r#""webp""#)];
    assert_eq!(made[0].extra, native);
    let unmade =
        parts(r#"{"type":"image_generation_call","id":"ig_1","status":"failed","result":null}"#);
    assert!(matches!(unmade[0].body, PartBody::Native(_)));
}

#[test]
fn cache_breakpoints_stand_on_their_part() {
    let ttl = |ttl: Option<&str>| {
        let ttl = ttl.map(str::to_owned);
        Some(chat::CachePoint { ttl })
    };
    let marked =
        part(r#"{"type":"input_text","text":"a","cache_control":{"type":"ephemeral","ttl":"1h"}}"#);
    assert_eq!(marked.cache, ttl(Some("1h")));
    let marked =
        part(r#"{"type":"input_text","text":"a","prompt_cache_breakpoint":{"mode":"explicit"}}"#);
    assert_eq!(marked.cache, ttl(None));
    let request = with(r#""cache_control":{"type":"ephemeral"},"prompt_cache_key":"k""#).request;
    assert_eq!((request.auto_cache, request.cache_key.as_deref()), (ttl(None), Some("k")));
}

#[test]
fn tools_of_every_kind() {
    let request = with(
        r#""tools":[{"type":"function","name":"f","description":"d","parameters":{"type":"object"},
             "strict":true,"defer_loading":true},
            {"type":"custom","name":"g","format":{"type":"grammar","syntax":"lark","definition":"x"}},
            {"type":"custom","name":"h","format":{"type":"text"}},
            {"type":"web_search","search_context_size":"low"}]"#,
    )
    .request;
    let [
        chat::Tool::Function(f),
        chat::Tool::Freeform(g),
        chat::Tool::Freeform(h),
        chat::Tool::Native(n),
    ] = &*request.tools
    else {
        panic!("{:?}", request.tools);
    };
    assert_eq!(
        (&*f.name, f.strict, &*f.extra),
        ("f", Some(true), &[extra("defer_loading", "true")][..])
    );
    assert_eq!(f.parameters.as_deref(), Some(r#"{"type":"object"}"#));
    assert_eq!(g.grammar.as_ref().map(|it| &*it.syntax), Some("lark"));
    assert_eq!((&*h.name, h.grammar.is_none()), ("h", true));
    assert_eq!(n, r#"{"type":"web_search","search_context_size":"low"}"#);
}

#[test]
fn tool_choices() {
    let named = |name: &str| ToolChoice::Named(name.into());
    let allowed = chat::AllowedTools { names: vec!["f".into(), "g".into()], required: true };
    for (choice, expected) in [
        (r#""auto""#, ToolChoice::Auto),
        (r#""none""#, ToolChoice::None),
        (r#""required""#, ToolChoice::Required),
        (r#"{"type":"function","name":"f"}"#, named("f")),
        (r#"{"type":"custom","name":"g"}"#, named("g")),
        (
            r#"{"type":"allowed_tools","mode":"required","tools":[{"type":"function","name":"f"},{"type":"custom","name":"g"}]}"#,
            ToolChoice::Allowed(allowed),
        ),
        (
            r#"{"type":"allowed_tools","mode":"auto","tools":[{"type":"web_search"}]}"#,
            ToolChoice::Native(
                r#"{"type":"allowed_tools","mode":"auto","tools":[{"type":"web_search"}]}"#.into(),
            ),
        ),
        (r#"{"type":"web_search"}"#, ToolChoice::Native(r#"{"type":"web_search"}"#.into())),
    ] {
        let request = with(&format!(r#""tool_choice":{choice}"#)).request;
        assert_eq!(request.tool_choice, Some(expected), "{choice}");
    }
}

#[test]
fn the_shape_of_the_answer() {
    use chat::ResponseFormat;
    let schema = chat::JsonSchema {
        name: Some("n".into()),
        description: None,
        schema: r#"{"type":"object"}"#.into(),
        strict: Some(true),
    };
    for (format, expected) in [
        (r#"{"type":"text"}"#, ResponseFormat::Text),
        (r#"{"type":"json_object"}"#, ResponseFormat::JsonObject),
        (
            r#"{"type":"json_schema","name":"n","schema":{"type":"object"},"strict":true}"#,
            ResponseFormat::JsonSchema(schema),
        ),
        (
            r#"{"type":"grammar","x":1}"#,
            ResponseFormat::Native(r#"{"type":"grammar","x":1}"#.into()),
        ),
    ] {
        let request =
            with(&format!(r#""text":{{"format":{format},"verbosity":"low","x":1}}"#)).request;
        assert_eq!(request.response_format, Some(expected), "{format}");
        assert_eq!(request.verbosity.as_deref(), Some("low"));
        assert!(request.extra.contains(&extra("text", r#"{"x":1}"#)));
    }
}

#[test]
fn the_knobs() {
    let call = with(
        r#""temperature":0.5,"top_p":0.9,"top_k":40,"max_output_tokens":100,"parallel_tool_calls":false,
           "include":["reasoning.encrypted_content","message.output_text.logprobs"],"top_logprobs":3,
           "reasoning":{"effort":"high","summary":"auto","context":"all_turns"},"service_tier":"fast",
           "truncation":"auto","stream":true,"stream_options":{"include_obfuscation":false},
           "max_tool_calls":2,"modalities":["text","image"],"user":"u","safety_identifier":"s",
           "metadata":{"a":"b"},"session_id":"x","store":false,"background":false,"n":1,
           "previous_response_id":null,"plugins":[],"models":["m","o"],
           "debug":{"echo_upstream_body":true},
           "provider":{"only":["p"]}"#,
    );
    let request = &call.request;
    assert_eq!((request.sampling.temperature, request.sampling.top_p), (Some(0.5), Some(0.9)));
    assert_eq!((request.sampling.top_k, request.sampling.top_logprobs), (Some(40), Some(3)));
    assert_eq!((request.max_tokens, request.parallel_tool_calls), (Some(100), Some(false)));
    assert_eq!(request.service_tier.as_deref(), Some("priority"));
    assert!(request.streaming);
    assert_eq!(request.modalities, ["text", "image"]);
    let reasoning = request.reasoning.as_ref().unwrap();
    assert_eq!(reasoning.effort.as_deref(), Some("high"));
    assert_eq!(reasoning.summary.as_deref(), Some("auto"));
    let native = [
        extra("store", "false"),
        extra("reasoning", r#"{"context":"all_turns"}"#),
        extra("max_tool_calls", "2"),
        extra("include", r#"["reasoning.encrypted_content","message.output_text.logprobs"]"#),
        extra("truncation", r#""auto""#),
    ];
    assert_eq!(request.extra, native);
    assert_eq!(call.user.as_deref(), Some("s"));
    assert_eq!(call.session_id.as_deref(), Some("x"));
    assert_eq!(call.metadata, [("a".to_owned(), "b".to_owned())]);
    assert_eq!(call.router_fields, [extra("plugins", "[]"), extra("max_tool_calls", "2")]);
    assert!(call.echo);
    assert_eq!(call.routing.models, ["m", "o"]);
    assert_eq!(call.routing.only, ["p"]);
    let included = with(r#""include":["message.output_text.logprobs"]"#);
    assert_eq!(included.request.sampling.top_logprobs, Some(0));
    let off = with(r#""reasoning":{"effort":"none","exclude":true}"#).request.reasoning.unwrap();
    assert_eq!((off.enabled, off.hidden), (Some(false), true));
}

#[test]
fn what_nobody_here_can_do_is_refused_by_name() {
    let unsupported = "unsupported_parameter";
    for (fields, param, code) in [
        (r#""store":true"#, "store", unsupported),
        (r#""store":1"#, "store", "invalid_type"),
        (r#""background":true"#, "background", unsupported),
        (r#""previous_response_id":"resp_1""#, "previous_response_id", unsupported),
        (r#""conversation":"conv_1""#, "conversation", unsupported),
        (r#""prompt":{"id":"p"}"#, "prompt", unsupported),
        (r#""messages":[]"#, "messages", unsupported),
        (r#""max_tokens":5"#, "max_tokens", unsupported),
        (r#""response_format":{}"#, "response_format", unsupported),
        (r#""reasoning_effort":"low""#, "reasoning_effort", unsupported),
        (r#""n":2"#, "n", unsupported),
        (r#""modalities":["text","audio"]"#, "modalities[1]", "invalid_value"),
        (r#""max_output_tokens":0"#, "max_output_tokens", "invalid_value"),
        (r#""top_logprobs":21"#, "top_logprobs", "invalid_value"),
        (r#""temperature":"hot""#, "temperature", "invalid_type"),
        (r#""include":"all""#, "include", "invalid_type"),
        (r#""reasoning":{"effort":"low","max_tokens":5}"#, "reasoning", "invalid_value"),
        (r#""tools":[{"name":"f"}]"#, "tools[0].type", "missing_required_parameter"),
        (r#""tools":[{"type":"function"}]"#, "tools[0].name", "missing_required_parameter"),
        (r#""tools":[{"type":"function","name":""}]"#, "tools[0].name", "invalid_value"),
        (
            r#""tools":[{"type":"function","name":"f","parameters":[]}]"#,
            "tools[0].parameters",
            "invalid_value",
        ),
        (
            r#""tools":[{"type":"custom","name":"f","format":{"type":"x"}}]"#,
            "tools[0].format.type",
            "invalid_value",
        ),
        (r#""tool_choice":"any""#, "tool_choice", "invalid_value"),
        (r#""tool_choice":{"type":"function"}"#, "tool_choice.name", "missing_required_parameter"),
        (
            r#""tool_choice":{"type":"allowed_tools","mode":"x","tools":[]}"#,
            "tool_choice.mode",
            "invalid_value",
        ),
        (
            r#""text":{"format":{"type":"json_schema","name":"n"}}"#,
            "text.format.schema",
            "missing_required_parameter",
        ),
        (
            r#""text":{"format":{"type":"json_schema","schema":{}}}"#,
            "text.format.name",
            "missing_required_parameter",
        ),
        (r#""metadata":{"a":1}"#, "metadata.a", "invalid_type"),
        (r#""stream":"yes""#, "stream", "invalid_type"),
    ] {
        refused_with(fields, param, code);
    }
    refused("{}", "input", "missing_required_parameter");
    refused(r#"{"input":[]}"#, "input", "invalid_value");
    refused(r#"{"input":7}"#, "input", "invalid_type");
    refused(r#"{"input":"hi","instructions":[]}"#, "instructions", "invalid_type");
    refused(r#"{"input":"a","input":"b"}"#, "input", "duplicate_field");
    refused("[", "", "invalid_json");
}

#[test]
fn an_item_that_is_wrong_is_named_with_its_way() {
    let missing = "missing_required_parameter";
    for (item, param, code) in [
        (r#""hi""#, "input[0]", "invalid_type"),
        (r#"{"type":"item_reference","id":"msg_1"}"#, "input[0]", "unsupported_parameter"),
        (r#"{"content":"hi"}"#, "input[0].role", missing),
        (r#"{"role":"wizard","content":"hi"}"#, "input[0].role", "invalid_value"),
        (r#"{"role":"user"}"#, "input[0].content", missing),
        (r#"{"role":"user","content":[]}"#, "input[0].content", "invalid_value"),
        (r#"{"role":"user","content":7}"#, "input[0].content", "invalid_type"),
        (r#"{"role":"assistant","content":[]}"#, "input", "invalid_value"),
        (r#"{"role":"user","content":[{"text":"t"}]}"#, "input[0].content[0].type", missing),
        (
            r#"{"role":"user","content":[{"type":"input_text","text":"t"},{"type":"input_image","image_url":"file:///x"}]}"#,
            "input[0].content[1].image_url",
            "invalid_value",
        ),
        (
            r#"{"role":"user","content":[{"type":"input_image"}]}"#,
            "input[0].content[0]",
            "invalid_value",
        ),
        (
            r#"{"role":"user","content":[{"type":"input_file","filename":"x"}]}"#,
            "input[0].content[0]",
            "invalid_value",
        ),
        (r#"{"type":"function_call","call_id":"c","name":"f"}"#, "input[0].arguments", missing),
        (
            r#"{"type":"function_call","call_id":"c","name":"f","arguments":{}}"#,
            "input[0].arguments",
            "invalid_type",
        ),
        (
            r#"{"type":"function_call","call_id":"","name":"f","arguments":"{}"}"#,
            "input[0].call_id",
            "invalid_value",
        ),
        (r#"{"type":"custom_tool_call","call_id":"c","name":"f"}"#, "input[0].input", missing),
        (r#"{"type":"function_call_output","output":"x"}"#, "input[0].call_id", missing),
        (
            r#"{"type":"local_shell_call","call_id":"c"},{"type":"function_call_output","call_id":"c"}"#,
            "input[1].output",
            missing,
        ),
        (
            r#"{"type":"custom_tool_call","call_id":"c","name":"f","input":""},{"type":"custom_tool_call_output","call_id":"c","output":[{"type":"input_image","image_url":"x"}]}"#,
            "input[1].output[0].image_url",
            "invalid_value",
        ),
        (
            r#"{"type":"reasoning","summary":[{"type":"x","text":"t"}]}"#,
            "input[0].summary[0].type",
            "invalid_value",
        ),
        (
            r#"{"role":"assistant","content":[{"type":"output_text","text":"t","annotations":[{}]}]}"#,
            "input[0].content[0].annotations[0].type",
            missing,
        ),
        (r#"{"type":"web_search_call","id":"a","id":"b"}"#, "input[0].id", "duplicate_field"),
    ] {
        refused_item(item, param, code);
    }
}
