//! What an adapter is asked before it serves: one request, one stream, one whole
//! answer and one error, under the limits of the real thing. An adapter may refuse
//! or fail to understand all of it; it may not trap, nor exceed a limit.
//!
//! A plugin can tell: the model is [`SELF_CHECK`], and heads carry [`HEADER`].

use crate::bindings::chat;
use crate::offers::{EmbedInput, EmbedRequest, RerankRequest};
use crate::types::{EndpointFacts, Frame, ResponseHead};

/// The model that is asked for; also the provider that a strategy is tried with.
pub(crate) const SELF_CHECK: &str = "self-check";

/// In the head of every response.
const HEADER: (&str, &str) = ("x-self-check", "1");

/// A short question with an instruction, to be streamed.
pub(crate) fn request() -> chat::Request {
    chat::Request {
        model: SELF_CHECK.to_owned(),
        dialect: SELF_CHECK.to_owned(),
        headers: Vec::new(),
        messages: vec![
            message(chat::Role::System, "Be brief."),
            message(chat::Role::User, "Are you there?"),
        ],
        tools: Vec::new(),
        tool_choice: None,
        parallel_tool_calls: None,
        response_format: None,
        sampling: sampling(),
        choices: 1,
        max_tokens: Some(16),
        reasoning: None,
        modalities: Vec::new(),
        verbosity: None,
        service_tier: None,
        user: None,
        cache_key: None,
        auto_cache: None,
        streaming: true,
        extra: Vec::new(),
    }
}

fn message(role: chat::Role, text: &str) -> chat::Message {
    let part = chat::Part {
        body: chat::PartBody::Text(text.to_owned()),
        id: None,
        signature: None,
        format: None,
        citations: Vec::new(),
        cache: None,
        extra: Vec::new(),
    };
    chat::Message { role, parts: vec![part], name: None, extra: Vec::new() }
}

fn sampling() -> chat::Sampling {
    chat::Sampling {
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
        top_logprobs: None,
    }
}

/// One short text to be embedded.
pub(crate) fn embed_request() -> EmbedRequest {
    EmbedRequest {
        model: SELF_CHECK.to_owned(),
        dialect: SELF_CHECK.to_owned(),
        input: vec![EmbedInput::Text("Are you there?".to_owned())],
        dimensions: None,
        purpose: None,
        user: None,
        extra: Vec::new(),
    }
}

/// Two short documents to be ordered.
pub(crate) fn rerank_request() -> RerankRequest {
    RerankRequest {
        model: SELF_CHECK.to_owned(),
        query: "Are you there?".to_owned(),
        documents: vec!["Yes.".to_owned(), "No.".to_owned()],
        top_n: None,
        extra: Vec::new(),
    }
}

/// An endpoint of which little is known.
pub(crate) fn endpoint() -> EndpointFacts {
    EndpointFacts { max_output_tokens: Some(1024), ..EndpointFacts::default() }
}

/// The head of a response.
pub(crate) fn head(status: u16) -> ResponseHead {
    let headers = [("content-type", "application/json"), HEADER];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    ResponseHead { status, headers: headers.into() }
}

/// Frames of a stream: one that says nothing in most formats, one that many end with.
pub(crate) fn frames() -> Vec<Frame> {
    [&b"{}"[..], b"[DONE]"].map(|data| Frame { kind: None, data: data.to_vec() }).into()
}

/// The body of a response that says nothing.
pub(crate) fn body() -> Vec<u8> {
    b"{}".to_vec()
}
