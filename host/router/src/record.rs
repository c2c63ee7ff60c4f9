//! What is remembered of one request: its access-log line and its metrics. The
//! line is written when the record is dropped, so it is written once, however
//! the request ends. It holds no content.

mod accounted;
mod attempt;
mod client;
mod handed_in;
mod id;
mod metadata;

pub use attempt::{Attempt, Ending, Trace};
pub use id::GenerationId;
pub(crate) use metadata::Routed;

use crate::Router;
use crate::account::Caller;
use crate::catalog::{Credential, Endpoint};
use crate::decisions::{Journal, Weighed};
use crate::error::{Code, Error};
use crate::exchange::Tariff;
use crate::ledger::Account;
use crate::route::{Decision, Step, Undecided};
use crate::telemetry::{
    AttemptLabels, CredentialAttemptLabels, Metrics, ProviderLabels, RequestLabels, TokenLabels,
};
use attempt::Attempts;
use client::Client;
use http::{HeaderMap, StatusCode};
use plugway_accounts::{Pass, Reservation};
use plugway_engine::chat;
use plugway_routing::walk::Kind;
use plugway_wire::Bill;
use plugway_wire::answer::Tally;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::OwnedSemaphorePermit;

/// Counts and logs a request that is no generation, such as a listing or one
/// that was refused at the door.
pub fn plain(metrics: &Metrics, route: &'static str, status: StatusCode, began: Instant) {
    let status = status.as_u16();
    metrics.requests.get_or_create(&RequestLabels { route, status }).inc();
    let duration_ms = began.elapsed().as_millis() as u64;
    tracing::info!(target: "plugway::access", route, status, duration_ms);
}

/// Tokens of the answer, and where their number comes from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tokens {
    /// All that was read.
    pub prompt: u64,
    /// All that was written.
    pub completion: u64,
    /// Counted by the router, because the provider did not.
    pub estimated: bool,
}

/// The record of one request. Owned by whoever carries the request on.
pub struct Record {
    metrics: Arc<Metrics>,
    /// Public id.
    pub id: GenerationId,
    started: Instant,
    route: &'static str,
    /// As the client wrote it.
    pub model: String,
    /// The client asked for a stream.
    pub streaming: bool,
    /// The client's name for the conversation.
    pub session: Option<String>,
    /// Media that came with it.
    pub media: u32,
    /// Strategy that decided, with its digest.
    pub strategy: String,
    /// The strategy's sentence.
    pub reason: String,
    /// Endpoint that served.
    pub endpoint: String,
    /// With which of the provider's credentials; empty where it wants none.
    pub credential: String,
    attempts: Attempts,
    /// What the client is told of the decision, if it wants to know.
    routed: Option<Box<Routed>>,
    /// The retry budget ended it.
    retry_refused: AtomicBool,
    /// An attempt was sent twice. Set from within one.
    resent: AtomicBool,
    first_content: Option<Duration>,
    tokens: Tokens,
    cost: Option<chat::Picodollars>,
    /// The answer came to nothing, and is not billed.
    is_insured: bool,
    finish: String,
    failure: Option<(Code, String)>,
    status: Option<StatusCode>,
    /// Where it is handed in at its end; none once it has been.
    journal: Option<Arc<Journal>>,
    /// Milliseconds since the Unix epoch.
    came_ms: u64,
    client: Client,
    weighed: Weighed,
    usage: Option<chat::Usage>,
    upstream_cost: Option<chat::Picodollars>,
    upstream_id: Option<String>,
    service_tier: Option<String>,
    finish_reason: Option<chat::FinishReason>,
    /// What it owes the ledger; none once that is settled.
    account: Option<Account>,
    /// Whose price holds.
    priced: Option<Arc<Endpoint>>,
    /// What the provider's cache saved.
    cache_discount: Option<i64>,
    /// What the operator adds, which is part of the cost.
    markup: Option<chat::Picodollars>,
    /// Who asked.
    caller: Option<Caller>,
    /// How it was let in.
    pass: Option<Pass>,
    /// What is set aside for it; none once that is settled.
    reservation: Option<Reservation>,
    /// The request's place among those under way.
    place: Option<OwnedSemaphorePermit>,
}

impl Record {
    /// Starts the clock.
    pub fn open(metrics: Arc<Metrics>, route: &'static str) -> Self {
        metrics.in_flight.inc();
        Self {
            metrics,
            id: GenerationId::random(),
            started: Instant::now(),
            route,
            model: String::new(),
            streaming: false,
            session: None,
            media: 0,
            strategy: String::new(),
            reason: String::new(),
            endpoint: String::new(),
            credential: String::new(),
            attempts: Attempts::default(),
            routed: None,
            retry_refused: AtomicBool::new(false),
            resent: AtomicBool::new(false),
            first_content: None,
            tokens: Tokens::default(),
            cost: None,
            is_insured: false,
            finish: String::new(),
            failure: None,
            status: None,
            journal: None,
            came_ms: 0,
            client: Client::default(),
            weighed: Weighed::Nothing,
            usage: None,
            upstream_cost: None,
            upstream_id: None,
            service_tier: None,
            finish_reason: None,
            account: None,
            priced: None,
            cache_discount: None,
            markup: None,
            caller: None,
            pass: None,
            reservation: None,
            place: None,
        }
    }

    /// Has it handed in at its end, with what these headers say of the client.
    pub(crate) fn keep_in(&mut self, router: &Router, headers: &HeaderMap) {
        self.journal = Some(router.journal.clone());
        self.came_ms = router.clock.unix_ms();
        self.client = Client::of(headers);
    }

    /// When the request came in.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// There is a plan.
    pub(crate) fn planned(&mut self, decision: &Arc<Decision>) {
        self.strategy.clone_from(&decision.strategy);
        self.reason.clone_from(&decision.reason);
        self.weighed = Weighed::Decided(decision.clone());
        self.decided(decision);
    }

    /// There is none.
    pub(crate) fn planless(&mut self, undecided: Box<Undecided>) {
        self.undecided(&undecided.error);
        self.weighed = Weighed::Undecided(undecided);
    }

    /// An attempt begins. If nobody says how it ends, it was cancelled. Its number, and
    /// where it notes what comes.
    pub fn attempting(&self, step: &Step, kind: Kind) -> (usize, Arc<Trace>) {
        self.attempts.begin(step, kind)
    }

    /// The attempt of that number ended. What one consumed that did not serve is told here
    /// and nowhere else: the client does not pay for it.
    pub fn attempt(&self, number: usize, ending: Ending<'_>) {
        let Some(attempt) = self.attempts.end(number, ending) else { return };
        let provider = &attempt.provider;
        let labels = AttemptLabels { provider: provider.clone(), outcome: attempt.outcome };
        self.metrics.attempts.get_or_create(&labels).inc();
        if !attempt.credential.is_empty() {
            let credential = Credential::label(&attempt.credential).to_owned();
            let (provider, outcome) = (provider.clone(), attempt.outcome);
            let labels = CredentialAttemptLabels { provider, credential, outcome };
            self.metrics.credential_attempts.get_or_create(&labels).inc();
        }
        if let Some(cost) = attempt.upstream_cost {
            self.metrics.upstream_cost.get_or_create(&labels).inc_by(cost);
        }
        // The metric is what providers count.
        let counted = attempt.tokens.filter(|_| !attempt.is_estimated);
        let (prompt, completion) = counted.unwrap_or_default();
        for (kind, count) in [("prompt", prompt), ("completion", completion)] {
            let labels = TokenLabels { provider: provider.clone(), kind };
            self.metrics.tokens.get_or_create(&labels).inc_by(count);
        }
    }

    /// There was another endpoint to try, but no room in the retry budget.
    pub fn retry_refused(&self) {
        self.retry_refused.store(true, Ordering::Relaxed);
        self.metrics.retries_refused.inc();
    }

    /// There was another endpoint to try beside slow ones, so often, but no room in the
    /// budget for that.
    pub fn hedges_refused(&self, times: u32) {
        self.metrics.hedges_refused.inc_by(times.into());
    }

    /// The attempt under way is sent once more: its provider had closed the connection.
    pub fn resent(&self, provider: &str) {
        self.resent.store(true, Ordering::Relaxed);
        let labels = ProviderLabels { provider: provider.to_owned() };
        self.metrics.requests_resent.get_or_create(&labels).inc();
    }

    /// The first content is on its way to the client.
    pub fn first_content(&mut self) {
        if self.first_content.is_none() {
            let elapsed = self.started.elapsed();
            self.metrics.first_token.observe(elapsed.as_secs_f64());
            self.first_content = Some(elapsed);
        }
    }

    /// What the answer consumed.
    pub fn consumed(&mut self, tokens: Tokens, cost: Option<chat::Picodollars>) {
        self.tokens = tokens;
        self.cost = cost;
    }

    /// What it comes to, as the client is told, and at whose price.
    pub(crate) fn billed(&mut self, bill: &Bill, tariff: &Tariff) {
        self.usage = Some(bill.usage.clone());
        self.upstream_cost = bill.upstream_cost;
        self.priced = Some(tariff.endpoint().clone());
        self.cache_discount = tariff.cache_discount(&bill.usage);
        self.markup =
            bill.cost.zip(bill.upstream_cost).map(|(cost, upstream)| cost.saturating_sub(upstream));
    }

    /// What the provider said of its answer beside the answer.
    pub(crate) fn described(&mut self, tally: &Tally) {
        self.upstream_id.clone_from(&tally.upstream_id);
        self.service_tier.clone_from(&tally.service_tier);
        self.finish_reason = tally.finish_reason;
    }

    /// The answer came to nothing, and nobody pays for it.
    pub fn insured(&mut self) {
        self.is_insured = true;
        self.metrics.answers_insured.inc();
    }

    /// How the answer ended, in the provider's own word where it has one.
    pub fn finished(&mut self, native: &str) {
        native.clone_into(&mut self.finish);
    }

    /// The request failed, before or after its head was sent.
    pub fn failed(&mut self, error: &Error) {
        let told = if error.is_quoted { "(the provider's own words)" } else { &error.message };
        self.failure = Some((error.code, told.to_owned()));
    }

    /// The head was sent with this status.
    pub fn answered(&mut self, status: StatusCode) {
        self.status = Some(status);
    }

    fn outcome(&self) -> &'static str {
        match (&self.failure, self.finish.is_empty()) {
            (Some((code, _)), _) => code.name(),
            (None, false) => "ok",
            (None, true) => "cancelled",
        }
    }

    fn attempts(attempts: &[Attempt]) -> String {
        let tell = |it: &Attempt| {
            let whose = match &*it.credential {
                "" | Credential::SOLE => String::new(),
                name => format!("({name})"),
            };
            let elapsed = it.elapsed.as_millis();
            let told = format!("{}{whose}:{}:{elapsed}ms", it.endpoint, it.outcome);
            match it.tokens.filter(|_| !it.is_estimated) {
                Some((prompt, completion)) => format!("{told}:{prompt}+{completion}tok"),
                None => told,
            }
        };
        attempts.iter().map(tell).collect::<Vec<_>>().join(" ")
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        for number in self.attempts.under_way() {
            self.attempt(number, Ending::of("cancelled"));
        }
        // Nobody is left who would wait.
        drop(self.hand_in());
        let attempts = self.attempts.all();
        let costs = attempts.iter().filter_map(|attempt| attempt.upstream_cost);
        let upstream_cost = costs.fold(0_u64, u64::saturating_add);
        let elapsed = self.started.elapsed();
        // 499 is what access logs say of a client that left before an answer.
        let status = self.status.map_or(499, |status| status.as_u16());
        let metrics = &self.metrics;
        metrics.in_flight.dec();
        metrics.duration.observe(elapsed.as_secs_f64());
        let labels = RequestLabels { route: self.route, status };
        metrics.requests.get_or_create(&labels).inc();
        tracing::info!(
            target: "plugway::access",
            id = %self.id,
            route = self.route,
            status,
            outcome = self.outcome(),
            error = self.failure.as_ref().map(|(_, message)| message.as_str()),
            model = self.model,
            endpoint = self.endpoint,
            credential = self.credential,
            strategy = self.strategy,
            reason = self.reason,
            attempts = Self::attempts(&attempts),
            retry_refused = self.retry_refused.load(Ordering::Relaxed),
            resent = self.resent.load(Ordering::Relaxed),
            stream = self.streaming,
            prompt_tokens = self.tokens.prompt,
            completion_tokens = self.tokens.completion,
            estimated = self.tokens.estimated,
            unpriced = self.cost.is_none(),
            cost_picodollars = self.cost.unwrap_or(0),
            upstream_cost_picodollars = upstream_cost,
            insured = self.is_insured,
            first_token_ms = self.first_content.map(|it| it.as_millis() as u64),
            duration_ms = elapsed.as_millis() as u64,
            finish = self.finish,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_nobody_completed_was_cancelled() {
        let mut record = Record::open(Arc::new(Metrics::new()), "/v1/chat/completions");
        assert_eq!(record.outcome(), "cancelled");
        record.finished("stop");
        assert_eq!(record.outcome(), "ok");
        record.failed(&Error::new(Code::RateLimited, "slow down"));
        assert_eq!(record.outcome(), "rate_limit_exceeded");
    }
}
