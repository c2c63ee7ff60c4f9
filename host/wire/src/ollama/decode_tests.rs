//! Requests as clients write them, and what they are understood as.

use chat::{MediaSource, PartBody, Reasoning, ResponseFormat, ResultBody, Role, Tool};

use super::*;

const LONG: &str = "A text that is long enough to be sealed, since it has more than 64 bytes.";

const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk";

fn head(path: &str) -> Parts {
    http::Request::post(path).body(()).unwrap().into_parts().0
}

fn decoded(path: &str, body: &str) -> Result<ChatCall, BadRequest> {
    let body = Bytes::copy_from_slice(body.as_bytes());
    decode(&head(path), body, &DecodeOptions::default())
}

#[track_caller]
fn call(body: &str) -> ChatCall {
    decoded("/api/chat", body).unwrap()
}

#[track_caller]
fn generate(fields: &str) -> ChatCall {
    decoded("/api/generate", &format!(r#"{{"model":"m",{fields}}}"#)).unwrap()
}

/// A call with one user message and these further fields.
#[track_caller]
fn with(fields: &str) -> ChatCall {
    call(&format!(r#"{{"model":"m","messages":[{{"role":"user","content":"hi"}}],{fields}}}"#))
}

/// The messages given, in clear.
#[track_caller]
fn messages(messages: &str) -> Vec<chat::Message> {
    let call = call(&format!(r#"{{"model":"m","messages":[{messages}]}}"#));
    call.seals.unseal(&call.request).messages
}

#[track_caller]
fn refused_at(path: &str, body: &str, param: &str, code: &str) {
    let error = decoded(path, body).expect_err(body);
    assert_eq!(error.param.as_deref().unwrap_or_default(), param, "{error}");
    assert_eq!(error.code, code, "{error}");
}

#[track_caller]
fn refused_with(fields: &str, param: &str, code: &str) {
    let body = format!(r#"{{"messages":[{{"role":"user","content":"hi"}}],{fields}}}"#);
    refused_at("/api/chat", &body, param, code);
}

#[track_caller]
fn refused_message(message: &str, param: &str, code: &str) {
    refused_at("/api/chat", &format!(r#"{{"messages":[{message}]}}"#), param, code);
}

fn text(text: &str) -> PartBody {
    PartBody::Text(text.into())
}

fn bodies(message: &chat::Message) -> Vec<PartBody> {
    message.parts.iter().map(|part| part.body.clone()).collect()
}

#[test]
fn roles_and_plain_text() {
    let call = call(
        r#"{"model":"a/b","messages":[
            {"role":"system","content":"s"},{"role":"user","content":"u"},
            {"role":"assistant","content":"a"},{"role":"user"}]}"#,
    );
    assert_eq!((call.request.model.as_str(), call.request.dialect.as_str()), ("a/b", "ollama"));
    assert!(call.request.streaming, "a stream is the default");
    assert!(!call.idle);
    let said: Vec<_> = call.request.messages.iter().map(|it| (it.role, bodies(it))).collect();
    let expected = [
        (Role::System, vec![text("s")]),
        (Role::User, vec![text("u")]),
        (Role::Assistant, vec![text("a")]),
        (Role::User, vec![text("")]),
    ];
    assert_eq!(said, expected);
    let opening: Vec<_> = call.opening.iter().map(|slice| &slice[..]).collect();
    let first: [&[u8]; 2] =
        [br#"{"role":"system","content":"s"}"#, br#"{"role":"user","content":"u"}"#];
    assert_eq!(opening, first);
}

#[test]
fn long_texts_and_images_are_sealed_and_come_back() {
    let body = format!(
        r#"{{"model":"m","messages":[{{"role":"user","content":"{LONG}","images":["{PNG}{PNG}"]}}]}}"#
    );
    let call = call(&body);
    assert!(!format!("{:?}", call.request.messages).contains("long enough"));
    let clear = call.seals.unseal(&call.request).messages.remove(0);
    assert_eq!(clear.parts[1].body, text(LONG));
    let PartBody::Media(image) = &clear.parts[0].body else { panic!("{clear:?}") };
    assert_eq!(image.source, MediaSource::Base64(format!("{PNG}{PNG}")));
    assert_eq!((image.kind, image.mime.as_deref()), (chat::MediaKind::Image, Some("image/png")));
    assert_eq!((call.media, call.needs.contains(&"images")), (1, true));
}

#[test]
fn the_type_of_an_image_is_read_off_its_first_bytes() {
    for (data, mime) in [
        ("/9j/4AAQSkZJRg==", Some("image/jpeg")),
        (r"\/9j\/4AAQSkZJRg==", Some("image/jpeg")),
        ("R0lGODlhAQAB", Some("image/gif")),
        ("UklGRhIAAABXRUJQ", Some("image/webp")),
        ("AAAA", None),
    ] {
        let message =
            messages(&format!(r#"{{"role":"user","content":"","images":["{data}"]}}"#)).remove(0);
        let [PartBody::Media(image)] = &bodies(&message)[..] else { panic!("{message:?}") };
        assert_eq!(image.mime.as_deref(), mime, "{data}");
    }
}

#[test]
fn thoughts_text_and_calls_of_an_assistant_keep_their_order() {
    let message = messages(
        r#"{"role":"assistant","tool_calls":[{"id":"x","function":{"index":0,"name":"f",
            "arguments":{"b": 1,"a":[2]}},"future":1}],"content":"t","thinking":"hm"}"#,
    )
    .remove(0);
    let call = chat::ToolCall {
        id: "x".into(),
        name: "f".into(),
        input: r#"{"b": 1,"a":[2]}"#.into(),
        freeform: false,
    };
    let expected =
        [PartBody::Reasoning(Reasoning::Text("hm".into())), text("t"), PartBody::ToolCall(call)];
    assert_eq!(bodies(&message), expected);
    assert_eq!(message.parts[2].extra, [("future".into(), "1".into())]);
}

/// Name and id of each result's call.
fn results(messages: &[chat::Message]) -> Vec<(&str, &str)> {
    let parts = messages.iter().flat_map(|message| &message.parts);
    let results = parts.filter_map(|part| match &part.body {
        PartBody::ToolResult(result) => Some((result.name.as_str(), result.call_id.as_str())),
        _ => None,
    });
    results.collect()
}

#[test]
fn results_find_their_calls_without_ids() {
    let call = |name: &str| format!(r#"{{"function":{{"name":"{name}","arguments":{{}}}}}}"#);
    let result = |fields: &str| format!(r#"{{"role":"tool","content":"1"{fields}}}"#);
    let calls = format!(
        r#"{{"role":"assistant","tool_calls":[{},{},{},{}]}}"#,
        call("f"),
        call("g"),
        call("f"),
        call("h")
    );
    let all = [
        calls,
        result(r#","tool_name":"g""#),
        result(r#","tool_name":"f""#),
        result(r#","name":"f""#),
        result(""),
        result(r#","tool_name":"never""#),
    ];
    let messages = messages(&all.join(","));
    let expected = [
        ("g", "call_0_1"),
        ("f", "call_0_0"),
        ("f", "call_0_2"),
        ("h", "call_0_3"),
        ("never", "call_5"),
    ];
    assert_eq!(results(&messages), expected);
    assert!(messages[1..].iter().all(|message| message.role == Role::Tool));
}

#[test]
fn results_name_their_calls_by_id() {
    let messages = messages(
        r#"{"role":"assistant","tool_calls":[{"id":"x","function":{"name":"f"}},
                {"id":"y","function":{"name":"f","arguments":"{\"a\":1}"}}]},
            {"role":"tool","tool_call_id":"y","content":"2"},
            {"role":"tool","tool_call_id":"x","content":"1","images":["/9j/"]}"#,
    );
    assert_eq!(results(&messages), [("f", "y"), ("f", "x")]);
    let PartBody::ToolResult(result) = &messages[2].parts[0].body else { panic!() };
    assert!(matches!(
        &result.content[..],
        [chat::ResultPart { body: ResultBody::Media(_), .. },
         chat::ResultPart { body: ResultBody::Text(text), .. }] if text == "1"
    ));
    let PartBody::ToolCall(call) = &messages[0].parts[1].body else { panic!() };
    assert_eq!(call.input, r#"{"a":1}"#);
}

#[test]
fn tools_are_functions() {
    let call = with(
        r#""tools":[{"type":"function","function":{"name":"f","description":"d",
            "parameters":{"type":"object"},"future":1}}, {"function":{"name":"g"}}]"#,
    );
    let [Tool::Function(first), Tool::Function(second)] = &call.request.tools[..] else { panic!() };
    assert_eq!((first.name.as_str(), first.description.as_deref()), ("f", Some("d")));
    assert_eq!(first.parameters.as_deref(), Some(r#"{"type":"object"}"#));
    assert_eq!(first.extra, [("future".into(), "1".into())]);
    assert_eq!((second.name.as_str(), &second.parameters), ("g", &None));
    assert!(call.needs.contains(&"tools"));
}

#[test]
fn the_shape_of_an_answer_is_a_word_or_a_schema() {
    let format = |json: &str| with(&format!(r#""format":{json}"#)).request.response_format;
    assert!(format(r#""""#).is_none());
    assert!(format("null").is_none());
    assert!(matches!(format(r#""json""#), Some(ResponseFormat::JsonObject)));
    let Some(ResponseFormat::JsonSchema(schema)) = format(r#"{"type": "object"}"#) else {
        panic!()
    };
    assert_eq!((schema.schema.as_str(), schema.name), (r#"{"type": "object"}"#, None));
}

#[test]
fn options_that_others_know_are_translated_and_the_rest_is_native() {
    let request = with(
        r#""options":{"num_ctx":4096,"temperature":0.5,"top_p":0.9,"top_k":40,"min_p":0.1,"seed":-7,
            "stop":["a","b"],"num_predict":100.0,"repeat_penalty":1.1,"presence_penalty":0.2,
            "frequency_penalty":0.3,"mirostat":1},"keep_alive":"5m","logprobs":true,
            "top_logprobs":2"#,
    )
    .request;
    let sampling = &request.sampling;
    assert_eq!(
        (sampling.temperature, sampling.top_p, sampling.min_p),
        (Some(0.5), Some(0.9), Some(0.1))
    );
    assert_eq!(
        (sampling.top_k, sampling.seed, request.max_tokens),
        (Some(40), Some(-7), Some(100))
    );
    assert_eq!(sampling.stop, ["a", "b"]);
    assert_eq!(sampling.repetition_penalty, Some(1.1));
    assert_eq!((sampling.presence_penalty, sampling.frequency_penalty), (Some(0.2), Some(0.3)));
    assert_eq!(sampling.top_logprobs, Some(2));
    let expected = [
        ("options".into(), r#"{"num_ctx":4096,"mirostat":1}"#.into()),
        ("keep_alive".into(), r#""5m""#.into()),
    ];
    assert_eq!(request.extra, expected);
}

#[test]
fn bounds_that_are_none_stay_native() {
    let request = with(r#""options":{"num_predict":-1,"top_k":0,"stop":"x"}"#).request;
    assert_eq!((request.max_tokens, request.sampling.top_k), (None, None));
    assert_eq!(request.sampling.stop, ["x"]);
    let expected = [("options".into(), r#"{"num_predict":-1,"top_k":0}"#.into())];
    assert_eq!(request.extra, expected);
}

#[test]
fn thinking_is_asked_for_by_a_boolean_or_a_level() {
    let think = |json: &str| {
        let call = with(&format!(r#""think":{json}"#));
        let shown = format!("{:?}", call.form).contains("thinking: true");
        let options = call.request.reasoning;
        let summary = options.as_ref().and_then(|it| it.summary.as_deref());
        assert_eq!(summary, options.as_ref().filter(|_| shown).map(|_| "auto"));
        (options.map(|it| (it.enabled, it.effort)), shown)
    };
    assert_eq!(think("true"), (Some((Some(true), None)), true));
    assert_eq!(think("false"), (Some((Some(false), None)), false));
    assert_eq!(think(r#""high""#), (Some((None, Some("high".into()))), true));
    assert_eq!(think("null"), (None, true));
}

#[test]
fn a_prompt_is_a_conversation() {
    let call = generate(
        r#""system":"s","prompt":"p","images":["/9j/"],"template":"","suffix":"","context":[],
            "raw":false,"stream":false"#,
    );
    let said: Vec<_> = call.request.messages.iter().map(|it| (it.role, it.parts.len())).collect();
    assert_eq!(said, [(Role::System, 1), (Role::User, 2)]);
    assert_eq!(call.request.messages[1].parts[1].body, text("p"));
    let opening: Vec<_> = call.opening.iter().map(|slice| &slice[..]).collect();
    assert_eq!(opening, [&br#""s""#[..], &br#""p""#[..]]);
    assert!(!call.request.streaming && !call.idle);
    assert_eq!(call.request.extra, []);
}

#[test]
fn who_says_nothing_wants_a_model_loaded_or_let_go() {
    let reason = |call: ChatCall| {
        assert!(call.idle);
        let form = format!("{:?}", call.form);
        form.split("idle_reason: ").nth(1).unwrap().trim_end_matches(" }").to_owned()
    };
    assert_eq!(reason(call(r#"{"model":"m"}"#)), r#""load""#);
    assert_eq!(reason(call(r#"{"model":"m","messages":[],"keep_alive":0}"#)), r#""unload""#);
    assert_eq!(reason(generate(r#""prompt":"""#)), r#""load""#);
    assert_eq!(reason(generate(r#""system":"s","keep_alive":"0s""#)), r#""unload""#);
    assert_eq!(reason(generate(r#""keep_alive":0.0"#)), r#""unload""#);
    assert_eq!(reason(generate(r#""keep_alive":"10m""#)), r#""load""#);
    assert!(!with(r#""keep_alive":0"#).idle);
}

#[test]
fn whom_a_client_asks_about_is_read() {
    assert_eq!(asked_model(br#"{"model":"a/b","verbose":true}"#), Ok(("a/b".into(), 3)));
    assert_eq!(asked_model(br#"{"name":"a/b","model":""}"#).map(|it| it.0), Ok("a/b".into()));
    let missing = asked_model(b"{}").unwrap_err();
    assert_eq!(missing.param.as_deref(), Some("model"));
}

#[test]
fn what_is_wrong_is_named() {
    for (fields, param, code) in [
        (r#""stream":1"#, "stream", "invalid_type"),
        (r#""format":"xml""#, "format", "invalid_value"),
        (r#""format":1"#, "format", "invalid_value"),
        (r#""think":1"#, "think", "invalid_type"),
        (r#""think":"""#, "think", "invalid_value"),
        (r#""options":[]"#, "options", "invalid_type"),
        (r#""options":{"temperature":"x"}"#, "options.temperature", "invalid_type"),
        (r#""options":{"num_predict":1.5}"#, "options.num_predict", "invalid_value"),
        (r#""options":{"top_k":99999999999}"#, "options.top_k", "invalid_value"),
        (r#""options":{"stop":[1]}"#, "options.stop[0]", "invalid_type"),
        (r#""options":{"num_ctx":1,"num_ctx":2}"#, "options.num_ctx", "duplicate_field"),
        (r#""logprobs":true,"top_logprobs":21"#, "top_logprobs", "invalid_value"),
        (r#""tools":{}"#, "tools", "invalid_type"),
        (r#""tools":[{"type":"web"}]"#, "tools[0].type", "invalid_value"),
        (r#""tools":[{"type":"function"}]"#, "tools[0].function", "missing_required_parameter"),
        (r#""tools":[{"function":{}}]"#, "tools[0].function.name", "missing_required_parameter"),
        (r#""tools":[{"function":{"name":""}}]"#, "tools[0].function.name", "invalid_value"),
        (
            r#""tools":[{"function":{"name":"f","parameters":[]}}]"#,
            "tools[0].function.parameters",
            "invalid_value",
        ),
    ] {
        refused_with(fields, param, code);
    }
}

#[test]
fn what_is_wrong_in_a_message_is_named() {
    for (message, param, code) in [
        ("1", "messages[0]", "invalid_type"),
        (r#"{"content":"x"}"#, "messages[0].role", "missing_required_parameter"),
        (r#"{"role":"robot"}"#, "messages[0].role", "invalid_value"),
        (r#"{"role":"user","content":[]}"#, "messages[0].content", "invalid_type"),
        (r#"{"role":"user","images":["x"]}"#, "messages[0].images[0]", "invalid_value"),
        (r#"{"role":"user","images":"x"}"#, "messages[0].images", "invalid_type"),
        (r#"{"role":"user","images":["eA==",1]}"#, "messages[0].images[1]", "invalid_type"),
        (r#"{"role":"assistant","thinking":1}"#, "messages[0].thinking", "invalid_type"),
        (
            r#"{"role":"assistant","tool_calls":[{}]}"#,
            "messages[0].tool_calls[0].function",
            "missing_required_parameter",
        ),
        (
            r#"{"role":"assistant","tool_calls":[{"type":"x","function":{"name":"f"}}]}"#,
            "messages[0].tool_calls[0].type",
            "invalid_value",
        ),
        (
            r#"{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":[]}}]}"#,
            "messages[0].tool_calls[0].function.arguments",
            "invalid_value",
        ),
        (r#"{"role":"tool","tool_name":1}"#, "messages[0].tool_name", "invalid_type"),
    ] {
        refused_message(message, param, code);
    }
}

#[test]
fn what_is_below_messages_is_refused_by_name() {
    for (field, param) in [
        (r#""template":"{{ .Prompt }}""#, "template"),
        (r#""suffix":"end""#, "suffix"),
        (r#""raw":true"#, "raw"),
        (r#""context":[1,2]"#, "context"),
        (r#""width":512"#, "width"),
        (r#""steps":4"#, "steps"),
    ] {
        let body = format!(r#"{{"model":"m","prompt":"p",{field}}}"#);
        refused_at("/api/generate", &body, param, "unsupported_parameter");
    }
    refused_at("/api/generate", r#"{"prompt":["p"]}"#, "prompt", "invalid_type");
    refused_at("/api/generate", r#"{"prompt":"p","images":[{}]}"#, "images[0]", "invalid_type");
}
