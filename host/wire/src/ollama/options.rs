//! The knobs of a request: sampling, limits, thinking, the shape of the answer.

use plugway_engine::chat;

use crate::BadRequest;
use crate::json::{Fields, Node, inside};
use crate::labels::ANY_SUMMARY;

/// Alternatives per token that a request may ask for.
const MAX_TOP_LOGPROBS: u8 = 20;

/// What `options` asks for.
pub(super) struct Options {
    pub(super) sampling: chat::Sampling,
    pub(super) max_tokens: Option<u32>,
    /// `options` of what only this format's own servers know.
    pub(super) extra: Vec<(String, String)>,
}

pub(super) fn options(fields: &mut Fields<'_, '_>) -> Result<Options, BadRequest> {
    let top_logprobs = top_logprobs(fields)?;
    let Some(node) = fields.take("options") else {
        let sampling = sampling(None, top_logprobs)?;
        return Ok(Options { sampling, max_tokens: None, extra: Vec::new() });
    };
    let mut fields = node.object()?;
    let mut native = Vec::new();
    let max_tokens = positive(&mut fields, "num_predict", &mut native)?;
    let top_k = positive(&mut fields, "top_k", &mut native)?;
    let sampling = sampling(Some(&mut fields), top_logprobs)?;
    native.extend(fields.rest()?);
    let extra = inside("options", native);
    Ok(Options {
        sampling: chat::Sampling { top_k, ..sampling },
        max_tokens,
        extra: extra.into_iter().collect(),
    })
}

fn sampling(
    fields: Option<&mut Fields<'_, '_>>,
    top_logprobs: Option<u8>,
) -> Result<chat::Sampling, BadRequest> {
    let mut sampling = chat::Sampling {
        temperature: None,
        top_p: None,
        top_k: None,
        min_p: None,
        top_a: None,
        frequency_penalty: None,
        presence_penalty: None,
        repetition_penalty: None,
        seed: None,
        stop: Vec::new(),
        logit_bias: Vec::new(),
        top_logprobs,
    };
    if let Some(fields) = fields {
        sampling.temperature = fields.float("temperature")?;
        sampling.top_p = fields.float("top_p")?;
        sampling.min_p = fields.float("min_p")?;
        sampling.frequency_penalty = fields.float("frequency_penalty")?;
        sampling.presence_penalty = fields.float("presence_penalty")?;
        sampling.repetition_penalty = fields.float("repeat_penalty")?;
        sampling.seed = fields.integer("seed")?;
        sampling.stop = match fields.take("stop") {
            None => Vec::new(),
            Some(node) if node.is_string() => vec![node.string()?],
            Some(node) => node.strings()?,
        };
    }
    Ok(sampling)
}

/// A bound. What is no number above zero means that there is none, or one that only this
/// format's own servers know: it stays native.
fn positive(
    fields: &mut Fields<'_, '_>,
    name: &'static str,
    native: &mut Vec<(String, String)>,
) -> Result<Option<u32>, BadRequest> {
    let Some(node) = fields.take(name) else { return Ok(None) };
    if node.integer::<i64>()? > 0 {
        return node.integer().map(Some);
    }
    native.push((name.to_owned(), node.json()?));
    Ok(None)
}

fn top_logprobs(fields: &mut Fields<'_, '_>) -> Result<Option<u8>, BadRequest> {
    let wanted = fields.boolean("logprobs")?.unwrap_or(false);
    let Some(node) = fields.take("top_logprobs") else { return Ok(wanted.then_some(0)) };
    let alternatives: u8 = node.integer()?;
    if alternatives > MAX_TOP_LOGPROBS {
        return Err(node.invalid(format!("must be at most {MAX_TOP_LOGPROBS}")));
    }
    Ok(wanted.then_some(alternatives))
}

/// `format`: a word, or a schema. An empty word asks for nothing.
pub(super) fn format(
    fields: &mut Fields<'_, '_>,
) -> Result<Option<chat::ResponseFormat>, BadRequest> {
    let Some(node) = fields.take("format") else { return Ok(None) };
    if node.is_object() {
        let schema = node.json()?;
        return Ok(Some(chat::ResponseFormat::JsonSchema(chat::JsonSchema {
            name: None,
            description: None,
            schema,
            strict: None,
        })));
    }
    let wrong = |node: &Node<'_, '_>| node.invalid("must be json, or a JSON Schema");
    match node.text().map_err(|_| wrong(&node))?.as_ref() {
        "" => Ok(None),
        "json" => Ok(Some(chat::ResponseFormat::JsonObject)),
        _ => Err(wrong(&node)),
    }
}

/// `think`: whether to, or how hard.
pub(super) fn thinking(
    fields: &mut Fields<'_, '_>,
) -> Result<Option<chat::ReasoningOptions>, BadRequest> {
    let Some(node) = fields.take("think") else { return Ok(None) };
    let (enabled, effort) = if node.is_string() {
        let level = node.string()?;
        if level.is_empty() {
            return Err(node.invalid("must be a boolean, or a level such as high"));
        }
        (None, Some(level))
    } else {
        (Some(node.boolean()?), None)
    };
    // Thinking is shown wherever it is not turned off.
    let summary = (enabled != Some(false)).then(|| ANY_SUMMARY.to_owned());
    let options =
        chat::ReasoningOptions { enabled, effort, max_tokens: None, summary, hidden: false };
    Ok(Some(options))
}
