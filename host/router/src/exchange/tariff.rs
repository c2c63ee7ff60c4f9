//! What an endpoint's answers cost, in whole picodollars.

use crate::Settings;
use crate::catalog::{Consumption, Credential, Endpoint, Price, Resolution, cost};
use plugway_accounts::money::with_markup;
use plugway_engine::chat::Usage;
use plugway_wire::Bill;
use std::sync::Arc;

/// Picodollars that a row has room for. What a provider charges beyond is nonsense.
const MAX_COST: u64 = i64::MAX.cast_unsigned();

/// What is taken to be consumed where a provider counts nothing; of the prompt that is
/// what the decision took it for.
pub(super) fn presumed(prompt_tokens: u32, completion_tokens: u64) -> Usage {
    Usage {
        model: None,
        prompt_tokens: prompt_tokens.into(),
        completion_tokens,
        cache_read_tokens: 0,
        cache_write_tokens: 0,
        reasoning_tokens: 0,
        meters: Vec::new(),
        cost: None,
    }
}

/// The prices of one endpoint.
pub(crate) struct Tariff {
    settings: Arc<Settings>,
    endpoint: Arc<Endpoint>,
    /// What the endpoint's provider was called with.
    credential: Option<Arc<Credential>>,
}

impl Tariff {
    /// As configured when the request came.
    pub(super) fn new(
        settings: Arc<Settings>,
        endpoint: Arc<Endpoint>,
        credential: Option<Arc<Credential>>,
    ) -> Self {
        Self { settings, endpoint, credential }
    }

    /// Whose prices these are.
    pub(crate) fn endpoint(&self) -> &Arc<Endpoint> {
        &self.endpoint
    }

    /// What held when the request came.
    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What its provider was called with; none where that wants nothing.
    pub(crate) fn credential(&self) -> Option<&Credential> {
        self.credential.as_deref()
    }

    /// The name of that; empty where there is none.
    pub(super) fn credential_name(&self) -> &str {
        self.credential().map_or("", |credential| &credential.name)
    }

    /// The bill for `usage`, which is the sum of the records.
    pub(super) fn bill(&self, usage: Usage, records: &[Usage]) -> Bill {
        let all = self.cost(records, |used| used);
        let prompt = self.cost(records, |used| Consumption { completion: 0, ..used });
        // Where the provider itself names a price, that is what it bills.
        let upstream_cost = usage.cost.or(all).map(|cost| cost.min(MAX_COST));
        let own_key = self.credential.as_deref().is_some_and(|credential| credential.own);
        // No budget was asked for what the operator gives away.
        let is_given =
            all == Some(0) && self.endpoint.price.as_ref().is_some_and(Price::is_nothing);
        let markup = self.settings.config.ledger.markup_ppm;
        let cost = upstream_cost.map(|cost| with_markup(cost, markup).min(MAX_COST));
        Bill {
            cost: if own_key || is_given { Some(0) } else { cost },
            upstream_cost,
            prompt_cost: prompt,
            completion_cost: all.zip(prompt).map(|(all, prompt)| all.saturating_sub(prompt)),
            own_key,
            metadata: None,
            usage,
        }
    }

    /// What the provider's cache saved, by the catalogue's price; less than nothing where
    /// writing to it cost more than reading from it saved.
    pub(crate) fn cache_discount(&self, usage: &Usage) -> Option<i64> {
        if usage.cache_read_tokens == 0 && usage.cache_write_tokens == 0 {
            return None;
        }
        let records = std::slice::from_ref(usage);
        let with = self.cost(records, |used| used)?;
        let without =
            self.cost(records, |used| Consumption { cache_read: 0, cache_write: 0, ..used })?;
        i64::try_from(i128::from(without) - i128::from(with)).ok()
    }

    /// What these records cost, each at the price of its own model; none where one of
    /// the prices is unknown.
    fn cost(
        &self,
        records: &[Usage],
        part: impl Fn(Consumption<'_>) -> Consumption<'_>,
    ) -> Option<u64> {
        records.iter().try_fold(0_u64, |sum, usage| {
            let used = Consumption {
                prompt: usage.prompt_tokens,
                completion: usage.completion_tokens,
                cache_read: usage.cache_read_tokens,
                cache_write: usage.cache_write_tokens,
                reasoning: usage.reasoning_tokens,
                meters: &usage.meters,
            };
            let billed = match &usage.model {
                None => cost(self.endpoint.price.as_ref()?, part(used)),
                Some(model) => cost(&self.price_of(model)?, part(used)),
            };
            Some(sum.saturating_add(billed))
        })
    }

    /// Of a further model that the provider consulted.
    fn price_of(&self, model: &str) -> Option<Price> {
        let id = format!("{}/{model}", self.endpoint.provider.name);
        let Resolution::Known(model) = self.settings.config.catalog.resolve(&id) else {
            return None;
        };
        model.endpoints.iter().find(|endpoint| endpoint.id == id)?.price.clone()
    }
}
