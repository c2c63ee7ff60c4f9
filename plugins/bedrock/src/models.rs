//! The listing of models: first those of the service, then the profiles that span
//! regions, page by page. It is on another host than the models themselves, which the
//! operator configures apart.

use plugway_formats::json::Fields;
use plugway_formats::path::percent_encoded;
use plugway_sdk::chat::Failure;
use plugway_sdk::models::{Model, Models, Page};
use plugway_sdk::provider::{Endpoint, Framing, UpstreamRequest, UpstreamResponse};

use crate::Bedrock;

/// Profiles of one page: the most that the service gives.
const PAGE_SIZE: u32 = 1000;

/// The cursor of the first page of profiles; that of a later one has its token behind a
/// colon.
const PROFILES: &str = "inference-profiles";

impl Models for Bedrock {
    fn encode(cursor: Option<String>, _: Endpoint) -> Result<UpstreamRequest, Failure> {
        let path = match cursor {
            None => "/foundation-models".to_owned(),
            Some(cursor) => {
                let token = cursor.split_once(':').map(|(_, token)| percent_encoded(token));
                let token = token.map(|token| format!("&nextToken={token}")).unwrap_or_default();
                format!("/{PROFILES}?maxResults={PAGE_SIZE}{token}")
            }
        };
        Ok(UpstreamRequest {
            method: "GET".into(),
            path,
            headers: Vec::new(),
            body: Vec::new(),
            framing: Framing::Raw,
            memo: String::new(),
        })
    }

    fn decode(response: UpstreamResponse, _: String) -> Result<Page, Failure> {
        let page = std::str::from_utf8(&response.body).ok().and_then(Fields::read);
        page.and_then(|page| read(&page))
            .ok_or_else(|| Failure::unavailable("Bedrock sent a listing that cannot be read"))
    }
}

fn read(page: &Fields) -> Option<Page> {
    let list = |json| -> Option<Vec<Fields>> { serde_json::from_str(json).ok() };
    if let Some(json) = page.get("modelSummaries") {
        let models = list(json)?.iter().filter_map(|it| model(it, "modelId")).collect();
        return Some(Page { models, cursor: Some(PROFILES.into()) });
    }
    let profiles = list(page.get("inferenceProfileSummaries")?)?;
    let next = page.text("nextToken").filter(|token| !token.is_empty());
    Some(Page {
        models: profiles.iter().filter_map(|it| model(it, "inferenceProfileId")).collect(),
        cursor: next.map(|token| format!("{PROFILES}:{token}")),
    })
}

/// The service says nothing of limits.
fn model(fields: &Fields, id: &str) -> Option<Model> {
    Some(Model {
        id: fields.text(id)?,
        context_length: None,
        max_output_tokens: None,
        extra: fields.extra(&[id]),
    })
}
