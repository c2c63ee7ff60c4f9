//! From step to step of the plan, until one of them yields content.

use super::attempt::{self, Failed};
use super::live::Live;
use super::{Exchange, media};
use crate::error::{Code, Error, Fault};
use crate::route::credentials::{self, Turn, Turns};
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
    let mut turns = Turns::new(&router, routing, exchange.decision.query.seed);
    let steps = exchange.decision.steps.iter();
    let mut steps: VecDeque<_> = steps.map(|step| (step.clone(), false)).collect();
    router.retries.deposit();
    while let Some((mut step, last_resort)) = steps.pop_front() {
        if failures.is_hopeless(&step) {
            continue;
        }
        if failures.errors.len() >= routing.max_attempts as usize {
            break;
        }
        if Instant::now() >= exchange.deadline {
            let reasons = failures.reasons(&exchange.decision);
            return Err(Error { reasons, ..Error::out_of_time() });
        }
        let turn = match turns.begin(&step.endpoint.provider) {
            Ok(turn) => turn,
            Err(rest) => {
                failures.cools_down(&step, rest, credentials::reason(rest));
                continue;
            }
        };
        let id = exchange.decision.service.health_id(&step.endpoint.id);
        let in_flight = match router.health.begin(&id, &step.endpoint, policy, last_resort) {
            Ok(in_flight) => in_flight,
            Err(LeftOut::Cooling(rest)) => {
                failures.cools_down(&step, rest, LeftOut::Cooling(rest).to_string());
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
        step.credential.clone_from(&turn.credential);
        match attempt(exchange, &step, (&mut turns, turn), in_flight, began).await {
            Ok((answer, in_flight)) => return Ok(Answered { answer, step, in_flight, began }),
            // More load would not help a router that is at its bounds.
            Err((error, _)) if error.code == Code::Overloaded => {
                let reasons = failures.reasons(&exchange.decision);
                return Err(Error { reasons, ..error });
            }
            Err((error, again)) => {
                failures.add(&step, error);
                // The last attempt is another endpoint's, if there is one.
                let needed = failures.errors.len() + usize::from(!steps.is_empty());
                if again && needed < routing.max_attempts as usize {
                    steps.push_front((step, last_resort));
                }
            }
        }
    }
    Err(failures.into_error(&exchange.decision))
}

/// One attempt, with what is kept of it. A failure comes with whether the same step may
/// be tried again at once, with another credential.
async fn attempt<C: Ask>(
    exchange: &mut Exchange<C>,
    step: &Step,
    (turns, turn): (&mut Turns<'_>, Turn),
    mut in_flight: InFlight,
    began: std::time::Instant,
) -> Result<(C::Answer, InFlight), (Error, bool)> {
    let (provider, endpoint) = (&step.endpoint.provider, &step.endpoint.id);
    let credential = step.credential.as_deref().map_or("", |credential| &credential.name);
    exchange.record.attempting(&provider.name, endpoint, credential, began);
    match C::attempt(exchange, step).await {
        Ok(answer) => {
            turn.accepted();
            in_flight.answered();
            Ok((answer, in_flight))
        }
        Err(Failed { error, usage }) => {
            // A client in a hurry does not make an endpoint slow.
            let is_late =
                error.code == Code::ProviderTimeout && Instant::now() >= exchange.deadline;
            let mut error = if is_late { Error::out_of_time() } else { error };
            let again = turns.failed(provider, turn, &mut error);
            match again {
                // The credential's failure, and not the endpoint's.
                true => drop(in_flight),
                false => in_flight.ended(Some(&error)),
            }
            let (name, outcome) = (&provider.name, error.code.name());
            let usage = usage.as_ref();
            exchange.record.attempt(name, endpoint, credential, outcome, began, usage);
            Err((error, again))
        }
    }
}

/// What has failed so far.
#[derive(Default)]
struct Failures {
    errors: Vec<(Step, Error)>,
    /// Steps that were not tried, for how much longer not, and why.
    cooling: Vec<(Step, Duration, String)>,
}

impl Failures {
    fn add(&mut self, step: &Step, error: Error) {
        self.errors.push((step.clone(), error));
    }

    fn cools_down(&mut self, step: &Step, rest: Duration, reason: String) {
        self.cooling.push((step.clone(), rest, reason));
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
    fn reasons(&self, decision: &Decision) -> Box<[(String, String)]> {
        let id = |step: &Step| step.endpoint.id.clone();
        let failed = self.errors.iter().map(|(step, error)| (id(step), error.message.clone()));
        let cooling = self.cooling.iter().map(|(step, _, reason)| (id(step), reason.clone()));
        let excluded = decision.excluded.iter();
        let excluded = excluded.map(|it| (it.endpoint.clone(), it.reason.clone()));
        failed.chain(cooling).chain(excluded).collect()
    }

    /// The last error, with the reasons of all. A client is asked to wait only
    /// as long as the first endpoint to recover needs.
    fn into_error(self, decision: &Decision) -> Error {
        let reasons = self.reasons(decision);
        let asked = self.errors.iter().filter_map(|(_, error)| error.retry_after);
        let wait = asked.chain(self.cooling.iter().map(|(_, rest, _)| *rest)).min();
        let last = match self.errors.into_iter().next_back() {
            Some((_, last)) => Error { retry_after: last.retry_after.and(wait), ..last },
            None => {
                let message = "No endpoint of the plan was left to try.";
                Error { retry_after: wait, ..Error::new(Code::NoEndpoint, message) }
            }
        };
        Error { reasons, ..last }
    }
}
