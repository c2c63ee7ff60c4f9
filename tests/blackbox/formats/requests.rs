//! What clients ask, as it arrives in every format.

use super::answers::tools;
use super::fleet::{FORMATS, Fleet, Format, Wrong, asking};
use plugway_simulator::{Behaviour, Format as Form, Kind, Prompt, Role, Say, Source, ToolChoice};
use serde_json::{Value, json};

const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

impl Fleet {
    /// What arrived last.
    fn arrived(&self, format: &Format) -> Prompt {
        let last = self.of(format).requests().pop().unwrap();
        last.prompt().unwrap_or_else(|| panic!("{}: {}", format.name, last.json()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_conversation_arrives_in_order() {
    let fleet = Fleet::start(Behaviour::new().reply("Yes.")).await;
    let mut wrong = Wrong::default();
    let mut request = json!({"messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "One?"},
        {"role": "assistant", "content": "Two."},
        {"role": "user", "content": [
            {"type": "text", "text": "Three?"}, {"type": "text", "text": "Four?"}]},
    ]});
    request["max_tokens"] = json!(77);
    request["temperature"] = json!(0.5);
    for format in &FORMATS {
        let said = fleet.ask(format, &request, false).await;
        wrong.check(said.status == 200, format, &said.error);
        if said.status != 200 {
            continue;
        }
        let prompt = fleet.arrived(format);
        wrong.equal(format, &prompt.texts(Role::System), &vec!["Be brief."]);
        wrong.equal(format, &prompt.texts(Role::User), &vec!["One?", "Three?", "Four?"]);
        wrong.equal(format, &prompt.texts(Role::Assistant), &vec!["Two."]);
        wrong.equal(format, &prompt.max_tokens, &Some(77));
        wrong.equal(format, &prompt.temperature, &Some(0.5));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_arrives_byte_for_byte() {
    let fleet = Fleet::start(Behaviour::new().reply("A pixel.")).await;
    let mut wrong = Wrong::default();
    let request = json!({"messages": [{"role": "user", "content": [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{PIXEL}")}}]}]});
    for format in &FORMATS {
        for streaming in [false, true] {
            let said = fleet.ask(format, &request, streaming).await;
            if format.kind == Kind::DeepSeek {
                // It reads text alone.
                wrong.equal(format, &said.status, &400);
                wrong.check(said.content != "A pixel.", format, "it was answered");
                continue;
            }
            wrong.equal(format, &said.content.as_str(), &"A pixel.");
            if said.status != 200 {
                wrong.check(false, format, &said.error);
                continue;
            }
            let prompt = fleet.arrived(format);
            let sources: Vec<Source> = prompt.media().iter().map(|it| it.source.clone()).collect();
            wrong.equal(format, &sources, &vec![Source::Data(PIXEL.into())]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_loop_closes_in_every_format_that_has_tools() {
    let call = || Say::call("weather", r#"{"city":"Oslo"}"#);
    let behaviour = Behaviour::new().says([call(), call()]).says([Say::Text("It rains.".into())]);
    let fleet = Fleet::start(behaviour.clone()).await;
    let mut wrong = Wrong::default();
    for format in Fleet::saying(&behaviour) {
        for streaming in [false, true] {
            let mut request = asking("How is the weather in Oslo?");
            request["tools"] = tools();
            let first = fleet.ask(format, &request, streaming).await;
            answer(&mut request, &first.message, &["Rain, 7 degrees", "Rain still"]);
            let second = fleet.ask(format, &request, streaming).await;
            wrong.check(second.status == 200, format, &second.error);
            wrong.equal(format, &second.content.as_str(), &"It rains.");
            if second.status != 200 {
                continue;
            }
            let prompt = fleet.arrived(format);
            let tools: Vec<&str> = prompt.tools.iter().map(|tool| tool.name.as_str()).collect();
            wrong.equal(format, &tools, &vec!["weather", "time"]);
            let calls: Vec<(&str, Value)> = prompt
                .calls()
                .iter()
                .map(|it| (it.name.as_str(), serde_json::from_str(&it.arguments).unwrap()))
                .collect();
            wrong.equal(format, &calls, &vec![("weather", json!({"city": "Oslo"})); 2]);
            let results: Vec<String> =
                prompt.results().iter().map(|it| format!("{:?}", it.content)).collect();
            let expected =
                ["Rain, 7 degrees", "Rain still"].map(|text| format!("[Text({text:?})]"));
            wrong.equal(format, &results, &expected.to_vec());
        }
    }
}

/// Appends the assistant's message and what its tools gave back.
fn answer(request: &mut Value, message: &Value, results: &[&str]) {
    let messages = request["messages"].as_array_mut().unwrap();
    messages.push(message.clone());
    let calls = message["tool_calls"].as_array().cloned().unwrap_or_default();
    for (call, result) in calls.iter().zip(results) {
        messages.push(json!({"role": "tool", "tool_call_id": call["id"], "content": result}));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reasoning_goes_back_over_turns_of_tools_with_its_proof() {
    let thought = |text: &str| Say::Reasoning(text.into());
    let call = || Say::call("weather", r#"{"city":"Oslo"}"#);
    let behaviour = Behaviour::new()
        .says([thought("First."), call()])
        .says([thought("Second."), call()])
        .says([thought("Third."), Say::Text("It rains.".into())]);
    let fleet = Fleet::start(behaviour.clone()).await;
    let mut wrong = Wrong::default();
    for format in Fleet::saying(&behaviour) {
        for streaming in [false, true] {
            let mut request = asking("How is the weather in Oslo?");
            request["tools"] = tools();
            request["reasoning"] = json!({"effort": "high"});
            request["max_tokens"] = json!(20_000);
            for _ in 0..2 {
                let said = fleet.ask(format, &request, streaming).await;
                wrong.check(said.status == 200, format, &said.error);
                answer(&mut request, &said.message, &["Rain"]);
            }
            let last = fleet.ask(format, &request, streaming).await;
            wrong.check(last.status == 200, format, &last.error);
            wrong.equal(format, &last.content.as_str(), &"It rains.");
            if last.status == 200 && signs(format) {
                let prompt = fleet.arrived(format);
                wrong.equal(format, &proofs(&prompt), &2);
            }
        }
    }
}

/// Whether the provider wants a proof of its reasoning back.
fn signs(format: &Format) -> bool {
    let kinds = [Kind::Anthropic, Kind::Bedrock, Kind::Gemini, Kind::OpenRouter];
    kinds.contains(&format.kind) || format.kind == Kind::OpenAiResponses
}

/// How many of the items came with a proof, or are one.
fn proofs(prompt: &Prompt) -> usize {
    let sealed =
        |body: &plugway_simulator::Body| matches!(body, plugway_simulator::Body::Sealed(_));
    prompt.said().filter(|(_, item)| item.signature.is_some() || sealed(&item.body)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_for_the_answer_arrives() {
    let fleet = Fleet::start(Behaviour::new()).await;
    let mut wrong = Wrong::default();
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}},
                        "required": ["n"], "additionalProperties": false});
    let mut request = asking("A number, please.");
    request["response_format"] = json!({"type": "json_schema", "json_schema": {
        "name": "number", "strict": true, "schema": schema}});
    for format in &FORMATS {
        let said = fleet.ask(format, &request, false).await;
        wrong.check(said.status == 200, format, &said.error);
        wrong.equal(format, &said.content.as_str(), &r#"{"n":1}"#);
        if said.status == 200 {
            wrong.equal(format, &fleet.arrived(format).format, &Form::Schema(schema.clone()));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_sequence_ends_the_answer() {
    let fleet = Fleet::start(Behaviour::new().reply("one two END three")).await;
    let mut wrong = Wrong::default();
    let mut request = asking("Count!");
    request["stop"] = json!(["END"]);
    for format in FORMATS.iter().filter(|format| format.kind != Kind::OpenAiResponses) {
        for streaming in [false, true] {
            let said = fleet.ask(format, &request, streaming).await;
            wrong.check(said.status == 200, format, &said.error);
            wrong.equal(format, &said.content.as_str(), &"one two ");
            wrong.equal(format, &said.finish, &json!("stop"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_that_must_be_called_is_named_where_the_format_can() {
    let fleet = Fleet::start(Behaviour::new()).await;
    let mut wrong = Wrong::default();
    let mut request = asking("What time is it?");
    request["tools"] = tools();
    request["tool_choice"] = json!({"type": "function", "function": {"name": "time"}});
    let call = Behaviour::new().says([Say::call("time", "{}")]);
    for format in Fleet::saying(&call) {
        if format.kind == Kind::Ollama {
            continue;
        }
        let said = fleet.ask(format, &request, false).await;
        wrong.check(said.status == 200, format, &said.error);
        wrong.equal(format, &said.calls, &vec![("time".to_owned(), "{}".to_owned())]);
        if said.status == 200 {
            let prompt = fleet.arrived(format);
            // Cohere is told of that tool alone.
            let expected = match format.kind {
                Kind::Cohere => ToolChoice::Required,
                _ => ToolChoice::Named("time".into()),
            };
            wrong.equal(format, &prompt.tool_choice, &expected);
        }
    }
}
