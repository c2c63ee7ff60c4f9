//! Errors of no exchange, in the envelope of whoever would ask there.

use crate::setup::Pair;
use plugway_simulator::Behaviour;
use serde_json::Value;

/// Who reads an envelope.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reader {
    OpenAi,
    Anthropic,
    Google,
    Ollama,
}

/// Whether the body is an error as this reader's clients look for it.
pub(crate) fn is_read(reader: Reader, body: &Value, status: u16) -> bool {
    let error = &body["error"];
    match reader {
        Reader::OpenAi => {
            error["code"] == status && error["message"].is_string() && error["type"].is_string()
        }
        Reader::Anthropic => {
            body["type"] == "error" && error["type"].is_string() && error["message"].is_string()
        }
        Reader::Google => {
            error["code"] == status && error["message"].is_string() && error["status"].is_string()
        }
        Reader::Ollama => error.is_string(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_told_in_the_envelope_of_whoever_asks() {
    let pair = Pair::start(Behaviour::new()).await;
    let client = pair.router.client();
    for (path, reader) in [
        ("/v1/nothing", Reader::OpenAi),
        ("/api/v1/nothing", Reader::OpenAi),
        ("/v1/responses/resp_1", Reader::OpenAi),
        ("/v1/messages/batches", Reader::Anthropic),
        ("/api/v1/messages/batches", Reader::Anthropic),
        ("/v1beta/files", Reader::Google),
        ("/v1beta/models/m:predict", Reader::Google),
        ("/v1beta1/models/m:predict", Reader::Google),
        ("/api/pull", Reader::Ollama),
        ("/messages", Reader::OpenAi),
    ] {
        let answer = client.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(is_read(reader, &answer.json(), 404), "{path}, {reader:?}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_method_is_told_in_the_envelope_of_whoever_asks() {
    let pair = Pair::start(Behaviour::new()).await;
    let client = pair.router.client();
    for (path, reader) in [
        ("/v1/chat/completions", Reader::OpenAi),
        ("/v1/completions", Reader::OpenAi),
        ("/v1/responses", Reader::OpenAi),
        ("/v1/embeddings", Reader::OpenAi),
        ("/v1/messages", Reader::Anthropic),
        ("/v1/messages/count_tokens", Reader::Anthropic),
        ("/v1beta/models/m:generateContent", Reader::Google),
        ("/v1beta/models/m:countTokens", Reader::Google),
        ("/api/chat", Reader::Ollama),
        ("/api/show", Reader::Ollama),
    ] {
        let answer = client.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, Some("POST")), "{path}");
        assert!(is_read(reader, &answer.json(), 405), "{path}, {reader:?}: {}", answer.text());
    }
}
