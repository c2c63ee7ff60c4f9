//! Amazon Bedrock: Converse for all models, and Invoke for Anthropic's.

mod answer;
mod blocks;
mod embeddings;
mod errors;
mod event_stream;
mod invoke;
mod request;
mod stream;

use http::HeaderMap;
use http::request::Parts;
use serde_json::json;

use crate::dialect::{Answer, Dialect, Endpoint, Refusal, Served, bearer, set, text};
use crate::ids;
use crate::prompt::Prompt;
use crate::speech::Limits;
use crate::timeline::Frames;

pub(crate) use invoke::{Invoke, chunk};

/// The media type of event streams.
const STREAM_TYPE: &str = "application/vnd.amazon.eventstream";

/// Converse, ConverseStream, CountTokens and the list of models.
#[derive(Debug)]
pub(crate) struct Converse;

/// Name of the model, decoded, and of what is asked of it.
fn called(path: &str) -> Option<(String, &str)> {
    let (before, method) = path.rsplit_once('/')?;
    let (_, model) = before.rsplit_once("/model/")?;
    Some((decoded(model), method))
}

/// A segment of a path without its percent signs.
fn decoded(segment: &str) -> String {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if first == b'%' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// An API key, or the id of the key that signed the request.
fn credential(head: &Parts) -> Option<&str> {
    let signed = || {
        let (_, rest) = text(&head.headers, "authorization")?.split_once("Credential=")?;
        rest.split('/').next()
    };
    bearer(&head.headers).or_else(signed)
}

impl Dialect for Converse {
    fn endpoint(&self, path: &str) -> Option<Endpoint> {
        if path.ends_with("/foundation-models") || path.ends_with("/inference-profiles") {
            return Some(Endpoint::Models);
        }
        match called(path)?.1 {
            "converse" | "converse-stream" => Some(Endpoint::Chat),
            "count-tokens" => Some(Endpoint::Count),
            _ => None,
        }
    }

    fn credential<'h>(&self, head: &'h Parts) -> Option<&'h str> {
        credential(head)
    }

    fn read(&self, head: &Parts, body: &[u8]) -> Result<Prompt, Refusal> {
        let (model, method) = called(head.uri.path()).unwrap_or_default();
        let mut prompt = request::read(body, model)?;
        prompt.stream = method == "converse-stream";
        Ok(prompt)
    }

    fn limits(&self) -> Limits {
        Limits { refusals: false, objects: true, ..Limits::NONE }
    }

    fn whole(&self, answer: &Answer<'_>, body: &mut Vec<u8>) {
        answer::whole(answer, body);
    }

    fn stream(&self, answer: &Answer<'_>, frames: &mut Frames) {
        stream::stream(answer, frames);
    }

    fn stream_type(&self) -> &'static str {
        STREAM_TYPE
    }

    fn serve(&self, _: Endpoint, head: &Parts, body: &[u8]) -> Result<Served, Refusal> {
        let (model, _) = called(head.uri.path()).unwrap_or_default();
        let prompt = request::counted(body, model)?;
        let count = json!({"inputTokens": prompt.tokens()});
        Ok(Served { model: prompt.model, body: count.to_string().into_bytes() })
    }

    fn refusal(&self, status: u16, model: &str) -> Refusal {
        errors::of_status(status, model)
    }

    fn missing_credential(&self) -> Refusal {
        Refusal::new(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
    }

    fn unknown_endpoint(&self, _: &str, _: &str) -> Refusal {
        Refusal::new(404, "UnknownOperationException", "Unknown operation.")
    }

    fn refusal_body(&self, refusal: &Refusal, _: &str) -> Vec<u8> {
        errors::body(refusal)
    }

    fn error_frame(&self, refusal: &Refusal, _: &str) -> Vec<u8> {
        errors::frame(refusal)
    }

    fn broken_frame(&self) -> Vec<u8> {
        event_stream::event("contentBlockDelta", b"{\"contentBlockIn")
    }

    /// Models and inference profiles: whoever asks for the one finds the other empty.
    fn models(&self, names: &[&str]) -> Vec<u8> {
        let model = |name: &&str| {
            json!({
                "modelArn": format!("arn:aws:bedrock:test-1::foundation-model/{name}"),
                "modelId": name,
                "modelName": name,
                "providerName": "Simulated",
                "inputModalities": ["TEXT"],
                "outputModalities": ["TEXT"],
                "responseStreamingSupported": true,
            })
        };
        let summaries: Vec<_> = names.iter().map(model).collect();
        json!({"modelSummaries": summaries}).to_string().into_bytes()
    }

    fn request_id(&self, number: u64) -> String {
        ids::hex_id("", number)
    }

    fn set_headers(&self, headers: &mut HeaderMap, request_id: &str) {
        set(headers, "x-amzn-requestid", request_id);
    }

    fn set_error_headers(&self, headers: &mut HeaderMap, refusal: &Refusal) {
        let name = format!("{}:http://internal.amazon.com/coral/", refusal.kind);
        set(headers, "x-amzn-errortype", &name);
    }
}
