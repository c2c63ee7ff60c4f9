//! Tools for local models at the front door: what they look up, and their chats through
//! three adapters, one of which speaks their own dialect.

use crate::setup::{bare_provider, endpoint};
use http::Method;
use plugway_simulator::{Behaviour, Failure, Kind, Script, Simulator, When};
use plugway_tests::{Answer, TestRouter};
use serde_json::{Value, json};

const MODELS: [&str; 3] = ["test/open", "test/anth", "test/own"];

struct Scene {
    router: TestRouter,
    simulators: [Simulator; 3],
}

impl Scene {
    async fn start(behaviour: Behaviour) -> Self {
        let script = || Script { behaviour: behaviour.clone(), ..Script::new() };
        let kinds = [Kind::OpenAi, Kind::Anthropic, Kind::Ollama];
        let simulators = kinds.map(|kind| Simulator::start(kind, script()).unwrap());
        let mut toml = String::new();
        for (model, simulator) in MODELS.iter().zip(&simulators) {
            let name = model.strip_prefix("test/").unwrap();
            toml += &bare_provider(name, simulator);
            toml += &format!("[models.\"{model}\"]\ncontext_length = 8192\n");
            toml += "input_modalities = ['text', 'image']\n";
            toml += "supported_parameters = ['tools', 'reasoning', 'temperature']\n";
            toml += &endpoint(model, name, 1);
        }
        toml += "[aliases]\nfast = \"test/open\"\nown = \"test/own:floor\"\nraw = \"open/any\"\n";
        Self { router: TestRouter::start(&toml).await, simulators }
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        let client = self.router.client();
        client.read(client.request(Method::POST, path, body.to_string())).await
    }

    /// What the simulator behind a model was asked last.
    fn asked(&self, model: &str) -> Value {
        let place = MODELS.iter().position(|it| *it == model).unwrap();
        self.simulators[place].requests().pop().unwrap().json()
    }
}

fn ask(model: &str, text: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": text}]})
}

/// The lines of a streamed answer.
fn lines(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn joined(lines: &[Value], pointer: &str) -> String {
    lines.iter().filter_map(|line| line.pointer(pointer)?.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_the_default_and_says_what_a_whole_answer_says() {
    let scene = Scene::start(Behaviour::new().reply("One two three four.").chunk_chars(3)).await;
    for model in MODELS {
        let mut request = ask(model, "Hi");
        let streamed = lines(&scene.post("/api/chat", &request).await);
        request["stream"] = false.into();
        let answer = scene.post("/api/chat", &request).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let whole = answer.json();
        assert_eq!(whole["message"]["content"], "One two three four.");
        assert_eq!(whole["model"], model);
        assert_eq!(whole["done_reason"], "stop");
        assert!(streamed.len() > 3, "{streamed:?}");
        assert_eq!(joined(&streamed, "/message/content"), "One two three four.");
        let last = streamed.last().unwrap();
        assert_eq!(last["done"], true);
        for name in ["prompt_eval_count", "eval_count"] {
            assert!(whole[name].as_u64().unwrap() > 0, "{whole}");
            assert_eq!(last[name], whole[name], "{name}");
        }
        assert!(last["total_duration"].is_u64() && last["eval_duration"].is_u64(), "{last}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_alone_is_answered() {
    let scene = Scene::start(Behaviour::new().reply("Four.")).await;
    for model in MODELS {
        let request = json!({"model": model, "system": "Be brief.", "prompt": "2+2?"});
        let streamed = lines(&scene.post("/api/generate", &request).await);
        assert_eq!(joined(&streamed, "/response"), "Four.");
        assert!(scene.asked(model).to_string().contains("Be brief."));
        let raw = json!({"model": model, "prompt": "2+2?", "raw": true});
        let refused = scene.post("/api/generate", &raw).await;
        assert_eq!(refused.status, 400);
        assert!(refused.json()["error"].as_str().unwrap().contains("`raw`"), "{}", refused.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_nothing_is_told_that_the_model_is_loaded() {
    let scene = Scene::start(Behaviour::new()).await;
    for (path, body) in [
        ("/api/generate", json!({"model": "test/open"})),
        ("/api/chat", json!({"model": "test/open", "messages": []})),
    ] {
        let answer = scene.post(path, &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()["done_reason"], "load");
    }
    let unload = json!({"model": "test/open", "keep_alive": 0});
    assert_eq!(scene.post("/api/generate", &unload).await.json()["done_reason"], "unload");
    let unknown = scene.post("/api/generate", &json!({"model": "nobody's"})).await;
    assert!(unknown.status.is_client_error() && unknown.json()["error"].is_string());
    assert!(scene.simulators[0].requests().is_empty(), "nobody was asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_loop_closes_without_ids() {
    let behaviour = || Behaviour::new().calls("weather", json!({"city": "Oslo"}));
    let scene = Scene::start(behaviour()).await;
    for (place, model) in MODELS.into_iter().enumerate() {
        let mut request = ask(model, "How is the weather in Oslo?");
        request["tools"] = json!([{"type": "function", "function": {
            "name": "weather", "description": "Weather of a city",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}]);
        let streamed = lines(&scene.post("/api/chat", &request).await);
        let calls: Vec<_> =
            streamed.iter().filter_map(|line| line.pointer("/message/tool_calls/0")).collect();
        assert_eq!(calls.len(), 1, "{streamed:?}");
        let expected = json!({"index": 0, "name": "weather", "arguments": {"city": "Oslo"}});
        assert_eq!(calls[0]["function"], expected);

        scene.simulators[place].set(Behaviour::new());
        let messages = request["messages"].as_array_mut().unwrap();
        messages.push(json!({"role": "assistant", "content": "", "tool_calls": [
            {"function": {"name": "weather", "arguments": {"city": "Oslo"}}}]}));
        messages
            .push(json!({"role": "tool", "tool_name": "weather", "content": "Rain, 7 degrees"}));
        request["stream"] = false.into();
        let second = scene.post("/api/chat", &request).await;
        assert_eq!(second.status, 200, "{}", second.text());
        let said = second.json()["message"]["content"].as_str().unwrap().to_owned();
        assert!(said.contains("Rain, 7 degrees"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn images_and_a_schema_arrive() {
    let scene = Scene::start(Behaviour::new()).await;
    let pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
    for model in MODELS {
        let request = json!({"model": model, "stream": false,
            "messages": [{"role": "user", "content": "What is this?", "images": [pixel]}]});
        let answer = scene.post("/api/chat", &request).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let sent = scene.asked(model).to_string();
        assert!(sent.contains(pixel), "{sent}");
    }
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}},
        "required": ["n"], "additionalProperties": false});
    for model in ["test/open", "test/own"] {
        let mut request = ask(model, "A number, please.");
        request["format"] = schema.clone();
        request["stream"] = false.into();
        let answer = scene.post("/api/chat", &request).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let asked = scene.asked(model);
        let sent = asked.pointer("/response_format/json_schema/schema").or(asked.get("format"));
        assert_eq!(sent, Some(&schema), "{asked}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_such_a_client_sends_reaches_such_a_server_as_it_was() {
    let scene = Scene::start(Behaviour::new()).await;
    let request = json!({
        "model": "test/own", "stream": false, "keep_alive": "5m", "think": false,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "Hello.", "thinking": "A greeting."},
            {"role": "user", "content": "And now?"},
        ],
        "format": "json",
        "options": {"temperature": 0.5, "num_ctx": 4096, "num_predict": 50, "top_k": 0,
            "seed": 7, "stop": ["x"], "mirostat": 1},
    });
    let answer = scene.post("/api/chat", &request).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let mut expected = request;
    expected["model"] = "sim".into();
    assert_eq!(scene.asked("test/own"), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_is_a_sentence_before_the_stream_and_in_it() {
    let refusing = Behaviour::new().fault(When::Always, Failure::status(400));
    let scene = Scene::start(refusing).await;
    for model in MODELS {
        for stream in [false, true] {
            let mut request = ask(model, "Hi");
            request["stream"] = stream.into();
            let answer = scene.post("/api/chat", &request).await;
            assert_eq!(answer.status, 400, "{model}: {}", answer.text());
            assert_eq!(answer.header("content-type"), Some("application/json"));
            assert!(answer.json()["error"].is_string(), "{}", answer.text());
        }
    }
    let breaking = Behaviour::new()
        .reply("One two three four.")
        .chunk_chars(3)
        .fault(When::Always, Failure::Cut { after_chunks: 3 });
    let scene = Scene::start(breaking).await;
    for model in MODELS {
        let streamed = lines(&scene.post("/api/chat", &ask(model, "Hi")).await);
        let (last, before) = streamed.split_last().unwrap();
        assert!(last["error"].is_string(), "{model}: {last}");
        assert!(before.iter().all(|line| line["done"] == false), "{before:?}");
        let mut whole = ask(model, "Hi");
        whole["stream"] = false.into();
        let broken = scene.post("/api/chat", &whole).await;
        assert_eq!(broken.status, 502, "{model}: {}", broken.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tools_find_what_they_look_up() {
    let scene = Scene::start(Behaviour::new()).await;
    let client = scene.router.client();
    assert_eq!(client.get("/").await.text(), "Ollama is running");
    assert!(client.get("/api/version").await.json()["version"].is_string());
    assert_eq!(client.get("/api/ps").await.json(), json!({"models": []}));

    let tags = client.get("/api/tags").await.json();
    let tag = tags["models"].as_array().unwrap().iter().find(|it| it["name"] == "test/open");
    let tag = tag.unwrap();
    assert_eq!((&tag["model"], &tag["size"]), (&json!("test/open"), &json!(0)));
    assert_eq!(tag["modified_at"], "1970-01-01T00:00:00Z");
    assert_eq!(tag["digest"].as_str().unwrap().len(), 64);
    assert_eq!(tag["details"]["family"], "test");

    for name in ["model", "name"] {
        let answer = scene.post("/api/show", &json!({name: "test/open"})).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let shown = answer.json();
        assert_eq!(shown["capabilities"], json!(["completion", "tools", "vision", "thinking"]));
        assert_eq!(shown["model_info"]["general.architecture"], "test");
        assert_eq!(shown["model_info"]["test.context_length"], 8192);
    }
    for (path, body, status) in [
        ("/api/show", json!({"model": "nobody's"}), 404),
        ("/api/show", json!({}), 400),
        ("/api/pull", json!({"model": "test/open"}), 404),
        ("/api/tags", json!({}), 405),
    ] {
        let answer = scene.post(path, &body).await;
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.json()["error"].is_string(), "{path}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alias_is_listed_and_described_as_what_it_stands_for() {
    let scene = Scene::start(Behaviour::new()).await;
    let tags = scene.router.client().get("/api/tags").await.json();
    let tag = |name: &str| tags["models"].as_array().unwrap().iter().find(|it| it["name"] == name);
    for (alias, slug) in [("fast", "test/open"), ("own", "test/own")] {
        let (alias, model) = (tag(alias).unwrap(), tag(slug).unwrap());
        assert_eq!((&alias["digest"], &alias["details"]), (&model["digest"], &model["details"]));
        assert_eq!(alias["model"], alias["name"]);
    }
    // What it stands for is nobody's here, so nobody can say what that is.
    assert_eq!(tag("raw"), None);
    for name in ["fast", "own", "raw", "test/open:nitro", "test/open@open"] {
        let answer = scene.post("/api/show", &json!({"model": name})).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.text());
        let context = &answer.json()["model_info"]["test.context_length"];
        assert_eq!(context == 8192, name != "raw", "{name}: {}", answer.text());
    }
}
