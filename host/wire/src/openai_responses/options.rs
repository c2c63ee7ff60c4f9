//! The knobs of a request: sampling, limits, reasoning, streaming.

use plugway_engine::chat;

use crate::BadRequest;
use crate::json::{Fields, Node, inside};
use crate::labels::Field;

/// Alternatives per token that a request may ask for.
const MAX_TOP_LOGPROBS: u8 = 20;

/// What a client includes to be told how likely each token was.
const LOGPROBS: &str = "message.output_text.logprobs";

pub(super) fn sampling(
    fields: &mut Fields<'_, '_>,
    extra: &mut Vec<Field>,
) -> Result<chat::Sampling, BadRequest> {
    Ok(chat::Sampling {
        temperature: fields.float("temperature")?,
        top_p: fields.float("top_p")?,
        top_k: top_k(fields)?,
        min_p: fields.float("min_p")?,
        top_a: fields.float("top_a")?,
        frequency_penalty: fields.float("frequency_penalty")?,
        presence_penalty: fields.float("presence_penalty")?,
        repetition_penalty: fields.float("repetition_penalty")?,
        seed: fields.integer("seed")?,
        stop: stop(fields)?,
        logit_bias: Vec::new(),
        top_logprobs: top_logprobs(fields, extra)?,
    })
}

/// 0 and -1 are how clients say that they want no such limit.
fn top_k(fields: &mut Fields<'_, '_>) -> Result<Option<u32>, BadRequest> {
    let Some(node) = fields.take("top_k") else { return Ok(None) };
    match node.integer::<i64>()? {
        -1 | 0 => Ok(None),
        _ => node.integer().map(Some),
    }
}

fn stop(fields: &mut Fields<'_, '_>) -> Result<Vec<String>, BadRequest> {
    match fields.take("stop") {
        None => Ok(Vec::new()),
        Some(node) if node.is_string() => Ok(vec![node.string()?]),
        Some(node) => node.strings(),
    }
}

/// Asked for by a number, or by including them; what is included travels on.
fn top_logprobs(
    fields: &mut Fields<'_, '_>,
    extra: &mut Vec<Field>,
) -> Result<Option<u8>, BadRequest> {
    let mut included = false;
    if let Some(node) = fields.take("include") {
        included = node.strings()?.iter().any(|name| name == LOGPROBS);
        extra.push(("include".to_owned(), node.json()?));
    }
    let Some(node) = fields.take("top_logprobs") else {
        return Ok(included.then_some(0));
    };
    let alternatives: u8 = node.integer()?;
    if alternatives > MAX_TOP_LOGPROBS {
        return Err(node.invalid(format!("must be at most {MAX_TOP_LOGPROBS}")));
    }
    Ok((included || alternatives > 0).then_some(alternatives))
}

pub(super) fn max_tokens(fields: &mut Fields<'_, '_>) -> Result<Option<u32>, BadRequest> {
    let Some(node) = fields.take("max_output_tokens") else { return Ok(None) };
    match node.integer()? {
        0 => Err(node.invalid("must be at least 1")),
        tokens => Ok(Some(tokens)),
    }
}

/// A response says text and shows images; it has no form for sound.
pub(super) fn modalities(fields: &mut Fields<'_, '_>) -> Result<Vec<String>, BadRequest> {
    let Some(node) = fields.take("modalities") else { return Ok(Vec::new()) };
    let kinds = node.array()?;
    kinds
        .iter()
        .map(|node| match &*node.text()? {
            kind @ ("text" | "image") => Ok(kind.to_owned()),
            _ => Err(node.invalid("must be text or image")),
        })
        .collect()
}

/// What a stream could be padded with, it is not.
pub(super) fn streaming(fields: &mut Fields<'_, '_>) -> Result<bool, BadRequest> {
    if let Some(node) = fields.take("stream_options") {
        node.object()?;
    }
    Ok(fields.boolean("stream")?.unwrap_or(false))
}

pub(super) fn reasoning(
    fields: &mut Fields<'_, '_>,
    extra: &mut Vec<Field>,
) -> Result<Option<chat::ReasoningOptions>, BadRequest> {
    let Some(node) = fields.take("reasoning") else { return Ok(None) };
    let mut fields = node.object()?;
    let effort = fields.string("effort")?;
    let mut options = chat::ReasoningOptions {
        enabled: fields.boolean("enabled")?,
        max_tokens: fields.integer("max_tokens")?,
        summary: summary(&mut fields)?,
        hidden: fields.boolean("exclude")?.unwrap_or(false),
        effort,
    };
    if options.effort.is_some() && options.max_tokens.is_some() {
        return Err(node.invalid("must have `effort` or `max_tokens`, not both"));
    }
    if options.effort.as_deref() == Some("none") {
        options.enabled = Some(false);
    }
    extra.extend(inside("reasoning", fields.rest()?));
    Ok(Some(options))
}

/// The summary that is wanted, under the newer name or the older.
fn summary(fields: &mut Fields<'_, '_>) -> Result<Option<String>, BadRequest> {
    let older = fields.string("generate_summary")?;
    Ok(fields.string("summary")?.or(older))
}

/// A string that must say something.
pub(super) fn said(node: &Node<'_, '_>) -> Result<String, BadRequest> {
    let text = node.string()?;
    if text.is_empty() {
        return Err(node.invalid("must not be empty"));
    }
    Ok(text)
}
