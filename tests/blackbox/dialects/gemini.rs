//! `/v1beta/models/{model}:generateContent` in front of adapters of three families.

use crate::setup::provider;
use http::{Method, StatusCode};
use plugway_simulator::{Behaviour, Failure, Kind, Script, Simulator, When};
use plugway_tests::{Answer, LogLines, TestRouter};
use serde_json::{Value, json};

const MODELS: [&str; 3] = ["test/open", "test/anth", "test/gem"];

/// A router with a provider of each family.
struct Scene {
    router: TestRouter,
    upstreams: [Simulator; 3],
}

impl Scene {
    async fn start(behaviour: Behaviour) -> Self {
        let upstreams = [Kind::OpenAi, Kind::Anthropic, Kind::Gemini].map(|kind| {
            let script = Script { behaviour: behaviour.clone(), ..Script::new() };
            Simulator::start(kind, script).unwrap()
        });
        let [open, anth, gem] = &upstreams;
        let toml = [provider("open", open, 1), provider("anth", anth, 2), provider("gem", gem, 3)];
        let router = TestRouter::start(&toml.join("\n")).await;
        Self { router, upstreams }
    }

    /// The models, each with the simulator behind it.
    fn models(&self) -> impl Iterator<Item = (&'static str, &Simulator)> {
        MODELS.into_iter().zip(&self.upstreams)
    }

    async fn post(&self, model: &str, method: &str, body: &Value) -> Answer {
        let client = self.router.client();
        let path = format!("/v1beta/models/{model}:{method}");
        client.read(client.request(Method::POST, &path, body.to_string())).await
    }

    async fn generate(&self, model: &str, body: &Value) -> Value {
        let answer = self.post(model, "generateContent", body).await;
        assert_eq!(answer.status, 200, "{model}: {}", answer.text());
        answer.json()
    }

    /// The chunks of a stream of events.
    async fn stream(&self, model: &str, body: &Value) -> Vec<Value> {
        let answer = self.post(model, "streamGenerateContent?alt=sse", body).await;
        assert_eq!(answer.status, 200, "{model}: {}", answer.text());
        assert_eq!(answer.header("content-type"), Some("text/event-stream"));
        let text = answer.text();
        let events = text.strip_suffix("\r\n\r\n").unwrap().split("\r\n\r\n");
        events
            .map(|event| serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap())
            .collect()
    }
}

fn ask(text: &str) -> Value {
    json!({"contents": [{"role": "user", "parts": [{"text": text}]}]})
}

/// The texts of the first candidate, joined, without what was thought.
fn text<'a>(chunks: impl IntoIterator<Item = &'a Value>) -> String {
    let parts = chunks.into_iter().flat_map(parts);
    parts.filter(|part| part["thought"] != true).filter_map(|part| part["text"].as_str()).collect()
}

fn parts(chunk: &Value) -> impl Iterator<Item = &Value> {
    chunk["candidates"][0]["content"]["parts"].as_array().into_iter().flatten()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_comes_through_every_adapter_in_each_form() {
    let scene = Scene::start(Behaviour::new().reply("Hello from upstream.").chunk_chars(4)).await;
    for model in MODELS {
        let whole = scene.generate(model, &ask("Hi")).await;
        assert_eq!(text([&whole]), "Hello from upstream.");
        assert_eq!(whole["candidates"][0]["finishReason"], "STOP");
        assert_eq!(whole["modelVersion"], model);
        let usage = &whole["usageMetadata"];
        let count = |name: &str| usage[name].as_u64().unwrap();
        assert!(count("promptTokenCount") > 0, "{usage}");
        assert_eq!(
            count("totalTokenCount"),
            count("promptTokenCount") + count("candidatesTokenCount")
        );

        let chunks = scene.stream(model, &ask("Hi")).await;
        assert!(chunks.len() > 3, "{chunks:?}");
        assert_eq!(text(&chunks), "Hello from upstream.");
        let last = chunks.last().unwrap();
        assert_eq!(last["candidates"][0]["finishReason"], "STOP");
        assert_eq!(&last["usageMetadata"], usage);

        let array = scene.post(model, "streamGenerateContent", &ask("Hi")).await;
        assert_eq!(array.header("content-type"), Some("application/json"));
        let array = array.json();
        assert_eq!(text(array.as_array().unwrap()), "Hello from upstream.");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_loop_closes() {
    let scene = Scene::start(Behaviour::new().calls("weather", json!({"city": "Oslo"}))).await;
    for (model, upstream) in scene.models() {
        let mut request = ask("How is the weather in Oslo?");
        request["tools"] = json!([{"functionDeclarations": [{
            "name": "weather", "description": "Weather of a city",
            "parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}}}]}]);
        let whole = scene.generate(model, &request).await;
        let content = whole["candidates"][0]["content"].clone();
        let call = parts(&whole).find_map(|part| part.get("functionCall")).unwrap();
        assert_eq!((&call["name"], &call["args"]), (&json!("weather"), &json!({"city": "Oslo"})));

        let chunks = scene.stream(model, &request).await;
        let calls: Vec<&Value> =
            chunks.iter().flat_map(parts).filter_map(|part| part.get("functionCall")).collect();
        assert_eq!(calls.len(), 1, "{chunks:?}");
        assert_eq!(calls[0]["args"], json!({"city": "Oslo"}));

        upstream.set(Behaviour::new());
        let mut answer = json!({"name": "weather", "response": {"output": "Rain, 7 degrees"}});
        if let Some(id) = call.get("id") {
            answer["id"] = id.clone();
        }
        let contents = request["contents"].as_array_mut().unwrap();
        contents.push(content);
        contents.push(json!({"role": "user", "parts": [{"functionResponse": answer}]}));
        let second = scene.generate(model, &request).await;
        assert!(text([&second]).contains("Rain, 7 degrees"), "{second}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn images_arrive_in_the_alphabet_that_all_read() {
    let scene = Scene::start(Behaviour::new()).await;
    let pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    let url_safe = pixel.replace('+', "-").replace('/', "_");
    assert_ne!(url_safe, pixel);
    for (model, upstream) in scene.models() {
        for data in [pixel, &url_safe] {
            let mut request = ask("What is this?");
            let image = json!({"inline_data": {"mime_type": "image/png", "data": data}});
            request["contents"][0]["parts"].as_array_mut().unwrap().push(image);
            let answer = scene.generate(model, &request).await;
            assert!(text([&answer]).contains("I see 1 image"), "{answer}");
            let seen = upstream.requests().pop().unwrap();
            assert!(seen.body.windows(pixel.len()).any(|window| window == pixel.as_bytes()));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn schemas_of_googles_kind_shape_every_providers_answer() {
    let scene = Scene::start(Behaviour::new()).await;
    for model in MODELS {
        let mut request = ask("A city");
        request["generationConfig"] = json!({"responseMimeType": "application/json",
            "responseSchema": {"type": "OBJECT", "required": ["name"],
                "properties": {"name": {"type": "STRING"}}}});
        let answer = scene.generate(model, &request).await;
        let shaped: Value = serde_json::from_str(&text([&answer])).unwrap();
        assert!(shaped["name"].is_string(), "{model}: {shaped}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_model_thought_comes_back_signed() {
    let behaviour = Behaviour::new().reasoning("First I think.").reply("Then I speak.");
    let scene = Scene::start(behaviour).await;
    let mut request = ask("Think!");
    request["generationConfig"] = json!({"maxOutputTokens": 4000,
        "thinkingConfig": {"includeThoughts": true, "thinkingBudget": 1024}});
    let whole = scene.generate("test/anth", &request).await;
    let kept = [
        vec![whole["candidates"][0]["content"].clone()],
        // As client libraries keep a stream: a content for each chunk.
        scene
            .stream("test/anth", &request)
            .await
            .iter()
            .map(|chunk| chunk["candidates"][0]["content"].clone())
            .collect(),
    ];
    for contents in kept {
        let mut request = request.clone();
        let list = request["contents"].as_array_mut().unwrap();
        list.extend(contents);
        list.push(json!({"role": "user", "parts": [{"text": "Go on."}]}));
        // The simulator verifies the signature.
        scene.generate("test/anth", &request).await;
        let sent = scene.upstreams[1].requests().pop().unwrap().json();
        let block = &sent["messages"][1]["content"][0];
        assert_eq!(
            (&block["type"], &block["thinking"]),
            (&json!("thinking"), &json!("First I think."))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_told_in_the_envelope_before_an_answer_and_in_it() {
    let scene = Scene::start(Behaviour::new().fault(When::Always, Failure::status(429))).await;
    for model in MODELS {
        for method in ["generateContent", "streamGenerateContent?alt=sse"] {
            let answer = scene.post(model, method, &ask("Hi")).await;
            assert_eq!(answer.status, 429, "{}", answer.text());
            let error = &answer.json()["error"];
            assert_eq!(
                (&error["code"], &error["status"]),
                (&json!(429), &json!("RESOURCE_EXHAUSTED"))
            );
            assert_eq!(error["details"][0]["metadata"]["error_type"], "rate_limit_exceeded");
        }
    }
    let fault = Failure::StreamError { after_chunks: 2, code: 500 };
    for (model, upstream) in scene.models() {
        upstream.set(
            Behaviour::new()
                .reply("One two three")
                .chunk_chars(3)
                .fault(When::Always, fault.clone()),
        );
        let chunks = scene.stream(model, &ask("Hi")).await;
        let (last, before) = chunks.split_last().unwrap();
        assert!(!text(before).is_empty(), "{chunks:?}");
        assert_eq!(last["error"]["status"], "UNAVAILABLE", "{chunks:?}");
    }
    let answer = scene
        .post(
            "test/open",
            "generateContent",
            &json!({"contents": [{"role": "system", "parts": []}]}),
        )
        .await;
    assert_eq!(answer.status, 400);
    let violation = &answer.json()["error"]["details"][1]["fieldViolations"][0];
    assert_eq!(violation["field"], "contents[0].role");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_the_client_go_nowhere() {
    let scene = Scene::start(Behaviour::new()).await;
    let client = scene.router.client();
    for (model, upstream) in scene.models() {
        let path = format!("/v1/models/{model}:generateContent?key=query-secret");
        let mut request = client.request(Method::POST, &path, ask("Hi").to_string());
        request.headers_mut().insert("x-goog-api-key", "header-secret".parse().unwrap());
        let answer = client.read(request).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let seen = upstream.requests().pop().unwrap();
        let shown = format!("{seen:?}");
        assert!(!shown.contains("query-secret") && !shown.contains("header-secret"), "{shown}");
        let line = LogLines::access(answer.header("x-generation-id").unwrap()).await;
        assert!(!line.to_string().contains("query-secret"), "{line}");
        assert_eq!(line["route"], "/v1beta/models/{model}:generateContent");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn models_are_listed_as_googles_clients_read_them() {
    let scene = Scene::start(Behaviour::new()).await;
    let client = scene.router.client();
    let all = client.get("/v1beta/models?pageSize=50").await.json();
    let names: Vec<&str> =
        all["models"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["models/test/anth", "models/test/gem", "models/test/open"]);
    let one = client.get("/v1beta/models/test%2Fgem").await.json();
    assert_eq!(
        (&one["name"], &one["inputTokenLimit"]),
        (&json!("models/test/gem"), &json!(2_000_000))
    );
    let none = client.get("/v1beta/models/no/such").await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
    assert_eq!(none.json()["error"]["status"], "NOT_FOUND");
    // The same path for two: who asks decides.
    assert_eq!(client.get("/v1/models").await.json()["object"], "list");
    let mut request = client.request(Method::GET, "/v1/models", "");
    request.headers_mut().insert("x-goog-api-key", "k".parse().unwrap());
    assert_eq!(client.read(request).await.json()["models"], all["models"]);
}
