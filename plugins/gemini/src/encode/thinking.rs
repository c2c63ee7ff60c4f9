//! How much the model is to think, and whether its thoughts are shown.

use plugway_formats::json::Object;
use plugway_sdk::chat::{Failure, ReasoningOptions, Request};

use super::{Context, integer, word};
use crate::model::Model;
use crate::options::ThinkingStyle;

/// The budget that lets the model decide.
const DYNAMIC: i64 = -1;

/// `thinkingConfig`; none where all is left to the provider.
pub(super) fn config(
    request: &Request,
    context: &Context<'_>,
) -> Result<Option<Object<'static>>, Failure> {
    let Some(options) = &request.reasoning else {
        return Ok(None);
    };
    let off = is_off(options);
    let config = if context.native {
        as_written(options)
    } else {
        match context.model.thinking {
            ThinkingStyle::None if wants(options) => {
                return Err(Failure::unsupported("this model does not reason"));
            }
            ThinkingStyle::None => return Ok(None),
            ThinkingStyle::Budget => with_budget(options, &context.model),
            ThinkingStyle::Level => with_level(options, &context.model),
        }
    };
    let shown = !options.hidden && !off;
    let config = config.with_some("includeThoughts", shown.then_some(true));
    Ok((!config.is_empty()).then_some(config))
}

fn is_off(options: &ReasoningOptions) -> bool {
    options.enabled == Some(false) || options.effort.as_deref() == Some("none")
}

fn wants(options: &ReasoningOptions) -> bool {
    let asked = options.effort.is_some() || options.max_tokens.is_some();
    !is_off(options) && options.enabled.unwrap_or(asked)
}

/// For clients of this dialect, who know what their model takes.
fn as_written(options: &ReasoningOptions) -> Object<'static> {
    let budget = match (options.max_tokens, options.enabled) {
        (Some(tokens), _) => Some(tokens.into()),
        (None, Some(false)) => Some(0),
        (None, Some(true)) if options.effort.is_none() => Some(DYNAMIC),
        (None, _) => None,
    };
    let level = options.effort.as_deref().map(|effort| word(effort.to_uppercase()));
    Object::new().with_some("thinkingBudget", budget.map(integer)).with_some("thinkingLevel", level)
}

/// For models before the third generation.
fn with_budget(options: &ReasoningOptions, model: &Model) -> Object<'static> {
    let (least, most) = model.budget;
    let clamped = |tokens: u32| Some(i64::from(tokens.clamp(least, most)));
    let budget = match (options.max_tokens, options.effort.as_deref()) {
        _ if is_off(options) && model.can_rest => Some(0),
        _ if is_off(options) => clamped(least),
        (Some(tokens), _) => clamped(tokens),
        (None, Some("minimal" | "low")) => clamped(1024),
        (None, Some("medium")) => clamped(8192),
        (None, Some("high")) => clamped(24_576),
        (None, Some("xhigh" | "max")) => clamped(most),
        // Without a word about how much, the model decides.
        (None, _) => wants(options).then_some(DYNAMIC),
    };
    Object::new().with_some("thinkingBudget", budget.map(integer))
}

/// The nearest level that the model has. Pro models have no `MINIMAL`, and none can be
/// told not to think at all.
fn with_level(options: &ReasoningOptions, model: &Model) -> Object<'static> {
    let least = if model.can_rest { "MINIMAL" } else { "LOW" };
    let level = match (options.max_tokens, options.effort.as_deref()) {
        _ if is_off(options) => least,
        // A bound is a bound: it is still taken in place of a level.
        (Some(tokens), _) => {
            return Object::new().with("thinkingBudget", integer(tokens.into()));
        }
        (None, Some("minimal")) => least,
        (None, Some("low")) => "LOW",
        (None, Some("medium")) => "MEDIUM",
        (None, Some("high" | "xhigh" | "max")) => "HIGH",
        (None, _) => return Object::new(),
    };
    Object::new().with("thinkingLevel", level)
}
