//! Whether what an adapter says is fit to be passed on.

use plugway_engine::chat;

use crate::json;

/// An adapter's event holds something as JSON that is none, or breaks the order
/// that the contract asks for: the attempt failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the adapter's {place} {flaw}")]
pub struct MalformedEvent {
    pub(super) place: &'static str,
    flaw: String,
}

impl MalformedEvent {
    pub(super) fn new(place: &'static str, flaw: &str) -> Self {
        Self { place, flaw: flaw.to_owned() }
    }
}

/// Checks all JSON that an event carries: it parses, it is at most 64 levels deep.
///
/// # Errors
/// Naming the place, not the content.
pub fn check(event: &chat::Event) -> Result<(), MalformedEvent> {
    match event {
        chat::Event::Origin(origin) => extra("response's extra", &origin.extra),
        chat::Event::Finish(finish) => extra("finish's extra", &finish.extra),
        chat::Event::Piece(piece) => {
            if let Some(logprobs) = &piece.logprobs {
                if !logprobs.trim_start().starts_with('[') {
                    return Err(MalformedEvent::new("logprobs", "are no array"));
                }
                value("logprobs", logprobs)?;
            }
            part(&piece.part)
        }
        chat::Event::Usage(_) | chat::Event::Failed(_) => Ok(()),
    }
}

fn part(part: &chat::Part) -> Result<(), MalformedEvent> {
    for citation in &part.citations {
        extra("citation's extra", &citation.extra)?;
    }
    extra("part's extra", &part.extra)?;
    match &part.body {
        chat::PartBody::Native(native) => value("native part", native),
        chat::PartBody::ToolResult(result) => {
            for part in &result.content {
                extra("tool result's extra", &part.extra)?;
                match &part.body {
                    chat::ResultBody::Json(json) | chat::ResultBody::Native(json) => {
                        value("tool result", json)?;
                    }
                    chat::ResultBody::Text(_) | chat::ResultBody::Media(_) => {}
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn extra(place: &'static str, fields: &[(String, String)]) -> Result<(), MalformedEvent> {
    fields.iter().try_for_each(|(_, json)| value(place, json))
}

fn value(place: &'static str, json: &str) -> Result<(), MalformedEvent> {
    json::check(json).map_err(|flaw| MalformedEvent { place, flaw: flaw.to_string() })?;
    Ok(())
}
