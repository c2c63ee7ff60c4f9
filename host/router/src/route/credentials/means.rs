//! What one caller's attempts at a provider may be made with: keys that its workspace has
//! brought, then the router's own credentials, then keys that are brought for when those
//! fail.

use super::Refused;
use crate::Router;
use crate::account::{BroughtKey, Caller};
use crate::catalog::{Credential, Endpoint, Provider};
use crate::route::Service;
use plugway_engine::AuthScheme;
use plugway_routing::CredentialFooting;
use plugway_routing::credential::{Choice, choose};
use std::sync::Arc;
use std::time::Duration;

/// In the order in which they are tried.
pub(crate) struct Means<'a> {
    provider: &'a Provider,
    ranked: Vec<(u32, &'a Arc<Credential>)>,
    /// The caller has keys of its own.
    has_brought: bool,
    /// The router's own are not to be used for it.
    is_barred: bool,
}

/// For what an attempt would be made.
#[derive(Clone, Copy)]
pub(super) struct Purpose<'a> {
    /// By the provider's name, with its service; none: whatever may come.
    pub(super) model: Option<&'a str>,
    /// How much longer the router's own account is at a limit there.
    pub(super) limited: Option<Duration>,
}

impl Purpose<'_> {
    /// For nothing in particular.
    pub(super) const ANY: Self = Purpose { model: None, limited: None };
}

impl<'a> Means<'a> {
    /// Of an attempt at this endpoint.
    pub(crate) fn at(caller: Option<&'a Caller>, endpoint: &'a Endpoint) -> Self {
        Self::of(caller, &endpoint.provider, Some(&endpoint.model_slug))
    }

    /// Of what is asked of a provider: of a model, or of none.
    pub(super) fn of(
        caller: Option<&'a Caller>,
        provider: &'a Provider,
        model: Option<&'a str>,
    ) -> Self {
        let own = &provider.credentials;
        let takes_none = matches!(provider.auth, AuthScheme::None);
        let caller = caller.filter(|_| !takes_none);
        let keys = caller.map(|caller| caller.brought(&provider.name, model));
        let keys: Vec<&Arc<BroughtKey>> = keys.into_iter().flatten().collect();
        let is_barred = keys.iter().any(|key| key.is_always_used());
        let usable = |is_fallback: bool| {
            let keys = keys.iter().filter(move |key| key.is_fallback() == is_fallback);
            let credentials = keys.filter_map(|key| key.credential());
            credentials.filter(|it| {
                it.as_brought().is_some_and(|brought| brought.key.fits(&provider.auth))
            })
        };
        let mut ranked: Vec<_> = (0..).zip(usable(false)).collect();
        let behind = |ranked: &[(u32, _)]| ranked.last().map_or(0, |(rank, _)| rank + 1);
        if !is_barred {
            let first = behind(&ranked);
            ranked.extend(own.iter().map(|it| (if it.own { first } else { first + 1 }, it)));
        }
        let first = behind(&ranked) + 1;
        ranked.extend((first..).zip(usable(true)));
        let has_brought = ranked.iter().any(|(_, it)| it.as_brought().is_some());
        Self { provider, ranked, has_brought, is_barred }
    }

    /// There are keys that the caller has brought, and that can be used.
    pub(crate) fn has_brought(&self) -> bool {
        self.has_brought
    }

    /// Everything is paid by whoever owns it.
    pub(crate) fn are_all_own(&self) -> bool {
        !self.ranked.is_empty() && self.ranked.iter().all(|(_, it)| it.own)
    }

    /// There is one alone, of which nothing is kept apart from its endpoints' health.
    pub(super) fn is_sole(&self) -> bool {
        !self.has_brought && !self.is_barred && self.provider.credentials.len() < 2
    }

    /// Whether one of them is so.
    pub(super) fn hold(&self, is_so: impl Fn(&Arc<Credential>) -> bool) -> bool {
        self.ranked.iter().any(|(_, it)| is_so(it))
    }

    /// The first of the router's own, to say what is missing.
    pub(super) fn sole(&self) -> Option<&'a Arc<Credential>> {
        let own = self.provider.credentials.first();
        own.filter(|_| !self.is_barred)
    }

    /// Why there is nothing to call the provider with; none where there is something, or
    /// nothing is needed.
    pub(crate) fn missing(&self, router: &Router) -> Option<&'static str> {
        if matches!(self.provider.auth, AuthScheme::None) {
            return None;
        }
        if self.ranked.iter().any(|(_, it)| router.credentials.has(it)) {
            return None;
        }
        Some(match (self.is_barred, self.provider.credentials.is_empty()) {
            (true, _) => "the key that its workspace always uses there cannot be used",
            (false, true) => "it is called with clients' own keys alone, and none may be used here",
            (false, false) => "its credential is missing where the router runs",
        })
    }

    /// Those that are there, but for those that the request was refused with.
    pub(super) fn present(
        &self,
        router: &Router,
        purpose: Purpose<'_>,
        refused: &[Refused],
    ) -> (Vec<&'a Arc<Credential>>, Vec<Choice>) {
        let is_refused =
            |it: &Arc<Credential>| refused.iter().any(|refused| refused.is(it, purpose.model));
        let there = self.ranked.iter().filter(|(_, it)| router.credentials.has(it));
        let there = there.filter(|(_, it)| !is_refused(it));
        let choice = |(rank, it): &(u32, &'a Arc<Credential>)| {
            let footing = self.footing(router, it, purpose);
            (*it, Choice { rank: *rank, weight: it.weight, footing })
        };
        there.map(choice).unzip()
    }

    fn footing(
        &self,
        router: &Router,
        credential: &Credential,
        purpose: Purpose<'_>,
    ) -> CredentialFooting {
        let health = &router.credential_health;
        let footing = health.footing(self.provider, credential, purpose.model);
        match purpose.limited {
            // Only whoever has others too is not kept away by the limit itself.
            Some(rest) if self.has_brought && credential.as_brought().is_none() => {
                footing.and(CredentialFooting::Cooling(rest))
            }
            _ => footing,
        }
    }

    /// How long all that are there are left alone; none where one of them may be used, or
    /// none is there.
    pub(super) fn cooling(&self, router: &Router, purpose: Purpose<'_>) -> Option<Duration> {
        if self.is_sole() {
            return None;
        }
        let (_, choices) = self.present(router, purpose, &[]);
        choose(&choices, 0).err().flatten()
    }
}

/// How much longer the router's own account is at a limit at an endpoint.
pub(super) fn limited(router: &Router, service: Service, endpoint: &Endpoint) -> Option<Duration> {
    router.health.limited(&service.health_id(&endpoint.id))
}
