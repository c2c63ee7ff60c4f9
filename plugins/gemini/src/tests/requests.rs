//! What stands around the conversation: paths, tools, wishes.

use super::*;
use plugway_sdk::chat::*;

fn function(name: &str, parameters: Option<&str>) -> FunctionTool {
    FunctionTool {
        name: name.into(),
        description: None,
        parameters: parameters.map(Into::into),
        strict: None,
        cache: None,
        extra: Vec::new(),
    }
}

fn effort(word: &str) -> ReasoningOptions {
    ReasoningOptions { effort: Some(word.into()), ..ReasoningOptions::default() }
}

fn budget(tokens: u32) -> ReasoningOptions {
    ReasoningOptions { max_tokens: Some(tokens), ..ReasoningOptions::default() }
}

fn enabled(enabled: bool) -> ReasoningOptions {
    ReasoningOptions { enabled: Some(enabled), ..ReasoningOptions::default() }
}

fn check_thinking(model: &str, options: ReasoningOptions, expected: Value) {
    let wished = Request { model: model.into(), reasoning: Some(options), ..request() };
    check(wished, "/generationConfig/thinkingConfig", expected);
}

#[test]
fn smallest_request() {
    let whole = upstream(request(), &[]).unwrap();
    let path = "/models/gemini-3-flash:generateContent";
    assert_eq!((whole.method.as_str(), whole.path.as_str()), ("POST", path));
    assert_eq!(whole.memo, "openai-chat");
    assert_eq!(
        String::from_utf8(whole.body).unwrap(),
        r#"{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}"#
    );
    let stream = upstream(Request { streaming: true, ..request() }, &VERTEX).unwrap();
    assert_eq!(
        stream.path,
        "/projects/acme/locations/us-east5/publishers/google/models/\
         gemini-3-flash:streamGenerateContent?alt=sse"
    );
    assert_eq!(stream.framing, Framing::Sse);
}

#[test]
fn a_wrong_option_is_named() {
    let failure = body(request(), &[("platform", "\"azure\"")]).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unsupported);
    assert!(failure.message.contains("platform"), "{}", failure.message);
}

#[test]
fn sampling_and_limits() {
    let sampling = Sampling {
        temperature: Some(0.5),
        top_p: Some(0.9),
        top_k: Some(20),
        min_p: Some(0.1),
        top_a: Some(0.1),
        frequency_penalty: Some(0.25),
        presence_penalty: Some(-0.5),
        repetition_penalty: Some(1.1),
        seed: Some(-7),
        stop: vec!["END".into()],
        logit_bias: vec![("1".into(), 1.0)],
        top_logprobs: Some(3),
    };
    let wished = Request {
        sampling,
        choices: 2,
        max_tokens: Some(99),
        modalities: vec!["text".into(), "image".into()],
        parallel_tool_calls: Some(false),
        verbosity: Some("low".into()),
        user: Some("u".into()),
        cache_key: Some("k".into()),
        ..request()
    };
    check(
        wished,
        "/generationConfig",
        json!({
            "candidateCount": 2, "maxOutputTokens": 99, "temperature": 0.5, "topP": 0.9,
            "topK": 20, "frequencyPenalty": 0.25, "presencePenalty": -0.5, "seed": -7,
            "stopSequences": ["END"], "responseLogprobs": true, "logprobs": 3,
            "responseModalities": ["TEXT", "IMAGE"],
        }),
    );
    let sampling = Sampling { top_logprobs: Some(0), seed: Some(1 << 40), ..Sampling::default() };
    check(
        Request { sampling, ..request() },
        "/generationConfig",
        json!({"responseLogprobs": true}),
    );
    let stop = (0..6).map(|number| number.to_string()).collect();
    let sampling = Sampling { stop, ..Sampling::default() };
    check_refused(Request { sampling, ..request() }, "stop sequences");
}

#[test]
fn service_tiers() {
    let tier = |tier: &str| Request { service_tier: Some(tier.into()), ..request() };
    check(tier("flex"), "/serviceTier", json!("flex"));
    check(tier("auto"), "/serviceTier", Value::Null);
    let native = |word: &str| Request { dialect: "gemini".into(), ..tier(word) };
    check(native("x"), "/serviceTier", json!("x"));
    check(native("default"), "/serviceTier", json!("standard"));
    check(tier("default"), "/serviceTier", Value::Null);
    let vertex = upstream(tier("priority"), &VERTEX).unwrap();
    let name = "x-vertex-ai-llm-shared-request-type";
    assert!(vertex.headers.contains(&(name.into(), "priority".into())), "{:?}", vertex.headers);
    assert!(!String::from_utf8(vertex.body).unwrap().contains("serviceTier"));
}

#[test]
fn headers_of_the_dialect_go_along() {
    let header = |name: &str| (name.to_owned(), "dedicated".to_owned());
    let headers = vec![header("x-vertex-ai-llm-request-type"), header("x-goog-user-project")];
    let sent = |request| upstream(Request { headers: headers.clone(), ..request }, &VERTEX);
    assert!(sent(native()).unwrap().headers.contains(&headers[0]));
    assert!(!sent(native()).unwrap().headers.contains(&headers[1]));
    assert_eq!(sent(request()).unwrap().headers.len(), 1);
}

#[test]
fn forms_of_the_answer() {
    let format = |format| Request { response_format: Some(format), ..request() };
    check(format(ResponseFormat::Text), "/generationConfig", Value::Null);
    check(
        format(ResponseFormat::JsonObject),
        "/generationConfig",
        json!({"responseMimeType": "application/json"}),
    );
    let schema = r#"{"type":"object","properties":{"n":{"type":["integer","null"]}}}"#;
    let json_schema = |schema: &str| {
        ResponseFormat::JsonSchema(JsonSchema {
            name: Some("answer".into()),
            description: None,
            schema: schema.into(),
            strict: Some(true),
        })
    };
    let upstream = upstream(format(json_schema(schema)), &[]).unwrap();
    let text = String::from_utf8(upstream.body).unwrap();
    assert!(text.contains(&format!("\"responseJsonSchema\":{schema}")), "{text}");
    let own = Request { response_format: Some(json_schema(r#"{"type":"STRING"}"#)), ..native() };
    check(
        own,
        "/generationConfig",
        json!({"responseMimeType": "application/json", "responseSchema": {"type": "STRING"}}),
    );
    let natively = ResponseFormat::Native(r#"{"responseMimeType":"text/x.enum"}"#.into());
    check(
        Request { response_format: Some(natively), ..native() },
        "/generationConfig/responseMimeType",
        json!("text/x.enum"),
    );
}

#[test]
fn functions_are_one_tool_and_schemas_stay_as_they_are() {
    let schema = r#"{"type":"object","$defs":{"a":{}},"additionalProperties":false}"#;
    let described = FunctionTool {
        description: Some("says".into()),
        strict: Some(true),
        ..function("f", Some(schema))
    };
    let tools = vec![
        Tool::Native(r#"{"googleSearch":{}}"#.into()),
        Tool::Function(described),
        Tool::Native(r#"{"codeExecution":{}}"#.into()),
        Tool::Function(function("g", None)),
        Tool::Function(function("h", Some(r#"{"type":"OBJECT"}"#))),
    ];
    check(
        Request { tools, ..native() },
        "/tools",
        json!([
            {"googleSearch": {}},
            {"functionDeclarations": [
                {"name": "f", "description": "says", "parametersJsonSchema":
                    {"type": "object", "$defs": {"a": {}}, "additionalProperties": false}},
                {"name": "g"},
                {"name": "h", "parameters": {"type": "OBJECT"}},
            ]},
            {"codeExecution": {}},
        ]),
    );
    let tools = vec![Tool::Native("{}".into())];
    check_refused(Request { tools, ..request() }, "native values");
    let freeform =
        FreeformTool { name: "f".into(), description: None, grammar: None, extra: Vec::new() };
    check_refused(Request { tools: vec![Tool::Freeform(freeform)], ..request() }, "plain text");
}

#[test]
fn tool_choices() {
    let check_choice = |choice, expected: Value| {
        let tools = vec![Tool::Function(function("f", None))];
        let wished = Request { tools, tool_choice: Some(choice), ..native() };
        check(wished, "/toolConfig/functionCallingConfig", expected);
    };
    check_choice(ToolChoice::Auto, json!({"mode": "AUTO"}));
    check_choice(ToolChoice::None, json!({"mode": "NONE"}));
    check_choice(ToolChoice::Required, json!({"mode": "ANY"}));
    check_choice(
        ToolChoice::Named("f".into()),
        json!({"mode": "ANY", "allowedFunctionNames": ["f"]}),
    );
    let allowed = |required| {
        ToolChoice::Allowed(AllowedTools { names: vec!["f".into(), "g".into()], required })
    };
    check_choice(allowed(true), json!({"mode": "ANY", "allowedFunctionNames": ["f", "g"]}));
    check_choice(allowed(false), json!({"mode": "VALIDATED", "allowedFunctionNames": ["f", "g"]}));
    let natively = ToolChoice::Native(r#"{"mode":"VALIDATED"}"#.into());
    check_choice(natively, json!({"mode": "VALIDATED"}));
}

#[test]
fn thinking_of_models_with_levels() {
    let shown = |level: &str| json!({"thinkingLevel": level, "includeThoughts": true});
    check_thinking("gemini-3-flash", effort("minimal"), shown("MINIMAL"));
    check_thinking("gemini-3-pro-preview", effort("minimal"), shown("LOW"));
    check_thinking("gemini-3-pro-preview", effort("medium"), shown("MEDIUM"));
    check_thinking("gemini-3-flash", effort("xhigh"), shown("HIGH"));
    check_thinking("gemini-3-flash", enabled(false), json!({"thinkingLevel": "MINIMAL"}));
    check_thinking("gemini-3-pro", enabled(false), json!({"thinkingLevel": "LOW"}));
    let hidden = ReasoningOptions { hidden: true, ..effort("low") };
    check_thinking("gemini-3-flash", hidden, json!({"thinkingLevel": "LOW"}));
    let bound = ReasoningOptions { max_tokens: Some(300), ..effort("high") };
    let expected = json!({"thinkingBudget": 300, "includeThoughts": true});
    check_thinking("gemini-3-flash", bound, expected);
    let expected = json!({"includeThoughts": true});
    check_thinking("gemini-3-flash", ReasoningOptions::default(), expected);
}

#[test]
fn thinking_of_models_with_budgets_or_none() {
    let shown = |tokens: i64| json!({"thinkingBudget": tokens, "includeThoughts": true});
    check_thinking("gemini-2.5-flash", effort("low"), shown(1024));
    check_thinking("gemini-2.5-flash", effort("high"), shown(24_576));
    check_thinking("gemini-2.5-pro", effort("max"), shown(32_768));
    check_thinking("gemini-2.5-pro", budget(1), shown(128));
    check_thinking("gemini-2.5-flash-lite", budget(1), shown(512));
    check_thinking("gemini-2.5-flash", budget(99_999), shown(24_576));
    check_thinking("gemini-2.5-flash", effort("none"), json!({"thinkingBudget": 0}));
    check_thinking("gemini-2.5-pro", effort("none"), json!({"thinkingBudget": 128}));
    check_thinking("gemini-2.5-flash", enabled(true), shown(-1));
    check_thinking("gemini-2.0-flash", enabled(false), Value::Null);
    let reasoning = Some(enabled(true));
    let cannot = Request { model: "gemini-2.0-flash".into(), reasoning, ..request() };
    check_refused(cannot, "does not reason");
}

#[test]
fn native_thinking_is_sent_as_it_was_written() {
    let check_native = |options, expected: Value| {
        let wished = Request {
            model: "gemini-2.0-flash".into(),
            reasoning: Some(options),
            extra: vec![("generationConfig".into(), r#"{"mediaResolution":"LOW"}"#.into())],
            ..native()
        };
        let expected = json!({"thinkingConfig": expected, "mediaResolution": "LOW"});
        check(wished, "/generationConfig", expected);
    };
    check_native(
        ReasoningOptions { max_tokens: Some(128), ..effort("medium") },
        json!({"thinkingBudget": 128, "thinkingLevel": "MEDIUM", "includeThoughts": true}),
    );
    check_native(enabled(false), json!({"thinkingBudget": 0}));
    let dynamic = ReasoningOptions { hidden: true, ..enabled(true) };
    check_native(dynamic, json!({"thinkingBudget": -1}));
}

#[test]
fn native_fields_fill_gaps() {
    let extra = vec![
        ("safetySettings".into(), r#"[{"category":"A","threshold":"OFF"}]"#.into()),
        ("cachedContent".into(), r#""cachedContents/1""#.into()),
        ("toolConfig".into(), r#"{"includeServerSideToolInvocations":true}"#.into()),
        ("generationConfig".into(), r#"{"temperature":2,"speechConfig":{"a":1}}"#.into()),
        ("contents".into(), "[]".into()),
    ];
    let sampling = Sampling { temperature: Some(1.0), ..Sampling::default() };
    let tool_choice = Some(ToolChoice::Auto);
    let wished = Request { extra: extra.clone(), sampling, tool_choice, ..native() };
    let expected = json!({
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
        "toolConfig": {"functionCallingConfig": {"mode": "AUTO"},
            "includeServerSideToolInvocations": true},
        "generationConfig": {"temperature": 1.0, "speechConfig": {"a": 1}},
        "safetySettings": [{"category": "A", "threshold": "OFF"}],
        "cachedContent": "cachedContents/1",
    });
    assert_eq!(body(wished, &[]).unwrap(), expected);
    let foreign = Request { extra, ..request() };
    assert_eq!(body(foreign, &[]).unwrap(), body(request(), &[]).unwrap());
}

#[test]
fn schemas_of_googles_own_kind_go_back_as_they_came() {
    let own = r#"{"type":"OBJECT","properties":{"a":{"type":"STRING"}}}"#;
    let common = r#"{"type":"object","properties":{"a":{"type":"string"}}}"#;
    let extra = vec![("parameters".into(), own.into())];
    let tool = FunctionTool { extra, ..function("f", Some(common)) };
    let format = JsonSchema { name: None, description: None, schema: common.into(), strict: None };
    let wished = Request {
        tools: vec![Tool::Function(tool)],
        response_format: Some(ResponseFormat::JsonSchema(format)),
        extra: vec![("generationConfig".into(), format!(r#"{{"responseSchema":{own}}}"#))],
        ..native()
    };
    let own: Value = serde_json::from_str(own).unwrap();
    let tools = json!([{"functionDeclarations": [{"name": "f", "parameters": own}]}]);
    check(wished.clone(), "/tools", tools);
    let config = json!({"responseMimeType": "application/json", "responseSchema": own});
    check(wished, "/generationConfig", config);
}

#[test]
fn ids_that_nobody_gave_are_not_sent_back() {
    let call = |id: &str| {
        let parts = vec![ToolCall::new(id, "f", "{}").into()];
        Request { messages: says(Role::Assistant, parts), ..native() }
    };
    let pointer = "/contents/0/parts/0/functionCall";
    check(call("unnamed-1"), pointer, json!({"name": "f", "args": {}}));
    check(call("c1"), pointer, json!({"id": "c1", "name": "f", "args": {}}));
}
