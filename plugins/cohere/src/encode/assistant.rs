//! What an assistant said: content, then a plan, then the calls that it planned. What
//! cannot be said in that order is refused.

use plugway_formats::json::{Json, Object};
use plugway_sdk::chat::{Failure, Part, PartBody, Reasoning, ToolCall};

use super::citations::Citations;
use super::messages::Content;
use super::native_value;
use crate::PLAN_FORMAT;

/// An assistant's message being put together.
pub(super) struct Draft<'a> {
    content: Content<'a>,
    plan: Option<&'a str>,
    calls: Vec<Json<'a>>,
    citations: Citations<'a>,
}

impl<'a> Draft<'a> {
    /// # Errors
    /// Of kind `unsupported` where something follows a tool call, or has no place in a
    /// message of an assistant.
    pub(super) fn of(parts: &'a [Part], native: bool) -> Result<Self, Failure> {
        let mut draft = Self {
            content: Content::default(),
            plan: None,
            calls: Vec::new(),
            citations: Citations::default(),
        };
        for (place, part) in parts.iter().enumerate() {
            let rest = parts.get(place + 1..).unwrap_or_default();
            draft.add(part, rest, native)?;
        }
        Ok(draft)
    }

    pub(super) fn into_object(self) -> Object<'a> {
        let silent = self.content.is_empty() && (!self.calls.is_empty() || self.plan.is_some());
        Object::new()
            .with("role", "assistant")
            .with_some("content", (!silent).then(|| self.content.into_json()))
            .with_some("tool_plan", self.plan)
            .with_some("tool_calls", (!self.calls.is_empty()).then_some(self.calls))
            .with_some("citations", self.citations.into_json())
    }

    fn add(&mut self, part: &'a Part, rest: &[Part], native: bool) -> Result<(), Failure> {
        let extra = if native { part.extra.as_slice() } else { &[] };
        match &part.body {
            PartBody::ToolCall(call) => {
                self.calls.push(tool_call(call)?.with_extra(extra)?.into());
                return Ok(());
            }
            PartBody::Reasoning(reasoning) => {
                let Some(text) = readable(part, reasoning) else { return Ok(()) };
                if is_plan(part) && plans(rest) && self.plan.is_none() {
                    self.plan = Some(text);
                } else {
                    let item = Object::of_type("thinking").with("thinking", text);
                    self.content.json(item.with_extra(extra)?);
                }
            }
            PartBody::Text(text) | PartBody::Refusal(text) => self.content.text(text, extra)?,
            PartBody::Native(json) => self.content.json(native_value(json, native)?),
            PartBody::Media(_) | PartBody::ToolResult(_) => {
                return Err(Failure::unsupported("Cohere takes no media of an assistant"));
            }
        }
        if !self.calls.is_empty() {
            return Err(Failure::unsupported(
                "Cohere keeps an assistant's content before its tool calls",
            ));
        }
        if native {
            self.citations.add(&part.citations);
        }
        Ok(())
    }
}

/// Reasoning that the model can read: its own, and that which nobody signed.
fn readable<'a>(part: &Part, reasoning: &'a Reasoning) -> Option<&'a str> {
    let ours = |format: &str| format == PLAN_FORMAT || format == "unknown";
    match reasoning {
        Reasoning::Text(text) | Reasoning::Summary(text)
            if part.format.as_deref().is_none_or(ours) =>
        {
            Some(text)
        }
        _ => None,
    }
}

fn is_plan(part: &Part) -> bool {
    part.format.as_deref() == Some(PLAN_FORMAT)
}

/// Whether calls follow, and nothing else: before anything else a plan is a thought
/// like any other.
fn plans(rest: &[Part]) -> bool {
    !rest.is_empty() && rest.iter().all(|part| matches!(part.body, PartBody::ToolCall(_)))
}

fn tool_call(call: &ToolCall) -> Result<Object<'_>, Failure> {
    if call.freeform {
        return Err(Failure::unsupported("Cohere has no tools whose input is plain text"));
    }
    let function = Object::new().with("name", &call.name).with("arguments", &call.input);
    Ok(Object::new().with("id", &call.id).with("type", "function").with("function", function))
}
