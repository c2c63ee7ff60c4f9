//! Asking for reasoning, in the way that the server has.

use plugway_sdk::chat::ReasoningOptions;

use super::super::options::Options;
use super::super::profile::AskReasoning;
use super::effort::effort;
use crate::json::Object;

pub(super) fn reasoning<'a>(
    body: &mut Object<'a>,
    wanted: &'a ReasoningOptions,
    options: &'a Options,
) {
    match options.ask_reasoning {
        AskReasoning::No => {}
        AskReasoning::Effort => add_effort(body, wanted, options),
        AskReasoning::HiddenEffort => {
            add_effort(body, wanted, options);
            if wanted.hidden {
                body.push("include_reasoning", false);
            }
        }
        AskReasoning::Object => {
            // The effort says it already.
            let none = wanted.effort.as_deref() == Some("none");
            let object = Object::new()
                .with_some("enabled", wanted.enabled.filter(|_| !none))
                .with_some("effort", wanted.effort.as_ref())
                .with_some("max_tokens", wanted.max_tokens)
                .with_some("summary", wanted.summary.as_ref())
                .with_some("exclude", wanted.hidden.then_some(true));
            if !object.is_empty() {
                body.push("reasoning", object);
            }
        }
        AskReasoning::Thinking => {
            if let Some(on) = on(wanted) {
                let kind = if on { "enabled" } else { "disabled" };
                body.push("thinking", Object::of_type(kind));
            }
            if wanted.enabled != Some(false) && wanted.effort.is_some() {
                add_effort(body, wanted, options);
            }
        }
        AskReasoning::Switch => {
            if let Some(on) = on(wanted) {
                body.push("enable_thinking", on);
            }
            if let Some(tokens) = wanted.max_tokens {
                body.push("thinking_budget", tokens);
            }
        }
        AskReasoning::Template => {
            if let Some(on) = on(wanted) {
                body.push("chat_template_kwargs", Object::new().with("enable_thinking", on));
            }
        }
    }
}

fn add_effort<'a>(body: &mut Object<'a>, wanted: &ReasoningOptions, options: &'a Options) {
    if options.refuses("reasoning_effort") {
        return;
    }
    if let Some(effort) = effort(wanted, &options.efforts) {
        body.push("reasoning_effort", effort);
    }
}

/// Whether to reason, for servers with a switch; an effort by itself turns nothing on
/// that the server would not do anyway.
fn on(wanted: &ReasoningOptions) -> Option<bool> {
    wanted.enabled.or_else(|| match wanted.effort.as_deref() {
        Some("none") => Some(false),
        _ => wanted.max_tokens.map(|tokens| tokens > 0),
    })
}
