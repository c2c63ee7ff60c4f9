//! Clients, one of each dialect: how it says a conversation, and what it makes of the
//! answer. Written from the formats' own descriptions; nothing of the router is used.

mod chat;
mod gemini;
mod messages;
mod ollama;
mod prompts;
mod responses;

use super::cases::{Case, Said};
use super::heard::{Blur, Heard};
use serde_json::{Value, json};

/// A client.
pub(super) trait Speaker: Send + Sync {
    /// The dialect's name.
    fn name(&self) -> &'static str;

    /// What the conversation holds that the dialect has no words for, by its own
    /// description.
    fn lacks(&self, case: &Case, signs: bool) -> Option<&'static str>;

    /// It tells how much of the prompt came from a cache.
    fn counts_cached(&self) -> bool {
        true
    }

    /// It can mark that a tool failed; else its clients say so in the text.
    fn marks_failures(&self) -> bool {
        true
    }

    /// How the dialect blurs an answer.
    fn blur(&self) -> Blur;

    /// Path and body of a request.
    fn ask(&self, model: &str, case: &Case, history: &[Value], streaming: bool) -> (String, Value);

    /// A client's turn, as items of the history. `heard` is the answer before.
    fn say(&self, said: &Said, case: &Case, heard: &Heard) -> Vec<Value>;

    /// The whole answer that a stream amounts to, as a client library folds it.
    ///
    /// # Errors
    /// The message of an error within the stream.
    fn fold(&self, stream: &str) -> Result<Value, String>;

    /// What a whole answer says.
    fn hear(&self, answer: &Value) -> Heard;

    /// An answer, as items of the history.
    fn echo(&self, answer: &Value) -> Vec<Value>;

    /// The message of an error's envelope, which must be whole.
    fn error(&self, body: &Value, status: u16) -> String;
}

/// A client with no words but a prompt's, for the few conversations that are one.
pub(super) static PROMPTS: &dyn Speaker = &prompts::Prompts;

/// One of each.
pub(super) fn speakers() -> [&'static dyn Speaker; 5] {
    [&chat::Chat, &responses::Responses, &messages::Messages, &gemini::Gemini, &ollama::Ollama]
}

/// The tools that are offered: name, description, schema.
fn tools() -> [(&'static str, &'static str, Value); 2] {
    let schema = |field: &str| json!({"type": "object", "properties": {field: {"type": "string"}}, "required": [field]});
    [
        ("weather", "Tells the weather.", schema("city")),
        ("clock", "Tells the time.", schema("zone")),
    ]
}

/// The schema of structured answers.
pub(super) fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": false,
    })
}

/// The data of each server-sent event, but for the end mark.
fn data(stream: &str) -> impl Iterator<Item = Value> {
    let lines = stream.lines().filter_map(|line| line.strip_prefix("data: "));
    lines.filter(|data| *data != "[DONE]").map(|data| serde_json::from_str(data).unwrap())
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Appends to a string of an object, making it where there is none.
fn append(object: &mut Value, field: &str, more: &Value) {
    if let Some(more) = more.as_str() {
        let whole = string(&object[field]) + more;
        object[field] = whole.into();
    }
}
