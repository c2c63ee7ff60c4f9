//! Every format: it takes its own requests, and no other's.

use http::Method;
use plugway_simulator::{Behaviour, Body, Kind, Role, Say, Simulator, Source};
use serde_json::{Value, json};

use crate::client::{chat, collect, plain, send};

/// A request in the format of this kind, with a system prompt and an image where it reads
/// images.
fn asked(kind: Kind) -> Value {
    let url = "data:image/png;base64,AAAA";
    match kind {
        Kind::OpenAiResponses => json!({"model": "m", "max_output_tokens": 9, "input": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "input_text", "text": "Hi"},
                                         {"type": "input_image", "image_url": url}]}]}),
        Kind::Anthropic => json!({"model": "m", "max_tokens": 9, "system": "Be brief.",
            "messages": [{"role": "user", "content": [
                {"type": "text", "text": "Hi"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png",
                                             "data": "AAAA"}}]}]}),
        Kind::Gemini => json!({"systemInstruction": {"parts": [{"text": "Be brief."}]},
            "generationConfig": {"maxOutputTokens": 9},
            "contents": [{"role": "user", "parts": [
                {"text": "Hi"},
                {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]}]}),
        Kind::Bedrock => json!({"system": [{"text": "Be brief."}],
            "inferenceConfig": {"maxTokens": 9},
            "messages": [{"role": "user", "content": [
                {"text": "Hi"},
                {"image": {"format": "png", "source": {"bytes": "AAAA"}}}]}]}),
        Kind::Ollama => json!({"model": "m", "stream": false, "options": {"num_predict": 9},
            "messages": [{"role": "system", "content": "Be brief."},
                         {"role": "user", "content": "Hi", "images": ["AAAA"]}]}),
        Kind::DeepSeek => json!({"model": "m", "max_tokens": 9, "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Hi"}]}]}),
        _ => json!({"model": "m", "max_tokens": 9, "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Hi"},
                                         {"type": "image_url", "image_url": {"url": url}}]}]}),
    }
}

/// Whether the first kind takes the other's request: both have the same format, but for
/// small things.
fn alike(a: Kind, b: Kind) -> bool {
    let own = [Kind::OpenAiResponses, Kind::Anthropic, Kind::Gemini, Kind::Bedrock, Kind::Ollama];
    let reads_it = a != Kind::DeepSeek && !own.contains(&a) && !own.contains(&b);
    a == b || reads_it
}

#[tokio::test]
async fn what_is_asked_is_the_same_in_every_format() {
    for kind in Kind::ALL {
        let simulator = Simulator::start(kind, Behaviour::new()).unwrap();
        let answer = chat(&simulator, asked(kind)).await;
        assert_eq!(answer.status, 200, "{kind:?}: {}", answer.body);
        let exchange = simulator.requests().pop().unwrap();
        let prompt = exchange.prompt().unwrap();
        assert_eq!(prompt.texts(Role::System), ["Be brief."], "{kind:?}");
        assert_eq!(prompt.texts(Role::User), ["Hi"], "{kind:?}");
        let shown: Vec<Source> = prompt.media().iter().map(|it| it.source.clone()).collect();
        let expected = [Source::Data("AAAA".into())];
        assert_eq!(shown, &expected[..usize::from(kind != Kind::DeepSeek)], "{kind:?}");
        assert_eq!(prompt.max_tokens, Some(9), "{kind:?}");
    }
}

#[tokio::test]
async fn a_format_takes_no_other_ones_requests() {
    for kind in Kind::ALL {
        let simulator = Simulator::start(kind, Behaviour::new()).unwrap();
        for other in Kind::ALL {
            let answer = chat(&simulator, asked(other)).await;
            let taken = answer.status == 200;
            assert_eq!(taken, alike(kind, other), "{other:?} at {kind:?}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn a_field_that_nobody_has_is_refused_in_every_format() {
    for kind in Kind::ALL {
        let simulator = Simulator::start(kind, Behaviour::new()).unwrap();
        let mut request = asked(kind);
        request["x_unheard_of"] = json!(1);
        let answer = chat(&simulator, request).await;
        let refused = matches!(answer.status.as_u16(), 400 | 422);
        assert!(refused, "{kind:?}: {} {}", answer.status, answer.body);
        assert!(answer.body.contains("x_unheard_of"), "{kind:?}: {}", answer.body);
    }
}

#[tokio::test]
async fn what_a_format_cannot_say_is_not_said() {
    let refusal = Behaviour::new().says([Say::Refusal("No.".into())]);
    for kind in Kind::ALL {
        let simulator = Simulator::start(kind, refusal.clone()).unwrap();
        let status = chat(&simulator, asked(kind)).await.status;
        let expected = if kind.says(&refusal).is_ok() { 200 } else { 501 };
        assert_eq!(status, expected, "{kind:?}");
    }
}

#[tokio::test]
async fn proofs_of_gemini_must_come_back_unchanged() {
    let call = Say::call("f", r#"{"a":1}"#);
    let behaviour = Behaviour::new().says([Say::Reasoning("hm".into()), call]);
    let simulator = Simulator::start(Kind::Gemini, behaviour).unwrap();
    let mut request = json!({"generationConfig": {"thinkingConfig": {"includeThoughts": true}},
                             "contents": [{"role": "user", "parts": [{"text": "Hi"}]}]});
    let first = chat(&simulator, &request).await.json();
    let content = first["candidates"][0]["content"].clone();
    assert_eq!(content["parts"][0]["thought"], true);
    let contents = request["contents"].as_array_mut().unwrap();
    contents.push(content);
    contents.push(json!({"role": "user", "parts": [
        {"functionResponse": {"name": "f", "response": {"error": "broken"}}}]}));
    assert_eq!(chat(&simulator, &request).await.status, 200);
    let prompt = simulator.requests().pop().unwrap().prompt().unwrap();
    assert!(prompt.results()[0].failed);
    assert_eq!(prompt.results()[0].content, [Body::Text("broken".into())]);
    request["contents"][1]["parts"][1]["functionCall"]["args"]["a"] = json!(2);
    let refused = chat(&simulator, &request).await;
    assert!(refused.body.contains("Corrupted thought signature"), "{}", refused.body);
}

#[tokio::test]
async fn geminis_stream_without_events_is_one_array() {
    let simulator = Simulator::start(Kind::Gemini, Behaviour::new().reply("a b")).unwrap();
    let path = "/v1beta/models/m:streamGenerateContent?key=secret";
    let body = asked(Kind::Gemini).to_string();
    let answer = collect(send(&simulator, plain(Method::POST, path, &body)).await.unwrap()).await;
    let chunks = answer.json();
    let texts = chunks.as_array().unwrap().iter();
    let texts = texts.map(|it| it["candidates"][0]["content"]["parts"][0]["text"].as_str());
    assert_eq!(texts.flatten().collect::<String>(), "a b");
}

#[tokio::test]
async fn bedrocks_stream_is_messages_with_checksums() {
    use aws_smithy_eventstream::frame::read_message_from;
    let behaviour = Behaviour::new().says([Say::Text("a b".into()), Say::call("f", "{}")]);
    let simulator = Simulator::start(Kind::Bedrock, behaviour).unwrap();
    let body = asked(Kind::Bedrock).to_string();
    let mut request = plain(Method::POST, "/model/m/converse-stream", &body);
    request.headers_mut().insert("authorization", "Bearer k".parse().unwrap());
    let response = send(&simulator, request).await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/vnd.amazon.eventstream");
    let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap();
    let mut bytes = body.to_bytes();
    let mut names = Vec::new();
    while !bytes.is_empty() {
        let message = read_message_from(&mut bytes).unwrap();
        let named = message.headers().iter().find(|it| it.name().as_str() == ":event-type");
        names.push(named.unwrap().value().as_string().unwrap().as_str().to_owned());
    }
    names.dedup();
    let expected = [
        "messageStart",
        "contentBlockDelta",
        "contentBlockStop",
        "contentBlockStart",
        "contentBlockDelta",
        "contentBlockStop",
        "messageStop",
        "metadata",
    ];
    assert_eq!(names, expected);
}

#[tokio::test]
async fn vectors_rankings_counts_and_models_are_served() {
    for (kind, path, body, place) in [
        (
            Kind::OpenAi,
            "/v1/embeddings",
            json!({"model": "m", "input": "a"}),
            "/data/0/embedding/7",
        ),
        (Kind::OpenAi, "/v1/rerank", ranked(), "/results/0/relevance_score"),
        (
            Kind::OpenAiResponses,
            "/v1/responses/input_tokens",
            json!({"model": "m", "input": "hello"}),
            "/input_tokens",
        ),
        (
            Kind::Gemini,
            "/v1beta/models/m:batchEmbedContents",
            json!({"requests": [{"model": "models/m", "content": {"parts": [{"text": "a"}]}}]}),
            "/embeddings/0/values/7",
        ),
        (
            Kind::Gemini,
            "/v1beta/models/m:countTokens",
            json!({"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}),
            "/totalTokens",
        ),
        (
            Kind::Bedrock,
            "/model/m/count-tokens",
            json!({"input": {"converse": {"messages": [
                {"role": "user", "content": [{"text": "hello"}]}]}}}),
            "/inputTokens",
        ),
        (Kind::Bedrock, "/model/titan-embed/invoke", json!({"inputText": "a"}), "/embedding/7"),
        (
            Kind::Cohere,
            "/v2/embed",
            json!({"model": "m", "input_type": "search_query", "texts": ["a"]}),
            "/embeddings/float/0/7",
        ),
        (Kind::Cohere, "/v2/rerank", ranked(), "/results/0/relevance_score"),
        (Kind::Ollama, "/api/embed", json!({"model": "m", "input": ["a"]}), "/embeddings/0/7"),
    ] {
        let simulator = Simulator::start(kind, Behaviour::new()).unwrap();
        let mut request = plain(Method::POST, path, &body.to_string());
        request.headers_mut().insert("authorization", "Bearer k".parse().unwrap());
        let answer = collect(send(&simulator, request).await.unwrap()).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        let found = answer.json();
        assert!(found.pointer(place).is_some_and(Value::is_number), "{path}: {found}");
    }
}

fn ranked() -> Value {
    json!({"model": "m", "query": "cat", "documents": ["dog", "cat"]})
}
