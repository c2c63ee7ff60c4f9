//! Offers for tests.

use crate::catalog::{Endpoint, Provider, ProviderFacts};
use plugway_accounts::RateSettings;
use plugway_engine::AuthScheme;
use std::sync::Arc;

/// An offer of which nothing is known.
pub(crate) fn offer(provider: &str, display_name: &str, model: &str) -> Endpoint {
    let provider = Arc::new(Provider {
        name: provider.to_owned(),
        display_name: display_name.to_owned(),
        adapter: "any".to_owned(),
        base_url: http::Uri::from_static("https://example.com"),
        models_url: None,
        auth: AuthScheme::None,
        credentials: Vec::new(),
        options: Vec::new(),
        tags: Vec::new(),
        headers: Vec::new(),
        relay: Vec::new(),
        rates: RateSettings::default(),
        facts: ProviderFacts::default(),
    });
    Endpoint { model_slug: model.to_owned(), ..Endpoint::passthrough(&provider, "m") }
}
