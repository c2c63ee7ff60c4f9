//! How much the operator lets endpoints and providers be asked for. Who is at its limit is
//! left out of an attempt; nobody waits. Counted in memory, whatever the configuration
//! becomes.

use crate::catalog::{Catalog, Endpoint};
use plugway_accounts::{Limited, Limits, Pass, RateSettings, enter};
use plugway_routing::Clock;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// What was used of all limits. One per router, shared by all requests.
pub struct Rates {
    clock: Clock,
    /// Never more than are configured, and what requests still use that began before the
    /// last reload.
    known: RwLock<HashMap<Whose, Arc<Limits>>>,
}

/// Whose limits they are, by id or name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Whose {
    Endpoint(String),
    Provider(String),
}

impl Rates {
    /// Of which nothing was used yet.
    pub fn new(clock: Clock) -> Self {
        Self { clock, known: RwLock::default() }
    }

    /// Other limits hold from now on. What was used of them counts.
    pub(crate) fn keep(&self, catalog: &Catalog) {
        let endpoints = catalog.models.values().flat_map(|model| &model.endpoints);
        let endpoints = endpoints.map(|it| (Whose::Endpoint(it.id.clone()), it.rates));
        let providers = catalog.providers.values();
        let providers = providers.map(|it| (Whose::Provider(it.name.clone()), it.rates));
        let rates: HashMap<_, _> = endpoints.chain(providers).collect();
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.retain(|whose, limits| match rates.get(whose) {
            Some(rates) => {
                limits.change(*rates);
                true
            }
            None => false,
        });
    }

    /// Counts an attempt in, whose prompt holds about so many tokens; none where nothing is
    /// limited.
    ///
    /// # Errors
    /// When the endpoint or its provider is at a limit; then it was not counted.
    pub(crate) fn enter(
        &self,
        endpoint: &Endpoint,
        tokens: u64,
    ) -> Result<Option<Pass>, Box<Limited>> {
        let provider = &endpoint.provider;
        let of_endpoint = self.limits(endpoint.rates, || Whose::Endpoint(endpoint.id.clone()));
        let of_provider = self.limits(provider.rates, || Whose::Provider(provider.name.clone()));
        let all: Vec<_> = of_endpoint.into_iter().chain(of_provider).collect();
        match all.is_empty() {
            true => Ok(None),
            false => enter(&all, tokens).map(Some).map_err(Box::new),
        }
    }

    fn limits(&self, rates: RateSettings, whose: impl Fn() -> Whose) -> Option<Arc<Limits>> {
        if rates == RateSettings::default() {
            return None;
        }
        let whose = whose();
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(limits) = known.get(&whose) {
            return Some(limits.clone());
        }
        drop(known);
        let name = match &whose {
            Whose::Endpoint(id) => format!("the endpoint `{id}`"),
            Whose::Provider(name) => format!("the provider `{name}`"),
        };
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Limits::new(name, rates, self.clock.clone()));
        Some(known.entry(whose).or_insert_with(new).clone())
    }
}
