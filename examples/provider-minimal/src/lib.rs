//! A provider adapter at its smallest: text in, text out, whole and streamed, for a
//! server that speaks a subset of OpenAI's chat format. Start your own from here.
//!
//! An adapter is a pure translator. The router opens the connection, attaches the
//! credential, cuts the stream into frames and retries elsewhere when this fails.

use plugway_sdk::chat::{
    Event, Failure, Finish, FinishReason, Message, Origin, Part, PartBody, Piece, Request, Role,
    Usage,
};
use plugway_sdk::provider::{
    AuthScheme, Endpoint, Frame, Info, Provider, ResponseHead, StreamDecoder, UpstreamRequest,
    UpstreamResponse,
};
use serde_json::{Value, json};

struct Minimal;

impl Provider for Minimal {
    type Decoder = Decoder;

    /// Claims, which the operator's configuration confirms or overrides.
    fn describe() -> Info {
        Info {
            name: "minimal".into(),
            default_base_url: None,
            auth: vec![AuthScheme::Bearer],
            dialects: Vec::new(),
            reasoning_formats: Vec::new(),
            supported_parameters: vec!["max_tokens".into(), "temperature".into()],
        }
    }

    /// The path is relative to the configured base URL. What this server cannot do is
    /// refused as unsupported: the router then tries another endpoint.
    fn encode(request: Request, _endpoint: Endpoint) -> Result<UpstreamRequest, Failure> {
        if !request.tools.is_empty() {
            return Err(Failure::unsupported("this server has no tools"));
        }
        let messages: Vec<Value> =
            request.messages.iter().map(message).collect::<Result<_, _>>()?;
        let body = json!({
            "model": request.model,
            "messages": messages,
            "max_tokens": request.max_tokens,
            "temperature": request.sampling.temperature,
            "stream": request.streaming,
        });
        Ok(UpstreamRequest::post_json("/chat/completions", body.to_string().into_bytes()))
    }

    /// A whole answer is the same list of events as a streamed one, in larger pieces,
    /// so one decoder reads both. `explain` is left to its default: refusals are
    /// classified by their status alone.
    fn decode(response: UpstreamResponse, memo: String) -> Vec<Event> {
        let mut decoder = Decoder::new(response.head, memo);
        let mut events = Vec::new();
        decoder.chunk(&response.body, &mut events);
        if !matches!(events.last(), Some(Event::Failed(_))) {
            decoder.end(&mut events);
        }
        events
    }
}

fn message(message: &Message) -> Result<Value, Failure> {
    let role = match message.role {
        Role::System | Role::Developer => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => return Err(Failure::unsupported("this server has no tools")),
    };
    let mut texts = Vec::new();
    for part in &message.parts {
        match &part.body {
            // It may be a seal, which stands for the client's text: copy it into one
            // JSON string of the body, once, and never look at it.
            PartBody::Text(text) => texts.push(text.as_str()),
            // Nothing that this server would take back: dropped, as the contract says.
            PartBody::Reasoning(_) => {}
            _ => return Err(Failure::unsupported("this server takes text alone")),
        }
    }
    Ok(json!({ "role": role, "content": texts.join("\n") }))
}

/// Reads one streamed response, frame by frame.
struct Decoder {
    finished: bool,
}

impl StreamDecoder for Decoder {
    fn new(_head: ResponseHead, _memo: String) -> Self {
        Decoder { finished: false }
    }

    fn push(&mut self, frame: Frame, events: &mut Vec<Event>) {
        if frame.data != b"[DONE]" {
            self.chunk(&frame.data, events);
        }
    }

    /// The connection closed cleanly, but did the answer end?
    fn end(&mut self, events: &mut Vec<Event>) {
        if !self.finished {
            events.push(Failure::unavailable("the answer was cut short").into());
        }
    }
}

impl Decoder {
    /// A whole response has the shape of a chunk, with `message` for `delta`.
    fn chunk(&mut self, json: &[u8], events: &mut Vec<Event>) {
        let Ok(chunk) = serde_json::from_slice::<Value>(json) else {
            return events.push(Failure::unavailable("the answer is not JSON").into());
        };
        if let Some(id) = chunk["id"].as_str() {
            events.push(Event::Origin(Origin { id: Some(id.into()), ..Origin::default() }));
        }
        let choice = &chunk["choices"][0];
        let said = choice.get("delta").unwrap_or(&choice["message"]);
        if let Some(text) = said["content"].as_str().filter(|text| !text.is_empty()) {
            // All of the text is part 0 of choice 0: the router joins the pieces.
            events.push(Piece::new(0, 0, Part::text(text)).into());
        }
        if let Some(word) = choice["finish_reason"].as_str() {
            let reason = if word == "length" { FinishReason::Length } else { FinishReason::Stop };
            events.push(Event::Finish(Finish::new(0, reason, word)));
            self.finished = true;
        }
        if let Some(prompt_tokens) = chunk["usage"]["prompt_tokens"].as_u64() {
            let completion_tokens =
                chunk["usage"]["completion_tokens"].as_u64().unwrap_or_default();
            events.push(Event::Usage(Usage {
                prompt_tokens,
                completion_tokens,
                ..Usage::default()
            }));
        }
    }
}

plugway_sdk::export!(provider: Minimal);

#[cfg(test)]
mod tests;
