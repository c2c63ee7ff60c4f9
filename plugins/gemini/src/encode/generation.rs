//! `generationConfig`: how tokens are picked, how many, and in what form.

use plugway_formats::json::{Fields, Json, Object, raw};
use plugway_sdk::chat::{Failure, Request, ResponseFormat};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

use super::{Context, integer, native_value, non_empty, thinking, tools, word};

/// As many as the API takes.
const MAX_STOP_SEQUENCES: usize = 5;

const SCHEMA: &str = "response_format.json_schema.schema";

/// None where nothing is wished for.
pub(super) fn config<'a>(
    request: &'a Request,
    context: &Context<'_>,
) -> Result<Option<Object<'a>>, Failure> {
    let sampling = &request.sampling;
    if sampling.stop.len() > MAX_STOP_SEQUENCES && !context.native {
        return Err(Failure::unsupported(format!(
            "Gemini takes at most {MAX_STOP_SEQUENCES} stop sequences"
        )));
    }
    let config = Object::new()
        .with_some("candidateCount", Some(request.choices).filter(|count| *count > 1))
        .with_some("maxOutputTokens", request.max_tokens)
        .with_some("temperature", sampling.temperature)
        .with_some("topP", sampling.top_p)
        .with_some("topK", sampling.top_k)
        .with_some("frequencyPenalty", sampling.frequency_penalty)
        .with_some("presencePenalty", sampling.presence_penalty)
        .with_some("seed", seed(request))
        .with_some("stopSequences", non_empty(sampling.stop.iter().map(Json::from).collect()))
        .with_some("responseLogprobs", sampling.top_logprobs.map(|_| true))
        .with_some("logprobs", logprobs(request))
        .with_some("responseModalities", non_empty(modalities(request)))
        .with_some("thinkingConfig", thinking::config(request, context)?);
    let config = response_format(config, request, context)?;
    Ok((!config.is_empty()).then_some(config))
}

/// The API's seeds have 32 bits: one that is longer only tunes, and is left out.
fn seed(request: &Request) -> Option<Json<'static>> {
    let seed = i32::try_from(request.sampling.seed?).ok()?;
    Some(integer(seed.into()))
}

/// None for the chosen tokens alone.
fn logprobs(request: &Request) -> Option<u32> {
    request.sampling.top_logprobs.filter(|count| *count > 0).map(u32::from)
}

fn modalities(request: &Request) -> Vec<Json<'static>> {
    request.modalities.iter().map(|kind| word(kind.to_uppercase())).collect()
}

fn response_format<'a>(
    config: Object<'a>,
    request: &'a Request,
    context: &Context<'_>,
) -> Result<Object<'a>, Failure> {
    Ok(match &request.response_format {
        None => config,
        Some(ResponseFormat::Text) if !context.native => config,
        Some(ResponseFormat::Text) => config.with("responseMimeType", "text/plain"),
        Some(ResponseFormat::JsonObject) => config.with("responseMimeType", "application/json"),
        // A schema of Google's own kind, which goes back as the client sent it.
        Some(ResponseFormat::JsonSchema(_)) if has_own_schema(request, context) => {
            config.with("responseMimeType", "application/json")
        }
        Some(ResponseFormat::JsonSchema(format)) => {
            let own = context.native && tools::is_own_schema(&format.schema);
            config.with("responseMimeType", "application/json").with(
                if own { "responseSchema" } else { "responseJsonSchema" },
                raw(&format.schema, SCHEMA)?,
            )
        }
        Some(ResponseFormat::Native(json)) => native_format(config, json, context)?,
    })
}

/// Whether the native fields hold the schema of the answer.
fn has_own_schema(request: &Request, context: &Context<'_>) -> bool {
    let native = context.extra(&request.extra).iter();
    let mut config = native.filter(|(name, _)| name == "generationConfig");
    let fields = config.next().and_then(|(_, json)| Fields::read(json));
    fields.is_some_and(|fields| fields.get("responseSchema").is_some())
}

/// Fields of `generationConfig` as a client of this dialect wrote them.
fn native_format<'a>(
    config: Object<'a>,
    json: &'a str,
    context: &Context<'_>,
) -> Result<Object<'a>, Failure> {
    native_value(json, context)?;
    let fields: BTreeMap<&'a str, &'a RawValue> = serde_json::from_str(json)
        .map_err(|_| Failure::unsupported("Gemini has no response format of this kind"))?;
    Ok(fields.into_iter().fold(config, |config, (name, value)| config.with(name, value)))
}
