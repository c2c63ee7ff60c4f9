//! Which credential each attempt is made with, and what is remembered of those that
//! their provider refused. That a credential is refused is not its endpoint's failure
//! while another one may be used, and never where a client has brought it.

mod health;
mod means;

pub use health::CredentialHealth;
pub(crate) use means::Means;

use super::Service;
use crate::Router;
use crate::account::Caller;
use crate::catalog::{Credential, Endpoint, Provider};
use crate::config::RoutingConfig;
use crate::error::{Code, Error};
use crate::telemetry::CredentialLabels;
use health::{Kept, locked};
use means::{Purpose, limited};
use plugway_routing::credential::{CredentialPass, choose, seed_of};
use plugway_routing::{Clock, CredentialBounds, CredentialFooting, Refusal};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

/// How long all credentials of an endpoint's provider that this caller may use and that are
/// there are left alone; none where one of them may be used for this service of its model,
/// or none is there.
pub(super) fn cooling(
    router: &Router,
    service: Service,
    caller: Option<&Caller>,
    endpoint: &Endpoint,
) -> Option<Duration> {
    let (model, limited) = (model(service, endpoint), limited(router, service, endpoint));
    let purpose = Purpose { model: Some(&model), limited };
    Means::at(caller, endpoint).cooling(router, purpose)
}

/// By what name limits of a model are kept: those of one service say nothing about another.
fn model(service: Service, endpoint: &Endpoint) -> Cow<'_, str> {
    service.health_id(&endpoint.upstream_model)
}

/// Whether an attempt that would begin now is made with an account of the team's own.
pub(super) fn is_own_next(
    router: &Router,
    service: Service,
    caller: Option<&Caller>,
    endpoint: &Endpoint,
) -> bool {
    let means = Means::at(caller, endpoint);
    if !means.has_brought() && !endpoint.provider.credentials.iter().any(|it| it.own) {
        return false;
    }
    let (model, limited) = (model(service, endpoint), limited(router, service, endpoint));
    let purpose = Purpose { model: Some(&model), limited };
    let (credentials, choices) = means.present(router, purpose, &[]);
    choose(&choices, 0).is_ok_and(|chosen| credentials[chosen].own)
}

/// Why nothing of a provider's can be tried.
pub(crate) fn reason(rest: Duration) -> String {
    let seconds = match rest.as_secs() + u64::from(rest.subsec_nanos() > 0) {
        1 => "1 more second".to_owned(),
        n => format!("{n} more seconds"),
    };
    format!("its provider refused the router's credentials, which are left alone for {seconds}")
}

/// The credential for what is one of many requests to the same account, which may have
/// left something there: the first that may be used, and so the same each time.
///
/// # Errors
/// When all of them are cooling down: for how long.
pub(crate) fn first(
    router: &Router,
    caller: Option<&Caller>,
    provider: &Provider,
) -> Result<Option<Arc<Credential>>, Duration> {
    let means = Means::of(caller, provider, None);
    if let Some(rest) = means.cooling(router, Purpose::ANY) {
        return Err(rest);
    }
    let (credentials, choices) = means.present(router, Purpose::ANY, &[]);
    let mut usable: Vec<_> = credentials.into_iter().zip(choices).collect();
    usable.retain(|(_, it)| it.footing == CredentialFooting::Sound);
    // The first of equals stays the first.
    usable.sort_by_key(|(_, it)| it.rank);
    let usable = usable.first().map(|(credential, _)| *credential);
    Ok(usable.or_else(|| means.sole()).cloned())
}

/// One request's use of credentials, over all its attempts.
pub(crate) struct Turns<'r> {
    router: &'r Router,
    service: Service,
    /// Who asks.
    caller: &'r Caller,
    bounds: CredentialBounds,
    /// The request's.
    seed: u64,
    /// Drawn so far.
    draws: u64,
    /// Those that it was refused with: not tried again.
    refused: Vec<Refused>,
}

/// A credential that was not taken.
struct Refused {
    credential: Arc<Credential>,
    /// By the provider's name; none: for whatever model.
    model: Option<String>,
}

impl Refused {
    fn is(&self, credential: &Arc<Credential>, model: Option<&str>) -> bool {
        let is_about = self.model.is_none() || self.model.as_deref() == model;
        is_about && Arc::ptr_eq(&self.credential, credential)
    }
}

/// An attempt's use of a credential. Dropping it without an end blames nobody.
pub(crate) struct Turn {
    /// None where the provider wants none.
    pub(crate) credential: Option<Arc<Credential>>,
    tracked: Option<Tracked>,
}

struct Tracked {
    known: Kept,
    /// None once it has ended.
    pass: Option<CredentialPass>,
    bounds: CredentialBounds,
    clock: Clock,
}

/// What the failure of an attempt means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Blame {
    /// It was its credential's failure, and not the endpoint's.
    pub(crate) spares_endpoint: bool,
    /// Another credential may be used there now.
    pub(crate) again: bool,
}

impl Blame {
    /// The credential has nothing to do with it.
    const ENDPOINT: Self = Self { spares_endpoint: false, again: false };
}

impl<'r> Turns<'r> {
    /// Of a request that draws from `seed`.
    pub(crate) fn new(
        (router, service): (&'r Router, Service),
        caller: &'r Caller,
        routing: &RoutingConfig,
        seed: u64,
    ) -> Self {
        let (max_cooldown, max_pause) = (routing.max_cooldown, routing.breaker_max_pause);
        let bounds = CredentialBounds { max_cooldown, max_pause };
        Self { router, service, caller, bounds, seed, draws: 0, refused: Vec::new() }
    }

    /// Chooses the credential for an attempt that begins at this endpoint.
    ///
    /// # Errors
    /// When all of them are cooling down: for how long.
    pub(crate) fn begin(&mut self, endpoint: &Endpoint) -> Result<Turn, Duration> {
        let (provider, model) = (&endpoint.provider, model(self.service, endpoint));
        let means = Means::at(Some(self.caller), endpoint);
        let sole = || Turn { credential: means.sole().cloned(), tracked: None };
        if means.is_sole() {
            return Ok(sole());
        }
        self.draws += 1;
        let purpose = self.purpose(&model, endpoint);
        let (credentials, choices) = means.present(self.router, purpose, &self.refused);
        let chosen = match choose(&choices, seed_of(self.seed, self.draws)) {
            Ok(chosen) => credentials[chosen],
            Err(Some(rest)) => return Err(rest),
            Err(None) if self.is_refused_by(endpoint) => {
                return Err(means.cooling(self.router, purpose).unwrap_or_default());
            }
            // Whoever attaches it says what is missing.
            Err(None) => return Ok(sole()),
        };
        let credential = Some(chosen.clone());
        // Nothing is kept of a provider's only one, whoever else has others.
        if chosen.as_brought().is_none() && provider.credentials.len() < 2 {
            return Ok(Turn { credential, tracked: None });
        }
        let health = &self.router.credential_health;
        let (known, clock) = (health.remember(provider, chosen), health.clock.clone());
        let pass = Some(locked(&known).begin(&model, clock.now()));
        let tracked = Tracked { known, pass, bounds: self.bounds, clock };
        Ok(Turn { credential, tracked: Some(tracked) })
    }

    fn purpose<'m>(&self, model: &'m str, endpoint: &Endpoint) -> Purpose<'m> {
        Purpose { model: Some(model), limited: limited(self.router, self.service, endpoint) }
    }

    fn is_refused_by(&self, endpoint: &Endpoint) -> bool {
        let model = model(self.service, endpoint);
        let means = Means::at(Some(self.caller), endpoint);
        self.refused.iter().any(|refused| means.hold(|it| refused.is(it, Some(&model))))
    }

    /// An attempt at this endpoint failed. Where that is for its credential's sake, the
    /// credential cools down, and the client is asked to wait only until the first
    /// recovers.
    pub(crate) fn failed(&mut self, endpoint: &Endpoint, turn: Turn, error: &mut Error) -> Blame {
        let Turn { credential: Some(credential), tracked } = turn else { return Blame::ENDPOINT };
        let is_brought = credential.as_brought().is_some();
        let means = Means::at(Some(self.caller), endpoint);
        let (true, Some(refusal)) = (!means.is_sole(), refusal(error.code, is_brought)) else {
            return Blame::ENDPOINT;
        };
        let name = model(self.service, endpoint);
        let is_tracked = tracked.is_some();
        let model = (refusal == Refusal::Model).then(|| name.clone().into_owned());
        if let Some(mut tracked) = tracked
            && tracked.refused(refusal, error.retry_after)
        {
            self.tell(&endpoint.provider, &credential, model.as_deref(), error.code);
        }
        self.refused.push(Refused { credential, model });
        let purpose = self.purpose(&name, endpoint);
        let (credentials, mut choices) = means.present(self.router, purpose, &self.refused);
        let again = choose(&choices, 0).is_ok();
        if is_tracked && error.code == Code::RateLimited {
            error.retry_after = means.cooling(self.router, purpose);
        }
        // What others have brought is no help to those who have not.
        let mut credentials = credentials.iter();
        choices.retain(|_| credentials.next().is_some_and(|it| it.as_brought().is_none()));
        let spares_endpoint = is_brought || choose(&choices, 0).is_ok();
        Blame { spares_endpoint, again }
    }

    fn tell(&self, provider: &Provider, credential: &Credential, model: Option<&str>, code: Code) {
        let (provider, credential, error) = (&provider.name, &credential.name, code.name());
        let metrics = &self.router.credential_health.metrics;
        metrics.credential_cooldowns.get_or_create(&labels(provider, credential)).inc();
        tracing::warn!(provider, credential, model, error, "a credential cools down");
    }
}

fn labels(provider: &str, credential: &str) -> CredentialLabels {
    let credential = Credential::label(credential).to_owned();
    CredentialLabels { provider: provider.to_owned(), credential }
}

/// What the provider does not take the credential for; none where that is not what it
/// says. Who the account is, and whether it pays, is the same for all models. Limits are
/// counted by model, as a rule, and so is what an account may use; where that is not so,
/// each model finds out for itself. What a client's own account may not use, some providers
/// say, is not there.
fn refusal(code: Code, is_brought: bool) -> Option<Refusal> {
    match code {
        Code::ProviderModelNotFound if is_brought => Some(Refusal::Model),
        Code::ProviderAuthentication | Code::PaymentRequired => Some(Refusal::Whole),
        Code::PermissionDenied | Code::RateLimited => Some(Refusal::Model),
        _ => None,
    }
}

impl Turn {
    /// The provider answers.
    pub(crate) fn accepted(mut self) {
        if let Some(tracked) = &mut self.tracked
            && let Some(pass) = tracked.pass.take()
        {
            locked(&tracked.known).accepted(pass, tracked.bounds, tracked.clock.now());
        }
    }
}

impl Tracked {
    /// Whether a pause begins.
    fn refused(&mut self, refusal: Refusal, wait: Option<Duration>) -> bool {
        let Some(pass) = self.pass.take() else { return false };
        locked(&self.known).refused(pass, refusal, wait, self.bounds, self.clock.now())
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        if let Some(pass) = self.pass.take() {
            locked(&self.known).passed_over(pass, self.bounds, self.clock.now());
        }
    }
}
