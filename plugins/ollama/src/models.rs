//! The models that the server holds: `GET api/tags`, all on one page.

use plugway_formats::json::Fields;
use plugway_sdk::chat::Failure;
use plugway_sdk::models::{Model, Models, Page};
use plugway_sdk::provider::{Endpoint, Framing, UpstreamRequest, UpstreamResponse};

use crate::Ollama;
use crate::errors::unreadable;

impl Models for Ollama {
    fn encode(_: Option<String>, _: Endpoint) -> Result<UpstreamRequest, Failure> {
        Ok(UpstreamRequest {
            method: "GET".into(),
            path: "api/tags".into(),
            headers: Vec::new(),
            body: Vec::new(),
            framing: Framing::Ndjson,
            memo: String::new(),
        })
    }

    fn decode(response: UpstreamResponse, _: String) -> Result<Page, Failure> {
        let text = std::str::from_utf8(&response.body).ok();
        let listing = text.and_then(Fields::read).ok_or_else(unreadable)?;
        let models = match listing.get("models").ok_or_else(unreadable)? {
            "null" => "[]",
            models => models,
        };
        let models: Vec<Fields> = serde_json::from_str(models).map_err(|_| unreadable())?;
        Ok(Page { models: models.iter().filter_map(model).collect(), cursor: None })
    }
}

fn model(fields: &Fields) -> Option<Model> {
    let details = fields.get("details").and_then(Fields::read);
    let length = details.and_then(|details| details.get("context_length")?.parse().ok());
    Some(Model {
        id: fields.text("model").or_else(|| fields.text("name"))?,
        context_length: length,
        max_output_tokens: None,
        extra: fields.extra(&["model", "name"]),
    })
}
