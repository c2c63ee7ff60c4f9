//! The listing of models, page by page.

use plugway_formats::json::Fields;
use plugway_formats::path::percent_encoded;
use plugway_sdk::chat::Failure;
use plugway_sdk::models::{Model, Models, Page};
use plugway_sdk::provider::{Endpoint, Framing, UpstreamRequest, UpstreamResponse};

use crate::{Anthropic, version};

/// Models of one page: the most that the API gives.
const PAGE_SIZE: u32 = 1000;

/// Fields of a model that a listing tells by other names, or that say nothing.
const MODELLED: [&str; 4] = ["id", "type", "max_input_tokens", "max_tokens"];

impl Models for Anthropic {
    /// A cursor is the id of the last model of the page before.
    fn encode(cursor: Option<String>, endpoint: Endpoint) -> Result<UpstreamRequest, Failure> {
        let mut path = format!("models?limit={PAGE_SIZE}");
        if let Some(cursor) = cursor {
            path.push_str("&after_id=");
            path.push_str(&percent_encoded(&cursor));
        }
        Ok(UpstreamRequest {
            method: "GET".into(),
            path,
            headers: vec![version(&endpoint)?],
            body: Vec::new(),
            framing: Framing::Raw,
            memo: String::new(),
        })
    }

    fn decode(response: UpstreamResponse, _: String) -> Result<Page, Failure> {
        let page = std::str::from_utf8(&response.body).ok().and_then(Fields::read);
        page.and_then(|page| read(&page))
            .ok_or_else(|| Failure::unavailable("Anthropic sent a listing that cannot be read"))
    }
}

fn read(page: &Fields) -> Option<Page> {
    let models: Vec<Fields> = serde_json::from_str(page.get("data")?).ok()?;
    let goes_on = page.get("has_more") == Some("true");
    Some(Page {
        models: models.iter().filter_map(model).collect(),
        cursor: page.text("last_id").filter(|_| goes_on),
    })
}

fn model(fields: &Fields) -> Option<Model> {
    let limit = |name| serde_json::from_str(fields.get(name)?).ok();
    Some(Model {
        id: fields.text("id")?,
        context_length: limit("max_input_tokens"),
        max_output_tokens: limit("max_tokens"),
        extra: fields.extra(&MODELLED),
    })
}
