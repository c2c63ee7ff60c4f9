//! Which endpoints a request may go to at all. Every one that may not keeps its
//! reason, and whoever is refused is shown all of them.

mod length;
mod named;
mod price;
mod readers;
mod rules;

#[cfg(test)]
mod drawn;
#[cfg(test)]
mod tests;

use super::pin::Pins;
use super::{Asked, Cause, Excluded, Footing, LeftOut, credentials};
use crate::Router;
use crate::catalog::Endpoint;
use crate::config::Ceiling;
use crate::upstream::CredentialState;
use plugway_engine::Adapter;
use rules::{Ruled, Spoken, Terms};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

#[cfg(test)]
pub(super) use drawn::offer;
pub(crate) use named::{lists_model as names_model, names};
pub(super) use named::{names_tier, slugs};
pub(super) use rules::missing;

/// An endpoint that may be tried.
pub(super) struct Choice {
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) adapter: Arc<Adapter>,
    /// Its circuit breaker is open, and how: a last resort.
    pub(super) tripped: Option<LeftOut>,
}

/// Why an endpoint is left out that the pin names too.
const PINNED_ELSEWHERE: &str = "a pin is to one endpoint, and another comes before it: pin the \
    request to its region, variant or tier to have this one";

/// What is left, and why the rest is not.
#[derive(Default)]
pub(super) struct Eligible {
    pub(super) endpoints: Vec<Choice>,
    pub(super) excluded: Vec<Excluded>,
    /// No circuit breaker of those that are left is closed.
    pub(super) is_last_resort: bool,
    /// When the first of those that are cooling down may be tried again.
    pub(super) recovery: Option<Duration>,
}

/// Sorts endpoints by whether they may serve the request. Where it is pinned, and does not
/// say how to choose, one endpoint stays, and how that one fares changes nothing.
pub(super) fn list(
    router: &Router,
    ceiling: &Ceiling,
    endpoints: Vec<Arc<Endpoint>>,
    asked: &Asked<'_>,
    pins: &Pins,
) -> Eligible {
    let terms = Terms::of(asked, ceiling, pins, endpoints.iter().map(AsRef::as_ref));
    let judged: Vec<_> = endpoints.iter().map(|endpoint| judge(router, &terms, endpoint)).collect();
    let fit = endpoints.iter().zip(&judged).filter(|(_, judged)| judged.is_ok());
    let others = match pins.are_ranked {
        true => BTreeSet::new(),
        false => pins.others(fit.map(|(endpoint, _)| endpoint.as_ref())),
    };
    let mut eligible = Eligible::default();
    let mut is_any_sound = false;
    for (endpoint, judged) in endpoints.iter().zip(judged) {
        let endpoint = Arc::clone(endpoint);
        let adapter = match judged {
            Ok(adapter) => adapter,
            Err((cause, reason)) => {
                eligible.excluded.push(Excluded::new(&endpoint, cause, reason));
                continue;
            }
        };
        if others.contains(endpoint.id.as_str()) {
            eligible.excluded.push(Excluded::new(&endpoint, Cause::Pin, PINNED_ELSEWHERE));
            continue;
        }
        if let Some(rest) = credentials::cooling(router, asked.service, &endpoint) {
            eligible.lacks_credential(&endpoint, rest);
            continue;
        }
        let tripped = match router.health.check(&asked.service.health_id(&endpoint.id)) {
            Ok(footing) => {
                is_any_sound |= footing == Footing::Sound;
                None
            }
            Err(LeftOut::Cooling(rest)) => {
                eligible.cools_down(&endpoint, rest);
                continue;
            }
            // To refuse a request that may well be served would help nobody.
            Err(left_out) => Some(left_out),
        };
        eligible.endpoints.push(Choice { endpoint, adapter, tripped });
    }
    let is_any_tripped = eligible.endpoints.iter().any(|it| it.tripped.is_some());
    eligible.is_last_resort = is_any_tripped && !is_any_sound;
    readers::keep_to(asked.reasoning_formats, &mut eligible);
    eligible
}

impl Eligible {
    fn cools_down(&mut self, endpoint: &Endpoint, rest: Duration) {
        let reason = LeftOut::Cooling(rest).to_string();
        self.excluded.push(Excluded::new(endpoint, Cause::Cooling, reason));
        self.recovery = Some(self.recovery.map_or(rest, |first| first.min(rest)));
    }

    /// All credentials of its provider are cooling down.
    fn lacks_credential(&mut self, endpoint: &Endpoint, rest: Duration) {
        let reason = credentials::reason(rest);
        self.excluded.push(Excluded::new(endpoint, Cause::Credential, reason));
        self.recovery = Some(self.recovery.map_or(rest, |first| first.min(rest)));
    }
}

/// The adapter that would serve the request at this endpoint, or the reason why
/// the request may not go there.
fn judge(router: &Router, terms: &Terms<'_>, endpoint: &Endpoint) -> Result<Arc<Adapter>, Ruled> {
    rules::judge(terms, endpoint)?;
    let provider = &endpoint.provider;
    let Some(adapter) = router.registry.adapter(&provider.adapter) else {
        let reason = format!("its adapter `{}` is not loaded", provider.adapter);
        return Err((Cause::Adapter, reason));
    };
    if router.credentials.state(provider) == CredentialState::Missing {
        let reason = "its credential is missing where the router runs";
        return Err((Cause::Credential, reason.into()));
    }
    let spoken = Spoken { id: adapter.id(), info: adapter.info(), offers: &adapter.offers() };
    rules::judge_adapter(terms.asked, endpoint, &spoken)?;
    Ok(adapter)
}
