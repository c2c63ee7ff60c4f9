//! The list of models: `GET models`, page by page. Only the first version of the API has
//! one, below a base URL of its own.

use plugway_formats::json::Fields;
use plugway_formats::path::percent_encoded;
use plugway_sdk::chat::Failure;
use plugway_sdk::models::{Model, Models, Page};
use plugway_sdk::provider::{Endpoint, Framing, UpstreamRequest, UpstreamResponse};

use crate::Cohere;
use crate::errors::unreadable;

/// The most models that the API puts on a page.
const PAGE_SIZE: u32 = 1000;

impl Models for Cohere {
    fn encode(cursor: Option<String>, _: Endpoint) -> Result<UpstreamRequest, Failure> {
        let token = cursor.map(|cursor| format!("&page_token={}", percent_encoded(&cursor)));
        Ok(UpstreamRequest {
            method: "GET".into(),
            path: format!("models?page_size={PAGE_SIZE}{}", token.unwrap_or_default()),
            headers: Vec::new(),
            body: Vec::new(),
            framing: Framing::Sse,
            memo: String::new(),
        })
    }

    fn decode(response: UpstreamResponse, _: String) -> Result<Page, Failure> {
        let text = std::str::from_utf8(&response.body).ok();
        let listing = text.and_then(Fields::read).ok_or_else(unreadable)?;
        let models = listing.get("models").ok_or_else(unreadable)?;
        let models: Vec<Fields> = serde_json::from_str(models).map_err(|_| unreadable())?;
        Ok(Page {
            models: models.iter().filter_map(model).collect(),
            cursor: listing.text("next_page_token").filter(|token| !token.is_empty()),
        })
    }
}

fn model(fields: &Fields) -> Option<Model> {
    // Declared as a float.
    let length: Option<f64> = fields.get("context_length").and_then(|it| it.parse().ok());
    let length = length.filter(|length| (1.0..=f64::from(u32::MAX)).contains(length));
    Some(Model {
        id: fields.text("name")?,
        context_length: length.map(|length| length as u32),
        max_output_tokens: None,
        extra: fields.extra(&["name", "context_length"]),
    })
}
