//! Texts as vectors, by the three methods that Google's models have for it.

use plugway_formats::json::{Json, Object, raw};
use plugway_formats::report::invalid;
use plugway_sdk::chat::{Failure, MediaSource, ResultBody, ResultPart, Usage};
use plugway_sdk::embeddings::{EmbedInput, EmbedRequest, EmbedResponse};
use plugway_sdk::provider::{Endpoint, UpstreamRequest, UpstreamResponse};
use serde::Deserialize;

use crate::encode::word;
use crate::options::{EmbedMethod, Options};
use crate::{DIALECT, path};

/// Models of Vertex that are asked by `embedContent`; older ones predict.
const VERTEX_EMBEDS: &str = "gemini-embedding-2";

pub(crate) fn encode(
    request: &EmbedRequest,
    endpoint: &Endpoint,
) -> Result<UpstreamRequest, Failure> {
    let options = Options::of(endpoint)?;
    let method = options.embed_method.unwrap_or_else(|| {
        if !options.is_vertex() {
            EmbedMethod::BatchEmbedContents
        } else if request.model.contains(VERTEX_EMBEDS) {
            EmbedMethod::EmbedContent
        } else {
            EmbedMethod::Predict
        }
    });
    let (name, body) = match method {
        EmbedMethod::BatchEmbedContents => ("batchEmbedContents", batch(request, &options)?),
        EmbedMethod::EmbedContent => ("embedContent", single(request)?),
        EmbedMethod::Predict => ("predict", predict(request)?),
    };
    let path = path::method(&options, &request.model, name)?;
    Ok(UpstreamRequest::post_json(path, Json::from(body).to_bytes()?))
}

fn batch<'a>(request: &'a EmbedRequest, options: &Options) -> Result<Object<'a>, Failure> {
    let model = path::resource(options, &request.model)?;
    let requests = request.input.iter().map(|input| {
        let one = Object::new().with("model", word(&model));
        Ok(wishes(one.with("content", content(input)?), request)?.into())
    });
    Ok(Object::new().with("requests", requests.collect::<Result<Vec<Json<'a>>, Failure>>()?))
}

fn single(request: &EmbedRequest) -> Result<Object<'_>, Failure> {
    let [input] = request.input.as_slice() else {
        return Err(Failure::unsupported("this model embeds one input per request"));
    };
    wishes(Object::new().with("content", content(input)?), request)
}

fn wishes<'a>(object: Object<'a>, request: &'a EmbedRequest) -> Result<Object<'a>, Failure> {
    object
        .with_some("taskType", task(request).map(word))
        .with_some("outputDimensionality", request.dimensions)
        .with_extra(extra(request))
}

fn predict(request: &EmbedRequest) -> Result<Object<'_>, Failure> {
    let mut instances = Vec::with_capacity(request.input.len());
    for input in &request.input {
        let EmbedInput::Text(text) = input else {
            return Err(Failure::unsupported("this model embeds texts only"));
        };
        let task = task(request).map(word);
        instances.push(Object::new().with("content", text).with_some("task_type", task).into());
    }
    let dimensions = request.dimensions;
    let parameters =
        dimensions.map(|dimensions| Object::new().with("outputDimensionality", dimensions));
    Object::new()
        .with("instances", instances)
        .with_some("parameters", parameters)
        .with_extra(extra(request))
}

fn extra(request: &EmbedRequest) -> &[(String, String)] {
    if request.dialect == DIALECT { &request.extra } else { &[] }
}

fn content(input: &EmbedInput) -> Result<Object<'_>, Failure> {
    let parts = match input {
        EmbedInput::Text(text) => vec![Object::new().with("text", text).into()],
        EmbedInput::Parts(parts) => parts.iter().map(part).collect::<Result<Vec<_>, _>>()?,
        EmbedInput::Tokens(_) => {
            return Err(Failure::unsupported("Gemini embeds texts, not lists of tokens"));
        }
    };
    Ok(Object::new().with("parts", parts))
}

fn part(part: &ResultPart) -> Result<Json<'_>, Failure> {
    Ok(match &part.body {
        ResultBody::Text(text) => Object::new().with("text", text).into(),
        ResultBody::Native(json) => raw(json, "input")?.into(),
        ResultBody::Media(media) => {
            let (MediaSource::Base64(data), Some(mime)) = (&media.source, &media.mime) else {
                return Err(Failure::unsupported("Gemini embeds media that are sent along only"));
            };
            let blob = Object::new().with("mimeType", mime).with("data", data);
            Object::new().with("inlineData", blob).into()
        }
        ResultBody::Json(_) => return Err(invalid("input", "holds JSON, which is no text")),
    })
}

/// The contract's purposes in Google's words. What is none of them only tunes.
fn task(request: &EmbedRequest) -> Option<String> {
    let purpose = request.purpose.as_deref()?.to_ascii_uppercase();
    match purpose.as_str() {
        "SEARCH_QUERY" => Some("RETRIEVAL_QUERY".into()),
        "SEARCH_DOCUMENT" => Some("RETRIEVAL_DOCUMENT".into()),
        "RETRIEVAL_QUERY"
        | "RETRIEVAL_DOCUMENT"
        | "SEMANTIC_SIMILARITY"
        | "CLASSIFICATION"
        | "CLUSTERING"
        | "QUESTION_ANSWERING"
        | "FACT_VERIFICATION"
        | "CODE_RETRIEVAL_QUERY" => Some(purpose),
        _ if request.dialect == DIALECT => Some(purpose),
        _ => None,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    embeddings: Option<Vec<Vector>>,
    embedding: Option<Vector>,
    predictions: Option<Vec<Prediction>>,
    usage_metadata: Option<UsageMetadata>,
}

#[derive(Deserialize)]
struct Vector {
    values: Vec<f32>,
    statistics: Option<Statistics>,
}

#[derive(Deserialize)]
struct Prediction {
    embeddings: Vector,
}

#[derive(Deserialize)]
struct Statistics {
    token_count: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UsageMetadata {
    prompt_token_count: Option<u64>,
}

/// # Errors
/// Of kind `unavailable` where the response cannot be read.
pub(crate) fn decode(response: &UpstreamResponse) -> Result<EmbedResponse, Failure> {
    let unreadable = || Failure::unavailable("Google sent embeddings that cannot be read");
    let answer: Answer = serde_json::from_slice(&response.body).map_err(|_| unreadable())?;
    let predicted = |list: Vec<Prediction>| list.into_iter().map(|it| it.embeddings).collect();
    let vectors = answer
        .embeddings
        .or_else(|| answer.embedding.map(|one| vec![one]))
        .or_else(|| answer.predictions.map(predicted))
        .ok_or_else(unreadable)?;
    let counted = answer.usage_metadata.and_then(|usage| usage.prompt_token_count);
    let usage = counted.or_else(|| statistics(&vectors));
    Ok(EmbedResponse {
        usage: usage.map(|tokens| Usage { prompt_tokens: tokens, ..Usage::default() }),
        vectors: vectors.into_iter().map(|vector| vector.values).collect(),
    })
}

/// What the texts were counted at, each by itself.
fn statistics(vectors: &[Vector]) -> Option<u64> {
    let counts = vectors.iter().map(|vector| vector.statistics.as_ref()?.token_count);
    let sum: f64 = counts.sum::<Option<f64>>()?;
    // Beyond it no count is exact, and none is true.
    (0.0..=9.0e15).contains(&sum).then_some(sum as u64)
}
