//! The knobs of a request: sampling, thinking, the shape of the answer, caching.

use plugway_engine::chat;

use crate::BadRequest;
use crate::conversation;
use crate::json::{Fields, inside};
use crate::labels::{self, ANY_SUMMARY, Field};

/// How the model is to think.
pub(super) struct Thinking {
    /// None where the client says nothing of it.
    pub(super) options: Option<chat::ReasoningOptions>,
    /// What is not modelled.
    pub(super) rest: Option<Field>,
}

/// What the answer is to be like.
pub(super) struct Output {
    pub(super) format: Option<chat::ResponseFormat>,
    pub(super) effort: Option<String>,
    /// What is not modelled.
    pub(super) rest: Option<Field>,
}

pub(super) fn sampling(fields: &mut Fields<'_, '_>) -> Result<chat::Sampling, BadRequest> {
    Ok(chat::Sampling {
        temperature: fields.float("temperature")?,
        top_p: fields.float("top_p")?,
        top_k: fields.integer("top_k")?,
        min_p: None,
        top_a: None,
        frequency_penalty: None,
        presence_penalty: None,
        repetition_penalty: None,
        seed: None,
        stop: fields.strings("stop_sequences")?,
        logit_bias: Vec::new(),
        top_logprobs: None,
    })
}

pub(super) fn thinking(fields: &mut Fields<'_, '_>) -> Result<Thinking, BadRequest> {
    let Some(node) = fields.take("thinking") else {
        return Ok(Thinking { options: None, rest: None });
    };
    let mut fields = node.object()?;
    let kind = fields.need("type")?;
    let mut options = chat::ReasoningOptions { enabled: Some(true), ..unset() };
    match &*kind.text()? {
        "enabled" => options.max_tokens = Some(fields.need("budget_tokens")?.integer()?),
        "adaptive" => {}
        "disabled" => options.enabled = Some(false),
        _ => return Err(kind.invalid("must be enabled, adaptive or disabled")),
    }
    let display = fields.left().find(|(name, _)| *name == "display");
    if display.is_some_and(|(_, display)| display.raw() == r#""omitted""#) {
        fields.take("display");
        options.hidden = true;
    }
    let shown = options.enabled == Some(true) && !options.hidden;
    options.summary = shown.then(|| ANY_SUMMARY.to_owned());
    Ok(Thinking { options: Some(options), rest: inside("thinking", fields.rest()?) })
}

/// `output_config`, and `output_format`, the name that its format had before.
pub(super) fn output(fields: &mut Fields<'_, '_>) -> Result<Output, BadRequest> {
    let former = fields.take("output_format");
    let mut left = Vec::new();
    let former = former.as_ref().map(|node| format(node, &mut left)).transpose()?;
    let Some(node) = fields.take("output_config") else {
        return Ok(Output { format: former, effort: None, rest: inside("output_config", left) });
    };
    let mut fields = node.object()?;
    let effort = fields.string("effort")?;
    let current = fields.take("format");
    if let Some(node) = current.as_ref().filter(|_| former.is_some()) {
        return Err(node.invalid("cannot stand beside `output_format`, which is the same"));
    }
    let current = current.as_ref().map(|node| format(node, &mut left)).transpose()?;
    left.extend(fields.rest()?);
    let rest = inside("output_config", left);
    Ok(Output { format: current.or(former), effort, rest })
}

fn format(
    node: &crate::json::Node<'_, '_>,
    left: &mut Vec<Field>,
) -> Result<chat::ResponseFormat, BadRequest> {
    let mut fields = node.object()?;
    if fields.need("type")?.text()? != "json_schema" {
        return Ok(chat::ResponseFormat::Native(node.json()?));
    }
    let schema = fields.need("schema")?;
    if !schema.is_object() {
        return Err(schema.invalid("must be a JSON Schema, which is an object"));
    }
    let schema = chat::JsonSchema {
        name: fields.string("name")?,
        description: None,
        schema: schema.json()?,
        strict: None,
    };
    left.extend(inside("format", fields.rest()?));
    Ok(chat::ResponseFormat::JsonSchema(schema))
}

/// An effort stands beside the thinking, and turns none on.
pub(super) fn reasoning(
    thinking: Option<chat::ReasoningOptions>,
    effort: Option<String>,
) -> Option<chat::ReasoningOptions> {
    match (thinking, effort) {
        (None, None) => None,
        (thinking, effort) => {
            Some(chat::ReasoningOptions { effort, ..thinking.unwrap_or_else(unset) })
        }
    }
}

fn unset() -> chat::ReasoningOptions {
    chat::ReasoningOptions {
        enabled: None,
        effort: None,
        max_tokens: None,
        summary: None,
        hidden: false,
    }
}

/// `cache_control`, and what is not modelled of it.
pub(super) fn cache_point(
    fields: &mut Fields<'_, '_>,
) -> Result<(Option<chat::CachePoint>, Option<Field>), BadRequest> {
    let Some(node) = fields.take("cache_control") else { return Ok((None, None)) };
    let point = conversation::cache_point(fields)?;
    let mut fields = node.object()?;
    for modelled in ["type", "ttl"] {
        fields.take(modelled);
    }
    Ok((point, inside("cache_control", fields.rest()?)))
}

/// The tier, also where it is asked for as a speed. That travels on as it is, too.
pub(super) fn service_tier(fields: &mut Fields<'_, '_>) -> Result<Option<String>, BadRequest> {
    let tier = labels::service_tier(fields)?;
    let is_fast = |(name, speed): (&str, crate::json::Node<'_, '_>)| {
        name == "speed" && speed.raw() == r#""fast""#
    };
    let fast = fields.left().any(is_fast).then(|| "priority".to_owned());
    Ok(tier.or(fast))
}
