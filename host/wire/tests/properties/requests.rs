//! A request survives its dialect: what a provider's adapter writes in a format that
//! clients speak too is read back as the request that it was.

use bytes::Bytes;
use http::Request;
use plugway_engine::EndpointFacts;
use plugway_engine::chat;
use plugway_wire::{DecodeOptions, Dialect};
use rand::Rng;
use rand::RngExt;
use rand::seq::IndexedRandom;

use crate::draws;
use crate::plugins::{CONTEXT, adapter};

/// Requests that are drawn for each dialect.
const REQUESTS: usize = 300;

/// A dialect, and what it has room for.
struct Family {
    dialect: Dialect,
    /// Whose requests are written in it.
    adapter: &'static str,
    options: &'static [(&'static str, &'static str)],
    /// A name of which the adapter knows what the model can do.
    model: &'static str,
    /// Where a client sends them.
    path: &'static str,
    thoughts: Thoughts,
    /// Each result is a message of its own.
    results_apart: bool,
    /// A result may say that its tool failed.
    failures: bool,
    /// Images may be behind a URL.
    urls: bool,
    /// Images stand before the text beside them.
    images_first: bool,
    /// A schema for the answer has a name.
    names_schemas: bool,
    /// Names of sampling parameters that it lacks.
    lacks: &'static [&'static str],
}

/// What reasoning comes back as.
#[derive(Clone, Copy)]
enum Thoughts {
    /// Readable, with a proof that is read by whoever has this format.
    Signed(&'static str),
    /// An item of which all is sealed.
    Sealed(&'static str),
    /// Readable, and nobody's in particular.
    Plain,
}

const FAMILIES: [Family; 5] = [
    Family {
        dialect: Dialect::OpenAiChat,
        adapter: "openrouter",
        options: &[],
        model: "m",
        path: "/v1/chat/completions",
        thoughts: Thoughts::Signed("anthropic-claude-v1"),
        results_apart: true,
        failures: false,
        urls: true,
        images_first: false,
        names_schemas: true,
        lacks: &[],
    },
    Family {
        dialect: Dialect::OpenAiResponses,
        adapter: "openai",
        options: &[("api", "\"responses\"")],
        model: "m",
        path: "/v1/responses",
        thoughts: Thoughts::Sealed("openai-responses-v1"),
        results_apart: true,
        failures: false,
        urls: true,
        images_first: false,
        names_schemas: true,
        lacks: &[
            "top_k",
            "min_p",
            "top_a",
            "frequency_penalty",
            "presence_penalty",
            "repetition_penalty",
            "seed",
            "stop",
        ],
    },
    Family {
        dialect: Dialect::AnthropicMessages,
        adapter: "anthropic",
        options: &[],
        model: "claude-sonnet-4-5",
        path: "/v1/messages",
        thoughts: Thoughts::Signed("anthropic-claude-v1"),
        results_apart: false,
        failures: true,
        urls: true,
        images_first: false,
        names_schemas: false,
        lacks: &[
            "top_p",
            "min_p",
            "top_a",
            "frequency_penalty",
            "presence_penalty",
            "repetition_penalty",
            "seed",
        ],
    },
    Family {
        dialect: Dialect::Gemini,
        adapter: "gemini",
        options: &[],
        model: "gemini-2.5-flash",
        path: "/v1beta/models/gemini-2.5-flash:generateContent",
        thoughts: Thoughts::Signed("google-gemini-v1"),
        results_apart: false,
        failures: true,
        urls: false,
        images_first: false,
        names_schemas: false,
        lacks: &["min_p", "top_a", "repetition_penalty"],
    },
    Family {
        dialect: Dialect::Ollama,
        adapter: "ollama",
        options: &[],
        model: "m",
        path: "/api/chat",
        thoughts: Thoughts::Plain,
        results_apart: true,
        failures: false,
        urls: false,
        images_first: true,
        names_schemas: false,
        lacks: &["top_a"],
    },
];

const TEXTS: [&str; 8] = [
    "Hi",
    "two\nlines \"quoted\" \\ and a tab\t.",
    "caf\u{e9} \u{2028} \u{1f9ea} \u{10ffff} e\u{301}\u{202e}",
    "A text that is long enough to be sealed, since it has more than sixty-four bytes of text.",
    "{\"looks\": [\"like\", \"JSON\"]}",
    "data: x\n\n",
    "</tag> 'single' `ticks`",
    "\u{0}\u{1f}\u{7f}",
];

/// How an image begins.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB";

const INPUTS: [&str; 4] = [
    "{}",
    r#"{"city":"Oslo","days":[1,2.50,-3e5],"deep":{"a":null,"b":true}}"#,
    r#"{"text":"quoted \" and \\ and \u00e9"}"#,
    r#"{"big":12345678901234567890}"#,
];

/// One request being drawn.
struct Drawn<'f, R> {
    family: &'f Family,
    draws: R,
    calls: usize,
    /// Items of sealed reasoning.
    items: usize,
}

impl<R: Rng> Drawn<'_, R> {
    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.draws.random_bool(0.5).then(|| make(self))
    }

    fn text(&mut self) -> String {
        (*TEXTS.choose(&mut self.draws).unwrap()).to_owned()
    }

    fn request(&mut self) -> chat::Request {
        let mut messages = Vec::new();
        if self.draws.random_bool(0.5) {
            let text = chat::PartBody::Text(self.text());
            messages.push(message(chat::Role::System, vec![part(text)]));
        }
        for _ in 0..self.draws.random_range(0..3) {
            messages.push(self.user());
            self.answer(&mut messages);
        }
        messages.push(self.user());
        let tools = (0..self.draws.random_range(0..3)).map(|number| self.tool(number)).collect();
        let sampling = self.sampling();
        chat::Request {
            model: self.family.model.into(),
            dialect: self.family.dialect.name().into(),
            headers: Vec::new(),
            messages,
            tools,
            tool_choice: None,
            parallel_tool_calls: None,
            response_format: self.maybe(|drawn| schema(drawn.family)),
            sampling,
            choices: 1,
            max_tokens: Some(self.draws.random_range(1..5000)),
            reasoning: None,
            modalities: Vec::new(),
            verbosity: None,
            service_tier: None,
            user: None,
            cache_key: None,
            auto_cache: None,
            streaming: self.draws.random_bool(0.5),
            extra: Vec::new(),
        }
    }

    fn user(&mut self) -> chat::Message {
        let mut parts = vec![part(chat::PartBody::Text(self.text()))];
        if self.draws.random_bool(0.4) {
            let image = part(chat::PartBody::Media(self.image()));
            parts.insert(if self.family.images_first { 0 } else { 1 }, image);
        }
        message(chat::Role::User, parts)
    }

    fn image(&mut self) -> chat::Media {
        let (source, mime) = if self.family.urls && self.draws.random_bool(0.5) {
            (chat::MediaSource::Uri("https://example.com/a.png".into()), None)
        } else {
            let data = format!("{PNG}{}", "QUJD".repeat(self.draws.random_range(0..40)));
            (chat::MediaSource::Base64(data), Some("image/png".into()))
        };
        chat::Media { kind: chat::MediaKind::Image, source, mime, name: None, detail: None }
    }

    /// What the model said, and what its tools gave.
    fn answer(&mut self, messages: &mut Vec<chat::Message>) {
        let mut parts = Vec::new();
        parts.extend(self.maybe(Self::thought));
        let calls = self.draws.random_range(0..3);
        if calls == 0 || self.draws.random_bool(0.5) {
            parts.push(part(chat::PartBody::Text(self.text())));
        }
        let mut results = Vec::new();
        for _ in 0..calls {
            self.calls += 1;
            let call = chat::ToolCall {
                id: format!("call_{}", self.calls),
                name: format!("tool_{}", self.calls % 2),
                input: (*INPUTS.choose(&mut self.draws).unwrap()).into(),
                freeform: false,
            };
            results.push(part(chat::PartBody::ToolResult(chat::ToolResult {
                call_id: call.id.clone(),
                name: call.name.clone(),
                content: vec![chat::ResultPart {
                    body: chat::ResultBody::Text(self.text()),
                    extra: Vec::new(),
                }],
                failed: self.family.failures && self.draws.random_bool(0.3),
                freeform: false,
            })));
            parts.push(part(chat::PartBody::ToolCall(call)));
        }
        messages.push(message(chat::Role::Assistant, parts));
        if self.family.results_apart {
            let apart = results.into_iter().map(|result| message(chat::Role::Tool, vec![result]));
            messages.extend(apart);
        } else if !results.is_empty() {
            messages.push(message(chat::Role::Tool, results));
        }
    }

    fn thought(&mut self) -> chat::Part {
        let said = |thought| part(chat::PartBody::Reasoning(thought));
        match self.family.thoughts {
            Thoughts::Signed(format) => chat::Part {
                signature: Some("cHJvb2Y=".into()),
                format: Some(format.into()),
                ..said(chat::Reasoning::Text(self.text()))
            },
            Thoughts::Sealed(format) => {
                self.items += 1;
                chat::Part {
                    id: Some(format!("rs_{}", self.items)),
                    format: Some(format.into()),
                    ..said(chat::Reasoning::Encrypted("c2VhbGVk".into()))
                }
            }
            Thoughts::Plain => said(chat::Reasoning::Text(self.text())),
        }
    }

    fn tool(&mut self, number: usize) -> chat::Tool {
        let parameters = r#"{"type":"object","properties":{"city":{"type":"string"}}}"#;
        chat::Tool::Function(chat::FunctionTool {
            name: format!("tool_{number}"),
            description: self.maybe(Self::text),
            parameters: Some(parameters.into()),
            strict: None,
            cache: None,
            extra: Vec::new(),
        })
    }

    fn sampling(&mut self) -> chat::Sampling {
        let mut has =
            |name: &str| self.draws.random_bool(0.3) && !self.family.lacks.contains(&name);
        chat::Sampling {
            temperature: has("temperature").then_some(0.25),
            top_p: has("top_p").then_some(0.5),
            top_k: has("top_k").then_some(7),
            min_p: has("min_p").then_some(0.125),
            top_a: has("top_a").then_some(0.75),
            frequency_penalty: has("frequency_penalty").then_some(-0.5),
            presence_penalty: has("presence_penalty").then_some(1.5),
            repetition_penalty: has("repetition_penalty").then_some(1.25),
            seed: has("seed").then_some(42),
            stop: if has("stop") { vec!["END".into(), "\n".into()] } else { Vec::new() },
            logit_bias: Vec::new(),
            top_logprobs: None,
        }
    }
}

fn schema(family: &Family) -> chat::ResponseFormat {
    chat::ResponseFormat::JsonSchema(chat::JsonSchema {
        name: family.names_schemas.then(|| "response".into()),
        description: None,
        schema: r#"{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}"#.into(),
        strict: None,
    })
}

fn message(role: chat::Role, parts: Vec<chat::Part>) -> chat::Message {
    chat::Message { role, parts, name: None, extra: Vec::new() }
}

fn part(body: chat::PartBody) -> chat::Part {
    chat::Part {
        body,
        id: None,
        signature: None,
        format: None,
        citations: Vec::new(),
        cache: None,
        extra: Vec::new(),
    }
}

fn check(family: &Family, request: &chat::Request) {
    let options = family.options.iter().map(|(name, json)| ((*name).into(), (*json).into()));
    let facts = EndpointFacts { options: options.collect(), ..EndpointFacts::default() };
    let mut attempt = adapter(family.adapter).attempt(CONTEXT).unwrap();
    let encoded = attempt.encode(request, &facts).unwrap();
    let encoded = encoded.unwrap_or_else(|failure| panic!("{}: {request:?}", failure.message));
    let head = Request::builder().uri(family.path).body(()).unwrap().into_parts().0;
    let shown = String::from_utf8_lossy(&encoded.body).into_owned();
    let body = Bytes::from(encoded.body);
    let call = family.dialect.decode(&head, body, &DecodeOptions { seal_min_bytes: 64 });
    let call = call.unwrap_or_else(|refusal| panic!("{refusal}: {shown}"));
    let mut read = call.seals.unseal(&call.request);
    // Beside what was drawn: what a dialect wants of every provider, and where a stream
    // is asked for by the path.
    read.extra.retain(|(name, _)| name != "store");
    if family.dialect == Dialect::Gemini {
        read.streaming = request.streaming;
    }
    let [read, written] = [&read, request].map(|it| serde_json::to_value(it).unwrap());
    assert_eq!(read, written, "{}: {shown}", family.dialect.name());
}

#[test]
fn a_request_is_read_back_as_it_was_written() {
    for family in &FAMILIES {
        let mut drawn = Drawn { family, draws: draws(7), calls: 0, items: 0 };
        for _ in 0..REQUESTS {
            let request = drawn.request();
            check(family, &request);
        }
    }
}
