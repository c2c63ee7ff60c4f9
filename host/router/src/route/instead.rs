//! Models that would serve a request which nothing serves that it names: others of the
//! same families, the newest first, whose endpoints could be used now. They are told, not
//! tried: to change the model is for the client to decide.

use super::pin::Pins;
use super::{Asked, eligible, resolve};
use crate::catalog::{Endpoint, Model};
use crate::error::Error;
use crate::{Router, Settings};
use std::sync::Arc;

/// Models that are looked at: their endpoints are judged as those of a decision are.
const MAX_JUDGED: usize = 16;

/// Models that are told.
const MAX_TOLD: usize = 3;

/// A model that a request names without a pin: whoever pins wants no other.
pub(super) struct Wanted {
    /// Its slug, or what the client wrote.
    pub(super) name: String,
    /// Nothing may be charged for it.
    pub(super) is_free: bool,
}

/// Slugs of models that could serve the request in place of those named; none where the
/// error is not about what can be had.
pub(super) fn instead(
    router: &Router,
    settings: &Settings,
    asked: &Asked<'_>,
    names: &[Wanted],
    error: &Error,
) -> Vec<String> {
    if error.availability().is_none() {
        return Vec::new();
    }
    let catalog = &settings.config.catalog;
    let mut kin: Vec<(Arc<Model>, bool)> = Vec::new();
    for wanted in names {
        for model in catalog.kin(&wanted.name) {
            let is_new = kin.iter().all(|(it, _)| it.slug != model.slug);
            if is_new && !asked.routing.models.contains(&model.slug) {
                kin.push((model.clone(), wanted.is_free));
            }
        }
    }
    kin.truncate(MAX_JUDGED);
    let endpoints = kin.iter().flat_map(|(model, is_free)| {
        let admits = move |it: &&Arc<Endpoint>| !is_free || resolve::is_free(it);
        model.endpoints.iter().filter(admits).cloned()
    });
    let endpoints = endpoints.collect();
    let ceiling = &settings.config.routing.ceiling;
    let eligible = eligible::list(router, ceiling, endpoints, asked, &Pins::default());
    if eligible.is_last_resort {
        return Vec::new();
    }
    let sound = || eligible.endpoints.iter().filter(|it| it.tripped.is_none());
    let serves = |slug: &str| sound().any(|it| it.endpoint.model_slug == slug);
    let slugs = kin.iter().map(|(model, _)| &model.slug).filter(|slug| serves(slug));
    slugs.take(MAX_TOLD).cloned().collect()
}
