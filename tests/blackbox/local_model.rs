//! A real model behind the router: the one of `examples/local-model`. It is tiny,
//! so what it says is not judged, only how it is told and counted. Its server speaks
//! three formats, so that three adapters see what another program makes of theirs.

use crate::setup::{ask, lines_with, listed};
use crate::told::Told;
use plugway_tests::{Program, Python, Shared, TestRouter};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Loading takes a second or two.
const LIMIT: Duration = Duration::from_secs(120);

/// How often a prompt is asked again for it to be kept.
const MAX_TURNS: u32 = 6;

const MODEL: &str = "smollm/smollm2-135m";

/// The same server by each of its formats: provider, adapter, options.
const FORMATS: [(&str, &str, &str); 3] = [
    ("chat", "openai-compatible", ""),
    ("responses", "openai-compatible", "options = { api = \"responses\" }"),
    ("messages", "anthropic", ""),
];

/// The server. It ends with its last user.
struct Local {
    _program: Program,
    base_url: String,
}

impl Local {
    fn make() -> Option<Self> {
        let python = Python::venv("local-model", "examples/local-model/requirements.txt")?;
        let mut program = python.start("examples/local-model/serve.py", &["--port", "0"]);
        Some(Self { base_url: program.line(LIMIT), _program: program })
    }

    /// The one that other tests use at this moment, or a new one.
    fn shared() -> Option<Arc<Self>> {
        static SHARED: Shared<Local> = Shared::new();
        SHARED.or_made(Self::make)
    }

    /// The shared one, and a router in front.
    async fn start() -> Option<(Arc<Self>, TestRouter)> {
        let local = tokio::task::spawn_blocking(Self::shared).await.unwrap()?;
        let router = local.router().await;
        Some((local, router))
    }

    /// A router configured as the example says and then some.
    async fn router(&self) -> TestRouter {
        TestRouter::start(&self.configuration()).await
    }

    /// The example's, and a provider and a model `smollm/NAME` for each format.
    fn configuration(&self) -> String {
        let example = "http://127.0.0.1:8080/v1";
        let toml = include_str!("../../examples/local-model/plugway.toml");
        assert!(toml.contains(example));
        let mut toml = toml.replace(example, &self.base_url);
        for (name, adapter, options) in FORMATS {
            toml += &format!(
                "[providers.{name}]\nadapter = \"{adapter}\"\nbase_url = \"{}\"\n{options}\n\
                 [models.\"smollm/{name}\"]\n[[models.\"smollm/{name}\".endpoints]]\n\
                 provider = \"{name}\"\nmodel = \"smollm2-135m-instruct\"\n\
                 price = {{ prompt = 1, completion = 1 }}\n",
                self.base_url
            );
        }
        toml
    }
}

fn request(model: &str, max_tokens: u32) -> Value {
    let mut request = ask(model, "Write a sentence about rivers.");
    request["max_tokens"] = json!(max_tokens);
    request["temperature"] = json!(0);
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_model_answers_through_the_router() {
    let Some((_local, router)) = Local::start().await else { return };
    for told in Told::both(&router, &request(MODEL, 24)).await {
        assert!(!told.content.trim().is_empty());
        assert!(matches!(&*told.finish[0], "stop" | "length") && told.finish.len() == 1);
        assert!(told.count("prompt_tokens") > 0);
        assert!((1..=24).contains(&told.count("completion_tokens")), "{}", told.usage);
        assert_eq!(told.usage["cost"].as_f64(), Some(0.0));
        let line = told.logged().await;
        assert_eq!(line["endpoint"], "local/smollm2-135m-instruct");
        assert_eq!(line["estimated"], false);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_models_tokens_are_counted_alike_in_three_formats_whole_and_streamed() {
    let Some((_local, router)) = Local::start().await else { return };
    let mut prompts = Vec::new();
    for (name, _, _) in FORMATS {
        for told in Told::both(&router, &request(&format!("smollm/{name}"), 9)).await {
            // OpenAI's own responses are `incomplete` then; this server's are `completed`.
            let finish = if name == "responses" { "stop" } else { "length" };
            assert_eq!(told.finish, [finish], "{name}");
            assert_eq!(told.count("completion_tokens"), 9, "{name}");
            assert!(told.pieces.is_none_or(|pieces| pieces == 9), "{name}: {}", told.content);
            // Millionths of a dollar each, wherever the prompt's tokens came from.
            let total = told.usage["cost"].as_f64().unwrap() * 1e6;
            assert_eq!(total.round() as u64, told.count("total_tokens"), "{name}");
            assert_eq!(told.logged().await["estimated"], false);
            prompts.push(told.count("prompt_tokens"));
        }
    }
    assert!(prompts[0] > 5 && prompts.iter().all(|count| *count == prompts[0]), "{prompts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_that_a_real_server_kept_is_counted_as_cached_in_three_formats() {
    // One of its own: what others ask would take the kept prompt's place.
    let local = tokio::task::spawn_blocking(Local::make).await.unwrap();
    let Some(local) = local else { return };
    let router = local.router().await;
    for (name, _, _) in FORMATS {
        let mut request = request(&format!("smollm/{name}"), 2);
        let text = format!("What does the river say to the {name}? {}", "Think. ".repeat(40));
        request["messages"][0]["content"] = json!(text);
        // Twice at least, and until it was kept: a slot is given back a moment after its
        // answer, and what its server then makes of it is the server's own business.
        let mut kept = [false; 2];
        for turn in 0..MAX_TURNS {
            for (kept, told) in kept.iter_mut().zip(Told::both(&router, &request).await) {
                let cached = &told.usage["prompt_tokens_details"]["cached_tokens"];
                let cached = cached.as_u64().unwrap_or_else(|| panic!("{name}: {}", told.usage));
                assert!(cached < told.count("prompt_tokens"), "{name}: {}", told.usage);
                // All but the last token, which is read again to go on from.
                *kept |= turn > 0 && cached > 40;
            }
            if kept == [true; 2] {
                break;
            }
        }
        assert_eq!(kept, [true; 2], "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_model_comes_to_an_end_by_itself_in_three_formats() {
    let Some((_local, router)) = Local::start().await else { return };
    for (name, _, _) in FORMATS {
        let mut request = request(&format!("smollm/{name}"), 400);
        request["messages"][0]["content"] = json!("Say hi.");
        for told in Told::both(&router, &request).await {
            assert_eq!(told.finish, ["stop"], "{name}");
            let counted = told.count("completion_tokens");
            assert!((2..400).contains(&counted), "{name}: {}", told.usage);
            // The token that ends it is counted, and has no text.
            assert!(told.pieces.is_none_or(|pieces| pieces == counted - 1), "{}", told.content);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_sequence_ends_a_real_models_answer_where_the_format_has_one() {
    let Some((_local, router)) = Local::start().await else { return };
    for name in ["chat", "messages"] {
        let mut request = request(&format!("smollm/{name}"), 60);
        // No English sentence goes far without one.
        request["stop"] = json!(["e"]);
        for told in Told::both(&router, &request).await {
            assert_eq!(told.finish, ["stop"], "{name}");
            assert!(!told.content.contains('e'), "{name}: {}", told.content);
            assert!(told.count("completion_tokens") < 60, "{name}: {}", told.usage);
        }
    }
    let mut request = request("smollm/responses", 60);
    request["stop"] = json!(["e"]);
    let answer = router.client().chat(&request).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    let error = &answer.json()["error"];
    assert_eq!(error["metadata"]["code"], "unsupported", "{error}");
    assert!(error["message"].as_str().unwrap().contains("stop"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_binds_a_real_model_whole_and_streamed() {
    let Some((_local, router)) = Local::start().await else { return };
    let mut request = request("smollm/chat", 200);
    let answer = json!({"enum": ["the sea"]});
    request["response_format"] = json!({"type": "json_schema", "json_schema": {
        "name": "goal",
        "schema": {"type": "object", "properties": {"answer": answer}, "required": ["answer"]},
    }});
    for told in Told::both(&router, &request).await {
        assert_eq!(told.finish, ["stop"]);
        let said: Value = serde_json::from_str(&told.content).unwrap();
        assert_eq!(said, json!({"answer": "the sea"}));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn log_probabilities_of_a_real_model_stand_by_its_tokens() {
    let Some((_local, router)) = Local::start().await else { return };
    let mut request = request("smollm/chat", 5);
    request["logprobs"] = json!(true);
    request["top_logprobs"] = json!(2);
    let body = router.client().chat(&request).await.json();
    let tokens = body["choices"][0]["logprobs"]["content"].as_array().cloned().unwrap_or_default();
    assert_eq!(tokens.len(), 5, "{body}");
    let text: String = tokens.iter().filter_map(|token| token["token"].as_str()).collect();
    assert_eq!(text, body["choices"][0]["message"]["content"].as_str().unwrap());
    assert!(tokens.iter().all(|token| token["top_logprobs"].as_array().unwrap().len() == 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_too_long_for_a_real_model_is_told_as_that_in_three_formats() {
    let Some((_local, router)) = Local::start().await else { return };
    for (name, _, _) in FORMATS {
        let mut request = request(&format!("smollm/{name}"), 4);
        request["messages"][0]["content"] = json!("river ".repeat(3000));
        for stream in [false, true] {
            request["stream"] = json!(stream);
            let answer = router.client().chat(&request).await;
            assert_eq!(answer.status, 400, "{name}: {}", answer.text());
            let error = &answer.json()["error"];
            assert_eq!(error["metadata"]["code"], "context_length_exceeded", "{name}");
            assert!(error["message"].as_str().unwrap().contains("2048 tokens"), "{error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_models_of_a_real_server_are_listed_beside_the_catalogues() {
    let list = || {
        let local = Local::shared()?;
        let more = format!(
            "[providers.unknown]\nadapter = \"openai\"\nbase_url = \"{}\"\n\
             [models.\"smollm/gone\"]\n[[models.\"smollm/gone\".endpoints]]\n\
             provider = \"messages\"\nmodel = \"smollm1\"\n",
            local.base_url
        );
        Some(listed(&(local.configuration() + &more)))
    };
    let Some(found) = tokio::task::spawn_blocking(list).await.unwrap() else { return };
    let model = "smollm2-135m-instruct";
    for provider in ["local", "chat", "responses", "messages"] {
        assert_eq!(lines_with(&found, &["=", provider, model]), 1, "{provider}: {found:?}");
    }
    assert_eq!(lines_with(&found, &["+", "unknown", model]), 1, "{found:?}");
    assert_eq!(lines_with(&found, &["-", "messages", "smollm1"]), 1, "{found:?}");
    assert_eq!(found.len(), 6, "{found:?}");
}
