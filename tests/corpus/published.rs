//! Fields of requests as others publish them, where a machine has their descriptions: each
//! is read, passed on or refused by name. None is dropped in silence.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::Request;
use plugway_wire::{ChatCall, DecodeOptions, Dialect};
use serde_json::{Value, json};

const DESCRIPTIONS: &str = "../../shared/specs";

/// File, schemas that make a request, dialect, and the path of its route.
const PUBLISHED: [(&str, &[&str], Dialect, &str); 6] = [
    (OPENROUTER, &["ChatRequest"], Dialect::OpenAiChat, "/v1/chat/completions"),
    (OPENROUTER, &["ResponsesRequest"], Dialect::OpenAiResponses, "/v1/responses"),
    (OPENROUTER, &["MessagesRequest"], Dialect::AnthropicMessages, "/v1/messages"),
    (
        OPENAI,
        &[
            "CreateChatCompletionRequest",
            "CreateModelResponseProperties",
            "ModelResponseProperties",
        ],
        Dialect::OpenAiChat,
        "/v1/chat/completions",
    ),
    (
        OPENAI,
        &[
            "CreateResponse",
            "CreateModelResponseProperties",
            "ModelResponseProperties",
            "ResponseProperties",
        ],
        Dialect::OpenAiResponses,
        "/v1/responses",
    ),
    (OPENAI, &["CreateCompletionRequest"], Dialect::OpenAiCompletions, "/v1/completions"),
];

const OPENROUTER: &str = "openrouter_2026-08-22_openapi.yaml.gz";
const OPENAI: &str = "openai_openapi_2.3.0.yml.gz";

/// What OpenRouter documents and its description leaves out.
const DOCUMENTED: [&str; 11] = [
    "debug",
    "include_reasoning",
    "max_tool_calls",
    "preset",
    "prompt",
    "safety_identifier",
    "structured_outputs",
    "transforms",
    "usage",
    "verbosity",
    "x_search_filter",
];

#[test]
fn every_published_field_is_read_passed_on_or_refused() {
    let descriptions = Path::new(env!("CARGO_MANIFEST_DIR")).join(DESCRIPTIONS);
    if !descriptions.is_dir() {
        println!("skipped: there are no published descriptions here");
        return;
    }
    let mut dropped = Vec::new();
    for (file, schemas, dialect, path) in PUBLISHED {
        let description = text(&descriptions.join(file));
        let fields = schemas.iter().flat_map(|schema| fields(&description, schema));
        let fields: Vec<String> = fields.collect();
        assert!(fields.len() > 15, "{path} of {file}: {fields:?}");
        assert!(fields.iter().any(|field| field == "model"), "{path} of {file}: {fields:?}");
        dropped.extend(fields.iter().filter(|it| is_dropped(dialect, path, it)).cloned());
    }
    assert!(dropped.is_empty(), "{dropped:?}");
}

#[test]
fn every_documented_field_is_read_passed_on_or_refused() {
    let dropped: Vec<_> = DOCUMENTED
        .into_iter()
        .filter(|field| is_dropped(Dialect::OpenAiChat, "/v1/chat/completions", field))
        .collect();
    assert!(dropped.is_empty(), "{dropped:?}");
}

#[test]
fn an_unknown_field_is_passed_on() {
    let call = decoded(Dialect::OpenAiChat, "/v1/chat/completions", "future", json!(7)).unwrap();
    assert_eq!(call.request.extra, [("future".to_owned(), "7".to_owned())]);
}

/// Whether no value of the field makes a difference that anybody sees. A decoder that
/// reads it refuses some of the values, for no field takes all kinds.
fn is_dropped(dialect: Dialect, path: &str, field: &str) -> bool {
    let odd = [json!(7), json!("odd"), json!([{"odd": [7]}]), json!({"odd": [7]}), json!(true)];
    let is_seen = |value: Value| match decoded(dialect, path, field, value) {
        Ok(call) => call.request.extra.iter().any(|(name, _)| name == field),
        Err(refused) => refused.is_some_and(|param| {
            let rest = param.strip_prefix(field);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        }),
    };
    !odd.into_iter().any(is_seen)
}

/// A small request with the field set; or the parameter that it is refused for.
fn decoded(
    dialect: Dialect,
    path: &str,
    field: &str,
    value: Value,
) -> Result<ChatCall, Option<String>> {
    let mut body = match dialect {
        Dialect::OpenAiResponses => json!({"input": "Hi"}),
        Dialect::OpenAiCompletions => json!({"prompt": "Hi"}),
        _ => json!({"max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}),
    };
    body["model"] = json!("m");
    body[field] = value;
    let (head, ()) = Request::post(path).body(()).unwrap().into_parts();
    let decoded = dialect.decode(&head, Bytes::from(body.to_string()), &DecodeOptions::default());
    decoded.map_err(|refused| refused.param)
}

fn text(file: &Path) -> String {
    let mut text = String::new();
    let file = BufReader::new(File::open(file).unwrap());
    GzDecoder::new(file).read_to_string(&mut text).unwrap();
    text
}

/// Names below the schema's `properties`, as they are indented: both files are written by
/// programs.
fn fields(description: &str, schema: &str) -> Vec<String> {
    let begin = format!("\n    {schema}:\n");
    let (_, rest) = description.split_once(&begin).unwrap();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let lines = rest.lines().filter(|line| !line.is_empty());
    let lines: Vec<&str> = lines.take_while(|line| indent(line) > 4).collect();
    // Its own, or those of what it adds to other schemas.
    let titles = |outer: usize| {
        let lines = lines.iter().enumerate();
        let titles =
            lines.filter(move |(_, line)| indent(line) == outer && line.trim() == "properties:");
        titles.map(|(place, _)| place).collect::<Vec<_>>()
    };
    let (outer, titles) = match titles(6) {
        own if own.is_empty() => (10, titles(10)),
        own => (6, own),
    };
    let names = titles.into_iter().flat_map(|place| {
        let below = lines[place + 1..].iter().take_while(|line| indent(line) > outer);
        below.filter(|line| indent(line) == outer + 2)
    });
    let name = |line: &&str| Some(line.trim().split_once(':')?.0.trim_matches('\'').to_owned());
    names.filter_map(name).collect()
}
