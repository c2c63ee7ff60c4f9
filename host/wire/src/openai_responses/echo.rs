//! What was asked, as each response says it again: every client of this format may rely
//! on these fields.

use std::fmt;
use std::sync::Arc;

use bytes::BytesMut;
use plugway_engine::chat::{FreeformTool, FunctionTool, Request, ResponseFormat, Tool};

use crate::BadRequest;
use crate::json::{Fields, Writer, write_extra};

/// Bytes of a field beyond which it is not said again: three of the events of a stream
/// would carry it.
const MAX_ECHOED_BYTES: usize = 256 * 1024;

/// What stands where the client set nothing: this format's own defaults.
const DEFAULTS: [(&str, &str); 11] = [
    ("temperature", "1"),
    ("top_p", "1"),
    ("presence_penalty", "0"),
    ("frequency_penalty", "0"),
    ("top_logprobs", "0"),
    ("parallel_tool_calls", "true"),
    ("tool_choice", "\"auto\""),
    ("truncation", "\"disabled\""),
    ("max_output_tokens", "null"),
    ("max_tool_calls", "null"),
    ("prompt_cache_key", "null"),
];

/// What stands for the shape of an answer that is not said again, and for its reasoning.
const NO_SHAPE: &str = r#"{"format":{"type":"text"}}"#;
const NO_REASONING: &str = r#"{"effort":null,"summary":null}"#;

/// Fields that the client alone knows: no provider is told them as they are.
const OWN: [(&str, &str); 3] =
    [("metadata", "{}"), ("safety_identifier", "null"), ("user", "null")];

/// Fields and their JSON. Shared by whatever tells the answer. `Debug` shows no content.
#[derive(Clone)]
pub(super) struct Echo {
    /// The provider may know better what it made of them.
    pub(super) settings: Arc<[(&'static str, String)]>,
    /// It may not.
    pub(super) own: Arc<[(&'static str, String)]>,
    /// The tier that was asked for.
    pub(super) service_tier: Option<String>,
}

impl fmt::Debug for Echo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Echo").field("settings", &self.settings.len()).finish_non_exhaustive()
    }
}

impl Echo {
    pub(super) fn of(fields: &mut Fields<'_, '_>, request: &Request) -> Result<Self, BadRequest> {
        let mut given = |name: &'static str, default: &str| match fields.take(name) {
            Some(node) => Ok(bounded(node.json()?, default)),
            None => Ok(default.to_owned()),
        };
        let mut settings = Vec::with_capacity(DEFAULTS.len() + 3);
        for (name, default) in DEFAULTS {
            settings.push((name, given(name, default)?));
        }
        settings.push(("tools", bounded(tools(&request.tools), "[]")));
        settings.push(("text", bounded(text(request), NO_SHAPE)));
        settings.push(("reasoning", bounded(reasoning(request), NO_REASONING)));
        let mut own = Vec::with_capacity(OWN.len() + 1);
        for (name, default) in OWN {
            own.push((name, given(name, default)?));
        }
        own.push(("instructions", given("instructions", "null")?));
        let service_tier = request.service_tier.clone();
        Ok(Self { settings: settings.into(), own: own.into(), service_tier })
    }
}

fn bounded(json: String, instead: &str) -> String {
    if json.len() > MAX_ECHOED_BYTES { instead.to_owned() } else { json }
}

/// The JSON that is written.
fn written(write: impl FnOnce(&mut Writer<'_>)) -> String {
    let mut out = BytesMut::new();
    write(&mut Writer::new(&mut out));
    String::from_utf8_lossy(&out).into_owned()
}

fn tools(tools: &[Tool]) -> String {
    written(|json| {
        json.open(b'[');
        for tool in tools {
            match tool {
                Tool::Function(tool) => function(json, tool),
                Tool::Freeform(tool) => freeform(json, tool),
                Tool::Native(native) => json.raw(native),
            }
        }
        json.close(b']');
    })
}

fn function(json: &mut Writer<'_>, tool: &FunctionTool) {
    json.open(b'{');
    json.key("type").string("function");
    json.key("name").string(&tool.name);
    json.key("description").string_or_null(tool.description.as_deref());
    json.key("parameters").raw(tool.parameters.as_deref().unwrap_or("null"));
    json.key("strict").literal(tool.strict.map_or("null", literal));
    write_extra(json, &tool.extra, &["type", "name", "description", "parameters", "strict"]);
    json.close(b'}');
}

fn freeform(json: &mut Writer<'_>, tool: &FreeformTool) {
    json.open(b'{');
    json.key("type").string("custom");
    json.key("name").string(&tool.name);
    json.key("description").string_or_null(tool.description.as_deref());
    json.key("format").open(b'{');
    match &tool.grammar {
        None => json.key("type").string("text"),
        Some(grammar) => {
            json.key("type").string("grammar");
            json.key("syntax").string(&grammar.syntax);
            json.key("definition").string(&grammar.definition);
        }
    }
    json.close(b'}');
    write_extra(json, &tool.extra, &["type", "name", "description", "format"]);
    json.close(b'}');
}

fn text(request: &Request) -> String {
    written(|json| {
        json.open(b'{');
        json.key("format");
        match &request.response_format {
            Some(ResponseFormat::Native(native)) => json.raw(native),
            Some(ResponseFormat::JsonSchema(wanted)) => {
                json.open(b'{');
                json.key("type").string("json_schema");
                json.key("name").string(wanted.name.as_deref().unwrap_or_default());
                if let Some(description) = &wanted.description {
                    json.key("description").string(description);
                }
                json.key("schema").raw(&wanted.schema);
                json.key("strict").boolean(wanted.strict.unwrap_or(false));
                json.close(b'}');
            }
            Some(ResponseFormat::JsonObject) => json.raw(r#"{"type":"json_object"}"#),
            Some(ResponseFormat::Text) | None => json.raw(r#"{"type":"text"}"#),
        }
        if let Some(verbosity) = &request.verbosity {
            json.key("verbosity").string(verbosity);
        }
        json.close(b'}');
    })
}

fn reasoning(request: &Request) -> String {
    let options = request.reasoning.as_ref();
    written(|json| {
        json.open(b'{');
        let effort = options.and_then(|options| options.effort.as_deref());
        json.key("effort").string_or_null(effort);
        let summary = options.and_then(|options| options.summary.as_deref());
        json.key("summary").string_or_null(summary);
        json.close(b'}');
    })
}

fn literal(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}
