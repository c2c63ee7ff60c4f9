//! Invoke: Anthropic's messages as Bedrock has them, and models that make embeddings.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::request::Parts;
use serde::Serialize;
use serde_json::json;

use super::{Converse, STREAM_TYPE, called, credential, embeddings, event_stream};
use crate::anthropic::{self, Envelope, Wrap};
use crate::dialect::{Answer, Dialect, Endpoint, Refusal, Served};
use crate::prompt::Prompt;
use crate::speech::Limits;
use crate::timeline::{Frames, Part};

/// Of Anthropic's API, as the service has it.
const VERSION: &str = "bedrock-2023-05-31";

/// Invoke and InvokeWithResponseStream.
#[derive(Debug)]
pub(crate) struct Invoke;

/// Appends an event of Anthropic's in a chunk.
pub(crate) fn chunk(frames: &mut Frames, event: &impl Serialize, part: Part) {
    let event = serde_json::to_vec(event).unwrap_or_default();
    let payload = json!({"bytes": STANDARD.encode(event), "p": "abc"});
    let message = event_stream::event("chunk", payload.to_string().as_bytes());
    frames.buffer().extend_from_slice(&message);
    frames.end(part);
}

impl Dialect for Invoke {
    fn endpoint(&self, path: &str) -> Option<Endpoint> {
        let (model, method) = called(path)?;
        match method {
            "invoke" if model.contains("embed") => Some(Endpoint::Embeddings),
            "invoke" | "invoke-with-response-stream" => Some(Endpoint::Chat),
            _ => None,
        }
    }

    fn credential<'h>(&self, head: &'h Parts) -> Option<&'h str> {
        credential(head)
    }

    fn read(&self, head: &Parts, body: &[u8]) -> Result<Prompt, Refusal> {
        let (model, method) = called(head.uri.path()).unwrap_or_default();
        let envelope = Envelope {
            version: Some(VERSION),
            model: Some(model),
            stream: Some(method != "invoke"),
            ..Envelope::default()
        };
        let read = anthropic::read(body, envelope);
        read.map_err(|refusal| Refusal { kind: "ValidationException", ..refusal })
    }

    fn limits(&self) -> Limits {
        anthropic::LIMITS
    }

    fn whole(&self, answer: &Answer<'_>, body: &mut Vec<u8>) {
        anthropic::whole(answer, body);
    }

    fn stream(&self, answer: &Answer<'_>, frames: &mut Frames) {
        anthropic::stream(answer, frames, Wrap::Chunk);
    }

    fn stream_type(&self) -> &'static str {
        STREAM_TYPE
    }

    fn serve(&self, _: Endpoint, head: &Parts, body: &[u8]) -> Result<Served, Refusal> {
        let (model, _) = called(head.uri.path()).unwrap_or_default();
        embeddings::serve(body, model)
    }

    fn refusal(&self, status: u16, model: &str) -> Refusal {
        Converse.refusal(status, model)
    }

    fn missing_credential(&self) -> Refusal {
        Converse.missing_credential()
    }

    fn unknown_endpoint(&self, method: &str, path: &str) -> Refusal {
        Converse.unknown_endpoint(method, path)
    }

    fn refusal_body(&self, refusal: &Refusal, request_id: &str) -> Vec<u8> {
        Converse.refusal_body(refusal, request_id)
    }

    fn error_frame(&self, refusal: &Refusal, request_id: &str) -> Vec<u8> {
        Converse.error_frame(refusal, request_id)
    }

    fn broken_frame(&self) -> Vec<u8> {
        event_stream::event("chunk", b"{\"bytes\":\"eyJ0eXB")
    }

    fn models(&self, names: &[&str]) -> Vec<u8> {
        Converse.models(names)
    }

    fn request_id(&self, number: u64) -> String {
        Converse.request_id(number)
    }

    fn set_headers(&self, headers: &mut HeaderMap, request_id: &str) {
        Converse.set_headers(headers, request_id);
    }

    fn set_error_headers(&self, headers: &mut HeaderMap, refusal: &Refusal) {
        Converse.set_error_headers(headers, refusal);
    }
}
