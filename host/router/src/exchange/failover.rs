//! From step to step of the plan, until one of them yields content.

use super::attempt::{self, Failed};
use super::live::Live;
use super::{Exchange, media};
use crate::error::{Code, Error, Fault, Reason, Reasons};
use crate::route::{Decision, HealthPolicy, InFlight, LeftOut, Step};
use plugway_engine::chat::MediaKind;
use plugway_wire::ChatCall;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// An attempt that came to something.
pub(super) struct Answered<C: Ask> {
    pub(super) answer: C::Answer,
    /// Where.
    pub(super) step: Step,
    /// Counts the attempt among the endpoint's open ones.
    pub(super) in_flight: InFlight,
    /// When the attempt began.
    pub(super) began: std::time::Instant,
}

/// What can be asked of an endpoint.
pub(super) trait Ask: Sized + Send + Sync {
    /// What an attempt yields.
    type Answer: Send;

    /// Attempts one step.
    fn attempt(
        exchange: &Exchange<Self>,
        step: &Step,
    ) -> impl Future<Output = Result<Self::Answer, Failed>> + Send;

    /// What it names by URL.
    fn named_media(&self) -> Vec<(MediaKind, &str)>;
}

impl Ask for ChatCall {
    /// As far as its first content.
    type Answer = Live;

    fn attempt(
        exchange: &Exchange<Self>,
        step: &Step,
    ) -> impl Future<Output = Result<Live, Failed>> + Send {
        attempt::open(exchange, step)
    }

    fn named_media(&self) -> Vec<(MediaKind, &str)> {
        media::named(&self.request)
    }
}

/// What the first attempt that comes to something yields. Every failed one leaves its
/// reason in the record, in its endpoint's health, and in the error if all of them fail.
pub(super) async fn first_answer<C: Ask>(exchange: &mut Exchange<C>) -> Result<Answered<C>, Error> {
    let router = exchange.router.clone();
    let settings = exchange.settings.clone();
    let routing = &settings.config.routing;
    let policy = HealthPolicy::from(routing);
    let mut failures = Failures::default();
    let steps = exchange.decision.steps.iter();
    let mut steps: VecDeque<_> = steps.map(|step| (step.clone(), false)).collect();
    router.retries.deposit();
    while let Some((step, last_resort)) = steps.pop_front() {
        if failures.is_hopeless(&step) {
            continue;
        }
        if Instant::now() >= exchange.deadline {
            let reasons = failures.reasons(&exchange.decision);
            return Err(Error { reasons, ..Error::out_of_time() });
        }
        let id = exchange.decision.service.health_id(&step.endpoint.id);
        let in_flight = match router.health.begin(&id, &step.endpoint, policy, last_resort) {
            Ok(in_flight) => in_flight,
            Err(LeftOut::Cooling(rest)) => {
                failures.cools_down(&step, rest);
                continue;
            }
            // Its breaker opened since, or another request probes it: the rest of
            // the plan comes first.
            Err(LeftOut::Tripped(_) | LeftOut::Probed) => {
                steps.push_back((step, true));
                continue;
            }
        };
        if failures.weigh_on_the_budget() && !router.retries.withdraw(routing) {
            exchange.record.retry_refused();
            break;
        }
        let began = std::time::Instant::now();
        match attempt(exchange, &step, in_flight, began).await {
            Ok((answer, in_flight)) => return Ok(Answered { answer, step, in_flight, began }),
            // More load would not help a router that is at its bounds.
            Err(error) if error.code == Code::Overloaded => {
                let reasons = failures.reasons(&exchange.decision);
                return Err(Error { reasons, ..error });
            }
            Err(error) => failures.add(&step, error),
        }
    }
    Err(failures.into_error(&exchange.decision))
}

/// One attempt, with what is kept of it.
async fn attempt<C: Ask>(
    exchange: &mut Exchange<C>,
    step: &Step,
    mut in_flight: InFlight,
    began: std::time::Instant,
) -> Result<(C::Answer, InFlight), Error> {
    let (provider, endpoint) = (&step.endpoint.provider.name, &step.endpoint.id);
    exchange.record.attempting(provider, endpoint, began);
    match C::attempt(exchange, step).await {
        Ok(answer) => {
            in_flight.answered();
            Ok((answer, in_flight))
        }
        Err(Failed { error, usage }) => {
            // A client in a hurry does not make an endpoint slow.
            let is_late =
                error.code == Code::ProviderTimeout && Instant::now() >= exchange.deadline;
            let error = if is_late { Error::out_of_time() } else { error };
            in_flight.ended(Some(&error));
            let outcome = error.code.name();
            exchange.record.attempt(provider, endpoint, outcome, began, usage.as_ref());
            Err(error)
        }
    }
}

/// What has failed so far.
#[derive(Default)]
struct Failures {
    errors: Vec<(Step, Error)>,
    /// Steps that were not tried, and for how much longer not.
    cooling: Vec<(Step, Duration)>,
}

impl Failures {
    fn add(&mut self, step: &Step, error: Error) {
        self.errors.push((step.clone(), error));
    }

    fn cools_down(&mut self, step: &Step, rest: Duration) {
        self.cooling.push((step.clone(), rest));
    }

    /// Whether a further attempt is one that the retry budget is for: not where the
    /// request itself was refused, for that is no sign of an outage.
    fn weigh_on_the_budget(&self) -> bool {
        self.errors.last().is_some_and(|(_, error)| error.code.fault() != Fault::Client)
    }

    /// What is wrong everywhere is wrong at every endpoint of the same model; the
    /// client's next model may still take it.
    fn is_hopeless(&self, step: &Step) -> bool {
        self.errors.iter().any(|(failed, error)| {
            !error.code.elsewhere() && failed.endpoint.model_slug == step.endpoint.model_slug
        })
    }

    /// Why each endpoint did not serve, those included that were not to be tried.
    fn reasons(&self, decision: &Decision) -> Reasons {
        let failed = self.errors.iter().map(|(step, error)| Reason::failed(&step.endpoint, error));
        let cooling = self.cooling.iter();
        let cooling = cooling.map(|(step, rest)| {
            Reason::cooling(&step.endpoint, LeftOut::Cooling(*rest).to_string())
        });
        let excluded = decision.excluded.iter().cloned().map(Reason::from);
        failed.chain(cooling).chain(excluded).collect()
    }

    /// The last error, with the reasons of all. A client is asked to wait only
    /// as long as the first endpoint to recover needs.
    fn into_error(self, decision: &Decision) -> Error {
        let reasons = self.reasons(decision);
        let asked = self.errors.iter().filter_map(|(_, error)| error.retry_after);
        let wait = asked.chain(self.cooling.iter().map(|(_, rest)| *rest)).min();
        let last = match self.errors.into_iter().next_back() {
            Some((_, last)) => Error { retry_after: last.retry_after.and(wait), ..last },
            None => {
                let message = "No endpoint of the plan was left to try.";
                Error { retry_after: wait, ..Error::new(Code::TemporarilyUnavailable, message) }
            }
        };
        Error { reasons, ..last }
    }
}
