//! What the mock makes of requests in every format: it brings them to OpenAI's form
//! before it looks for an answer.

use super::{DIALECTS, Dialect, Ids, Mock, Streams, tools};
use serde_json::{Value, json};

/// Of its calls, in any order of fields.
const INPUT: &str = "{\"city\":\"Łódź\",\"days\":[1,2]}";

#[tokio::test(flavor = "multi_thread")]
async fn a_mocked_provider_reads_the_same_conversation_in_every_format() {
    let Some((mock, router)) = Mock::start("conversation").await else { return };
    for dialect in &DIALECTS {
        let request = conversation(dialect);
        for stream in [false, true] {
            let mut request = request.clone();
            request["stream"] = json!(stream);
            let answer = router.client().chat(&request).await;
            let status = if stream && dialect.lacks(Streams) { 502 } else { 200 };
            assert_eq!(answer.status, status, "{}: {}", dialect.name, answer.text());
        }
        let read = mock.requests("conversation").await;
        let read = read.iter().filter(|read| read["response"]["status"] == 200);
        let of_dialect: Vec<_> = read.filter(|read| Dialect::of(read) == dialect.name).collect();
        assert_eq!(of_dialect.len(), 2, "{}", dialect.name);
        for read in of_dialect {
            check(dialect, &read["body"], &request);
        }
    }
}

impl Dialect {
    /// The name of the dialect of a request in the journal.
    fn of(read: &Value) -> &'static str {
        let path = read["path"].as_str().unwrap();
        let found = [
            ("/openai/deployments/", "azure"),
            ("/api/v1/", "openrouter"),
            ("/api/chat", "ollama"),
            ("/v1/chat/", "openai"),
            ("/v1/responses", "responses"),
            ("/v1/messages", "anthropic"),
            ("/v1beta/", "gemini"),
            ("/v1/projects/", "vertex"),
            ("/converse", "converse"),
            ("/invoke", "invoke"),
            ("/v2/chat", "cohere"),
        ];
        found.iter().find(|(part, _)| path.contains(part)).unwrap_or_else(|| panic!("{path}")).1
    }
}

/// The mock read what the client had sent.
fn check(dialect: &Dialect, read: &Value, sent: &Value) {
    let name = dialect.name;
    // Vertex is not told of ids: not all of it takes them.
    let ids = !dialect.lacks(Ids) && name != "vertex";
    let (read_messages, sent_messages) = (turns(read), turns(sent));
    assert_eq!(read_messages.len(), sent_messages.len(), "{name}: {read}");
    for (found, expected) in read_messages.iter().zip(&sent_messages) {
        let role = found["role"].as_str().unwrap().replace("developer", "system");
        assert_eq!(role, expected["role"].as_str().unwrap(), "{name}");
        let text = text(&found["content"]);
        let expected_text = expected["content"].as_str().unwrap();
        if role == "tool" && ["gemini", "vertex"].contains(&name) {
            // Results are objects there.
            let output: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(output, json!({"output": expected_text}), "{name}");
        } else {
            assert_eq!(text, expected_text, "{name}");
        }
        if ids {
            assert_eq!(found["tool_call_id"], expected["tool_call_id"], "{name}: {found}");
        }
        assert_eq!(calls(found, ids), calls(expected, ids), "{name}");
    }
    assert_eq!(read["temperature"], sent["temperature"], "{name}");
    let limit = read.get("max_completion_tokens").unwrap_or(&read["max_tokens"]);
    assert_eq!(*limit, sent["max_tokens"], "{name}");
    let tools = |body: &Value| {
        let tools = body["tools"].as_array().unwrap_or_else(|| panic!("{name}: no tools")).clone();
        tools.into_iter().map(|tool| tool["function"].clone()).collect::<Vec<_>>()
    };
    for (found, expected) in tools(read).iter().zip(tools(sent)) {
        for field in ["name", "description", "parameters"] {
            // The mock knows only one of the two fields in which Gemini takes a schema.
            if field != "parameters" || !["gemini", "vertex"].contains(&name) {
                assert_eq!(found[field], expected[field], "{name}");
            }
        }
    }
}

/// A message's text, whether it stands alone or in parts.
fn text(content: &Value) -> String {
    let part = |part: &Value| part["text"].as_str().unwrap_or_default().to_owned();
    match content {
        Value::Array(parts) => parts.iter().map(part).collect(),
        content => content.as_str().unwrap_or_default().into(),
    }
}

/// The messages. Those of the assistant that follow one another are one: responses have
/// an item for each call.
fn turns(body: &Value) -> Vec<Value> {
    let mut turns: Vec<Value> = Vec::new();
    for message in body["messages"].as_array().unwrap() {
        let calls = message["tool_calls"].as_array();
        match (turns.last_mut(), calls) {
            (Some(last), Some(calls))
                if last["role"] == "assistant" && message["content"].is_null() =>
            {
                let mut all = last["tool_calls"].as_array().cloned().unwrap_or_default();
                all.extend(calls.iter().cloned());
                last["tool_calls"] = all.into();
            }
            _ => turns.push(message.clone()),
        }
    }
    turns
}

/// Id, name and input of each call.
fn calls(message: &Value, ids: bool) -> Vec<(Value, Value, Value)> {
    let calls = message["tool_calls"].as_array().into_iter().flatten();
    let id = |call: &Value| if ids { call["id"].clone() } else { Value::Null };
    calls
        .map(|call| {
            let function = &call["function"];
            let input = serde_json::from_str(function["arguments"].as_str().unwrap()).unwrap();
            (id(call), function["name"].clone(), input)
        })
        .collect()
}

fn conversation(dialect: &Dialect) -> Value {
    let mut request = dialect.ask("last turn");
    let asked = request["messages"][0].take();
    let call = |id: &str, name: &str, arguments: &str| json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}});
    let long = |text: &str| format!("{text} {}", "And so on. ".repeat(12));
    request["messages"] = json!([
        {"role": "system", "content": long("Be brief.")},
        {"role": "user", "content": "Do you know Łódź?"},
        {"role": "assistant", "content": long("Who does not?")},
        asked,
        {"role": "assistant", "content": "I look.", "tool_calls": [
            call("call_a1", "weather", INPUT),
            call("call_a2", "clock", "{}"),
        ]},
        {"role": "tool", "tool_call_id": "call_a1", "content": "Rain, \"as\never\"."},
        {"role": "tool", "tool_call_id": "call_a2", "content": long("Noon.")},
    ]);
    request["tools"] = tools();
    request["max_tokens"] = json!(77);
    request["temperature"] = json!(0.25);
    request
}
