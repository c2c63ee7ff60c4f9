//! How much the operator lets endpoints and providers be asked for. Who is at its limit is
//! left out of an attempt; nobody waits. Counted in memory, whatever the configuration
//! becomes.

use crate::catalog::{Catalog, Endpoint, Provider};
use plugway_accounts::{Limited, Limits, Pass, RateSettings, enter};
use plugway_routing::Clock;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

/// What was used of all limits. One per router, shared by all requests.
pub struct Rates {
    clock: Clock,
    /// What is configured now; written by a reload alone.
    known: RwLock<HashMap<Whose, Arc<Limits>>>,
}

/// Whose limits they are, by id or name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Whose {
    Endpoint(String),
    Provider(String),
}

impl Rates {
    /// Those of a catalogue, of which nothing was used yet.
    pub(crate) fn new(catalog: &Catalog, clock: Clock) -> Self {
        let rates = Self { clock, known: RwLock::default() };
        rates.keep(catalog);
        rates
    }

    /// These limits hold from now on, also for requests that began under others. What was used
    /// of them counts.
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
        for (whose, rates) in rates {
            if rates != RateSettings::default() && !known.contains_key(&whose) {
                let limits = Limits::new(whose.to_string(), rates, self.clock.clone());
                known.insert(whose, Arc::new(limits));
            }
        }
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

    /// Counts in what is passed on to a provider unread: a request, and of tokens none that
    /// anybody knows.
    ///
    /// # Errors
    /// When the provider is at a limit; then it was not counted.
    pub(crate) fn enter_provider(&self, provider: &Provider) -> Result<Option<Pass>, Box<Limited>> {
        let limits = self.limits(provider.rates, || Whose::Provider(provider.name.clone()));
        limits.map(|limits| limits.try_enter(0).map_err(Box::new)).transpose()
    }

    /// None where nothing is limited, or the configuration knows it no longer.
    fn limits(&self, rates: RateSettings, whose: impl Fn() -> Whose) -> Option<Arc<Limits>> {
        if rates == RateSettings::default() {
            return None;
        }
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&whose()).cloned()
    }
}

/// As refusals call them.
impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Endpoint(id) => write!(f, "the endpoint `{id}`"),
            Self::Provider(name) => write!(f, "the provider `{name}`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load_str;

    fn catalog(limit: &str) -> Arc<Catalog> {
        let toml = format!("[providers.x]\nbase_url = 'http://localhost'\n{limit}");
        load_str("", &toml, &|_| None).unwrap().catalog.clone()
    }

    #[test]
    fn a_request_of_before_a_reload_brings_no_limits_of_before_back() {
        let (before, after) =
            (catalog("requests_per_minute = 1"), catalog("requests_per_minute = 2"));
        let rates = Rates::new(&catalog(""), Clock::stopped(std::time::Duration::ZERO));
        rates.keep(&after);
        let enter = |catalog: &Catalog| rates.enter_provider(&catalog.providers["x"]);
        let passes = [enter(&before).unwrap(), enter(&after).unwrap()];
        assert!(passes.iter().all(Option::is_some));
        assert_eq!(enter(&after).unwrap_err().standing.limit, 2);
        rates.keep(&catalog(""));
        assert!(enter(&after).unwrap().is_some(), "what is limited no longer refuses still");
        assert!(enter(&catalog("")).unwrap().is_none());
    }
}
