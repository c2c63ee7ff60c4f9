//! What can be asked for: OpenRouter's listing, with the fields that OpenAI's
//! clients look for beside it. Prices are strings, in US dollars per token or piece.

use super::{Body, respond};
use crate::Router;
use crate::catalog::{Catalog, Endpoint, Model, Price, PriceTier};
use crate::error::{Code, Error};
use crate::route::{self, SnapshotPolicy};
use http::{Response, StatusCode};
use plugway_routing::health::{Percentiles, Reading};
use plugway_wire::Dialect;
use plugway_wire::gemini::{self, Listed};
use serde_json::{Value, json};
use std::sync::Arc;

/// What a model writes that makes vectors.
const EMBEDDINGS: &str = "embeddings";

/// `GET /v1/models`.
pub(super) fn list(catalog: &Catalog) -> Response<Body> {
    let models = catalog.models.values().map(|model| describe(model));
    let aliases = aliases(catalog).map(|(name, model)| {
        let mut described = describe(&model);
        described["id"] = name.into();
        described["alias_target"] = json!({"name": model.name, "slug": model.slug});
        described
    });
    listed(models.chain(aliases).collect())
}

/// Names that stand for a model: the operator's, and those of families' newest.
pub(super) fn aliases(catalog: &Catalog) -> impl Iterator<Item = (String, Arc<Model>)> {
    let own = catalog.aliases.iter();
    let own = own.filter_map(|(name, target)| Some((name.clone(), known(catalog, target)?)));
    let families = catalog.families().map(|(name, model)| (name, Arc::clone(model)));
    own.chain(families.filter(|(name, _)| !catalog.aliases.contains_key(name)))
}

/// The model that a name or an alias stands for.
pub(super) fn known(catalog: &Catalog, name: &str) -> Option<Arc<Model>> {
    let target = catalog.aliases.get(name).map_or(name, String::as_str);
    route::model(catalog, target)
}

/// `GET /v1/embeddings/models`: those that write vectors, by the catalogue's word.
pub(super) fn embedding(catalog: &Catalog) -> Response<Body> {
    let embeds = |model: &Model| model.output_modalities.iter().any(|it| it == EMBEDDINGS);
    let models = catalog.models.values().filter(|model| embeds(model));
    listed(models.map(|model| describe(model)).collect())
}

fn listed(data: Vec<Value>) -> Response<Body> {
    let count = data.len();
    respond::json_text(
        StatusCode::OK,
        json!({
            "object": "list",
            "data": data,
            "total_count": count,
            "links": {"next": null},
        })
        .to_string(),
    )
}

/// `GET /v1/models/{author}/{slug}/endpoints`.
pub(super) fn endpoints(router: &Router, catalog: &Catalog, slug: &str) -> Response<Body> {
    let Some(model) = known(catalog, slug) else {
        let error =
            Error::new(Code::NotFound, format!("There is no model `{}` here.", shown(slug)));
        return respond::error(&error, None);
    };
    let offers: Vec<Value> = model.endpoints.iter().map(|it| offer(router, &model, it)).collect();
    let mut described = describe(&model);
    described["endpoints"] = Value::Array(offers);
    respond::json_text(StatusCode::OK, json!({"data": described}).to_string())
}

/// `GET /v1beta/models`, and one of them by its name.
pub(super) fn cards(catalog: &Catalog, model: Option<&str>) -> Response<Body> {
    let Some(slug) = model else {
        let models = catalog.models.values().map(|model| card(model));
        return respond::json_text(StatusCode::OK, gemini::encode_models(models));
    };
    let Some(model) = known(catalog, slug) else {
        let message = format!("There is no model `{}` here.", shown(slug));
        let error = Error::new(Code::NotFound, message);
        return respond::error_in(Dialect::Gemini, &error, None);
    };
    respond::json_text(StatusCode::OK, gemini::encode_model(&card(&model)))
}

fn card(model: &Model) -> Listed<'_> {
    Listed {
        slug: &model.slug,
        name: &model.name,
        description: &model.description,
        context_length: model.context_length.map(u64::from),
        max_output_tokens: best(model).and_then(|it| it.max_output_tokens).map(u64::from),
    }
}

/// The offer that speaks for its model: the cheapest of those that have a price.
fn best(model: &Model) -> Option<&Endpoint> {
    let price = |it: &Endpoint| it.price.as_ref().map(|it| it.prompt.saturating_add(it.completion));
    let endpoints = model.endpoints.iter().map(AsRef::as_ref);
    endpoints.min_by_key(|it| price(it).map_or((1, 0), |price| (0, price)))
}

fn describe(model: &Model) -> Value {
    let best = best(model);
    let (inputs, outputs) = (or_text(&model.input_modalities), or_text(&model.output_modalities));
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
            "modality": format!("{}->{}", inputs.join("+"), outputs.join("+")),
            "input_modalities": inputs,
            "output_modalities": outputs,
            "tokenizer": "Other",
            "instruct_type": null,
        },
        "pricing": pricing(best.and_then(|it| it.price.as_ref())),
        "top_provider": {
            "context_length": best.and_then(|it| it.context_length),
            "max_completion_tokens": best.and_then(|it| it.max_output_tokens),
            "is_moderated": false,
        },
        "per_request_limits": null,
        "supported_parameters": model.supported_parameters,
        "default_parameters": null,
        "supported_voices": null,
        "knowledge_cutoff": null,
        "expiration_date": null,
        "hugging_face_id": null,
        "links": {"details": format!("/api/v1/models/{}/endpoints", model.slug)},
    })
}

/// Of what nobody knows, text may be taken for granted.
fn or_text(modalities: &[String]) -> Vec<&str> {
    match modalities {
        [] => vec!["text"],
        known => known.iter().map(String::as_str).collect(),
    }
}

fn offer(router: &Router, model: &Model, endpoint: &Endpoint) -> Value {
    let policy = SnapshotPolicy::from(&router.settings().config.routing);
    let figures = router.health.figures(&endpoint.id, policy);
    let health = &figures.now;
    // Shares are thousandths.
    let percent = |share: Option<f64>| share.map(|share| (share * 1000.0).round() / 10.0);
    let is_cached = |price: &Price| price.cache_read.is_some() && price.cache_write.is_none();
    json!({
        "name": format!("{} | {}", endpoint.provider.display_name, endpoint.upstream_model),
        "model_id": model.slug,
        "model_name": model.name,
        "provider_name": endpoint.provider.display_name,
        "tag": endpoint.provider.name,
        "context_length": endpoint.context_length.unwrap_or(0),
        "max_completion_tokens": endpoint.max_output_tokens,
        "max_prompt_tokens": null,
        "pricing": pricing(endpoint.price.as_ref()),
        "quantization": endpoint.quantization,
        "supported_parameters": endpoint.supported_parameters,
        "supports_implicit_caching": endpoint.price.as_ref().is_some_and(is_cached),
        "status": status(health),
        "uptime_last_30s": percent(health.uptime_30s),
        "uptime_last_5m": percent(health.uptime_5m),
        "uptime_last_30m": percent(health.uptime_30m),
        "uptime_last_1d": percent(figures.uptime_1d),
        // Milliseconds to the first token, and tokens per second after it.
        "latency_last_30m": figures.latency_30m.map(percentiles),
        "throughput_last_30m": figures.throughput_30m.map(percentiles),
    })
}

fn percentiles(it: Percentiles) -> Value {
    json!({"p50": it.p50, "p75": it.p75, "p90": it.p90, "p99": it.p99})
}

/// One of OpenRouter's numbers, whose meanings are nowhere published: 0 is as it should
/// be or not known, and the further below, the worse.
fn status(health: &Reading) -> i8 {
    /// Of attempts in the last half hour: from here on an endpoint is as it should be.
    const NORMAL: f64 = 0.95;
    /// Below this it is for emergencies.
    const DEGRADED: f64 = 0.8;
    match health.uptime_30m.unwrap_or(1.0) {
        _ if health.tripped => -10,
        NORMAL.. => 0,
        DEGRADED.. => -2,
        _ => -5,
    }
}

/// A price that is unknown is not the same as none.
const UNKNOWN: &str = "-1";

/// The keys under which OpenRouter shows what usage counts by name.
const METERS: [(&str, &str); 6] = [
    ("audio", "prompt-audio-tokens"),
    ("audio_output", "completion-audio-tokens"),
    ("image_token", "prompt-image-tokens"),
    ("image_output", "completion-image-tokens"),
    ("input_audio_cache", "cache-read-audio-tokens"),
    ("web_search", "web-searches"),
];

fn pricing(price: Option<&Price>) -> Value {
    let Some(price) = price else { return json!({"prompt": UNKNOWN, "completion": UNKNOWN}) };
    let mut fields = json!({
        "prompt": dollars(price.prompt),
        "completion": dollars(price.completion),
        "request": dollars(price.request),
    });
    let optional = [
        ("input_cache_read", price.cache_read),
        ("input_cache_write", price.cache_write),
        ("input_cache_write_1h", price.cache_write_1h),
        ("internal_reasoning", price.reasoning),
    ];
    add(&mut fields, optional);
    add(&mut fields, METERS.map(|(key, name)| (key, rate(&price.meters, name))));
    if !price.tiers.is_empty() {
        let overrides = price.tiers.iter().map(|tier| self::tier(price, tier));
        fields["overrides"] = Value::Array(overrides.collect());
    }
    fields
}

/// What holds for long prompts. A key that is absent here is inherited, so that what
/// a tier falls back to within itself is written out.
fn tier(price: &Price, tier: &PriceTier) -> Value {
    let mut fields = json!({
        "min_prompt_tokens": tier.above_prompt_tokens,
        "prompt": dollars(tier.prompt),
        "completion": dollars(tier.completion),
    });
    let write = tier.cache_write.unwrap_or(tier.prompt);
    let held = |base: Option<u64>, own: Option<u64>, rest: u64| match base {
        Some(_) => Some(own.unwrap_or(rest)),
        None => own,
    };
    let optional = [
        ("input_cache_read", held(price.cache_read, tier.cache_read, tier.prompt)),
        ("input_cache_write", held(price.cache_write, tier.cache_write, tier.prompt)),
        ("input_cache_write_1h", held(price.cache_write_1h, tier.cache_write_1h, write)),
        ("internal_reasoning", held(price.reasoning, tier.reasoning, tier.completion)),
    ];
    add(&mut fields, optional);
    add(&mut fields, METERS.map(|(key, name)| (key, rate(&tier.meters, name))));
    fields
}

fn add<const N: usize>(fields: &mut Value, rates: [(&str, Option<u64>); N]) {
    for (key, rate) in rates {
        if let Some(rate) = rate {
            fields[key] = dollars(rate).into();
        }
    }
}

fn rate(meters: &[(String, u64)], name: &str) -> Option<u64> {
    meters.iter().find(|(it, _)| it == name).map(|(_, rate)| *rate)
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

    #[test]
    fn prices_are_shown_by_the_names_of_the_listing() {
        let price = Price {
            prompt: 300_000,
            completion: 2_500_000,
            cache_read: Some(30_000),
            reasoning: Some(3_500_000),
            meters: vec![
                ("prompt-audio-tokens".into(), 1_000_000),
                ("web-searches".into(), 35_000_000_000),
                ("prompt-video-tokens".into(), 1),
            ],
            tiers: vec![PriceTier {
                above_prompt_tokens: 200_000,
                prompt: 600_000,
                completion: 3_000_000,
                ..PriceTier::default()
            }],
            ..Price::default()
        };
        let expected = json!({
            "prompt": "0.0000003",
            "completion": "0.0000025",
            "request": "0",
            "input_cache_read": "0.00000003",
            "internal_reasoning": "0.0000035",
            "audio": "0.000001",
            "web_search": "0.035",
            "overrides": [{
                "min_prompt_tokens": 200_000,
                "prompt": "0.0000006",
                "completion": "0.000003",
                "input_cache_read": "0.0000006",
                "internal_reasoning": "0.000003",
            }],
        });
        assert_eq!(pricing(Some(&price)), expected);
        assert_eq!(pricing(None), json!({"prompt": "-1", "completion": "-1"}));
    }
}
