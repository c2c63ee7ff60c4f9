//! Who serves here, in the shape of OpenRouter's listing.

use super::{Body, respond};
use crate::catalog::{Catalog, Provider};
use http::{Response, StatusCode};
use serde_json::{Value, json};

/// `GET /v1/providers`.
pub(super) fn list(catalog: &Catalog) -> Response<Body> {
    let data: Vec<Value> = catalog.providers.values().map(|it| describe(it)).collect();
    respond::json_text(StatusCode::OK, json!({"data": data}).to_string())
}

fn describe(provider: &Provider) -> Value {
    let facts = &provider.facts;
    json!({
        "name": provider.display_name,
        "slug": provider.name,
        "privacy_policy_url": facts.privacy_policy_url,
        "terms_of_service_url": facts.terms_of_service_url,
        "status_page_url": facts.status_page_url,
        "headquarters": facts.headquarters,
        "datacenters": null,
    })
}
