//! What the key of a request allows and prefers, and what its workspace may spend.

use super::Caller;
use crate::catalog::Endpoint;
use crate::error::{Code, Error};
use crate::route::name::split_preset;
use crate::route::{Cause, names, names_model};
use plugway_accounts::limits::Limit;
use plugway_accounts::{
    Account, Ask, Day, Exceeded, KeySettings, Limited, Limits, Pass, Reservation, enter, reserve,
};
use plugway_wire::Routing;
use std::sync::Arc;
use std::time::Duration;

/// How long until a budget may have room that others have reserved: requests end at any time.
const RESERVED_RETRY: Duration = Duration::from_secs(1);

impl Caller {
    /// The key's hash; none where no key was asked for.
    pub(crate) fn hash(&self) -> Option<&str> {
        self.key.as_ref().map(|key| key.row.hash.as_str())
    }

    /// Lets a request in whose prompt is not known yet.
    ///
    /// # Errors
    /// When the key or its workspace has used up what it may.
    pub(crate) fn enter(&self) -> Result<Pass, Error> {
        let key = self.key.iter().map(|key| key.limits.clone());
        let all: Vec<Arc<Limits>> = key.chain([self.workspace.limits.clone()]).collect();
        enter(&all, 0).map_err(limited)
    }

    /// Sets aside what a request may cost.
    ///
    /// # Errors
    /// When a budget of the key or its workspace has too little left.
    pub(crate) fn reserve(&self, ask: Ask, day: Day) -> Result<Reservation, Error> {
        let key = self.key.iter().map(|key| key.budget.clone());
        let all: Vec<Arc<Account>> = key.chain([self.workspace.budget.clone()]).collect();
        reserve(&all, ask, day).map_err(|exceeded| told(&exceeded))
    }

    /// Why the request may not go to an endpoint that others may go to.
    pub(crate) fn refuses(&self, endpoint: &Endpoint) -> Option<(Cause, String)> {
        let (cause, field) = refused_by(self.settings()?, endpoint)?;
        Some((cause, format!("the key's {field}")))
    }

    /// Whether requests may be passed on to a provider as they are.
    ///
    /// # Errors
    /// When the provider is not allowed, or there is something to keep to that only a request
    /// which is understood can be held against: a budget, a limit of tokens, a list of models.
    pub(crate) fn may_relay(&self, provider: &str) -> Result<(), Error> {
        let forbidden = |message: String| Err(Error::new(Code::Forbidden, message));
        let budgets = self.key.iter().map(|key| &key.budget).chain([&self.workspace.budget]);
        let has_budget = budgets.into_iter().any(|it| !it.usage(Day::MAX).limits.is_empty());
        let limits = self.key.iter().map(|key| &key.limits).chain([&self.workspace.limits]);
        let counts_tokens = limits.into_iter().any(|it| it.has(Limit::Tokens));
        let names_models =
            |it: &KeySettings| it.allowed_models.is_some() || !it.ignored_models.is_empty();
        let what = match () {
            () if has_budget => "budget",
            () if counts_tokens => "limit of tokens",
            () if self.settings().is_some_and(names_models) => "list of models",
            () => {
                let allows = |it: &KeySettings| it.allows_provider(provider);
                return match self.settings().is_none_or(allows) {
                    true => Ok(()),
                    false => forbidden(format!("This key may not use the provider `{provider}`.")),
                };
            }
        };
        forbidden(format!(
            "What is passed on to a provider is not read here, so a key with a {what}, or in a \
             workspace with one, cannot be used for it."
        ))
    }

    /// What the key prefers where the request does not say.
    pub(crate) fn complete(&self, preset: &mut Option<String>, routing: &mut Routing) {
        let Some(settings) = self.settings() else { return };
        let names_one = routing.models.iter().any(|name| split_preset(name).1.is_some());
        if preset.is_none() && !names_one {
            preset.clone_from(&settings.preset);
        }
        // Options are the strategy's that they stand beside; where they stand alone, of the one
        // that holds.
        let holds = routing.strategy.is_none() || settings.strategy.is_none();
        if routing.strategy.is_none() {
            routing.strategy.clone_from(&settings.strategy);
        }
        let options = settings.options.iter().flatten().filter(|_| holds);
        for (name, value) in options {
            if routing.options.iter().all(|(known, _)| known != name) {
                routing.options.push((name.clone(), value.to_string()));
            }
        }
    }

    /// What is said of the key.
    fn settings(&self) -> Option<&KeySettings> {
        self.key.as_ref().map(|key| &key.settings)
    }
}

fn refused_by(settings: &KeySettings, endpoint: &Endpoint) -> Option<(Cause, &'static str)> {
    let lists = |list: &[String]| names_model(list, &endpoint.model_slug);
    if settings.allowed_models.as_deref().is_some_and(|list| !lists(list)) {
        return Some((Cause::Models, "allowed_models does not name its model"));
    }
    if lists(&settings.ignored_models) {
        return Some((Cause::Models, "ignored_models names its model"));
    }
    let providers = settings.allowed_providers.as_deref()?;
    let is_allowed = providers.iter().any(|entry| names(entry, endpoint));
    (!is_allowed).then_some((Cause::Providers, "allowed_providers does not name it"))
}

/// A budget has too little left: for good, until it begins anew, or until others settle.
fn told(exceeded: &Exceeded) -> Error {
    let message = sentence(&exceeded.to_string());
    match exceeded.is_passing() {
        true => {
            Error { retry_after: Some(RESERVED_RETRY), ..Error::new(Code::BudgetReserved, message) }
        }
        false => Error::new(Code::BudgetExceeded, message),
    }
}

/// A limit is used up until the time that it tells.
pub(crate) fn limited(limited: Limited) -> Error {
    let message = sentence(&limited.to_string());
    Error {
        retry_after: Some(limited.retry_after),
        standing: Some(Box::new(limited.standing)),
        ..Error::new(Code::KeyLimited, message)
    }
}

/// With a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|it| it.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}
