//! What an answer consumed and cost, settled once: at its end, or when the
//! client leaves before it.

use super::live::Live;
use super::tariff::Tariff;
use crate::Router;
use crate::error::Error;
use crate::record::{Record, Tokens};
use crate::route::{Conversation, InFlight};
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
    tariff: Tariff,
    began: Instant,
    in_flight: Option<InFlight>,
    prompt_bytes: usize,
    /// What stays where its prompt cache is.
    conversation: Option<(Arc<Router>, Conversation)>,
    settled: bool,
}

impl Settlement {
    /// Opens the account of the answer that `live` yields.
    pub(super) fn new(record: Record, live: &mut Live, prompt_bytes: usize) -> Self {
        let in_flight = live.in_flight.take();
        let tariff = Tariff::new(live.settings().clone(), live.endpoint().clone());
        Self {
            record,
            tally: Tally::default(),
            tariff,
            began: live.began(),
            in_flight,
            prompt_bytes,
            conversation: None,
            settled: false,
        }
    }

    /// The same, of an answer that the conversation goes on with.
    pub(super) fn warming(
        mut self,
        router: Arc<Router>,
        conversation: Option<Conversation>,
    ) -> Self {
        self.conversation = conversation.map(|it| (router, it));
        self
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
        if outcome == "ok"
            && let Some((router, conversation)) = &self.conversation
        {
            let cached = bill.usage.cache_read_tokens.saturating_add(bill.usage.cache_write_tokens);
            let routing = &self.tariff.settings().config.routing;
            conversation.answered(router, routing, self.tariff.endpoint(), cached);
        }
        let tokens = Tokens {
            prompt: bill.usage.prompt_tokens,
            completion: bill.usage.completion_tokens,
            estimated,
        };
        self.record.consumed(tokens, bill.cost);
        let endpoint = self.tariff.endpoint();
        self.record.endpoint.clone_from(&endpoint.id);
        self.record.attempt(
            &endpoint.provider.name,
            &endpoint.id,
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
        self.tariff.bill(usage.clone(), records)
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
