//! The knobs of a request: sampling, thinking, the shape of the answer, caching.

use plugway_engine::chat;

use crate::BadRequest;
use crate::conversation;
use crate::json::{Fields, Writer};
use crate::labels::{ANY_SUMMARY, Field};

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
    Ok(Thinking { options: Some(options), rest: rest_of("thinking", fields.rest()?) })
}

/// `output_config`, and `output_format`, the name that its format had before.
pub(super) fn output(fields: &mut Fields<'_, '_>) -> Result<Output, BadRequest> {
    let former = fields.take("output_format");
    let former = former.as_ref().map(format).transpose()?;
    let Some(node) = fields.take("output_config") else {
        return Ok(Output { format: former, effort: None, rest: None });
    };
    let mut fields = node.object()?;
    let effort = fields.string("effort")?;
    let current = fields.take("format");
    if let Some(node) = current.as_ref().filter(|_| former.is_some()) {
        return Err(node.invalid("cannot stand beside `output_format`, which is the same"));
    }
    let current = current.as_ref().map(format).transpose()?;
    let rest = rest_of("output_config", fields.rest()?);
    Ok(Output { format: current.or(former), effort, rest })
}

fn format(node: &crate::json::Node<'_, '_>) -> Result<chat::ResponseFormat, BadRequest> {
    let mut fields = node.object()?;
    if fields.need("type")?.text()? != "json_schema" {
        return Ok(chat::ResponseFormat::Native(node.json()?));
    }
    let schema = fields.need("schema")?;
    if !schema.is_object() {
        return Err(schema.invalid("must be a JSON Schema, which is an object"));
    }
    Ok(chat::ResponseFormat::JsonSchema(chat::JsonSchema {
        name: fields.string("name")?,
        description: None,
        schema: schema.json()?,
        strict: None,
    }))
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
    Ok((point, rest_of("cache_control", fields.rest()?)))
}

/// What is left of a field that is modelled in part, to be merged back into it by
/// whoever speaks the dialect.
pub(super) fn rest_of(name: &str, rest: Vec<Field>) -> Option<Field> {
    if rest.is_empty() {
        return None;
    }
    let mut out = bytes::BytesMut::new();
    let mut json = Writer::new(&mut out);
    json.open(b'{');
    for (name, value) in &rest {
        json.foreign_key(name).raw(value);
    }
    json.close(b'}');
    Some((name.to_owned(), String::from_utf8_lossy(&out).into_owned()))
}
