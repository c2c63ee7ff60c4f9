//! The models that a service has, page by page.

use plugway_formats::json::Fields;
use plugway_sdk::chat::Failure;
use plugway_sdk::models::{Model, Page};
use plugway_sdk::provider::{Endpoint, Framing, UpstreamRequest, UpstreamResponse};
use serde_json::value::RawValue;

use crate::options::{Options, Platform};
use crate::path;

/// Fields of a model that the contract has.
const MODELLED: [&str; 3] = ["name", "inputTokenLimit", "outputTokenLimit"];

pub(crate) fn encode(
    cursor: Option<&str>,
    endpoint: &Endpoint,
) -> Result<UpstreamRequest, Failure> {
    let options = Options::of(endpoint)?;
    let size = match options.platform {
        Platform::AiStudio => 1000,
        Platform::Vertex => 100,
    };
    let mut path = format!("{}?pageSize={size}", path::models(&options));
    if let Some(cursor) = cursor {
        path.push_str("&pageToken=");
        path.push_str(&path::segment(cursor));
    }
    Ok(UpstreamRequest {
        method: "GET".into(),
        path,
        headers: Vec::new(),
        body: Vec::new(),
        framing: Framing::Raw,
        memo: String::new(),
    })
}

pub(crate) fn decode(response: &UpstreamResponse) -> Result<Page, Failure> {
    let unreadable = || Failure::unavailable("Google sent a list of models that cannot be read");
    let body = std::str::from_utf8(&response.body).ok().and_then(Fields::read);
    let body = body.ok_or_else(unreadable)?;
    let list = body.get("models").or_else(|| body.get("publisherModels"));
    let list: Vec<Box<RawValue>> = match list {
        Some(json) => serde_json::from_str(json).map_err(|_| unreadable())?,
        // A page, and the last one, may be empty; then it is an object all the same.
        None => Vec::new(),
    };
    Ok(Page {
        models: list.iter().filter_map(|json| model(&Fields::read(json.get())?)).collect(),
        cursor: body.text("nextPageToken").filter(|cursor| !cursor.is_empty()),
    })
}

/// A model under the name that requests call it by.
fn model(fields: &Fields) -> Option<Model> {
    let name = fields.text("name")?;
    let id = match name.rsplit_once("models/") {
        Some((before, id)) if before.is_empty() || before.starts_with("publishers/") => id,
        _ => &name,
    };
    let limit = |name| serde_json::from_str(fields.get(name)?).ok();
    Some(Model {
        id: id.to_owned(),
        context_length: limit("inputTokenLimit"),
        max_output_tokens: limit("outputTokenLimit"),
        extra: fields.extra(&MODELLED),
    })
}
