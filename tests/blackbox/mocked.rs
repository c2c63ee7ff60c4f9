//! Providers as others read their documents: `@copilotkit/aimock`, a server that speaks
//! the formats of many, behind the router. What it is to say stands in `tests/node/*.json`.
//!
//! Where it deviates from the provider that it stands for, the tests say so; no adapter
//! follows it there.

mod answers;
mod faults;
mod listings;
mod requests;

use crate::told::Told;
use plugway_tests::{Client, KEY, Node, Program, Shared, TestRouter};
use serde_json::{Value, json};
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

/// It starts in a second.
const LIMIT: Duration = Duration::from_secs(120);

/// The format of one provider, and what the mock lacks in it.
struct Dialect {
    /// Also of the provider and of its model: `mock/NAME`.
    name: &'static str,
    /// Adapter, path of the base URL and more lines of the provider's table.
    provider: [&'static str; 3],
    /// What the mock takes for a model that reasons.
    model: &'static str,
    lacks: &'static [Lack],
}

/// What is not to be expected of the mock in a format.
#[derive(Clone, Copy, PartialEq)]
enum Lack {
    /// It counts nothing: the router estimates.
    Counts,
    /// Calls have no ids, as the format allows.
    Ids,
    /// It shows no reasoning as the provider does.
    Reasoning,
    /// The input of calls is an object here, or was one before it was sent.
    Spaces,
    /// What it says of why an answer ended is not what the provider says.
    Finish,
    /// Its errors are not shaped as the provider's: their status alone is understood.
    Errors,
    /// Its streams are none of the provider's.
    Streams,
}

use Lack::{Counts, Errors, Finish, Ids, Reasoning, Spaces, Streams};

const DIALECTS: [Dialect; 11] = [
    Dialect { name: "openai", provider: ["openai", "/v1", ""], model: "gpt-5-mini", lacks: &[] },
    Dialect {
        name: "responses",
        provider: ["openai", "/v1", "options = { api = \"responses\" }"],
        model: "gpt-5-mini",
        lacks: &[],
    },
    Dialect {
        name: "azure",
        provider: ["azure-openai", "/openai", "options = { api_version = \"2024-10-21\" }"],
        model: "gpt-5-mini",
        lacks: &[],
    },
    Dialect {
        name: "openrouter",
        provider: ["openrouter", "/api/v1", ""],
        model: "openai/gpt-5-mini",
        lacks: &[],
    },
    Dialect {
        name: "anthropic",
        provider: ["anthropic", "/v1", ""],
        model: "claude-sonnet-4-5",
        lacks: &[Spaces],
    },
    Dialect {
        name: "gemini",
        provider: ["gemini", "/v1beta", ""],
        model: "gemini-2.5-flash",
        // Gemini ends with `STOP` where it calls; the mock with `FUNCTION_CALL`.
        lacks: &[Spaces, Finish],
    },
    Dialect {
        name: "vertex",
        provider: [
            "gemini",
            "/v1",
            "auth = \"bearer\"\noptions = { platform = \"vertex\", project = \"p\" }",
        ],
        model: "gemini-2.5-flash",
        lacks: &[Spaces, Finish],
    },
    Dialect {
        name: "converse",
        provider: ["bedrock", "", "auth = \"bearer\""],
        model: "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        // Errors of Bedrock are a field `message` and a header.
        lacks: &[Spaces, Errors],
    },
    Dialect {
        name: "invoke",
        provider: ["bedrock", "", "auth = \"bearer\"\noptions = { api = \"invoke\" }"],
        model: "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        // Events of Bedrock's streams hold Anthropic's in `bytes`, as base64; the mock's are
        // those events.
        lacks: &[Spaces, Errors, Streams],
    },
    Dialect {
        name: "cohere",
        provider: ["cohere", "/v2", ""],
        model: "command-a-reasoning-08-2025",
        // Cohere's reasoning is an item of type `thinking`, the mock's is text; an error
        // is a field `message`, here it is an object.
        lacks: &[Reasoning, Errors],
    },
    Dialect {
        name: "ollama",
        provider: ["ollama", "", ""],
        model: "deepseek-r1",
        // Ollama's reasoning is the field `thinking`, the mock's `reasoning_content`; all
        // counts are 0, and every answer is complete.
        lacks: &[Counts, Ids, Reasoning, Spaces, Finish],
    },
];

impl Dialect {
    fn lacks(&self, lack: Lack) -> bool {
        self.lacks.contains(&lack)
    }

    /// A request for a scene of the fixtures, long enough to be sealed.
    fn ask(&self, scene: &str) -> Value {
        let text = format!("Scene: {scene}. What follows is of no weight. {}", "Words. ".repeat(9));
        crate::setup::ask(&format!("mock/{}", self.name), &text)
    }

    /// Its answer to a request whole and, where it can, streamed.
    async fn told(&self, router: &TestRouter, request: &Value) -> Vec<Told> {
        let mut told = vec![Told::whole(&router.client().chat(request).await)];
        if !self.lacks(Streams) {
            told.push(Told::streamed(&router.client().stream(request).await));
        }
        told
    }

    fn configure(&self, base_url: &str, test: &str, toml: &mut String) {
        let Self { name, provider: [adapter, path, more], model, .. } = self;
        write!(
            toml,
            "[providers.mock-{name}]\nadapter = \"{adapter}\"\nbase_url = \"{base_url}{path}\"\n\
             api_key_env = \"TEST_KEY\"\nheaders = {{ x-test-id = \"{test}\" }}\n{more}\n\
             [models.\"mock/{name}\"]\n[[models.\"mock/{name}\".endpoints]]\n\
             provider = \"mock-{name}\"\nmodel = \"{model}\"\n\
             price = {{ prompt = 2, completion = 3 }}\n"
        )
        .unwrap();
    }
}

/// The mock, which takes the tests' key alone, however it comes. It ends with its last
/// user.
struct Mock {
    _program: Program,
    base_url: String,
}

impl Mock {
    fn shared() -> Option<Arc<Self>> {
        static SHARED: Shared<Mock> = Shared::new();
        SHARED.or_made(|| {
            let node = Node::packages("aimock", "tests/node")?;
            let script = "@copilotkit/aimock/dist/cli.js";
            let arguments = "--port 0 --strict --chunk-size 7 --fixtures tests/node/answers.json \
                             --fixtures tests/node/faults.json";
            let arguments: Vec<&str> = arguments.split_whitespace().collect();
            let mut program = node.start(script, &arguments, ("AIMOCK_API_KEYS", KEY));
            let base_url = loop {
                let line = program.line(LIMIT);
                if let Some((_, url)) = line.split_once("listening on ") {
                    break url.to_owned();
                }
            };
            Some(Self { _program: program, base_url })
        })
    }

    /// It, and a router in front that knows it by all its formats. The mock keeps the
    /// requests of each `test` apart.
    async fn start(test: &str) -> Option<(Arc<Self>, TestRouter)> {
        let mock = tokio::task::spawn_blocking(Self::shared).await.unwrap()?;
        let mut toml = String::new();
        for dialect in &DIALECTS {
            dialect.configure(&mock.base_url, test, &mut toml);
        }
        Some((mock, TestRouter::start(&toml).await))
    }

    /// The requests of a test as it understood them, brought to OpenAI's form.
    async fn requests(&self, test: &str) -> Vec<Value> {
        let client = Client::new(self.base_url.trim_start_matches("http://").parse().unwrap());
        let path = format!("/__aimock/journal?testId={test}");
        let mut request = client.request(http::Method::GET, &path, "");
        request.headers_mut().insert("x-api-key", KEY.parse().unwrap());
        let answer = client.read(request).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        serde_json::from_slice(&answer.body).unwrap()
    }
}

/// The tools that the scenes call.
fn tools() -> Value {
    let tool = |name: &str, properties: Value| {
        let parameters = json!({"type": "object", "properties": properties});
        json!({"type": "function", "function": {
            "name": name, "description": format!("Tells the {name}."), "parameters": parameters,
        }})
    };
    let weather =
        json!({"city": {"type": "string"}, "days": {"type": "array", "items": {"type": "number"}}});
    json!([tool("weather", weather), tool("clock", json!({}))])
}
