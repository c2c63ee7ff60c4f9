//! Which credential each attempt is made with, and what is remembered of those that
//! their provider refused. That a credential is refused is not its endpoint's failure
//! while another one may be used.

use super::Service;
use crate::Router;
use crate::catalog::{Catalog, Credential, CredentialSource, Endpoint, Provider};
use crate::config::RoutingConfig;
use crate::error::{Code, Error};
use crate::telemetry::{CredentialLabels, Metrics};
use plugway_routing::credential::{Choice, CredentialPass, choose, seed_of};
use plugway_routing::{Clock, CredentialBounds, CredentialFooting, CredentialRecord, Refusal};
use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

/// What is remembered of credentials. One per router, shared by all requests. Where a
/// provider has one alone, its endpoints' health says it all, and nothing is kept here.
pub struct CredentialHealth {
    clock: Clock,
    metrics: Arc<Metrics>,
    /// By provider; never more than are configured, and what requests still use that
    /// began before the last reload.
    known: RwLock<HashMap<String, Vec<Arc<Known>>>>,
}

struct Known {
    name: String,
    /// Another secret under the same name is another credential.
    source: CredentialSource,
    record: Mutex<CredentialRecord>,
}

impl CredentialHealth {
    /// Of nothing yet.
    pub fn new(clock: Clock, metrics: Arc<Metrics>) -> Self {
        Self { clock, metrics, known: RwLock::default() }
    }

    /// Forgets what is configured no longer, or otherwise.
    pub(crate) fn keep(&self, catalog: &Catalog) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.retain(|provider, credentials| {
            let configured = catalog.providers.get(provider).map(|it| &it.credentials[..]);
            let configured = configured.unwrap_or_default();
            credentials.retain(|known| configured.iter().any(|it| known.is(it)));
            !credentials.is_empty()
        });
    }

    /// How long the credential is left alone, whatever it is for; none where it may be
    /// used.
    pub fn rest(&self, provider: &Provider, credential: &Credential) -> Option<Duration> {
        match self.footing(provider, credential, None) {
            CredentialFooting::Cooling(rest) => Some(rest),
            CredentialFooting::Sound | CredentialFooting::Probed => None,
        }
    }

    /// For how many models it is left alone.
    pub fn cooling_models(&self, provider: &Provider, credential: &Credential) -> usize {
        let known = self.find(provider, credential);
        known.map_or(0, |it| it.lock().cooling_models(self.clock.now()))
    }

    fn footing(
        &self,
        provider: &Provider,
        credential: &Credential,
        model: Option<&str>,
    ) -> CredentialFooting {
        let known = self.find(provider, credential);
        known.map_or(CredentialFooting::Sound, |it| it.lock().footing(model, self.clock.now()))
    }

    fn find(&self, provider: &Provider, credential: &Credential) -> Option<Arc<Known>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&provider.name)?.iter().find(|it| it.is(credential)).cloned()
    }

    fn remember(&self, provider: &Provider, credential: &Credential) -> Arc<Known> {
        if let Some(known) = self.find(provider, credential) {
            return known;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let credentials = known.entry(provider.name.clone()).or_default();
        if let Some(known) = credentials.iter().find(|it| it.is(credential)) {
            return known.clone();
        }
        let Credential { name, source, .. } = credential.clone();
        let record = Mutex::new(CredentialRecord::seeded(self.seed(&provider.name, &name)));
        let new = Arc::new(Known { name, source, record });
        credentials.push(new.clone());
        new
    }

    /// Draws a credential's pauses: others than those of the credentials beside it.
    fn seed(&self, provider: &str, credential: &str) -> u64 {
        let mut hasher = DefaultHasher::new();
        (provider, credential, self.clock.date()).hash(&mut hasher);
        hasher.finish()
    }
}

impl Known {
    fn is(&self, credential: &Credential) -> bool {
        self.name == credential.name && self.source == credential.source
    }

    /// Held for a few assignments at a time.
    fn lock(&self) -> MutexGuard<'_, CredentialRecord> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long all credentials of an endpoint's provider that are there are left alone; none
/// where one of them may be used for this service of its model, or none is there.
pub(super) fn cooling(router: &Router, service: Service, endpoint: &Endpoint) -> Option<Duration> {
    all_cooling(router, &endpoint.provider, Some(&model(service, endpoint)))
}

/// By what name limits of a model are kept: those of one service say nothing about another.
fn model(service: Service, endpoint: &Endpoint) -> Cow<'_, str> {
    service.health_id(&endpoint.upstream_model)
}

fn all_cooling(router: &Router, provider: &Provider, model: Option<&str>) -> Option<Duration> {
    if provider.credentials.len() < 2 {
        return None;
    }
    let (_, choices) = present(router, provider, model, &[]);
    choose(&choices, 0).err().flatten()
}

/// Whether an attempt that would begin now is made with an account of the team's own.
pub(super) fn is_own_next(router: &Router, service: Service, endpoint: &Endpoint) -> bool {
    let provider = &endpoint.provider;
    if !provider.credentials.iter().any(|credential| credential.own) {
        return false;
    }
    let (_, choices) = present(router, provider, Some(&model(service, endpoint)), &[]);
    choose(&choices, 0).is_ok_and(|chosen| choices[chosen].own)
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
pub(crate) fn first<'p>(
    router: &Router,
    provider: &'p Provider,
) -> Result<Option<&'p Credential>, Duration> {
    let Some(only_or_none) = provider.credentials.first() else { return Ok(None) };
    if let Some(rest) = all_cooling(router, provider, None) {
        return Err(rest);
    }
    let (credentials, choices) = present(router, provider, None, &[]);
    let usable = |own: bool| {
        let mut both = credentials.iter().zip(&choices);
        both.find(|(_, it)| it.own == own && it.footing == CredentialFooting::Sound)
    };
    let usable = usable(true).or_else(|| usable(false));
    Ok(Some(usable.map_or(&**only_or_none, |(credential, _)| &***credential)))
}

/// The credentials that are there, but for those that a request was refused with, as they
/// stand to an attempt at this model, or at none.
fn present<'p>(
    router: &Router,
    provider: &'p Provider,
    model: Option<&str>,
    refused: &[Refused],
) -> (Vec<&'p Arc<Credential>>, Vec<Choice>) {
    let is_refused = |it: &Arc<Credential>| refused.iter().any(|refused| refused.is(it, model));
    let there = provider.credentials.iter().filter(|it| router.credentials.has(it));
    let there = there.filter(|it| !is_refused(it));
    there
        .map(|it| {
            let footing = router.credential_health.footing(provider, it, model);
            (it, Choice { own: it.own, weight: it.weight, footing })
        })
        .unzip()
}

/// One request's use of credentials, over all its attempts.
pub(crate) struct Turns<'r> {
    router: &'r Router,
    service: Service,
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
    known: Arc<Known>,
    /// None once it has ended.
    pass: Option<CredentialPass>,
    bounds: CredentialBounds,
    clock: Clock,
}

impl<'r> Turns<'r> {
    /// Of a request that draws from `seed`.
    pub(crate) fn new(
        (router, service): (&'r Router, Service),
        routing: &RoutingConfig,
        seed: u64,
    ) -> Self {
        let (max_cooldown, max_pause) = (routing.max_cooldown, routing.breaker_max_pause);
        let bounds = CredentialBounds { max_cooldown, max_pause };
        Self { router, service, bounds, seed, draws: 0, refused: Vec::new() }
    }

    /// Chooses the credential for an attempt that begins at this endpoint.
    ///
    /// # Errors
    /// When all of them are cooling down: for how long.
    pub(crate) fn begin(&mut self, endpoint: &Endpoint) -> Result<Turn, Duration> {
        let (provider, model) = (&endpoint.provider, model(self.service, endpoint));
        let sole = || provider.credentials.first().cloned();
        if provider.credentials.len() < 2 {
            return Ok(Turn { credential: sole(), tracked: None });
        }
        self.draws += 1;
        let (credentials, choices) = present(self.router, provider, Some(&model), &self.refused);
        let chosen = match choose(&choices, seed_of(self.seed, self.draws)) {
            Ok(chosen) => credentials[chosen],
            Err(Some(rest)) => return Err(rest),
            Err(None) if self.is_refused_by(endpoint) => {
                return Err(cooling(self.router, self.service, endpoint).unwrap_or_default());
            }
            // Whoever attaches it says what is missing.
            Err(None) => return Ok(Turn { credential: sole(), tracked: None }),
        };
        let health = &self.router.credential_health;
        let (known, clock) = (health.remember(provider, chosen), health.clock.clone());
        let pass = Some(known.lock().begin(&model, clock.now()));
        let tracked = Tracked { known, pass, bounds: self.bounds, clock };
        Ok(Turn { credential: Some(chosen.clone()), tracked: Some(tracked) })
    }

    fn is_refused_by(&self, endpoint: &Endpoint) -> bool {
        let (credentials, model) = (&endpoint.provider.credentials, model(self.service, endpoint));
        let mut refused = self.refused.iter();
        refused.any(|refused| credentials.iter().any(|it| refused.is(it, Some(&model))))
    }

    /// An attempt at this endpoint failed. Where that is for its credential's sake, the
    /// credential cools down, and the client is asked to wait only until the first
    /// recovers. Whether another one of the provider's may be used now: then the failure
    /// is not the endpoint's.
    pub(crate) fn failed(&mut self, endpoint: &Endpoint, turn: Turn, error: &mut Error) -> bool {
        let Turn { credential: Some(credential), tracked: Some(mut tracked) } = turn else {
            return false;
        };
        let Some(refusal) = refusal(error.code) else { return false };
        let (provider, service) = (&endpoint.provider, self.service);
        let model = (refusal == Refusal::Model).then(|| model(service, endpoint).into_owned());
        if tracked.refused(refusal, error.retry_after) {
            let (provider, name, code) = (&provider.name, &credential.name, error.code.name());
            let metrics = &self.router.credential_health.metrics;
            metrics.credential_cooldowns.get_or_create(&labels(provider, name)).inc();
            tracing::warn!(
                provider,
                credential = name,
                model,
                error = code,
                "a credential cools down"
            );
        }
        self.refused.push(Refused { credential, model });
        let model = self::model(service, endpoint);
        let (_, choices) = present(self.router, provider, Some(&model), &self.refused);
        let is_spared = choose(&choices, 0).is_ok();
        if error.code == Code::RateLimited {
            error.retry_after = cooling(self.router, service, endpoint);
        }
        is_spared
    }
}

fn labels(provider: &str, credential: &str) -> CredentialLabels {
    CredentialLabels { provider: provider.to_owned(), credential: credential.to_owned() }
}

/// What the provider does not take the credential for; none where that is not what it
/// says. Who the account is, and whether it pays, is the same for all models. Limits are
/// counted by model, as a rule, and so is what an account may use; where that is not so,
/// each model finds out for itself.
fn refusal(code: Code) -> Option<Refusal> {
    match code {
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
            tracked.known.lock().accepted(pass, tracked.bounds, tracked.clock.now());
        }
    }
}

impl Tracked {
    /// Whether a pause begins.
    fn refused(&mut self, refusal: Refusal, wait: Option<Duration>) -> bool {
        let Some(pass) = self.pass.take() else { return false };
        self.known.lock().refused(pass, refusal, wait, self.bounds, self.clock.now())
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        if let Some(pass) = self.pass.take() {
            self.known.lock().passed_over(pass, self.bounds, self.clock.now());
        }
    }
}
