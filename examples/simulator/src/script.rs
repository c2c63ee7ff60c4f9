//! What a simulated provider does: the script, which can be replaced while the
//! server runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fault::{Failure, Fault, When};
use crate::speech::{Ending, Say, Speech};

/// Everything that a simulated provider has been told to do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// What is done for a model that has no behaviour of its own.
    pub behaviour: Behaviour,
    /// What is done for a model of this name.
    pub models: BTreeMap<String, Behaviour>,
    /// What is done for whoever shows this credential, in place of what is done for the
    /// model.
    pub keys: BTreeMap<String, Behaviour>,
    /// The model names that exist beside those of `models`. When empty, every
    /// name exists; otherwise the others are answered with 404.
    pub known_models: Vec<String>,
    /// The only credential that is accepted; any non-empty one when absent.
    pub key: Option<String>,
    /// Decides which requests a [`When::Rate`] strikes, and the ids of answers.
    pub seed: u64,
}

impl Script {
    /// A script that answers every model at once and without fault.
    #[must_use]
    pub fn new() -> Script {
        Script::default()
    }

    /// Gives one model a behaviour of its own.
    #[must_use]
    pub fn model(mut self, name: impl Into<String>, behaviour: Behaviour) -> Script {
        self.models.insert(name.into(), behaviour);
        self
    }

    /// Adds a name to the models that exist.
    #[must_use]
    pub fn knows(mut self, name: impl Into<String>) -> Script {
        self.known_models.push(name.into());
        self
    }

    /// Accepts this credential only.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Script {
        self.key = Some(key.into());
        self
    }

    /// Gives whoever shows this credential a behaviour of its own.
    #[must_use]
    pub fn for_key(mut self, key: impl Into<String>, behaviour: Behaviour) -> Script {
        self.keys.insert(key.into(), behaviour);
        self
    }

    /// Sets the seed.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Script {
        self.seed = seed;
        self
    }

    /// Whether a model of this name exists.
    pub(crate) fn knows_model(&self, name: &str) -> bool {
        self.known_models.is_empty()
            || self.models.contains_key(name)
            || self.known_models.iter().any(|known| known == name)
    }

    /// The names that the model list shows.
    pub(crate) fn listed_models(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.known_models.iter().map(String::as_str).collect();
        names.extend(self.models.keys().map(String::as_str));
        if names.is_empty() {
            names.push("simulated-model");
        }
        names.sort_unstable();
        names.dedup();
        names
    }
}

impl From<Behaviour> for Script {
    fn from(behaviour: Behaviour) -> Script {
        Script { behaviour, ..Script::default() }
    }
}

/// How requests for a model are answered. The default answers at once, without
/// fault, with text that is derived from the request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    /// Time before the response head, in milliseconds.
    pub head_delay_ms: u64,
    /// Time from the head to the first token, in milliseconds. An answer that
    /// is not streamed has its head delayed by it, and by its tokens' time.
    pub first_token_ms: u64,
    /// Content chunks per second; zero means all at once.
    pub tokens_per_second: u32,
    /// Most frames that go into one write; zero means all that are due.
    pub frames_per_write: u32,
    /// The text of the answer; derived from the request when absent.
    pub reply: Option<String>,
    /// The reasoning before the answer. An Anthropic server shows it only to a
    /// request that enables thinking, and then has a default for it.
    pub reasoning: Option<String>,
    /// Makes the answer this many tokens long. Without meaning beside `reply`.
    pub completion_tokens: Option<u32>,
    /// Characters per content chunk; zero means one token.
    pub chunk_chars: u32,
    /// Prompt tokens that are reported as read from a cache.
    pub cached_tokens: Option<u32>,
    /// Prompt tokens that are reported as written to a cache.
    pub cache_written_tokens: Option<u32>,
    /// Tokens of reasoning that are reported in place of those that were said.
    pub reasoning_tokens: Option<u32>,
    /// When tools are called.
    pub tools: ToolUse,
    /// Whole answers: the first for a conversation without any, the second for one
    /// that holds one answer, and so on. Behind the last of them the other fields
    /// decide. Reasoning is said only where the request lets it be shown.
    pub speeches: Vec<Speech>,
    /// Adds fields and events that no client knows, and an SSE comment.
    pub extras: bool,
    /// What goes wrong. The first fault that strikes a request decides.
    pub faults: Vec<Fault>,
}

impl Behaviour {
    /// Answers at once, without fault.
    #[must_use]
    pub fn new() -> Behaviour {
        Behaviour::default()
    }

    /// Waits this many milliseconds before the response head.
    #[must_use]
    pub fn head_delay_ms(mut self, milliseconds: u64) -> Behaviour {
        self.head_delay_ms = milliseconds;
        self
    }

    /// Waits this many milliseconds from the head to the first token.
    #[must_use]
    pub fn first_token_ms(mut self, milliseconds: u64) -> Behaviour {
        self.first_token_ms = milliseconds;
        self
    }

    /// Sends this many content chunks per second.
    #[must_use]
    pub fn tokens_per_second(mut self, rate: u32) -> Behaviour {
        self.tokens_per_second = rate;
        self
    }

    /// Puts at most this many frames into one write.
    #[must_use]
    pub fn frames_per_write(mut self, frames: u32) -> Behaviour {
        self.frames_per_write = frames;
        self
    }

    /// Answers with this text.
    #[must_use]
    pub fn reply(mut self, text: impl Into<String>) -> Behaviour {
        self.reply = Some(text.into());
        self
    }

    /// Reasons with this text before the answer.
    #[must_use]
    pub fn reasoning(mut self, text: impl Into<String>) -> Behaviour {
        self.reasoning = Some(text.into());
        self
    }

    /// Answers with this many tokens.
    #[must_use]
    pub fn completion_tokens(mut self, tokens: u32) -> Behaviour {
        self.completion_tokens = Some(tokens);
        self
    }

    /// Splits the answer into chunks of this many characters.
    #[must_use]
    pub fn chunk_chars(mut self, characters: u32) -> Behaviour {
        self.chunk_chars = characters;
        self
    }

    /// Reports this many prompt tokens as read from a cache.
    #[must_use]
    pub fn cached_tokens(mut self, tokens: u32) -> Behaviour {
        self.cached_tokens = Some(tokens);
        self
    }

    /// Reports this many prompt tokens as written to a cache.
    #[must_use]
    pub fn cache_written_tokens(mut self, tokens: u32) -> Behaviour {
        self.cache_written_tokens = Some(tokens);
        self
    }

    /// Reports this many tokens of reasoning.
    #[must_use]
    pub fn reasoning_tokens(mut self, tokens: u32) -> Behaviour {
        self.reasoning_tokens = Some(tokens);
        self
    }

    /// Adds an answer, behind those that are there.
    #[must_use]
    pub fn says(mut self, parts: impl IntoIterator<Item = Say>) -> Behaviour {
        let parts = parts.into_iter().collect();
        self.speeches.push(Speech { parts, ending: None });
        self
    }

    /// Says why the last of the answers ends.
    #[must_use]
    pub fn ending(mut self, ending: Ending) -> Behaviour {
        if self.speeches.is_empty() {
            self.speeches.push(Speech::default());
        }
        if let Some(speech) = self.speeches.last_mut() {
            speech.ending = Some(ending);
        }
        self
    }

    /// Decides when tools are called.
    #[must_use]
    pub fn tools(mut self, tools: ToolUse) -> Behaviour {
        self.tools = tools;
        self
    }

    /// Adds a call to those that are made when tools are offered.
    #[must_use]
    pub fn calls(mut self, name: impl Into<String>, arguments: Value) -> Behaviour {
        let call = Call { name: name.into(), arguments };
        match &mut self.tools {
            ToolUse::Calls(calls) => calls.push(call),
            ToolUse::Auto | ToolUse::Never => self.tools = ToolUse::Calls(vec![call]),
        }
        self
    }

    /// Adds what no client knows.
    #[must_use]
    pub fn extras(mut self) -> Behaviour {
        self.extras = true;
        self
    }

    /// Adds a fault, behind those that are there.
    #[must_use]
    pub fn fault(mut self, when: When, failure: Failure) -> Behaviour {
        self.faults.push(Fault { when, failure });
        self
    }
}

/// When an answer calls tools. It never does after a tool's result, nor when no
/// tool is offered or the request forbids it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolUse {
    /// Calls the tool that the request demands, or the first that it offers,
    /// with the smallest arguments that its schema allows.
    #[default]
    Auto,
    /// Answers with text.
    Never,
    /// Makes these calls, in parallel.
    Calls(Vec<Call>),
}

/// A tool call of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The tool's name.
    pub name: String,
    /// Its arguments, an object.
    pub arguments: Value,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_the_same_built_and_read() {
        let read: Script = serde_json::from_str(
            r#"{
                "behaviour": {"tokens_per_second": 40, "tools": "never"},
                "models": {"flaky": {"faults": [
                    {"when": {"every": 2}, "failure": {"status": {"code": 503}}},
                    {"when": {"first": 1}, "failure": {"cut": {"after_chunks": 3}}},
                    {"when": "always", "failure": "close"}
                ]}},
                "keys": {"sk-one": {"reply": "one"}},
                "known_models": ["steady"],
                "key": "secret",
                "seed": 7
            }"#,
        )
        .unwrap();
        let built = Script {
            behaviour: Behaviour::new().tokens_per_second(40).tools(ToolUse::Never),
            ..Script::new()
        }
        .model(
            "flaky",
            Behaviour::new()
                .fault(When::Every(2), Failure::status(503))
                .fault(When::First(1), Failure::Cut { after_chunks: 3 })
                .fault(When::Always, Failure::Close),
        )
        .for_key("sk-one", Behaviour::new().reply("one"))
        .knows("steady")
        .key("secret")
        .seed(7);
        assert_eq!(read, built);
    }

    #[test]
    fn a_misspelt_key_is_an_error() {
        let error = serde_json::from_str::<Script>(r#"{"behavior": {}}"#).unwrap_err();
        assert!(error.to_string().contains("behavior"), "{error}");
    }

    #[test]
    fn models_exist_when_named_or_when_none_is() {
        let open = Script::new().model("own", Behaviour::new());
        let closed = open.clone().knows("other");
        for (script, name, expected) in [
            (&open, "anything", true),
            (&closed, "other", true),
            (&closed, "own", true),
            (&closed, "anything", false),
        ] {
            assert_eq!(script.knows_model(name), expected, "{name}");
        }
    }
}
