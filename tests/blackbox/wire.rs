//! The two providers' wire formats written by hand, byte for byte, and routers in
//! front of a provider that plays them.

use crate::setup::{ask, bare_provider};
use plugway_simulator::{Behaviour, Kind, Simulator};
use plugway_tests::{Answer, KEY, LogLines, Play, RawUpstream, TestRouter};
use serde_json::{Value, json};

/// A provider's format.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Wire {
    OpenAi,
    Anthropic,
}

/// For tests that run over both adapters.
pub(crate) const WIRES: [Wire; 2] = [Wire::OpenAi, Wire::Anthropic];

impl Wire {
    /// The adapter of this format.
    pub(crate) fn adapter(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
        }
    }

    /// The model that nobody else serves.
    pub(crate) fn alone(self) -> String {
        format!("alone/{}", self.adapter())
    }

    /// The model that a well-behaved provider serves second.
    pub(crate) fn backed(self) -> String {
        format!("backed/{}", self.adapter())
    }

    /// A whole answer.
    pub(crate) fn whole(self, text: &str) -> Value {
        match self {
            Self::OpenAi => json!({
                "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m",
                "choices": [{
                    "index": 0,
                    "message": {"role": "assistant", "content": text},
                    "finish_reason": "stop",
                }],
                "usage": {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8},
            }),
            Self::Anthropic => json!({
                "id": "msg_1", "type": "message", "role": "assistant", "model": "m",
                "content": [{"type": "text", "text": text}],
                "stop_reason": "end_turn", "stop_sequence": null,
                "usage": {"input_tokens": 3, "output_tokens": 5},
            }),
        }
    }

    /// What a stream says before any content.
    pub(crate) fn opening(self) -> String {
        match self {
            Self::OpenAi => openai_event(&json!({"role": "assistant", "content": ""}), None),
            Self::Anthropic => [
                event(&json!({"type": "message_start", "message": {
                    "id": "msg_1", "type": "message", "role": "assistant", "model": "m",
                    "content": [], "stop_reason": null, "stop_sequence": null,
                    "usage": {"input_tokens": 3, "output_tokens": 1},
                }})),
                event(&json!({"type": "content_block_start", "index": 0,
                    "content_block": {"type": "text", "text": ""}})),
            ]
            .concat(),
        }
    }

    /// One bit of text.
    pub(crate) fn delta(self, text: &str) -> String {
        match self {
            Self::OpenAi => openai_event(&json!({"content": text}), None),
            Self::Anthropic => event(&json!({"type": "content_block_delta", "index": 0,
                "delta": {"type": "text_delta", "text": text}})),
        }
    }

    /// What a stream says after its content, but for the end mark.
    pub(crate) fn closing(self) -> String {
        match self {
            Self::OpenAi => openai_event(&json!({}), Some("stop")),
            Self::Anthropic => [
                event(&json!({"type": "content_block_stop", "index": 0})),
                event(&json!({"type": "message_delta",
                    "delta": {"stop_reason": "end_turn", "stop_sequence": null},
                    "usage": {"output_tokens": 5}})),
            ]
            .concat(),
        }
    }

    /// The end mark.
    pub(crate) fn mark(self) -> String {
        match self {
            Self::OpenAi => "data: [DONE]\n\n".to_owned(),
            Self::Anthropic => event(&json!({"type": "message_stop"})),
        }
    }

    /// A whole stream.
    pub(crate) fn stream(self, texts: &[&str]) -> String {
        let deltas: String = texts.iter().map(|text| self.delta(text)).collect();
        [self.opening(), deltas, self.closing(), self.mark()].concat()
    }

    /// An error as the provider writes it.
    pub(crate) fn error(self, message: &str) -> Value {
        match self {
            Self::OpenAi => json!({"error": {"message": message, "type": "server_error"}}),
            Self::Anthropic => {
                json!({"type": "error", "error": {"type": "api_error", "message": message}})
            }
        }
    }
}

fn openai_event(delta: &Value, finish: Option<&str>) -> String {
    let chunk = json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    });
    format!("data: {chunk}\n\n")
}

fn event(data: &Value) -> String {
    format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap())
}

/// Configuration of one endpoint, whose provider names its model as we do.
fn endpoint(model: &str, provider: &str, dollars: u32) -> String {
    format!(
        "[[models.\"{model}\".endpoints]]\nprovider = \"{provider}\"\nmodel = \"{model}\"\n\
         price = {{ prompt = {dollars}.0, completion = {dollars}.0 }}\n"
    )
}

/// A response with a declared length, the last of its connection.
pub(crate) fn response(head: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!("HTTP/1.1 {head}\r\n{CLOSE}content-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// A good response with JSON.
pub(crate) fn json_response(body: &Value) -> Vec<u8> {
    response("200 OK\r\ncontent-type: application/json", body.to_string())
}

/// Without it a request could go out on a connection that is being closed.
pub(crate) const CLOSE: &str = "connection: close\r\n";

/// The head of a stream in chunks, the last of its connection.
pub(crate) const STREAM_HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
     connection: close\r\ntransfer-encoding: chunked\r\n\r\n";

/// The last chunk.
pub(crate) const LAST_CHUNK: &str = "0\r\n\r\n";

/// One chunk.
pub(crate) fn chunk(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let bytes = bytes.as_ref();
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

/// A good stream in one chunk.
pub(crate) fn stream_response(body: impl AsRef<[u8]>) -> Vec<u8> {
    [STREAM_HEAD.as_bytes(), &chunk(body), LAST_CHUNK.as_bytes()].concat()
}

/// A router in front of one provider with bad manners, which both adapters speak to.
pub(crate) struct Rude {
    pub(crate) router: TestRouter,
    pub(crate) upstream: RawUpstream,
    second: Simulator,
}

impl Rude {
    /// With this configuration in front.
    pub(crate) async fn start(toml: &str) -> Self {
        let upstream = RawUpstream::start().await;
        let reply = Behaviour::new().reply("from second");
        let second = Simulator::start(Kind::OpenAi, reply).unwrap();
        let mut toml = format!(
            "{toml}\n[routing]\nstrategies = [\"price\"]\nbreaker_failures = 1000\nretry_reserve = 1000\n\
             hedge_percent = 0\n{}",
            bare_provider("second", &second)
        );
        for wire in WIRES {
            let name = wire.adapter();
            let provider = format!(
                "[providers.{name}]\nadapter = \"{name}\"\nbase_url = \"{}\"\n\
                 api_key_env = \"TEST_KEY\"\n",
                upstream.base_url()
            );
            let (alone, backed) = (wire.alone(), wire.backed());
            toml += &[
                provider,
                endpoint(&alone, name, 1),
                endpoint(&backed, name, 1),
                endpoint(&backed, "second", 2),
            ]
            .concat();
        }
        let router = TestRouter::start(&toml).await;
        Self { router, upstream, second }
    }

    /// Asks a model, whole or streamed; the answer is read to its end.
    pub(crate) async fn ask(&self, model: &str, streaming: bool) -> Answer {
        let mut request = ask(model, PROMPT);
        request["stream"] = json!(streaming);
        self.router.client().chat(&request).await
    }

    /// The provider's script fails before any content: alone, the client learns of
    /// `error_type`; with a second endpoint it notices nothing.
    pub(crate) async fn fails(&self, wire: Wire, streaming: bool, case: &str, error_type: &str) {
        let case = format!("{case}, {wire:?}, streaming: {streaming}");
        let answer = self.ask(&wire.alone(), streaming).await;
        let error = &answer.json()["error"];
        assert_eq!(error["metadata"]["code"], error_type, "{case}: {}", answer.text());
        assert_eq!(error["code"], answer.status.as_u16(), "{case}: {}", answer.text());
        assert!(!answer.status.is_success(), "{case}");
        assert!(!error["message"].as_str().unwrap().is_empty(), "{case}");

        let answer = self.ask(&wire.backed(), streaming).await;
        assert_eq!(said(&answer), "from second", "{case}: {}", answer.text());
    }

    /// The provider's script is an answer, of these words.
    pub(crate) async fn serves(&self, wire: Wire, streaming: bool, case: &str, words: &str) {
        let answer = self.ask(&wire.alone(), streaming).await;
        assert_eq!(said(&answer), words, "{case}, {wire:?}, {streaming}: {}", answer.text());
        assert_eq!(failure(&answer), None, "{case}, {wire:?}, {streaming}: {}", answer.text());
        if streaming {
            assert!(answer.text().ends_with("data: [DONE]\n\n"), "{case}: {}", answer.text());
        }
    }

    /// The provider's script breaks an answer after `words`, and the client is told.
    pub(crate) async fn breaks(&self, wire: Wire, case: &str, words: &str, error_type: &str) {
        let before = self.second.requests().len();
        for model in [wire.alone(), wire.backed()] {
            let answer = self.ask(&model, true).await;
            assert_eq!(answer.status, 200, "{case}, {wire:?}: {}", answer.text());
            assert_eq!(said(&answer), words, "{case}, {wire:?}: {}", answer.text());
            let told = failure(&answer);
            assert_eq!(told.as_deref(), Some(error_type), "{case}, {wire:?}: {}", answer.text());
            assert!(answer.text().ends_with("data: [DONE]\n\n"), "{case}: {}", answer.text());
        }
        assert_eq!(
            self.second.requests().len(),
            before,
            "{case}: moved on after the first content"
        );
    }

    /// Plays this from now on.
    pub(crate) fn play(&self, script: impl Into<Vec<Play>>) {
        self.upstream.play(script);
    }

    /// Plays these bytes and closes the connection.
    pub(crate) fn play_once(&self, bytes: impl Into<bytes::Bytes>) {
        self.upstream.play([Play::write(bytes), Play::Close]);
    }
}

/// What every request says, to be looked for where it must not be.
const PROMPT: &str = "a prompt that no log may show: petrichor";

/// What providers say, to be looked for where it must not be.
pub(crate) const SECRET: &str = "words of the provider: sesquipedalian";

/// Neither prompt nor key nor what the provider sent was logged.
pub(crate) fn nothing_was_logged() {
    let log = LogLines::text();
    for secret in ["petrichor", "sesquipedalian", KEY] {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None);
    }
}

/// The JSON of each `data:` line of an answer, or of the answer itself.
fn chunks(answer: &Answer) -> Vec<Value> {
    let text = answer.text();
    match answer.header("content-type") {
        Some(kind) if kind.starts_with("text/event-stream") => {
            let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
            let data = data.filter(|data| *data != "[DONE]");
            data.map(|data| serde_json::from_str(data).unwrap()).collect()
        }
        _ => vec![answer.json()],
    }
}

/// The words of an answer, whole or streamed.
pub(crate) fn said(answer: &Answer) -> String {
    let text = |chunk: &Value| {
        let choice = &chunk["choices"][0];
        let said = choice["delta"]["content"].as_str().or(choice["message"]["content"].as_str());
        said.unwrap_or_default().to_owned()
    };
    chunks(answer).iter().map(text).collect()
}

/// The error that an answer tells of, by name.
pub(crate) fn failure(answer: &Answer) -> Option<String> {
    let chunks = chunks(answer);
    let told = chunks.iter().find_map(|chunk| chunk["error"]["metadata"]["code"].as_str());
    told.map(str::to_owned)
}
