//! Embeddings: `POST embed`.

use plugway_formats::json::{Json, Object};
use plugway_sdk::chat::{Failure, Media, MediaKind, MediaSource, ResultBody, ResultPart};
use plugway_sdk::embeddings::{EmbedInput, EmbedRequest, EmbedResponse, Embeddings};
use plugway_sdk::provider::{Endpoint, UpstreamRequest, UpstreamResponse};
use serde_json::Value;

use crate::encode::media::{data_url, to_fetch};
use crate::errors::unreadable;
use crate::{Cohere, DIALECT, usage, vectors};

impl Embeddings for Cohere {
    fn encode(request: EmbedRequest, _: Endpoint) -> Result<UpstreamRequest, Failure> {
        let is_native = request.dialect == DIALECT;
        let extra = if is_native { request.extra.as_slice() } else { &[] };
        let body = Object::new()
            .with("model", &request.model)
            .with("input_type", input_type(&request, is_native));
        let body = inputs(body, &request.input)?
            .with_some("output_dimension", request.dimensions)
            .with_extra(extra)?;
        let body = if extra.iter().any(|(name, _)| name == "embedding_types") {
            body
        } else {
            body.with("embedding_types", vec![Json::from("float")])
        };
        let mut upstream = UpstreamRequest::post_json("embed", Json::from(body).to_bytes()?);
        upstream.memo = request.input.len().to_string();
        Ok(upstream)
    }

    /// `memo` is the number of inputs.
    fn decode(response: UpstreamResponse, memo: String) -> Result<EmbedResponse, Failure> {
        let answer: Value = serde_json::from_slice(&response.body).map_err(|_| unreadable())?;
        let vectors = answer.get("embeddings").and_then(vectors::read).ok_or_else(unreadable)?;
        if memo.parse().is_ok_and(|expected: usize| expected != vectors.len()) {
            return Err(Failure::unavailable(
                "Cohere sent another number of vectors than asked for",
            ));
        }
        Ok(EmbedResponse { vectors, usage: usage::of_meta(&answer) })
    }
}

/// What the vectors are for, which the API insists on, in its own words.
fn input_type(request: &EmbedRequest, is_native: bool) -> Json<'_> {
    let purpose = request.purpose.as_deref();
    if let (true, Some(word)) = (is_native, purpose) {
        return word.into();
    }
    let word = match purpose.map(str::to_ascii_lowercase).as_deref() {
        Some("search_query" | "retrieval_query" | "query" | "question_answering") => "search_query",
        Some("classification") => "classification",
        Some("clustering") => "clustering",
        None | Some("image") if request.input.iter().all(|it| lone_image(it).is_some()) => "image",
        _ => "search_document",
    };
    word.into()
}

/// Texts go as texts, one image as the image that it is, and everything else as
/// inputs of several parts, which older models do not take.
fn inputs<'a>(body: Object<'a>, inputs: &'a [EmbedInput]) -> Result<Object<'a>, Failure> {
    let texts: Option<Vec<Json<'a>>> = inputs.iter().map(lone_text).collect();
    if let Some(texts) = texts {
        return Ok(body.with("texts", texts));
    }
    if let [input] = inputs
        && let Some(media) = lone_image(input)
    {
        return Ok(body.with("images", vec![image(media)?]));
    }
    let inputs: Result<Vec<Json<'a>>, Failure> = inputs.iter().map(mixed).collect();
    Ok(body.with("inputs", inputs?))
}

fn lone_text(input: &EmbedInput) -> Option<Json<'_>> {
    match input {
        EmbedInput::Text(text) => Some(text.into()),
        EmbedInput::Parts(parts) => match parts.as_slice() {
            [ResultPart { body: ResultBody::Text(text), .. }] => Some(text.into()),
            _ => None,
        },
        EmbedInput::Tokens(_) => None,
    }
}

fn lone_image(input: &EmbedInput) -> Option<&Media> {
    let EmbedInput::Parts(parts) = input else { return None };
    match parts.as_slice() {
        [ResultPart { body: ResultBody::Media(media), .. }] if media.kind == MediaKind::Image => {
            Some(media)
        }
        _ => None,
    }
}

fn mixed(input: &EmbedInput) -> Result<Json<'_>, Failure> {
    let content = match input {
        EmbedInput::Text(text) => vec![Object::of_type("text").with("text", text).into()],
        EmbedInput::Parts(parts) => parts.iter().map(item).collect::<Result<_, _>>()?,
        EmbedInput::Tokens(_) => {
            return Err(Failure::unsupported("Cohere embeds no lists of tokens"));
        }
    };
    Ok(Object::new().with("content", content).into())
}

fn item(part: &ResultPart) -> Result<Json<'_>, Failure> {
    let object = match &part.body {
        ResultBody::Text(text) => Object::of_type("text").with("text", text),
        ResultBody::Media(media) if media.kind == MediaKind::Image => {
            let url = Object::new().with("url", image(media)?);
            Object::of_type("image_url").with("image_url", url)
        }
        _ => return Err(Failure::unsupported("Cohere embeds nothing but text and images")),
    };
    Ok(object.into())
}

/// Images to embed must be in the request itself.
fn image(media: &Media) -> Result<Json<'static>, Failure> {
    match &media.source {
        MediaSource::Base64(data) => data_url(media, data),
        MediaSource::Uri(uri) => Err(to_fetch(uri)),
        _ => Err(Failure::unsupported("Cohere embeds images only as data")),
    }
}
