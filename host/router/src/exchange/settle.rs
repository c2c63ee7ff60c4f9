//! What an answer consumed and cost, settled once: at its end, or when the
//! client leaves before it.

use super::live::Live;
use crate::Settings;
use crate::catalog::{Consumption, Price, Resolution, cost};
use crate::error::Error;
use crate::record::{Record, Tokens};
use crate::route::InFlight;
use plugway_engine::chat::{Event, Usage};
use plugway_wire::Bill;
use plugway_wire::answer::Tally;
use std::sync::Arc;
use std::time::Instant;

/// Letters of a provider's own word for the end that are logged. It is the
/// provider's to choose, and could be anything.
const MAX_FINISH_LETTERS: usize = 64;

/// The open account of one answer. Dropping it settles what was delivered.
pub(super) struct Settlement {
    record: Record,
    tally: Tally,
    settings: Arc<Settings>,
    price: Option<Price>,
    provider: String,
    endpoint: String,
    began: Instant,
    in_flight: Option<InFlight>,
    prompt_bytes: usize,
    settled: bool,
}

impl Settlement {
    /// Opens the account of the answer that `live` yields.
    pub(super) fn new(record: Record, live: &mut Live, prompt_bytes: usize) -> Self {
        let in_flight = live.in_flight.take();
        let settings = live.settings().clone();
        let endpoint = live.endpoint();
        Self {
            record,
            tally: Tally::default(),
            settings,
            price: endpoint.price.clone(),
            provider: endpoint.provider.name.clone(),
            endpoint: endpoint.id.clone(),
            began: live.began(),
            in_flight,
            prompt_bytes,
            settled: false,
        }
    }

    /// Takes note of what is about to be delivered.
    pub(super) fn observe(&mut self, event: &Event) {
        self.tally.observe(event);
    }

    /// The request's record.
    pub(super) fn record(&mut self) -> &mut Record {
        &mut self.record
    }

    /// Closes the account: the answer ended, well or with `failure`.
    pub(super) fn close(&mut self, failure: Option<&Error>) -> Bill {
        if let Some(error) = failure {
            self.record.failed(error);
        } else {
            let native = self.tally.native_finish.iter().flat_map(|word| word.chars());
            let native = native.filter(char::is_ascii_graphic).take(MAX_FINISH_LETTERS);
            let native: String = native.collect();
            self.record.finished(if native.is_empty() { "complete" } else { &native });
        }
        match failure {
            Some(error) => self.settle(error.code.name(), failure),
            None => self.settle("ok", None),
        }
    }

    fn settle(&mut self, outcome: &'static str, failure: Option<&Error>) -> Bill {
        self.settled = true;
        let (usage, estimated) = self.usage();
        let bill = self.bill(usage);
        let tokens = Tokens {
            prompt: bill.usage.prompt_tokens,
            completion: bill.usage.completion_tokens,
            estimated,
        };
        self.record.consumed(tokens, bill.cost);
        self.record.endpoint.clone_from(&self.endpoint);
        self.record.attempt(
            &self.provider,
            &self.endpoint,
            outcome,
            self.began,
            (!estimated).then_some(&bill.usage),
        );
        if let Some(in_flight) = self.in_flight.take() {
            in_flight.ended(failure);
        }
        bill
    }

    fn bill(&self, usage: Usage) -> Bill {
        // A stream that was cut may have left models out: the sum is all there is.
        let records = match self.tally.finished > 0 && self.tally.usage.len() > 1 {
            true => self.tally.usage.as_slice(),
            false => std::slice::from_ref(&usage),
        };
        let all = self.cost(records, |used| used);
        let prompt = self.cost(records, |used| Consumption { completion: 0, ..used });
        Bill {
            // Where the provider itself names a price, that is what it bills.
            cost: usage.cost.or(all),
            upstream_cost: usage.cost.or(all),
            prompt_cost: prompt,
            completion_cost: all.zip(prompt).map(|(all, prompt)| all.saturating_sub(prompt)),
            own_key: false,
            usage,
        }
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
                None => cost(self.price.as_ref()?, part(used)),
                Some(model) => cost(&self.price_of(model)?, part(used)),
            };
            Some(sum.saturating_add(billed))
        })
    }

    /// Of a further model that the provider consulted.
    fn price_of(&self, model: &str) -> Option<Price> {
        let id = format!("{}/{model}", self.provider);
        let Resolution::Known(model) = self.settings.config.catalog.resolve(&id) else {
            return None;
        };
        model.endpoints.iter().find(|endpoint| endpoint.id == id)?.price.clone()
    }

    /// What was used, and whether that is an estimate. A count that came before the
    /// end is one of the beginning, and the rest of what was delivered is on top.
    fn usage(&self) -> (Usage, bool) {
        let delivered = self.tally.approx_completion_tokens();
        match self.tally.total_usage() {
            // A count of nothing, of an answer that says something, is none.
            Some(usage)
                if self.tally.finished > 0 && usage.completion_tokens >= delivered.min(1) =>
            {
                (usage, false)
            }
            Some(usage) => {
                let completion_tokens = usage.completion_tokens.max(delivered);
                let prompt_tokens = match usage.prompt_tokens {
                    0 => self.estimate().prompt_tokens,
                    counted => counted,
                };
                (Usage { prompt_tokens, completion_tokens, cost: None, ..usage }, true)
            }
            None => (self.estimate(), true),
        }
    }

    /// For a provider that counts nothing.
    fn estimate(&self) -> Usage {
        Usage {
            model: None,
            prompt_tokens: (self.prompt_bytes / 4).max(1) as u64,
            completion_tokens: self.tally.approx_completion_tokens(),
            cache_read_tokens: 0,
            cache_write_tokens: 0,
            reasoning_tokens: 0,
            meters: Vec::new(),
            cost: None,
        }
    }
}

impl Drop for Settlement {
    fn drop(&mut self) {
        if !self.settled {
            // What the client did not wait for says nothing about the endpoint.
            drop(self.in_flight.take());
            self.settle("cancelled", None);
        }
    }
}
