//! What has become of the steps of a plan that did not serve, and what a client is told of
//! it where none did.

use crate::error::{Code, Error, Reason, Reasons};
use crate::route::{Decision, Step};
use plugway_routing::walk::Over;
use std::time::Duration;

/// What has failed so far.
#[derive(Default)]
pub(super) struct Failures {
    errors: Vec<(Step, Error)>,
    /// The router itself is at a bound.
    overload: Option<Error>,
    /// Steps that were not tried, for how much longer not, and why.
    cooling: Vec<(Step, Duration, String)>,
}

impl Failures {
    /// An attempt at this step failed.
    pub(super) fn add(&mut self, step: Step, error: Error) {
        match error.code {
            Code::Overloaded => self.overload = Some(error),
            _ => self.errors.push((step, error)),
        }
    }

    /// The step was not to be tried, for so much longer.
    pub(super) fn cools_down(&mut self, step: &Step, rest: Duration, why: String) {
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
    pub(super) fn into_error(self, decision: &Decision, over: Over) -> Error {
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
