//! From step to step of the plan, until one of them yields content. Which step begins
//! when is for the [`Walk`] to say; here it is done.

use super::attempt::{self, Failed};
use super::live::Live;
use super::tariff::{self, Tariff};
use super::underway::UnderWay;
use super::{Exchange, media};
use crate::error::{Code, Error, Fault, Reason, Reasons};
use crate::record::{Ending, Trace};
use crate::route::credentials::{self, Turn, Turns};
use crate::route::{Decision, HealthPolicy, InFlight, LeftOut, Step, Watch};
use plugway_engine::chat::{MediaKind, Usage};
use plugway_routing::Walk;
use plugway_routing::walk::{Admission, Bounds, Failure, Gates, Leg, Move, Over};
use plugway_wire::{Bill, ChatCall};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// An attempt that came to something.
pub(super) struct Answered<C: Ask> {
    pub(super) answer: C::Answer,
    /// Where.
    pub(super) step: Step,
    /// Counts the attempt among the endpoint's open ones.
    pub(super) in_flight: InFlight,
    /// The attempt's number in the record.
    pub(super) number: usize,
}

/// What can be asked of an endpoint.
pub(super) trait Ask: Sized + Send + Sync {
    /// What an attempt yields.
    type Answer: Send;

    /// Attempts one step. What comes of it on the way is noted in `trace`.
    fn attempt(
        exchange: &Exchange<Self>,
        step: &Step,
        trace: &Trace,
    ) -> impl Future<Output = Result<Self::Answer, Failed>> + Send;

    /// What it names by URL.
    fn named_media(&self) -> Vec<(MediaKind, &str)>;

    /// Whether the answer is a stream, so that silence says something.
    fn streams(&self) -> bool;

    /// Answers that are asked for at once.
    fn choices(&self) -> u32 {
        1
    }

    /// What an attempt took that was sent, and whose provider did not come to count
    /// anything; none where nothing is ever paid.
    fn presumed(exchange: &Exchange<Self>) -> Option<Usage>;
}

impl Ask for ChatCall {
    /// As far as its first content.
    type Answer = Live;

    fn attempt(
        exchange: &Exchange<Self>,
        step: &Step,
        trace: &Trace,
    ) -> impl Future<Output = Result<Live, Failed>> + Send {
        attempt::open(exchange, step, trace)
    }

    fn named_media(&self) -> Vec<(MediaKind, &str)> {
        media::named(&self.request)
    }

    fn streams(&self) -> bool {
        self.request.streaming
    }

    fn choices(&self) -> u32 {
        self.request.choices
    }

    fn presumed(exchange: &Exchange<Self>) -> Option<Usage> {
        Some(tariff::presumed(exchange.decision.query.prompt_tokens, 0))
    }
}

/// What the first attempt that comes to something yields. Every failed one leaves its
/// reason in the record, in its endpoint's health, and in the error if all of them fail;
/// one that is still under way then is cancelled, and what it took is the operator's. When
/// the client leaves, this future is dropped, and so are all.
pub(super) async fn first_answer<C: Ask>(exchange: &Exchange<C>) -> Result<Answered<C>, Error> {
    exchange.router.attempts.deposit();
    let (began, steps) = (Instant::now(), &exchange.decision.steps);
    let bounds = Bounds {
        max_attempts: exchange.settings.config.routing.max_attempts as usize,
        deadline: exchange.deadline.saturating_duration_since(began),
    };
    let routing = &exchange.settings.config.routing;
    let hedges = exchange.hedges && routing.hedge_percent > 0;
    let mut walk = Walk::new(legs(steps, hedges), bounds);
    let mut doors = Doors::new(exchange);
    let mut under_way = UnderWay::new(exchange);
    let over = loop {
        let (attempt, ended) = match walk.next(began.elapsed(), &mut doors) {
            Move::Start { step, kind, pass, .. } => {
                let step = Step { credential: pass.turn.credential.clone(), ..steps[step].clone() };
                let (number, trace) = exchange.record.attempting(&step, kind);
                under_way.add(Attempt { number, step, trace, pass });
                continue;
            }
            Move::Late { attempt } => {
                // How long a whole answer may be silent nobody knows.
                if exchange.call.streams() {
                    under_way.late(attempt);
                }
                continue;
            }
            Move::Wait => under_way.next().await,
            Move::WaitUntil(at) => match timeout_at(began + at, under_way.next()).await {
                Ok(ended) => ended,
                Err(_) => continue,
            },
            Move::Over(over) => break over,
        };
        match ended {
            Ok(answer) => {
                for loser in walk.answered(attempt.number) {
                    let Some(loser) = under_way.cancel(loser) else { continue };
                    outrun(exchange, loser, attempt.number);
                }
                exchange.record.hedges_refused(walk.hedges_refused());
                return Ok(attempt.answered(answer));
            }
            Err(failed) => walk.failed(attempt.number, doors.lose(attempt, failed)),
        }
    };
    exchange.record.hedges_refused(walk.hedges_refused());
    if over == Over::OutOfBudget {
        exchange.record.retry_refused();
    }
    Err(doors.failures.into_error(&exchange.decision, over))
}

/// The steps as the walk sees them.
fn legs(steps: &[Step], hedges: bool) -> Vec<Leg> {
    let same = |step: &Step| {
        let model = &step.endpoint.model_slug;
        steps.iter().position(|other| other.endpoint.model_slug == *model)
    };
    let leg = |step: &Step| Leg {
        model: same(step).unwrap_or_default(),
        hedge_after: step
            .hedge_after_ms
            .filter(|_| hedges)
            .map(|ms| Duration::from_millis(ms.into())),
    };
    steps.iter().map(leg).collect()
}

/// An attempt under way, and what it holds.
pub(super) struct Attempt {
    pub(super) number: usize,
    pub(super) step: Step,
    pub(super) trace: Arc<Trace>,
    pass: Pass,
}

/// What an attempt holds while it is under way.
pub(super) struct Pass {
    in_flight: InFlight,
    turn: Turn,
}

impl Attempt {
    /// It has been silent for as long as its plan allows.
    pub(super) fn late(&mut self) {
        if let Some(silence) = self.trace.silence() {
            self.pass.in_flight.late(silence);
        }
    }

    fn answered<C: Ask>(self, answer: C::Answer) -> Answered<C> {
        let Self { number, step, pass: Pass { mut in_flight, turn }, .. } = self;
        turn.accepted();
        in_flight.answered();
        Answered { answer, step, in_flight, number }
    }
}

/// An attempt was cancelled because the one of number `winner` answered first. Where that
/// one began later, this one was overtaken.
fn outrun<C: Ask>(exchange: &Exchange<C>, attempt: Attempt, winner: usize) {
    cancelled(exchange, &attempt, "hedged");
    let Attempt { number, trace, pass, .. } = attempt;
    let silence = trace.silence().filter(|_| number < winner && exchange.call.streams());
    if let Some(silence) = silence {
        pass.in_flight.overtaken(silence);
    }
}

/// An attempt is cancelled before it came to anything. What it took, the prompt at least
/// if that was sent, nobody is billed for.
pub(super) fn cancelled<C: Ask>(exchange: &Exchange<C>, attempt: &Attempt, outcome: &'static str) {
    let Attempt { number, step, trace, .. } = attempt;
    let usage = trace.usage().filter(|usage| usage.prompt_tokens > 0);
    let ended = Unserved { step, usage, may_cost: trace.may_cost() };
    ended.account(exchange, *number, outcome);
}

/// An attempt that did not serve, and what its provider counted for it.
struct Unserved<'a> {
    step: &'a Step,
    usage: Option<Usage>,
    /// Where nothing was counted, the prompt may have been read all the same.
    may_cost: bool,
}

impl Unserved<'_> {
    fn account<C: Ask>(self, exchange: &Exchange<C>, number: usize, outcome: &'static str) {
        let is_counted = self.usage.is_some();
        let presumed = || C::presumed(exchange).filter(|_| self.may_cost);
        let usage = self.usage.or_else(presumed);
        let is_estimated = usage.is_some() && !is_counted;
        let upstream_cost = usage.as_ref().and_then(|usage| cost(exchange, self.step, usage));
        let usage = usage.as_ref();
        exchange.record.attempt(number, Ending { outcome, usage, is_estimated, upstream_cost });
    }
}

/// What a provider charges for an attempt that did not serve.
fn cost<C>(exchange: &Exchange<C>, step: &Step, usage: &Usage) -> Option<u64> {
    bill(exchange, step, usage).upstream_cost
}

pub(super) fn bill<C>(exchange: &Exchange<C>, step: &Step, usage: &Usage) -> Bill {
    let (endpoint, credential) = (step.endpoint.clone(), step.credential.clone());
    let tariff = Tariff::new(exchange.settings.clone(), endpoint, credential);
    tariff.bill(usage.clone(), std::slice::from_ref(usage))
}

/// The bill for an attempt of which nothing more is ever heard; none where nothing is ever
/// paid.
pub(super) fn presumed_bill<C: Ask>(exchange: &Exchange<C>, step: &Step) -> Option<Bill> {
    C::presumed(exchange).map(|usage| bill(exchange, step, &usage))
}

/// Who lets the walk through: credentials, health and budgets.
struct Doors<'a, C> {
    exchange: &'a Exchange<C>,
    turns: Turns<'a>,
    /// Of each step that was begun, its endpoint.
    watches: Vec<(usize, Watch)>,
    failures: Failures,
}

impl<'a, C: Ask> Doors<'a, C> {
    fn new(exchange: &'a Exchange<C>) -> Self {
        let Exchange { router, settings, decision, .. } = exchange;
        let turns =
            Turns::new((router, decision.service), &settings.config.routing, decision.query.seed);
        Self { exchange, turns, watches: Vec::new(), failures: Failures::default() }
    }

    /// Keeps what there is to keep of a failed attempt. What its failure means for the
    /// rest of the plan.
    fn lose(&mut self, attempt: Attempt, Failed { error, usage }: Failed) -> Failure {
        let Attempt { number, step, trace, pass: Pass { in_flight, turn } } = attempt;
        // A client in a hurry does not make an endpoint slow.
        let is_late =
            error.code == Code::ProviderTimeout && Instant::now() >= self.exchange.deadline;
        let mut error = if is_late { Error::out_of_time() } else { error };
        let again = self.turns.failed(&step.endpoint, turn, &mut error);
        match again {
            // The credential's failure, and not the endpoint's.
            true => drop(in_flight),
            false => in_flight.ended(Some(&error)),
        }
        // Whoever was given up may have read the prompt; whoever failed bills nothing that it
        // does not count.
        let is_given_up = matches!(error.code, Code::ProviderTimeout | Code::OutOfTime);
        let may_cost = is_given_up && trace.may_cost();
        let ended = Unserved { step: &step, usage, may_cost };
        ended.account(self.exchange, number, error.code.name());
        let meaning = Failure {
            // What is wrong everywhere is wrong at every endpoint of the same model; the
            // client's next model may still take it.
            everywhere: !error.code.elsewhere(),
            weighs: error.code.fault() != Fault::Client,
            again,
            // More load would not help a router that is at its bounds.
            ends: error.code == Code::Overloaded,
        };
        self.failures.add(step, error);
        meaning
    }
}

impl<C: Ask> Gates for Doors<'_, C> {
    type Pass = Pass;

    fn admit(&mut self, step: usize, last_resort: bool) -> Admission<Pass> {
        let Exchange { router, settings, decision, .. } = self.exchange;
        let (number, step) = (step, &decision.steps[step]);
        let turn = match self.turns.begin(&step.endpoint) {
            Ok(turn) => turn,
            Err(rest) => {
                self.failures.cools_down(step, rest, credentials::reason(rest));
                return Admission::Never;
            }
        };
        let policy = HealthPolicy::from(&settings.config.routing);
        let id = decision.service.health_id(&step.endpoint.id);
        match router.health.begin(&id, &step.endpoint, policy, last_resort) {
            Ok(in_flight) => {
                self.watches.push((number, in_flight.watch()));
                let is_probe = in_flight.is_probe();
                let pass = Pass { in_flight, turn };
                if is_probe { Admission::Probing(pass) } else { Admission::Granted(pass) }
            }
            Err(LeftOut::Cooling(rest)) => {
                self.failures.cools_down(step, rest, LeftOut::Cooling(rest).to_string());
                Admission::Never
            }
            // Its breaker opened since, or another request probes it: the rest of
            // the plan comes first.
            Err(LeftOut::Tripped(_) | LeftOut::Probed) => Admission::Later,
        }
    }

    fn has_tripped(&self, step: usize) -> bool {
        let last = self.watches.iter().rfind(|(it, _)| *it == step);
        last.is_some_and(|(_, watch)| watch.has_tripped())
    }

    fn retry(&mut self) -> bool {
        self.exchange.router.attempts.retry(&self.exchange.settings.config.routing)
    }

    fn hedge(&mut self) -> bool {
        self.exchange.router.attempts.hedge(&self.exchange.settings.config.routing)
    }
}

/// What has failed so far.
#[derive(Default)]
struct Failures {
    errors: Vec<(Step, Error)>,
    /// The router itself is at a bound.
    overload: Option<Error>,
    /// Steps that were not tried, for how much longer not, and why.
    cooling: Vec<(Step, Duration, String)>,
}

impl Failures {
    fn add(&mut self, step: Step, error: Error) {
        match error.code {
            Code::Overloaded => self.overload = Some(error),
            _ => self.errors.push((step, error)),
        }
    }

    fn cools_down(&mut self, step: &Step, rest: Duration, why: String) {
        self.cooling.push((step.clone(), rest, why));
    }

    /// Why each endpoint did not serve, those included that were not to be tried.
    fn reasons(&self, decision: &Decision) -> Reasons {
        let failed = self.errors.iter().map(|(step, error)| Reason::failed(&step.endpoint, error));
        let cooling = self.cooling.iter();
        let cooling = cooling.map(|(step, _, why)| Reason::cooling(&step.endpoint, why.clone()));
        let is_told = |step: &Step| {
            let failed = self.errors.iter().map(|(step, _)| step);
            let mut told = failed.chain(self.cooling.iter().map(|(step, ..)| step));
            told.any(|it| it.endpoint.id == step.endpoint.id)
        };
        let untold = decision.steps.iter().filter(|step| !is_told(step));
        let tripped = untold.filter_map(|step| {
            step.tripped.map(|left_out| Reason::tripped(&step.endpoint, left_out.to_string()))
        });
        let excluded = decision.excluded.iter().cloned().map(Reason::from);
        failed.chain(cooling).chain(tripped).chain(excluded).collect()
    }

    /// The last error, with the reasons of all. A client is asked to wait only
    /// as long as the first endpoint to recover needs.
    fn into_error(self, decision: &Decision, over: Over) -> Error {
        let reasons = self.reasons(decision);
        let asked = self.errors.iter().filter_map(|(_, error)| error.retry_after);
        let wait = asked.chain(self.cooling.iter().map(|(_, rest, _)| *rest)).min();
        let last = match (self.overload, over, self.errors.into_iter().next_back()) {
            (Some(overload), ..) => overload,
            (None, Over::OutOfTime, _) => Error::out_of_time(),
            (None, _, Some((_, last))) => Error { retry_after: last.retry_after.and(wait), ..last },
            (None, _, None) => {
                let message = "No endpoint of the plan was left to try.";
                Error { retry_after: wait, ..Error::new(Code::TemporarilyUnavailable, message) }
            }
        };
        Error { reasons, ..last }
    }
}
