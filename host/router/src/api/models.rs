//! What can be asked for: OpenRouter's listing, with the fields that OpenAI's
//! clients look for beside it. Prices are strings, in US dollars per token.

use super::{Body, respond};
use crate::Router;
use crate::catalog::{Catalog, Endpoint, Model, Price, Resolution};
use crate::error::{Code, Error};
use http::{Response, StatusCode};
use serde_json::{Value, json};

/// `GET /v1/models`.
pub(super) fn list(catalog: &Catalog) -> Response<Body> {
    let models = catalog.models.values();
    let data: Vec<Value> = models.map(|model| describe(model)).collect();
    let count = data.len();
    respond::json_text(
        StatusCode::OK,
        json!({"object": "list", "data": data, "total_count": count}).to_string(),
    )
}

/// `GET /v1/models/{author}/{slug}/endpoints`.
pub(super) fn endpoints(router: &Router, catalog: &Catalog, slug: &str) -> Response<Body> {
    let Resolution::Known(model) = catalog.resolve(slug) else {
        let error =
            Error::new(Code::ModelNotFound, format!("There is no model `{}` here.", shown(slug)));
        return respond::error(&error, None);
    };
    let offers: Vec<Value> = model.endpoints.iter().map(|it| offer(router, &model, it)).collect();
    let mut described = describe(&model);
    described["endpoints"] = Value::Array(offers);
    respond::json_text(StatusCode::OK, json!({"data": described}).to_string())
}

fn describe(model: &Model) -> Value {
    let first = model.endpoints.first();
    json!({
        "id": model.slug,
        "canonical_slug": model.slug,
        "object": "model",
        "owned_by": model.slug.split('/').next(),
        "name": model.name,
        "created": model.created,
        "description": model.description,
        "context_length": model.context_length,
        "architecture": {
            "modality": format!(
                "{}->{}",
                model.input_modalities.join("+"),
                model.output_modalities.join("+"),
            ),
            "input_modalities": model.input_modalities,
            "output_modalities": model.output_modalities,
        },
        "pricing": pricing(first.and_then(|it| it.price.as_ref())),
        "top_provider": {
            "context_length": first.and_then(|it| it.context_length),
            "max_completion_tokens": first.and_then(|it| it.max_output_tokens),
            "is_moderated": false,
        },
        "per_request_limits": null,
        "supported_parameters": model.supported_parameters,
    })
}

fn offer(router: &Router, model: &Model, endpoint: &Endpoint) -> Value {
    let health = router.health.reading(&endpoint.id);
    let percent = |share: Option<f64>| share.map(|share| share * 100.0);
    json!({
        "name": format!("{} | {}", endpoint.provider.display_name, endpoint.upstream_model),
        "model_id": model.slug,
        "model_name": model.name,
        "provider_name": endpoint.provider.display_name,
        "tag": endpoint.provider.name,
        "context_length": endpoint.context_length,
        "max_completion_tokens": endpoint.max_output_tokens,
        "pricing": pricing(endpoint.price.as_ref()),
        "quantization": endpoint.quantization,
        "supported_parameters": endpoint.supported_parameters,
        "uptime_last_5m": percent(health.uptime_5m),
        "uptime_last_30s": percent(health.uptime_30s),
    })
}

/// Null where the price is unknown: that is not the same as free.
fn pricing(price: Option<&Price>) -> Value {
    let Some(price) = price else { return Value::Null };
    let mut fields = json!({
        "prompt": dollars(price.prompt),
        "completion": dollars(price.completion),
        "request": dollars(price.request),
    });
    if let Some(read) = price.cache_read {
        fields["input_cache_read"] = dollars(read).into();
    }
    if let Some(write) = price.cache_write {
        fields["input_cache_write"] = dollars(write).into();
    }
    fields
}

/// Picodollars as exact decimal dollars, without trailing zeros.
fn dollars(picodollars: u64) -> String {
    const ONE: u64 = 1_000_000_000_000;
    let (whole, rest) = (picodollars / ONE, picodollars % ONE);
    if rest == 0 {
        return whole.to_string();
    }
    format!("{whole}.{}", format!("{rest:012}").trim_end_matches('0'))
}

/// A name from the client, fit to be shown.
fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(128).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_exact() {
        for (picodollars, text) in [
            (0, "0"),
            (1, "0.000000000001"),
            (2_500_000, "0.0000025"),
            (10_000_000_000, "0.01"),
            (3_000_000_000_000, "3"),
        ] {
            assert_eq!(dollars(picodollars), text);
        }
    }
}
