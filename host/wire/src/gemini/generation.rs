//! `generationConfig`: how tokens are picked, how many, and in what form.

use plugway_engine::chat::{JsonSchema, ReasoningOptions, ResponseFormat, Sampling};

use super::schema;
use crate::BadRequest;
use crate::json::{Fields, Node, inside, object};
use crate::labels::{self, ANY_SUMMARY};

/// Answers that one request may ask for.
const MAX_CANDIDATES: u32 = 128;

/// Alternatives per token that a request may ask for.
const MAX_LOGPROBS: u8 = 20;

/// What a client wishes of the answer.
pub(super) struct Wishes {
    pub(super) sampling: Sampling,
    pub(super) choices: u32,
    pub(super) max_tokens: Option<u32>,
    pub(super) response_format: Option<ResponseFormat>,
    pub(super) reasoning: Option<ReasoningOptions>,
    pub(super) include_thoughts: bool,
    pub(super) modalities: Vec<String>,
    /// What only this dialect knows.
    pub(super) left: Vec<(String, String)>,
}

impl Wishes {
    pub(super) fn take(node: Option<&Node<'_, '_>>) -> Result<Self, BadRequest> {
        // What is left unsaid is wished for in no field.
        let nothing = Node::root("{}");
        let node = node.unwrap_or(&nothing);
        let mut fields = node.object()?;
        let mut left = Vec::new();
        let (reasoning, include_thoughts) = thinking(&mut fields, &mut left)?;
        let response_format = response_format(&mut fields, &mut left)?;
        let sampling = sampling(&mut fields)?;
        let choices = choices(&mut fields)?;
        let max_tokens = max_tokens(&mut fields)?;
        let modalities = match fields.either("responseModalities", "response_modalities")? {
            Some(node) => node.strings()?.iter().map(|kind| kind.to_ascii_lowercase()).collect(),
            None => Vec::new(),
        };
        left.extend(fields.rest()?);
        Ok(Self {
            sampling,
            choices,
            max_tokens,
            response_format,
            reasoning,
            include_thoughts,
            modalities,
            left,
        })
    }
}

/// `serviceTier`, by the names that others have for it.
pub(super) fn service_tier(fields: &mut Fields<'_, '_>) -> Result<Option<String>, BadRequest> {
    let node = fields.either("serviceTier", "service_tier")?;
    let tier = node.map(|node| node.string()).transpose()?;
    Ok(tier.map(labels::neutral_tier))
}

fn sampling(fields: &mut Fields<'_, '_>) -> Result<Sampling, BadRequest> {
    let stop = match fields.either("stopSequences", "stop_sequences")? {
        Some(node) => node.strings()?,
        None => Vec::new(),
    };
    Ok(Sampling {
        temperature: fields.float("temperature")?,
        top_p: float(fields, "topP", "top_p")?,
        top_k: fields.either("topK", "top_k")?.map(|node| node.integer()).transpose()?,
        min_p: None,
        top_a: None,
        frequency_penalty: float(fields, "frequencyPenalty", "frequency_penalty")?,
        presence_penalty: float(fields, "presencePenalty", "presence_penalty")?,
        repetition_penalty: None,
        seed: fields.integer("seed")?,
        stop,
        logit_bias: Vec::new(),
        top_logprobs: logprobs(fields)?,
    })
}

fn float(
    fields: &mut Fields<'_, '_>,
    camel: &'static str,
    snake: &'static str,
) -> Result<Option<f64>, BadRequest> {
    fields.either(camel, snake)?.map(|node| node.number("a number")).transpose()
}

fn logprobs(fields: &mut Fields<'_, '_>) -> Result<Option<u8>, BadRequest> {
    let wanted = fields.either("responseLogprobs", "response_logprobs")?;
    let wanted = wanted.map(|node| node.boolean()).transpose()?.unwrap_or(false);
    let Some(node) = fields.take("logprobs") else {
        return Ok(wanted.then_some(0));
    };
    let alternatives: u8 = node.integer()?;
    if alternatives > MAX_LOGPROBS {
        return Err(node.invalid(format!("must be at most {MAX_LOGPROBS}")));
    }
    if !wanted && alternatives > 0 {
        return Err(node.invalid("needs `responseLogprobs` to be true"));
    }
    Ok(wanted.then_some(alternatives))
}

fn choices(fields: &mut Fields<'_, '_>) -> Result<u32, BadRequest> {
    let Some(node) = fields.either("candidateCount", "candidate_count")? else {
        return Ok(1);
    };
    let choices = node.integer()?;
    if !(1..=MAX_CANDIDATES).contains(&choices) {
        return Err(node.invalid(format!("must be from 1 to {MAX_CANDIDATES}")));
    }
    Ok(choices)
}

fn max_tokens(fields: &mut Fields<'_, '_>) -> Result<Option<u32>, BadRequest> {
    let Some(node) = fields.either("maxOutputTokens", "max_output_tokens")? else {
        return Ok(None);
    };
    match node.integer()? {
        0 => Err(node.invalid("must be at least 1")),
        tokens => Ok(Some(tokens)),
    }
}

/// `thinkingConfig`, and whether thoughts are to be shown: unasked they are not.
fn thinking(
    fields: &mut Fields<'_, '_>,
    left: &mut Vec<(String, String)>,
) -> Result<(Option<ReasoningOptions>, bool), BadRequest> {
    let Some(node) = fields.either("thinkingConfig", "thinking_config")? else {
        return Ok((None, false));
    };
    let mut fields = node.object()?;
    let include = fields.either("includeThoughts", "include_thoughts")?;
    let include = include.map(|node| node.boolean()).transpose()?;
    let shown = include.unwrap_or(false);
    let mut options = ReasoningOptions {
        enabled: None,
        effort: None,
        max_tokens: None,
        summary: shown.then(|| ANY_SUMMARY.to_owned()),
        hidden: !shown,
    };
    let budget = fields.either("thinkingBudget", "thinking_budget")?;
    if let Some(node) = &budget {
        match node.integer::<i64>()? {
            -1 => options.enabled = Some(true),
            0 => {
                options.enabled = Some(false);
                options.summary = None;
            }
            _ => options.max_tokens = Some(node.integer()?),
        }
    }
    if let Some(node) = fields.either("thinkingLevel", "thinking_level")? {
        let level = node.text()?.to_ascii_lowercase();
        if budget.is_some() {
            return Err(node.invalid("must not stand beside `thinkingBudget`: they are one"));
        }
        options.effort = Some(level).filter(|level| level != "thinking_level_unspecified");
    }
    // Google is told also where it says what is meant anyhow.
    let told = include.map(|include| ("includeThoughts".to_owned(), include.to_string()));
    let rest: Vec<_> = told.into_iter().chain(fields.rest()?).collect();
    left.extend(inside("thinkingConfig", rest));
    Ok((Some(options), shown))
}

fn response_format(
    fields: &mut Fields<'_, '_>,
    left: &mut Vec<(String, String)>,
) -> Result<Option<ResponseFormat>, BadRequest> {
    let kind = fields.either("responseMimeType", "response_mime_type")?;
    let own = fields.either("responseSchema", "response_schema")?;
    let common = fields.either("responseJsonSchema", "response_json_schema")?;
    let common = match common {
        Some(node) => Some(node),
        None => fields.either("_responseJsonSchema", "_response_json_schema")?,
    };
    if let (Some(_), Some(common)) = (&own, &common) {
        return Err(common.invalid("must not stand beside `responseSchema`: they are one"));
    }
    let word = kind.map(|node| node.text()).transpose()?;
    let schema = match (word.as_deref(), own, common) {
        (None | Some("" | "application/json"), Some(own), None) => {
            // Google gets its own kind of schema back, everybody else what it says.
            left.push(("responseSchema".to_owned(), own.json()?));
            schema::common(&own)?
        }
        (None | Some("" | "application/json"), None, Some(common)) if common.is_object() => {
            common.json()?
        }
        (None | Some("" | "application/json"), None, Some(common)) => {
            return Err(common.invalid("must be a JSON Schema, which is an object"));
        }
        (None | Some(""), ..) => return Ok(None),
        (Some("application/json"), ..) => return Ok(Some(ResponseFormat::JsonObject)),
        (Some("text/plain"), None, None) => return Ok(Some(ResponseFormat::Text)),
        // Such as one word of an enum, which is no JSON.
        (Some(word), own, common) => {
            let mut native =
                vec![("responseMimeType".to_owned(), serde_json::Value::from(word).to_string())];
            for (name, node) in [("responseSchema", own), ("responseJsonSchema", common)] {
                if let Some(node) = node {
                    native.push((name.to_owned(), node.json()?));
                }
            }
            return Ok(Some(ResponseFormat::Native(object(&native))));
        }
    };
    let schema = JsonSchema { name: None, description: None, schema, strict: None };
    Ok(Some(ResponseFormat::JsonSchema(schema)))
}
