//! What the key of a request, and the workspace that it belongs to, allow and prefer.

use super::Caller;
use crate::catalog::Endpoint;
use crate::error::{Code, Error};
use crate::route::name::split_preset;
use crate::route::{Cause, names, names_model};
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
    pub(crate) fn enter(&self) -> Result<Pass, Limited> {
        let key = self.key.iter().map(|key| key.limits.clone());
        let all: Vec<Arc<Limits>> = key.chain([self.workspace.limits.clone()]).collect();
        enter(&all, 0)
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
        self.settings().find_map(|(whose, settings)| {
            let (cause, field) = refused_by(settings, endpoint)?;
            Some((cause, format!("the {whose}'s {field}")))
        })
    }

    /// Whether requests may be passed on to a provider as they are.
    ///
    /// # Errors
    /// When the provider is not allowed, or there is a budget, which what is passed on would
    /// not be counted in.
    pub(crate) fn may_relay(&self, provider: &str) -> Result<(), Error> {
        let day = Day::MAX;
        let budgets = self.key.iter().map(|key| &key.budget).chain([&self.workspace.budget]);
        if budgets.into_iter().any(|budget| !budget.usage(day).limits.is_empty()) {
            let message = "What is passed on to a provider is not accounted, so a key with a \
                           budget cannot be used for it.";
            return Err(Error::new(Code::Forbidden, message));
        }
        let is_refused = |(_, settings): (_, &KeySettings)| {
            let allowed = settings.allowed_providers.as_deref();
            allowed.is_some_and(|list| !list.iter().any(|it| it.eq_ignore_ascii_case(provider)))
        };
        if self.settings().any(is_refused) {
            let message = format!("This key may not use the provider `{provider}`.");
            return Err(Error::new(Code::Forbidden, message));
        }
        Ok(())
    }

    /// What the key, or else its workspace, prefers where the request does not say.
    pub(crate) fn complete(&self, preset: &mut Option<String>, routing: &mut Routing) {
        let names_none =
            preset.is_none() && routing.models.iter().all(|name| split_preset(name).1.is_none());
        for (_, settings) in self.settings() {
            if names_none && preset.is_none() {
                preset.clone_from(&settings.preset);
            }
            // Options are one strategy's.
            if routing.strategy.is_none() && settings.strategy.is_some() {
                routing.strategy.clone_from(&settings.strategy);
                if routing.options.is_empty() {
                    let options = settings.options.iter().flatten();
                    routing.options =
                        options.map(|(name, value)| (name.clone(), value.to_string())).collect();
                }
            }
        }
    }

    /// Whoever's settings hold, and what they are called: the key's, then the workspace's.
    fn settings(&self) -> impl Iterator<Item = (&'static str, &KeySettings)> {
        let key = self.key.iter().map(|key| ("key", &key.settings));
        key.chain([("workspace", &self.workspace.settings)])
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
        true => Error {
            retry_after: Some(RESERVED_RETRY),
            ..Error::new(Code::BudgetReserved, message)
        },
        false => Error::new(Code::BudgetExceeded, message),
    }
}

/// A limit is used up until the time that it tells.
pub(crate) fn limited(limited: &Limited) -> Error {
    let message = sentence(&limited.to_string());
    Error { retry_after: Some(limited.retry_after), ..Error::new(Code::KeyLimited, message) }
}

/// With a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|it| it.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}
