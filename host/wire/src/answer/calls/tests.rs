//! Calls as models write them, good and bad.

use super::*;
use crate::events::{call, finish, piece, text};
use plugway_engine::chat::{FreeformTool, FunctionTool};

/// `weather` needs a city, and may be told days, an exact flag and a note or null.
const WEATHER: &str = r#"{
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "days": {"type": "integer", "minimum": 1},
        "exact": {"type": "BOOLEAN"},
        "note": {"type": ["string", "null"]},
        "limit": {"type": "number", "nullable": true},
        "tags": {"type": "array", "items": {"type": "string"}},
        "anything": true,
        "either": {"anyOf": [{"type": "string"}]}
    },
    "required": ["city"]
}"#;

fn function(name: &str, parameters: Option<&str>) -> Tool {
    Tool::Function(FunctionTool {
        name: name.into(),
        description: None,
        parameters: parameters.map(Into::into),
        strict: None,
        cache: None,
        extra: Vec::new(),
    })
}

fn freeform(name: &str) -> Tool {
    Tool::Freeform(FreeformTool {
        name: name.into(),
        description: None,
        grammar: None,
        extra: Vec::new(),
    })
}

fn judged(tools: &[Tool], events: &[Event]) -> Option<Result<(), Unusable>> {
    let mut calls = Calls::to(tools);
    events.iter().for_each(|event| calls.observe(event));
    calls.judge()
}

/// One call, and the end of the answer.
fn called(tools: &[Tool], name: &str, input: &str) -> Result<(), Unusable> {
    let events = [piece(0, 0, call("c1", name, input)), finish(0, FinishReason::ToolCalls)];
    judged(tools, &events).unwrap()
}

#[test]
fn a_call_keeps_to_the_top_of_its_schema() {
    let tools = [function("weather", Some(WEATHER)), function("now", None)];
    for (input, expected) in [
        (r#"{"city": "Oslo"}"#, Ok(())),
        (r#"{"city": "Oslo", "days": 3.0, "exact": true, "note": null, "limit": null}"#, Ok(())),
        (r#"{"city": "Oslo", "tags": [1], "limit": 1.5, "more": {}}"#, Ok(())),
        (r#"{"city": "Oslo", "anything": 3, "either": {}}"#, Ok(())),
        (r#" {"city": "Os\"lo"} "#, Ok(())),
        (r#"{"days": 3}"#, Err(Unusable::SchemaMismatch)),
        ("", Err(Unusable::SchemaMismatch)),
        (r#"["Oslo"]"#, Err(Unusable::SchemaMismatch)),
        (r#"{"city": 3}"#, Err(Unusable::SchemaMismatch)),
        (r#"{"city": null}"#, Err(Unusable::SchemaMismatch)),
        (r#"{"city": "Oslo", "days": "3"}"#, Err(Unusable::SchemaMismatch)),
        (r#"{"city": "Oslo", "days": 3.5}"#, Err(Unusable::SchemaMismatch)),
        (r#"{"city": "Oslo", "exact": 1}"#, Err(Unusable::SchemaMismatch)),
        (r#"{"city": "Oslo", "tags": {}}"#, Err(Unusable::SchemaMismatch)),
        (r#"{"city": "Oslo""#, Err(Unusable::InvalidJson)),
        (r#"{"city": "Oslo"}}"#, Err(Unusable::InvalidJson)),
        ("Oslo", Err(Unusable::InvalidJson)),
    ] {
        assert_eq!(called(&tools, "weather", input), expected, "{input}");
    }
    assert_eq!(called(&tools, "now", ""), Ok(()));
    assert_eq!(called(&tools, "now", "{}"), Ok(()));
}

#[test]
fn a_name_must_be_among_those_offered() {
    let tools = [function("weather", None), freeform("patch")];
    assert_eq!(called(&tools, "Weather", "{}"), Err(Unusable::UnknownName));
    assert_eq!(called(&[], "weather", "{}"), Err(Unusable::UnknownName));
    // What the provider brings along has names of its own.
    assert_eq!(called(&[Tool::Native("{}".into())], "bash", "{}"), Ok(()));
    // Text is no JSON, and need not be.
    let PartBody::ToolCall(patch) = call("c1", "patch", "*** Begin") else { unreachable!() };
    let patch = PartBody::ToolCall(chat::ToolCall { freeform: true, ..patch });
    let events = [piece(0, 0, patch), finish(0, FinishReason::ToolCalls)];
    assert_eq!(judged(&tools, &events), Some(Ok(())));
}

#[test]
fn calls_are_judged_as_they_are_streamed_and_one_bad_call_is_enough() {
    let tools = [function("weather", Some(WEATHER))];
    let good = [
        piece(0, 0, text("Let me see.")),
        piece(0, 1, call("c1", "weather", r#"{"ci"#)),
        piece(0, 2, call("c2", "weather", "")),
        piece(0, 1, call("", "", r#"ty": "Oslo"}"#)),
        piece(0, 2, call("", "", r#"{"city": "Rome"}"#)),
    ];
    let end = [finish(0, FinishReason::ToolCalls)];
    assert_eq!(judged(&tools, &[&good[..], &end].concat()), Some(Ok(())));
    let bad = [piece(1, 0, call("c3", "weather", "{}"))];
    let all = [&good[..], &bad, &end].concat();
    assert_eq!(judged(&tools, &all), Some(Err(Unusable::SchemaMismatch)));
}

#[test]
fn what_was_cut_short_or_never_called_is_not_judged() {
    let tools = [function("weather", Some(WEATHER))];
    let cut = piece(0, 0, call("c1", "weather", r#"{"city": "Os"#));
    assert_eq!(judged(&tools, std::slice::from_ref(&cut)), None);
    assert_eq!(judged(&tools, &[cut, finish(0, FinishReason::Length)]), None);
    assert_eq!(judged(&tools, &[finish(0, FinishReason::Stop)]), None);
    let long = call("c1", "weather", &"x".repeat(MAX_BYTES));
    let long = [piece(0, 0, long), finish(0, FinishReason::ToolCalls)];
    assert_eq!(judged(&tools, &long), None);
}

#[test]
fn a_schema_that_is_none_asks_for_nothing() {
    for schema in ["true", "{", r#"{"required": true, "properties": []}"#, r#"{"type": "object"}"#]
    {
        assert_eq!(called(&[function("f", Some(schema))], "f", r#"{"a": 1}"#), Ok(()), "{schema}");
    }
}
