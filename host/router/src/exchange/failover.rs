//! From step to step of the plan, until one of them yields content.

use super::attempt::{self, Failed};
use super::live::Live;
use super::{Exchange, out_of_time};
use crate::error::{Code, Error};
use crate::route::{Step, Verdict};
use std::time::Duration;
use tokio::time::Instant;

/// The first attempt that yields content. Every failed one leaves its reason in
/// the record, in its endpoint's health, and in the error if all of them fail.
pub(super) async fn first_content(exchange: &mut Exchange) -> Result<Live, Error> {
    let mut failures = Failures::default();
    for step in exchange.decision.steps.clone() {
        if failures.is_hopeless(&step) {
            continue;
        }
        if Instant::now() >= exchange.deadline {
            return Err(failures.into_error(out_of_time()));
        }
        let began = std::time::Instant::now();
        let in_flight = exchange.router.health.begin(&step.endpoint.id);
        let (provider, endpoint) = (&step.endpoint.provider.name, &step.endpoint.id);
        exchange.record.attempting(provider, endpoint, began);
        match attempt::open(exchange, &step).await {
            Ok(mut live) => {
                live.in_flight = Some(in_flight);
                return Ok(live);
            }
            Err(Failed { error, usage }) => {
                in_flight.ended(Verdict::from(error.code));
                let outcome = error.code.error_type();
                exchange.record.attempt(provider, endpoint, outcome, began, usage.as_ref());
                // More load would not help a router that is at its bounds.
                if error.code == Code::Overloaded {
                    return Err(error);
                }
                failures.add(&step, error);
            }
        }
    }
    let nothing = Error::new(Code::NoEndpoint, "The plan had no step left to try.");
    Err(failures.into_error(nothing))
}

/// What has failed so far.
#[derive(Default)]
struct Failures {
    errors: Vec<(Step, Error)>,
}

impl Failures {
    fn add(&mut self, step: &Step, error: Error) {
        self.errors.push((step.clone(), error));
    }

    /// What is wrong everywhere is wrong at every endpoint of the same model; the
    /// client's next model may still take it.
    fn is_hopeless(&self, step: &Step) -> bool {
        self.errors.iter().any(|(failed, error)| {
            !error.code.elsewhere() && failed.endpoint.model_slug == step.endpoint.model_slug
        })
    }

    /// The last error, with the reasons of all. A client is asked to wait only
    /// as long as the first endpoint to recover needs.
    fn into_error(self, otherwise: Error) -> Error {
        let reasons = self
            .errors
            .iter()
            .map(|(step, error)| (step.endpoint.id.clone(), error.message.clone()));
        let reasons: Box<[_]> = reasons.collect();
        let wait: Option<Duration> =
            self.errors.iter().filter_map(|(_, error)| error.retry_after).min();
        let Some((_, last)) = self.errors.into_iter().next_back() else { return otherwise };
        Error { reasons, retry_after: last.retry_after.and(wait), ..last }
    }
}
