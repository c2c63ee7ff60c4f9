//! Embeddings through Invoke, in the words of each family of models: Titan and Nova make
//! one vector at a time, Cohere's models several.

use plugway_formats::json::{Fields, Json, Object};
use plugway_formats::report::must_fetch;
use plugway_sdk::chat::{Failure, Media, MediaKind, MediaSource, ResultBody, ResultPart, Usage};
use plugway_sdk::embeddings::{EmbedInput, EmbedRequest, EmbedResponse, Embeddings};
use plugway_sdk::provider::{Endpoint, Framing, ResponseHead, UpstreamRequest, UpstreamResponse};
use serde_json::value::{RawValue, to_raw_value};

use crate::encode::post;
use crate::{Bedrock, EMBED_DIALECT};

impl Embeddings for Bedrock {
    fn encode(request: EmbedRequest, _: Endpoint) -> Result<UpstreamRequest, Failure> {
        let body = if request.model.contains("nova") {
            nova(&request)?
        } else if request.model.contains("cohere") {
            cohere(&request)?
        } else {
            titan(&request)?
        };
        let native = request.dialect == EMBED_DIALECT;
        let body = body.with_extra(request.extra.iter().filter(|_| native))?;
        let upstream = post(&request.model, "invoke", Json::from(body).to_bytes()?);
        Ok(UpstreamRequest { framing: Framing::Raw, ..upstream })
    }

    fn decode(response: UpstreamResponse, _: String) -> Result<EmbedResponse, Failure> {
        let body = std::str::from_utf8(&response.body).ok().and_then(Fields::read);
        let read = body.and_then(|body| {
            let usage = usage(&response.head, &body);
            Some(EmbedResponse { vectors: vectors(&body)?, usage })
        });
        read.ok_or_else(|| Failure::unavailable("Bedrock sent embeddings that cannot be read"))
    }
}

fn titan(request: &EmbedRequest) -> Result<Object<'_>, Failure> {
    let mut body = Object::new();
    for part in parts(single(request)?)? {
        body = match part {
            Bit::Text(text) => body.with("inputText", text),
            Bit::Image(_, data) => body.with("inputImage", data),
        };
    }
    let length = |dimensions| Object::new().with("outputEmbeddingLength", dimensions);
    // The models that see images have another word for it.
    if request.model.contains("image") {
        return Ok(body.with_some("embeddingConfig", request.dimensions.map(length)));
    }
    Ok(body.with_some("dimensions", request.dimensions))
}

fn nova(request: &EmbedRequest) -> Result<Object<'_>, Failure> {
    let purpose = match request.purpose.as_deref() {
        None | Some("search_document") => "GENERIC_INDEX",
        Some("search_query") => "GENERIC_RETRIEVAL",
        Some("classification") => "CLASSIFICATION",
        Some("clustering") => "CLUSTERING",
        Some(purpose) => purpose,
    };
    let mut params = Object::new()
        .with("embeddingPurpose", purpose)
        .with_some("embeddingDimension", request.dimensions);
    let [part] = parts(single(request)?)?[..] else {
        return Err(Failure::unsupported("this model makes no vector of several parts"));
    };
    params = match part {
        Bit::Text(text) => params.with("text", Object::new().with("value", text)),
        Bit::Image(media, data) => params.with("image", nova_image(media, data)?),
    };
    let body = Object::new().with("taskType", "SINGLE_EMBEDDING");
    Ok(body.with("singleEmbeddingParams", params))
}

fn nova_image<'a>(media: &'a Media, data: &'a str) -> Result<Object<'a>, Failure> {
    let format = media.mime.as_deref().and_then(|mime| mime.strip_prefix("image/"));
    let format = format.ok_or_else(|| Failure::unsupported("an image without a media type"))?;
    let source = Object::new().with("bytes", data);
    Ok(Object::new().with("format", format).with("source", source))
}

fn cohere(request: &EmbedRequest) -> Result<Object<'_>, Failure> {
    let mut texts: Vec<Json<'_>> = Vec::new();
    let mut images: Vec<Json<'_>> = Vec::new();
    let mut mixed: Vec<Json<'_>> = Vec::new();
    for input in &request.input {
        match parts(input)?[..] {
            [Bit::Text(text)] => texts.push(text.into()),
            [Bit::Image(media, data)] => images.push(data_url(media, data)?),
            ref several => {
                let content = several.iter().map(cohere_part).collect::<Result<Vec<_>, _>>()?;
                mixed.push(Object::new().with("content", content).into());
            }
        }
    }
    let kinds = [&texts, &images, &mixed].iter().filter(|list| !list.is_empty()).count();
    if kinds > 1 {
        return Err(Failure::unsupported("this model takes texts or images, not both at once"));
    }
    let filled = |list: Vec<_>| (!list.is_empty()).then_some(list);
    Ok(Object::new()
        .with_some("texts", filled(texts))
        .with_some("images", filled(images))
        .with_some("inputs", filled(mixed))
        .with("input_type", request.purpose.as_deref().unwrap_or("search_document"))
        .with_some("output_dimension", request.dimensions))
}

fn cohere_part<'a>(part: &Bit<'a>) -> Result<Json<'a>, Failure> {
    Ok(match *part {
        Bit::Text(text) => Object::of_type("text").with("text", text),
        Bit::Image(media, data) => {
            let url = Object::new().with("url", data_url(media, data)?);
            Object::of_type("image_url").with("image_url", url)
        }
    }
    .into())
}

/// The format has no other place for the bytes of an image.
fn data_url<'a>(media: &Media, data: &str) -> Result<Json<'a>, Failure> {
    let mime = media.mime.as_deref().unwrap_or("image/png");
    let url = to_raw_value(&format!("data:{mime};base64,{data}"));
    url.map(Json::from).map_err(|_| Failure::unsupported("an image that cannot be written"))
}

fn single(request: &EmbedRequest) -> Result<&EmbedInput, Failure> {
    match &request.input[..] {
        [input] => Ok(input),
        _ => Err(Failure::unsupported("this model makes one vector at a time")),
    }
}

/// What makes one vector.
#[derive(Clone, Copy)]
enum Bit<'a> {
    Text(&'a str),
    Image(&'a Media, &'a str),
}

fn parts(input: &EmbedInput) -> Result<Vec<Bit<'_>>, Failure> {
    match input {
        EmbedInput::Text(text) => Ok(vec![Bit::Text(text)]),
        EmbedInput::Tokens(_) => Err(Failure::unsupported("Bedrock embeds no lists of tokens")),
        EmbedInput::Parts(parts) => parts.iter().map(part).collect(),
    }
}

fn part(part: &ResultPart) -> Result<Bit<'_>, Failure> {
    match &part.body {
        ResultBody::Text(text) => Ok(Bit::Text(text)),
        ResultBody::Media(media) if media.kind == MediaKind::Image => match &media.source {
            MediaSource::Base64(data) => Ok(Bit::Image(media, data)),
            MediaSource::Uri(uri) => Err(must_fetch(uri)),
            _ => Err(Failure::unsupported("Bedrock keeps no files")),
        },
        _ => Err(Failure::unsupported("Bedrock embeds nothing but texts and images")),
    }
}

/// A vector, a list of them, a list of objects that hold one, or lists by type.
fn vectors(body: &Fields) -> Option<Vec<Vec<f32>>> {
    if let Some(vector) = body.get("embedding") {
        return Some(vec![serde_json::from_str(vector).ok()?]);
    }
    let json = body.get("embeddings")?;
    let by_type = Fields::read(json);
    let json = by_type.as_ref().and_then(|lists| lists.get("float")).unwrap_or(json);
    let list: Vec<&RawValue> = serde_json::from_str(json).ok()?;
    list.into_iter().map(|item| vector(item.get())).collect()
}

fn vector(json: &str) -> Option<Vec<f32>> {
    let object = Fields::read(json);
    let json = object.as_ref().map_or(Some(json), |object| object.get("embedding"))?;
    serde_json::from_str(json).ok()
}

/// The count is in a header; Titan's is in the body too.
fn usage(head: &ResponseHead, body: &Fields) -> Option<Usage> {
    let header = head.header("x-amzn-bedrock-input-token-count");
    let count = header.or_else(|| body.get("inputTextTokenCount"))?;
    Some(Usage { prompt_tokens: count.trim().parse().ok()?, ..Usage::default() })
}
