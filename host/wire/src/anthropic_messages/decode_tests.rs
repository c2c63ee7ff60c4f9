//! Requests as clients write them, and what they are understood as.

use chat::{MediaKind, MediaSource, PartBody, Reasoning, ResultBody, Role, ToolChoice};

use super::*;

const LONG: &str = "A text that is long enough to be sealed, since it has more than 64 bytes.";

/// A head with these headers.
fn head(headers: &[(&str, &str)]) -> Parts {
    let mut request = http::Request::post("/v1/messages");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn read_with(headers: &[(&str, &str)], body: &str) -> Result<ChatCall, BadRequest> {
    let body = Bytes::copy_from_slice(body.as_bytes());
    decode(&head(headers), body, &DecodeOptions::default())
}

#[track_caller]
fn call(body: &str) -> ChatCall {
    read_with(&[], body).unwrap()
}

/// A call with one user message and these further fields.
#[track_caller]
fn with(fields: &str) -> ChatCall {
    let messages = r#""messages":[{"role":"user","content":"hi"}]"#;
    call(&format!(r#"{{"model":"m","max_tokens":9,{messages},{fields}}}"#))
}

/// A call of these messages.
#[track_caller]
fn conversation(messages: &str) -> ChatCall {
    call(&format!(r#"{{"model":"m","max_tokens":9,"messages":[{messages}]}}"#))
}

/// The messages, unsealed, of a conversation.
#[track_caller]
fn messages(messages: &str) -> Vec<chat::Message> {
    let call = conversation(messages);
    call.seals.unseal(&call.request).messages
}

/// The parts of a message of that role; of a call `t` comes the result.
#[track_caller]
fn parts(role: &str, content: &str) -> Vec<chat::Part> {
    let result = match content.contains(r#""tool_use","id":"t""#) {
        true => r#",{"role":"user","content":[{"type":"tool_result","tool_use_id":"t"}]}"#,
        false => "",
    };
    messages(&format!(r#"{{"role":"{role}","content":{content}}}{result}"#)).remove(0).parts
}

#[track_caller]
fn part(role: &str, block: &str) -> chat::Part {
    parts(role, &format!("[{block}]")).remove(0)
}

#[track_caller]
fn media(block: &str) -> chat::Media {
    match part("user", block).body {
        PartBody::Media(media) => media,
        other => panic!("no media: {other:?}"),
    }
}

fn field(name: &str, json: &str) -> (String, String) {
    (name.into(), json.into())
}

#[track_caller]
fn refused(body: &str, param: &str, code: &str) {
    let error = read_with(&[], body).expect_err(body);
    assert_eq!(error.param.as_deref().unwrap_or_default(), param, "{error}");
    assert_eq!(error.code, code, "{error}");
}

#[track_caller]
fn refused_with(fields: &str, param: &str, code: &str) {
    let messages = r#""messages":[{"role":"user","content":"hi"}]"#;
    refused(&format!(r#"{{"max_tokens":9,{messages},{fields}}}"#), param, code);
}

#[track_caller]
fn refused_block(role: &str, block: &str, param: &str, code: &str) {
    let message = format!(r#"{{"role":"{role}","content":[{block}]}}"#);
    let body = format!(r#"{{"max_tokens":9,"messages":[{message}]}}"#);
    refused(&body, &format!("messages[0].content[0]{param}"), code);
}

#[test]
fn roles_and_plain_text() {
    let call = call(
        r#"{"model":"a/b","max_tokens":7,"system":"s","messages":[
            {"role":"user","content":"u"},
            {"role":"assistant","content":[{"type":"text","text":"a"}]},
            {"role":"system","content":[{"type":"text","text":"later"}]},
            {"role":"assistant","content":""}]}"#,
    );
    assert_eq!(call.request.dialect, "anthropic-messages");
    assert_eq!(call.request.max_tokens, Some(7));
    assert_eq!(call.request.choices, 1);
    assert_eq!(call.routing.models, ["a/b"]);
    let messages = call.request.messages.iter();
    let said: Vec<_> = messages.map(|it| (it.role, it.parts[0].body.clone())).collect();
    let expected = [
        (Role::System, "s"),
        (Role::User, "u"),
        (Role::Assistant, "a"),
        (Role::System, "later"),
        (Role::Assistant, ""),
    ];
    let expected = expected.map(|(role, text)| (role, PartBody::Text(text.into())));
    assert_eq!(said, expected);
}

#[test]
fn the_system_prompt_has_two_forms() {
    let system = |system: &str| with(&format!(r#""system":{system}"#)).request.messages;
    assert_eq!(system(r#""""#).len(), 1, "nothing said");
    assert_eq!(system("[]").len(), 1, "nothing said");
    let blocks = system(
        r#"[{"type":"text","text":"a"},
            {"type":"text","text":"b","cache_control":{"type":"ephemeral","ttl":"1h"}}]"#,
    );
    assert_eq!(blocks[0].role, Role::System);
    assert_eq!(blocks[0].parts.len(), 2);
    let cache = blocks[0].parts[1].cache.as_ref().unwrap();
    assert_eq!(cache.ttl.as_deref(), Some("1h"));
}

#[test]
fn long_text_is_sealed_and_opens_again() {
    let call = conversation(&format!(
        r#"{{"role":"user","content":[{{"type":"text","text":"{LONG}"}},
            {{"type":"document","source":{{"type":"text","media_type":"text/plain","data":"{LONG}"}}}}]}},
           {{"role":"assistant","content":[{{"type":"tool_use","id":"t","name":"f","input":{{"x":"{LONG}"}}}}]}},
           {{"role":"user","content":[{{"type":"tool_result","tool_use_id":"t","content":"{LONG}"}}]}}"#
    ));
    // Calls travel byte for byte.
    assert_eq!(call.seals.len(), 3);
    let open = call.seals.unseal(&call.request);
    assert_eq!(open.messages[0].parts[0].body, PartBody::Text(LONG.into()));
    let PartBody::ToolResult(result) = &open.messages[2].parts[0].body else { panic!() };
    assert_eq!(result.content[0].body, ResultBody::Text(LONG.into()));
    assert!(call.size.text_bytes > 3 * LONG.len());
}

#[test]
fn results_are_messages_of_their_own_in_place() {
    let found = messages(
        r#"{"role":"assistant","content":[
               {"type":"tool_use","id":"a","name":"look","input":{"x":1}},
               {"type":"tool_use","id":"b","name":"hear","input":{}}]},
           {"role":"user","content":[
               {"type":"text","text":"before"},
               {"type":"tool_result","tool_use_id":"b","content":"one"},
               {"type":"tool_result","tool_use_id":"a","content":[
                   {"type":"text","text":"two"},
                   {"type":"image","source":{"type":"base64","media_type":"image/png","data":"AA=="}}],
                "is_error":true,"cache_control":{"type":"ephemeral"}},
               {"type":"text","text":"after"}],"note":1}"#,
    );
    let roles: Vec<_> = found.iter().map(|message| (message.role, message.parts.len())).collect();
    let expected = [(Role::Assistant, 2), (Role::User, 1), (Role::Tool, 2), (Role::User, 1)];
    assert_eq!(roles, expected);
    assert_eq!(found[1].extra, [field("note", "1")]);
    assert!(found[2].extra.is_empty() && found[3].extra.is_empty());
    let PartBody::ToolResult(first) = &found[2].parts[0].body else { panic!() };
    assert_eq!((&*first.call_id, &*first.name, first.failed), ("b", "hear", false));
    let PartBody::ToolResult(second) = &found[2].parts[1].body else { panic!() };
    assert_eq!((&*second.call_id, &*second.name, second.failed), ("a", "look", true));
    assert_eq!(second.content[0].body, ResultBody::Text("two".into()));
    assert!(matches!(&second.content[1].body, ResultBody::Media(_)));
    assert!(found[2].parts[1].cache.is_some());
    assert_eq!(found[3].parts[0].body, PartBody::Text("after".into()));
}

#[test]
fn a_result_may_hold_nothing_or_what_only_the_dialect_knows() {
    let result = |fields: &str| {
        let call = conversation(&format!(
            r#"{{"role":"assistant","content":[{{"type":"tool_use","id":"t","name":"f","input":{{}}}}]}},
               {{"role":"user","content":[{{"type":"tool_result","tool_use_id":"t"{fields}}}]}}"#
        ));
        let PartBody::ToolResult(result) = call.request.messages[1].parts[0].body.clone() else {
            panic!("no result")
        };
        (result.content, call.native)
    };
    assert_eq!(result(""), (vec![], false));
    assert_eq!(result(r#","content":[]"#), (vec![], false));
    let reference = r#"{"type":"tool_reference","tool_name":"f"}"#;
    let (content, native) = result(&format!(r#","content":[{reference}]"#));
    assert!(native);
    assert_eq!(content[0].body, ResultBody::Native(reference.into()));
    let (content, native) = result(
        r#","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}},
            {"type":"document","title":"d","context":"c","source":{"type":"file","file_id":"f"}}]"#,
    );
    assert!(!native);
    assert_eq!(content[0].extra, [field("cache_control", r#"{"type":"ephemeral"}"#)]);
    assert_eq!(content[1].extra, [field("context", r#""c""#)]);
}

#[test]
fn calls_keep_what_the_model_wrote() {
    let part = part(
        "assistant",
        r#"{"type":"tool_use","id":"t","name":"f","input":{"b": 1.0,"a":[]},"caller":{"type":"direct"},
            "cache_control":{"type":"ephemeral"}}"#,
    );
    let PartBody::ToolCall(call) = &part.body else { panic!("{part:?}") };
    assert_eq!((&*call.id, &*call.name, call.freeform), ("t", "f", false));
    assert_eq!(call.input, r#"{"b": 1.0,"a":[]}"#);
    assert_eq!(part.extra, [field("caller", r#"{"type":"direct"}"#)]);
    assert!(part.cache.is_some());
    let bare = self::part("assistant", r#"{"type":"tool_use","id":"t","name":"f"}"#);
    let PartBody::ToolCall(call) = bare.body else { panic!("no call") };
    assert_eq!(call.input, "{}");
}

#[test]
fn media_are_taken_from_wherever_they_are() {
    let image = media(
        r#"{"type":"image","source":{"type":"base64","media_type":"image/webp","data":"QUJD"}}"#,
    );
    assert_eq!(image.kind, MediaKind::Image);
    assert_eq!(image.mime.as_deref(), Some("image/webp"));
    assert_eq!(image.source, MediaSource::Base64("QUJD".into()));
    let image = media(r#"{"type":"image","source":{"type":"url","url":"https://x.test/a"}}"#);
    assert_eq!((image.source, image.mime), (MediaSource::Uri("https://x.test/a".into()), None));
    let image =
        media(r#"{"type":"image","source":{"type":"url","url":"data:image/png;base64,QQ=="}}"#);
    assert_eq!(image.source, MediaSource::Base64("QQ==".into()));
    assert_eq!(image.mime.as_deref(), Some("image/png"));
    let image = media(r#"{"type":"image","source":{"type":"file","file_id":"f-1"}}"#);
    assert_eq!(image.source, MediaSource::FileId("f-1".into()));
    let pdf = media(
        r#"{"type":"document","title":"T","source":{"type":"base64","media_type":"application/pdf","data":"QUJD"}}"#,
    );
    assert_eq!((pdf.kind, pdf.name.as_deref()), (MediaKind::Document, Some("T")));
    assert_eq!(pdf.mime.as_deref(), Some("application/pdf"));
    let text = media(
        r#"{"type":"document","source":{"type":"text","media_type":"text/plain","data":"words"}}"#,
    );
    assert_eq!(text.source, MediaSource::Text("words".into()));
    let call = conversation(
        r#"{"role":"user","content":[{"type":"image","source":{"type":"file","file_id":"f"}}]}"#,
    );
    assert_eq!((call.media, call.native), (1, false));
    assert!(call.needs.contains(&"images"));
}

#[test]
fn what_only_the_dialect_knows_is_native() {
    for (role, block) in [
        ("user", r#"{"type":"document","source":{"type":"content","content":"x"}}"#),
        ("user", r#"{"type":"container_upload","file_id":"f"}"#),
        ("user", r#"{"type":"search_result","source":"s","title":"t","content":[]}"#),
        ("assistant", r#"{"type":"server_tool_use","id":"s","name":"web_search","input":{}}"#),
        ("assistant", r#"{"type":"web_search_tool_result","tool_use_id":"s","content":[]}"#),
        ("assistant", r#"{"type":"compaction","content":"x"}"#),
        ("system", r#"{"type":"tool_addition","tool":{"type":"tool_reference","name":"f"}}"#),
    ] {
        let call = conversation(&format!(r#"{{"role":"{role}","content":[{block}]}}"#));
        assert!(call.native, "{block}");
        assert_eq!(call.request.messages[0].parts[0].body, PartBody::Native(block.into()));
    }
}

#[test]
fn fields_that_are_not_modelled_stay_with_their_part() {
    let document = part(
        "user",
        r#"{"type":"document","source":{"type":"file","file_id":"f"},"context":"c","citations":{"enabled":true}}"#,
    );
    let expected = [field("context", r#""c""#), field("citations", r#"{"enabled":true}"#)];
    assert_eq!(document.extra, expected);
    let text = part(
        "user",
        r#"{"type":"text","text":"a","cache_control":{"type":"ephemeral","scope":"global"}}"#,
    );
    assert!(text.cache.is_some());
    assert_eq!(text.extra, [field("cache_control", r#"{"scope":"global"}"#)]);
}

#[test]
fn citations_come_back_whole() {
    let text = part(
        "assistant",
        r#"{"type":"text","text":"a","citations":[
            {"type":"web_search_result_location","url":"https://x.test","title":"T","cited_text":"q","encrypted_index":"e"},
            {"type":"char_location","cited_text":"q","document_index":0,"document_title":null,"start_char_index":1,"end_char_index":2},
            {"type":"search_result_location","source":"s","title":"T","cited_text":"q","search_result_index":0},
            {"type":"web_search_result_location","url":"https://y.test","title":null,"cited_text":"","encrypted_index":""}]}"#,
    );
    let [web, place, result] = &text.citations[..] else { panic!("{:?}", text.citations) };
    assert_eq!((web.url.as_deref(), web.title.as_deref()), (Some("https://x.test"), Some("T")));
    assert_eq!(web.quote.as_deref(), Some("q"));
    assert!(web.extra.contains(&field("encrypted_index", r#""e""#)));
    assert!(web.extra.contains(&field("type", r#""web_search_result_location""#)));
    assert_eq!((&place.url, &place.title), (&None, &None));
    assert!(place.extra.contains(&field("start_char_index", "1")));
    assert_eq!(result.url.as_deref(), Some("s"));
    assert!(part("user", r#"{"type":"text","text":"a","citations":null}"#).citations.is_empty());
}

#[test]
fn reasoning_comes_back_as_it_was_given() {
    let thought = part("assistant", r#"{"type":"thinking","thinking":"t","signature":"s"}"#);
    assert_eq!(thought.body, PartBody::Reasoning(Reasoning::Text("t".into())));
    assert_eq!(thought.signature.as_deref(), Some("s"));
    assert_eq!(thought.format.as_deref(), Some("anthropic-claude-v1"));
    let sealed = part("assistant", r#"{"type":"redacted_thinking","data":"d"}"#);
    assert_eq!(sealed.body, PartBody::Reasoning(Reasoning::Encrypted("d".into())));
    assert_eq!(sealed.format.as_deref(), Some("anthropic-claude-v1"));
    let unsigned = part("assistant", r#"{"type":"thinking","thinking":"t","signature":""}"#);
    assert_eq!((unsigned.signature, unsigned.format), (None, None));
    let nothing = r#"[{"type":"thinking","thinking":"","signature":""}]"#;
    assert!(parts("assistant", nothing).is_empty());
    let call =
        conversation(r#"{"role":"assistant","content":[{"type":"redacted_thinking","data":"d"}]}"#);
    let format = call.request.messages[0].parts[0].format.as_deref();
    assert_eq!(format, Some("anthropic-claude-v1"));
}

#[test]
fn proofs_find_what_they_prove() {
    let carried = |json: &str| {
        let data = serde_json::to_string(&format!("plugway:{json}")).unwrap();
        format!(r#"{{"type":"redacted_thinking","data":{data}}}"#)
    };
    let of_call = carried(r#"{"kind":"call","format":"f-1","id":"t","data":"p"}"#);
    let of_other = carried(r#"{"kind":"call","format":"f-1","id":"gone","data":"q"}"#);
    let of_text = carried(r#"{"kind":"said","format":"f-1","data":"r"}"#);
    let call = r#"{"type":"tool_use","id":"t","name":"f","input":{}}"#;
    let text = r#"{"type":"text","text":"a"}"#;
    for content in [
        format!("[{text},{of_text},{of_call},{of_other},{call}]"),
        format!("[{text},{of_text},{call},{of_call}]"),
    ] {
        let parts = parts("assistant", &content);
        let [said, called] = &parts[..] else { panic!("{parts:?}") };
        assert_eq!(said.signature.as_deref(), Some("r"), "{content}");
        assert_eq!(called.signature.as_deref(), Some("p"), "{content}");
        assert_eq!(called.format.as_deref(), Some("f-1"));
    }
    let alone = parts("assistant", &format!("[{of_text}]"));
    assert_eq!(alone[0].body, PartBody::Text(String::new()));
    assert_eq!(alone[0].signature.as_deref(), Some("r"));
}

#[test]
fn tools_are_the_clients_or_the_providers() {
    let call = with(
        r#""tools":[
            {"name":"f","description":"d","input_schema":{"type":"object"},"strict":true,
             "cache_control":{"type":"ephemeral"},"defer_loading":true},
            {"type":"custom","name":"g","input_schema":{}},
            {"type":"web_search_20250305","name":"web_search"}]"#,
    );
    let [chat::Tool::Function(f), chat::Tool::Function(g), chat::Tool::Native(web)] =
        &call.request.tools[..]
    else {
        panic!("{:?}", call.request.tools)
    };
    assert_eq!((&*f.name, f.description.as_deref(), f.strict), ("f", Some("d"), Some(true)));
    assert_eq!(f.parameters.as_deref(), Some(r#"{"type":"object"}"#));
    assert_eq!(f.extra, [field("defer_loading", "true")]);
    assert!(f.cache.is_some());
    assert_eq!(g.extra, [field("type", r#""custom""#)]);
    assert_eq!(web, r#"{"type":"web_search_20250305","name":"web_search"}"#);
    assert!(call.native);
    assert!(call.needs.contains(&"tools") && call.needs.contains(&"native-tools"));
}

#[test]
fn tool_choice_has_many_forms() {
    for (json, choice, parallel) in [
        (r#"{"type":"auto"}"#, ToolChoice::Auto, None),
        (r#"{"type":"any"}"#, ToolChoice::Required, None),
        (r#"{"type":"none"}"#, ToolChoice::None, None),
        (r#"{"type":"tool","name":"f"}"#, ToolChoice::Named("f".into()), None),
        (r#"{"type":"any","disable_parallel_tool_use":true}"#, ToolChoice::Required, Some(false)),
    ] {
        let request = with(&format!(r#""tool_choice":{json}"#)).request;
        assert_eq!(request.tool_choice, Some(choice), "{json}");
        assert_eq!(request.parallel_tool_calls, parallel, "{json}");
        assert!(request.extra.is_empty(), "{json}");
    }
    let request =
        with(r#""tool_choice":{"type":"auto","disable_parallel_tool_use":false}"#).request;
    assert_eq!(request.parallel_tool_calls, None);
    assert_eq!(request.extra, [field("tool_choice", r#"{"disable_parallel_tool_use":false}"#)]);
    let call = with(r#""tool_choice":{"type":"future","x":1}"#);
    assert!(call.native);
    let native = ToolChoice::Native(r#"{"type":"future","x":1}"#.into());
    assert_eq!(call.request.tool_choice, Some(native));
}

#[test]
fn every_knob() {
    let call = with(
        r#""temperature":0.5,"top_p":0.9,"top_k":40,"stop_sequences":["a","b"],"stream":true,
           "service_tier":"auto","metadata":{"user_id":"u-1","more":1},"speed":"fast",
           "container":"c","cache_control":{"type":"ephemeral","ttl":"5m"}"#,
    );
    let request = &call.request;
    let sampling = &request.sampling;
    assert_eq!((sampling.temperature, sampling.top_p), (Some(0.5), Some(0.9)));
    assert_eq!(sampling.top_k, Some(40));
    assert_eq!(sampling.stop, ["a", "b"]);
    assert!(request.streaming);
    assert_eq!(request.service_tier.as_deref(), Some("auto"));
    assert_eq!(request.auto_cache.as_ref().unwrap().ttl.as_deref(), Some("5m"));
    assert_eq!(call.user.as_deref(), Some("u-1"));
    assert_eq!(request.user, None);
    let expected = [
        field("metadata", r#"{"more":1}"#),
        field("speed", r#""fast""#),
        field("container", r#""c""#),
    ];
    assert_eq!(request.extra, expected);
}

#[test]
fn tiers_have_the_names_that_all_know() {
    for (fields, tier) in [
        (r#""service_tier":"auto""#, "auto"),
        (r#""service_tier":"standard_only""#, "default"),
        (r#""speed":"fast""#, "priority"),
        (r#""speed":"fast","service_tier":"standard_only""#, "default"),
    ] {
        assert_eq!(with(fields).request.service_tier.as_deref(), Some(tier), "{fields}");
    }
    assert_eq!(with(r#""speed":"standard""#).request.service_tier, None);
}

#[test]
fn what_is_left_of_a_schemas_format_travels_on() {
    let format = r#"{"type":"json_schema","schema":{},"x":1}"#;
    let expected = field("output_config", r#"{"format":{"x":1}}"#);
    for fields in [
        format!(r#""output_format":{format}"#),
        format!(r#""output_config":{{"format":{format}}}"#),
    ] {
        assert_eq!(with(&fields).request.extra, std::slice::from_ref(&expected), "{fields}");
    }
}

#[test]
fn thinking_and_effort() {
    let options = |fields: &str| {
        let call = with(fields);
        let shown = format!("{:?}", call.form).contains("include_reasoning: true");
        (call.request.reasoning, call.request.extra, shown)
    };
    let expected = |enabled, max_tokens, effort: Option<&str>, hidden: bool| {
        let effort = effort.map(str::to_owned);
        // What is shown may have to be a summary.
        let summary = (enabled == Some(true) && !hidden).then(|| "auto".to_owned());
        Some(chat::ReasoningOptions { enabled, effort, max_tokens, summary, hidden })
    };
    assert_eq!(options(r#""stream":false"#), (None, vec![], true));
    assert_eq!(
        options(r#""thinking":{"type":"enabled","budget_tokens":2048}"#),
        (expected(Some(true), Some(2048), None, false), vec![], true)
    );
    assert_eq!(
        options(r#""thinking":{"type":"disabled"}"#),
        (expected(Some(false), None, None, false), vec![], true)
    );
    let adaptive =
        r#""thinking":{"type":"adaptive","display":"omitted"},"output_config":{"effort":"low"}"#;
    assert_eq!(options(adaptive), (expected(Some(true), None, Some("low"), true), vec![], false));
    assert_eq!(
        options(r#""thinking":{"type":"adaptive","display":"summarized"}"#),
        (
            expected(Some(true), None, None, false),
            vec![field("thinking", r#"{"display":"summarized"}"#)],
            true
        )
    );
    assert_eq!(
        options(r#""output_config":{"effort":"max","task_budget":{"type":"tokens","total":1}}"#),
        (
            expected(None, None, Some("max"), false),
            vec![field("output_config", r#"{"task_budget":{"type":"tokens","total":1}}"#)],
            true
        )
    );
}

#[test]
fn the_format_of_an_answer_has_two_places() {
    let schema = r#"{"type":"json_schema","schema":{"type":"object"}}"#;
    for fields in [
        format!(r#""output_config":{{"format":{schema}}}"#),
        format!(r#""output_format":{schema}"#),
    ] {
        let call = with(&fields);
        let Some(chat::ResponseFormat::JsonSchema(format)) = &call.request.response_format else {
            panic!("{fields}")
        };
        assert_eq!(format.schema, r#"{"type":"object"}"#);
        assert!(call.needs.contains(&"json-schema"));
    }
    let call = with(r#""output_config":{"format":{"type":"future"}}"#);
    assert!(call.native);
    refused_with(
        &format!(r#""output_config":{{"format":{schema}}},"output_format":{schema}"#),
        "output_config.format",
        "invalid_value",
    );
}

#[test]
fn headers_of_the_dialect_travel_on_and_no_credential() {
    let headers = [
        ("anthropic-version", "2023-06-01"),
        ("Anthropic-Beta", "a-1,b-2"),
        ("anthropic-beta", "c-3"),
        ("x-anthropic-beta", "d-4"),
        ("x-api-key", "sk-secret"),
        ("authorization", "Bearer sk-secret"),
    ];
    let body = r#"{"max_tokens":1,"messages":[{"role":"user","content":"hi"}]}"#;
    let expected = [
        field("anthropic-version", "2023-06-01"),
        field("anthropic-beta", "a-1,b-2"),
        field("anthropic-beta", "c-3"),
        field("anthropic-beta", "d-4"),
    ];
    assert_eq!(read_with(&headers, body).unwrap().request.headers, expected);
    let mut strange = head(&[]);
    let value = http::HeaderValue::from_bytes(b"\xff").unwrap();
    strange.headers.insert("anthropic-beta", value);
    let refusal = decode(&strange, Bytes::from_static(body.as_bytes()), &DecodeOptions::default());
    assert_eq!(refusal.unwrap_err().param.as_deref(), Some("anthropic-beta"));
}

#[test]
fn routing_and_labels() {
    let call = with(
        r#""provider":{"order":["a"]},"fallbacks":[{"model":"n"},{"model":"m"}],
           "session_id":"s-1","plugins":[],"trace":{"trace_id":"t"},"user":"u-1""#,
    );
    assert_eq!(call.routing.models, ["m", "n"]);
    assert_eq!(call.routing.order, ["a"]);
    assert_eq!(call.session_id.as_deref(), Some("s-1"));
    let names: Vec<_> = call.router_fields.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["plugins", "trace"]);
    assert_eq!((call.user.as_deref(), &*call.request.extra), (Some("u-1"), &[][..]));
    assert_eq!(with(r#""models":["n"],"fallbacks":[]"#).routing.models, ["m", "n"]);
    assert!(!with(r#""debug":{"echo_upstream_body":false}"#).echo);
    refused_with(r#""debug":{"echo_upstream_body":true}"#, "debug", "unsupported_parameter");
    refused_with(r#""preset":7"#, "preset", "invalid_type");
}

#[test]
fn an_opening_is_what_a_conversation_keeps() {
    let call = call(
        r#"{"max_tokens":1,"system":"s","messages":[{"role":"user","content":"u"},
            {"role":"assistant","content":"a"}]}"#,
    );
    assert_eq!(call.opening, [&br#""s""#[..], br#"{"role":"user","content":"u"}"#]);
}

#[test]
fn a_count_needs_no_limit_and_is_not_streamed() {
    let count = |body: &str| {
        let body = Bytes::copy_from_slice(body.as_bytes());
        decode_count(&head(&[]), body, &DecodeOptions::default())
    };
    let messages = r#""messages":[{"role":"user","content":"hi"}]"#;
    let call = count(&format!(r#"{{"model":"m","stream":true,{messages}}}"#)).unwrap();
    assert_eq!(call.request.max_tokens, None);
    assert!(!call.request.streaming && !call.needs.contains(&"streaming"));
    assert_eq!(count("{}").unwrap_err().param.as_deref(), Some("messages"));
    assert_eq!(super::super::encode_count(12), r#"{"input_tokens":12}"#);
}

#[test]
fn faults_of_the_body_are_named_by_their_place() {
    let hi = r#"{"role":"user","content":"hi"}"#;
    refused("[]", "", "invalid_type");
    refused("{", "", "invalid_json");
    refused(r#"{"max_tokens":1}"#, "messages", "missing_required_parameter");
    refused(r#"{"max_tokens":1,"messages":[]}"#, "messages", "invalid_value");
    refused(r#"{"max_tokens":1,"messages":{}}"#, "messages", "invalid_type");
    refused(&format!(r#"{{"messages":[{hi}]}}"#), "max_tokens", "missing_required_parameter");
    refused(&format!(r#"{{"messages":[{hi}],"messages":[{hi}]}}"#), "messages", "duplicate_field");
    for (fields, param, code) in [
        (r#""max_tokens":1.5"#, "max_tokens", "duplicate_field"),
        (r#""temperature":"hot""#, "temperature", "invalid_type"),
        (r#""stop_sequences":"a""#, "stop_sequences", "invalid_type"),
        (r#""stop_sequences":["a",1]"#, "stop_sequences[1]", "invalid_type"),
        (r#""top_k":-1"#, "top_k", "invalid_value"),
        (r#""stream":"yes""#, "stream", "invalid_type"),
        (r#""system":1"#, "system", "invalid_type"),
        (r#""system":[{"type":"text"}]"#, "system[0].text", "missing_required_parameter"),
        (r#""system":[{"type":"tool_use","id":"t","name":"f"}]"#, "system[0]", "invalid_value"),
        (r#""metadata":{"user_id":1}"#, "metadata.user_id", "invalid_type"),
        (r#""thinking":{}"#, "thinking.type", "missing_required_parameter"),
        (r#""thinking":{"type":"later"}"#, "thinking.type", "invalid_value"),
        (
            r#""thinking":{"type":"enabled"}"#,
            "thinking.budget_tokens",
            "missing_required_parameter",
        ),
        (r#""output_config":{"effort":1}"#, "output_config.effort", "invalid_type"),
        (
            r#""output_config":{"format":{"type":"json_schema"}}"#,
            "output_config.format.schema",
            "missing_required_parameter",
        ),
        (r#""cache_control":{"type":"eternal"}"#, "cache_control.type", "invalid_value"),
        (r#""tools":{}"#, "tools", "invalid_type"),
        (r#""tools":[{"name":"f"}]"#, "tools[0].input_schema", "missing_required_parameter"),
        (r#""tools":[{"input_schema":{}}]"#, "tools[0].name", "missing_required_parameter"),
        (r#""tools":[{"name":"f","input_schema":1}]"#, "tools[0].input_schema", "invalid_value"),
        (r#""tools":[{"name":"","input_schema":{}}]"#, "tools[0].name", "invalid_value"),
        (r#""tool_choice":"auto""#, "tool_choice", "invalid_type"),
        (r#""tool_choice":{"type":"tool"}"#, "tool_choice.name", "missing_required_parameter"),
        (r#""fallbacks":[{}]"#, "fallbacks[0].model", "missing_required_parameter"),
        (
            r#""fallbacks":[{"model":"n","max_tokens":1}]"#,
            "fallbacks[0].max_tokens",
            "unknown_parameter",
        ),
        (r#""models":["a"],"fallbacks":[{"model":"n"}]"#, "fallbacks", "invalid_value"),
    ] {
        refused_with(fields, param, code);
    }
    let four = r#""fallbacks":[{"model":"a"},{"model":"b"},{"model":"c"},{"model":"d"}]"#;
    refused_with(four, "fallbacks", "invalid_value");
}

#[test]
fn faults_of_messages_are_named_by_their_place() {
    let missing = "missing_required_parameter";
    for (message, param, code) in [
        ("1", "", "invalid_type"),
        (r#"{"content":"x"}"#, ".role", missing),
        (r#"{"role":"tool","content":"x"}"#, ".role", "invalid_value"),
        (r#"{"role":"user"}"#, ".content", missing),
        (r#"{"role":"user","content":1}"#, ".content", "invalid_type"),
        (r#"{"role":"user","content":["x"]}"#, ".content[0]", "invalid_type"),
    ] {
        let body = format!(r#"{{"max_tokens":9,"messages":[{message}]}}"#);
        refused(&body, &format!("messages[0]{param}"), code);
    }
}

#[test]
fn faults_of_blocks_are_named_by_their_place() {
    let missing = "missing_required_parameter";
    for (role, block, param, code) in [
        ("user", r#"{"text":"x"}"#, ".type", missing),
        ("user", r#"{"type":"text"}"#, ".text", missing),
        ("user", r#"{"type":"text","text":1}"#, ".text", "invalid_type"),
        ("user", r#"{"type":"text","text":"x","citations":{}}"#, ".citations", "invalid_type"),
        ("user", r#"{"type":"text","text":"x","citations":[{}]}"#, ".citations[0].type", missing),
        ("user", r#"{"type":"future","a":1,"a":2}"#, ".a", "duplicate_field"),
        ("user", r#"{"type":"image"}"#, ".source", missing),
        ("user", r#"{"type":"image","source":{}}"#, ".source.type", missing),
        (
            "user",
            r#"{"type":"image","source":{"type":"base64","data":"QQ=="}}"#,
            ".source.media_type",
            missing,
        ),
        (
            "user",
            r#"{"type":"image","source":{"type":"url","url":"file:///etc/passwd"}}"#,
            ".source.url",
            "invalid_value",
        ),
        (
            "user",
            r#"{"type":"image","source":{"type":"url","url":"no url"}}"#,
            ".source.url",
            "invalid_value",
        ),
        (
            "user",
            r#"{"type":"image","source":{"type":"file","file_id":"f","x":1}}"#,
            ".source.x",
            "unknown_parameter",
        ),
        (
            "user",
            r#"{"type":"document","source":{"type":"text","media_type":"text/html","data":"x"}}"#,
            ".source.media_type",
            "invalid_value",
        ),
        ("user", r#"{"type":"tool_use","id":"t","name":"f","input":{}}"#, "", "invalid_value"),
        ("user", r#"{"type":"thinking","thinking":"x","signature":"s"}"#, "", "invalid_value"),
        ("system", r#"{"type":"redacted_thinking","data":"x"}"#, "", "invalid_value"),
    ] {
        refused_block(role, block, param, code);
    }
}

#[test]
fn faults_of_what_the_model_said_are_named_by_their_place() {
    let missing = "missing_required_parameter";
    for (role, block, param, code) in [
        ("assistant", r#"{"type":"tool_result","tool_use_id":"t"}"#, "", "invalid_value"),
        ("user", r#"{"type":"tool_result"}"#, ".tool_use_id", missing),
        ("user", r#"{"type":"tool_result","tool_use_id":""}"#, ".tool_use_id", "invalid_value"),
        ("user", r#"{"type":"tool_result","tool_use_id":"t"}"#, ".tool_use_id", "invalid_value"),
        ("assistant", r#"{"type":"tool_use","name":"f"}"#, ".id", missing),
        ("assistant", r#"{"type":"tool_use","id":"","name":"f"}"#, ".id", "invalid_value"),
        ("assistant", r#"{"type":"tool_use","id":"t"}"#, ".name", missing),
        ("assistant", r#"{"type":"tool_use","id":"t","name":""}"#, ".name", "invalid_value"),
        (
            "assistant",
            r#"{"type":"tool_use","id":"t","name":"f","input":"{}"}"#,
            ".input",
            "invalid_value",
        ),
        (
            "assistant",
            r#"{"type":"tool_use","id":"t","name":"f","input":{"a":{"b":1,"b":2}}}"#,
            ".input.a.b",
            "duplicate_field",
        ),
        ("assistant", r#"{"type":"thinking","signature":"s"}"#, ".thinking", missing),
        (
            "assistant",
            r#"{"type":"thinking","thinking":"","signature":"plugway:x"}"#,
            ".signature",
            "invalid_value",
        ),
        ("assistant", r#"{"type":"redacted_thinking"}"#, ".data", missing),
        (
            "assistant",
            r#"{"type":"redacted_thinking","data":"plugway:{}"}"#,
            ".data",
            "invalid_value",
        ),
    ] {
        refused_block(role, block, param, code);
    }
    refused(
        r#"{"max_tokens":1,"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f"}]},
            {"role":"user","content":[{"type":"text","text":"x"},{"type":"tool_result","tool_use_id":"t","content":[
                {"type":"image","source":{"type":"url","url":1}}]}]}]}"#,
        "messages[1].content[1].content[0].source.url",
        "invalid_type",
    );
}

#[test]
fn faults_show_no_content() {
    let body = r#"{"max_tokens":1,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"secret"}}]}]}"#;
    let error = read_with(&[], body).unwrap_err();
    assert!(!error.message.contains("secret"), "{error}");
}
