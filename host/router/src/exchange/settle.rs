//! What an answer consumed and cost, settled once: at its end, or when the
//! client leaves before it.

use super::failover;
use super::live::Live;
use super::tariff::{self, Tariff};
use crate::Router;
use crate::error::{Code, Error};
use crate::record::{Ending, Record, Tokens};
use crate::route::{Conversation, InFlight};
use plugway_accounts::Pass;
use plugway_engine::chat::{Event, FinishReason, Usage};
use plugway_wire::Bill;
use plugway_wire::answer::{Calls, Tally};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How often the ledger is told how far an answer is that takes long. What a process that
/// dies has delivered since is not accounted.
const TELLING_INTERVAL: Duration = Duration::from_secs(2);

/// Letters of a provider's own word for the end that are logged. It is the
/// provider's to choose, and could be anything.
const MAX_FINISH_LETTERS: usize = 64;

/// How an answer came, as far as that says how fast its endpoint is.
#[derive(Clone, Copy)]
enum Pace {
    /// Bit by bit: when the first content was there.
    Streamed(Instant),
    /// In one piece, after so long. When its first token was written nobody knows.
    Whole(Duration),
}

/// The open account of one answer. Dropping it settles what was delivered.
pub(super) struct Settlement {
    record: Record,
    tally: Tally,
    calls: Calls,
    tariff: Tariff,
    pace: Pace,
    /// The attempt's number in the record.
    number: usize,
    in_flight: Option<InFlight>,
    /// Its place under the endpoint's limits.
    place: Option<Pass>,
    /// As the decision estimated them.
    prompt_tokens: u32,
    /// What stays where its prompt cache is.
    conversation: Option<(Arc<Router>, Conversation)>,
    /// Its provider stopped within what was delivered.
    is_cut: bool,
    /// When the ledger was last told how far it is.
    told: Instant,
    settled: bool,
}

impl Settlement {
    /// Opens the account of the answer that `live` yields, whose first content is here.
    /// `calls` judges its tool calls.
    pub(super) fn new(record: Record, live: &mut Live, calls: Calls, prompt_tokens: u32) -> Self {
        let in_flight = live.in_flight.take();
        let so_far = live.began().elapsed();
        let pace = match live.is_streamed() {
            true => Pace::Streamed(Instant::now()),
            false => Pace::Whole(so_far),
        };
        if let (Some(in_flight), Pace::Streamed(_)) = (&in_flight, pace) {
            in_flight.first_token(so_far);
        }
        let (endpoint, credential) = (live.endpoint().clone(), live.credential().clone());
        let tariff = Tariff::new(live.settings().clone(), endpoint, credential);
        Self {
            record,
            tally: Tally::default(),
            calls,
            tariff,
            pace,
            number: live.number,
            in_flight,
            place: live.place.take(),
            prompt_tokens,
            conversation: None,
            is_cut: false,
            told: Instant::now(),
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
        self.calls.observe(event);
        if self.told.elapsed() >= TELLING_INTERVAL {
            self.told = Instant::now();
            self.tell();
        }
    }

    /// Has the ledger know what was delivered so far, should the process die.
    fn tell(&self) {
        let presumed = tariff::presumed(self.prompt_tokens, 0);
        let presumed = self.tariff.bill(presumed.clone(), std::slice::from_ref(&presumed));
        let (usage, _) = self.usage();
        self.record.goes_on(&self.tariff, &presumed, &self.bill(usage));
    }

    /// The request's record.
    pub(super) fn record(&mut self) -> &mut Record {
        &mut self.record
    }

    /// What ends now was delivered as far as its provider went, which stopped within it
    /// and did not say why.
    pub(super) fn cut(&mut self) {
        self.is_cut = true;
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
        if let Some(mut place) = self.place.take() {
            place.used(failover::total(&usage));
        }
        let mut bill = self.bill(usage);
        // What the client did not wait for may have come to something.
        if outcome != "cancelled" && self.is_insured(&bill, failure) {
            self.record.insured();
            bill.cost = bill.cost.map(|_| 0);
        }
        if outcome == "ok" && self.tally.finish_reason != Some(FinishReason::Error) {
            self.keep_warm(&bill);
        }
        let tokens = Tokens {
            prompt: bill.usage.prompt_tokens,
            completion: bill.usage.completion_tokens,
            estimated,
        };
        self.record.consumed(tokens, bill.cost);
        self.record.billed(&bill, &self.tariff);
        self.record.described(&self.tally);
        let endpoint = self.tariff.endpoint();
        self.record.endpoint.clone_from(&endpoint.id);
        self.tariff.credential_name().clone_into(&mut self.record.credential);
        let ending = Ending {
            outcome,
            usage: Some(&bill.usage),
            is_estimated: estimated,
            upstream_cost: bill.upstream_cost,
        };
        self.record.attempt(self.number, ending);
        bill.metadata = self.record.metadata();
        if let Some(in_flight) = self.in_flight.take() {
            if failure.is_none() {
                self.report(&in_flight, (!estimated).then_some(&bill.usage));
            }
            match failure {
                None if self.tally.finish_reason == Some(FinishReason::Error) => {
                    in_flight.ended_in_error();
                }
                _ => in_flight.ended(failure),
            }
        }
        bill
    }

    /// The conversation stays where it was answered, if its prompt is in a cache there.
    fn keep_warm(&self, bill: &Bill) {
        let Some((router, conversation)) = &self.conversation else { return };
        let cached = bill.usage.cache_read_tokens.saturating_add(bill.usage.cache_write_tokens);
        let routing = &self.tariff.settings().config.routing;
        conversation.answered(router, routing, self.tariff.endpoint(), cached);
    }

    /// Tells how good an answer was that has ended well, by what its provider counted.
    fn report(&self, in_flight: &InFlight, counted: Option<&Usage>) {
        if let Some(verdict) = self.calls.judge() {
            in_flight.called_tools(verdict.is_ok());
        }
        let Some(usage) = counted else { return };
        match self.pace {
            Pace::Streamed(first_content) => {
                // Reasoning that was not shown came before the first content.
                let is_shown = self.tally.reasoning_bytes > 0;
                let unseen = if is_shown { 0 } else { usage.reasoning_tokens };
                let after_the_first = usage.completion_tokens.saturating_sub(unseen.max(1));
                in_flight.wrote(after_the_first, first_content.elapsed());
            }
            Pace::Whole(time) => in_flight.wrote_whole(usage.completion_tokens, time),
        }
    }

    /// Whether the answer came to nothing, so that nobody is billed for it: nothing was
    /// written and no reason given for that, or it ended in an error. What was delivered
    /// of one that its provider cut, or that the client had no more time for, is billed.
    fn is_insured(&self, bill: &Bill, failure: Option<&Error>) -> bool {
        let is_empty = bill.usage.completion_tokens == 0 && self.tally.media == 0;
        let says_nothing = is_empty && self.tally.finished == 0;
        let is_error = self.tally.finish_reason == Some(FinishReason::Error)
            || (self.is_cut && !self.says_something())
            || failure.is_some_and(|error| !self.is_cut && error.code != Code::OutOfTime);
        says_nothing || is_error
    }

    /// Whether more than reasoning was delivered, which not every client is shown.
    fn says_something(&self) -> bool {
        self.tally.text_bytes > 0 || self.tally.tool_bytes > 0 || self.tally.media > 0
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
        tariff::presumed(self.prompt_tokens, self.tally.approx_completion_tokens())
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
