//! The knobs of a request: sampling, limits, reasoning, caching.

use plugway_engine::chat;

use crate::BadRequest;
use crate::json::{Fields, inside};
use crate::labels::Field;

/// Answers that one request may ask for.
const MAX_CHOICES: u32 = 128;

/// Alternatives per token that a request may ask for.
const MAX_TOP_LOGPROBS: u8 = 20;

pub(super) fn sampling(fields: &mut Fields<'_, '_>) -> Result<chat::Sampling, BadRequest> {
    Ok(chat::Sampling { top_logprobs: top_logprobs(fields)?, ..knobs(fields)? })
}

/// All of it but log probabilities, which each dialect asks for in its own way.
pub(crate) fn knobs(fields: &mut Fields<'_, '_>) -> Result<chat::Sampling, BadRequest> {
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
        logit_bias: logit_bias(fields)?,
        top_logprobs: None,
    })
}

/// 0 and -1 are how clients say that they want no such limit.
fn top_k(fields: &mut Fields<'_, '_>) -> Result<Option<u32>, BadRequest> {
    let Some(node) = fields.take("top_k") else {
        return Ok(None);
    };
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

fn logit_bias(fields: &mut Fields<'_, '_>) -> Result<Vec<(String, f64)>, BadRequest> {
    let Some(node) = fields.take("logit_bias") else {
        return Ok(Vec::new());
    };
    let biases = node.object()?;
    biases.left().map(|(token, bias)| Ok((token.to_owned(), bias.number("a number")?))).collect()
}

fn top_logprobs(fields: &mut Fields<'_, '_>) -> Result<Option<u8>, BadRequest> {
    let wanted = fields.boolean("logprobs")?.unwrap_or(false);
    let Some(node) = fields.take("top_logprobs") else {
        return Ok(wanted.then_some(0));
    };
    let alternatives: u8 = node.integer()?;
    if alternatives > MAX_TOP_LOGPROBS {
        return Err(node.invalid(format!("must be at most {MAX_TOP_LOGPROBS}")));
    }
    if !wanted && alternatives > 0 {
        return Err(node.invalid("needs `logprobs` to be true"));
    }
    Ok(wanted.then_some(alternatives))
}

pub(crate) fn choices(fields: &mut Fields<'_, '_>) -> Result<u32, BadRequest> {
    let Some(node) = fields.take("n") else {
        return Ok(1);
    };
    let choices = node.integer()?;
    if !(1..=MAX_CHOICES).contains(&choices) {
        return Err(node.invalid(format!("must be from 1 to {MAX_CHOICES}")));
    }
    Ok(choices)
}

/// The newer of the two names counts where both are given.
pub(crate) fn max_tokens(fields: &mut Fields<'_, '_>) -> Result<Option<u32>, BadRequest> {
    let mut limit = None;
    for name in ["max_tokens", "max_completion_tokens"] {
        if let Some(node) = fields.take(name) {
            let tokens: u32 = node.integer()?;
            if tokens == 0 {
                return Err(node.invalid("must be at least 1"));
            }
            limit = Some(tokens);
        }
    }
    Ok(limit)
}

/// Usage is always told; asking for it is taken and changes nothing.
pub(crate) fn streaming(fields: &mut Fields<'_, '_>) -> Result<bool, BadRequest> {
    for name in ["stream_options", "usage"] {
        if let Some(node) = fields.take(name) {
            node.object()?;
        }
    }
    Ok(fields.boolean("stream")?.unwrap_or(false))
}

/// How the model is to think. What only some provider knows of it goes to `extra`.
pub(crate) fn reasoning(
    fields: &mut Fields<'_, '_>,
    extra: &mut Vec<Field>,
) -> Result<Option<chat::ReasoningOptions>, BadRequest> {
    let include = fields.boolean("include_reasoning")?;
    let shorthand = fields.take("reasoning_effort");
    let node = fields.take("reasoning");
    if include.is_none() && shorthand.is_none() && node.is_none() {
        return Ok(None);
    }
    let mut options = chat::ReasoningOptions {
        enabled: None,
        effort: None,
        max_tokens: None,
        summary: None,
        hidden: include == Some(false),
    };
    if let Some(node) = node {
        let mut fields = node.object()?;
        options.enabled = fields.boolean("enabled")?;
        options.effort = fields.string("effort")?;
        options.max_tokens = fields.integer("max_tokens")?;
        options.summary = fields.string("summary")?;
        options.hidden |= fields.boolean("exclude")?.unwrap_or(false);
        if options.effort.is_some() && options.max_tokens.is_some() {
            return Err(node.invalid("must have `effort` or `max_tokens`, not both"));
        }
        extra.extend(inside("reasoning", fields.rest()?));
    }
    if let Some(node) = shorthand {
        let effort = node.string()?;
        if options.effort.as_ref().is_some_and(|given| *given != effort) {
            return Err(node.invalid("differs from `reasoning.effort`"));
        }
        if options.max_tokens.is_some() {
            return Err(node.invalid("cannot stand beside `reasoning.max_tokens`"));
        }
        options.effort = Some(effort);
    }
    if options.effort.as_deref() == Some("none") {
        options.enabled = Some(false);
    }
    Ok(Some(options))
}
