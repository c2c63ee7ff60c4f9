//! Which endpoints a request may go to at all. Every one that may not keeps its
//! reason, and whoever is refused is shown all of them.

use super::{Asked, Cause, Excluded, Footing, LeftOut, credentials};
use crate::Router;
use crate::catalog::{Endpoint, Price};
use crate::exchange::takes;
use crate::upstream::CredentialState;
use plugway_engine::Adapter;
use plugway_wire::{MaxPrice, Routing};
use std::sync::Arc;
use std::time::Duration;

/// Why an endpoint of another format is left out.
const CANNOT_READ: &str = "the request holds native parts of a format that it does not speak";

/// An endpoint that may be tried.
pub(super) struct Choice {
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) adapter: Arc<Adapter>,
}

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

/// A rule that shuts an endpoint out, and what to say of it.
type Ruled = (Cause, String);

/// Sorts endpoints by whether they may serve the request.
pub(super) fn list(router: &Router, endpoints: Vec<Arc<Endpoint>>, asked: &Asked<'_>) -> Eligible {
    let mut eligible = Eligible::default();
    let (mut tripped, mut is_any_sound) = (Vec::new(), false);
    for endpoint in endpoints {
        let adapter = match judge(router, asked, &endpoint) {
            Ok(adapter) => adapter,
            Err((cause, reason)) => {
                eligible.excluded.push(Excluded::new(&endpoint, cause, reason));
                continue;
            }
        };
        if let Some(rest) = credentials::cooling(router, &endpoint.provider) {
            eligible.lacks_credential(&endpoint, rest);
            continue;
        }
        match router.health.check(&asked.service.health_id(&endpoint.id)) {
            Ok(footing) => {
                is_any_sound |= footing == Footing::Sound;
                eligible.endpoints.push(Choice { endpoint, adapter });
            }
            Err(LeftOut::Cooling(rest)) => eligible.cools_down(&endpoint, rest),
            Err(left_out) => tripped.push((Choice { endpoint, adapter }, left_out)),
        }
    }
    eligible.settle(tripped, is_any_sound);
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

    /// Leaves out what is tripped, unless nothing sound is left: to refuse a request
    /// that may well be served would help nobody, and a probe may fail.
    fn settle(&mut self, tripped: Vec<(Choice, LeftOut)>, is_any_sound: bool) {
        self.is_last_resort = !is_any_sound && !tripped.is_empty();
        for (choice, left_out) in tripped {
            if self.is_last_resort {
                self.endpoints.push(choice);
                continue;
            }
            let reason = left_out.to_string();
            self.excluded.push(Excluded::new(&choice.endpoint, Cause::Tripped, reason));
        }
    }
}

/// The adapter that would serve the request at this endpoint, or the reason why
/// the request may not go there.
fn judge(router: &Router, asked: &Asked<'_>, endpoint: &Endpoint) -> Result<Arc<Adapter>, Ruled> {
    let provider = &endpoint.provider;
    named(asked.routing, &provider.name)?;
    allowed(asked.routing, endpoint)?;
    let Some(adapter) = router.registry.adapter(&provider.adapter) else {
        let reason = format!("its adapter `{}` is not loaded", provider.adapter);
        return Err((Cause::Adapter, reason));
    };
    if router.credentials.state(provider) == CredentialState::Missing {
        let reason = "its credential is missing where the router runs";
        return Err((Cause::Credential, reason.into()));
    }
    let info = adapter.info();
    let speaks = info.dialects.iter().any(|dialect| dialect == asked.dialect);
    if asked.native && !speaks {
        return Err((Cause::NativeFormat, CANNOT_READ.into()));
    }
    if let Some(limit) = endpoint.context_length
        && super::facts::Estimate::of(asked).prompt_tokens / 2 > limit
    {
        // Half: the estimate is rough, and the provider counts for itself.
        let reason = format!("the prompt is far beyond its context of {limit} tokens");
        return Err((Cause::ContextLength, reason));
    }
    if asked.routing.require_parameters
        && let Some(missing) = asked
            .parameters
            .iter()
            .find(|wanted| !takes(&info.supported_parameters, endpoint, wanted))
    {
        let reason = format!("it does not support `{missing}`, and require_parameters is set");
        return Err((Cause::Parameters, reason));
    }
    if let Some(offer) = asked.service.offer()
        && !adapter.offers().contains(&offer)
    {
        return Err((Cause::Offer, format!("its adapter `{}` offers no {offer}", adapter.id())));
    }
    Ok(adapter)
}

/// Whether the request's own lists admit the provider.
fn named(routing: &Routing, provider: &str) -> Result<(), Ruled> {
    let ruled = |reason: &str| Err((Cause::Providers, reason.to_owned()));
    let holds = |list: &[String]| list.iter().any(|name| name == provider);
    if !routing.only.is_empty() && !holds(&routing.only) {
        return ruled("provider.only does not name it");
    }
    if holds(&routing.ignore) {
        return ruled("provider.ignore names it");
    }
    if routing.no_fallbacks && !routing.order.is_empty() && !holds(&routing.order) {
        return ruled("provider.order does not name it, and fallbacks are not allowed");
    }
    Ok(())
}

/// Whether the endpoint keeps to what the client insists on. What nobody knows of
/// an endpoint counts against it: a wish for privacy must not fail open.
fn allowed(routing: &Routing, endpoint: &Endpoint) -> Result<(), Ruled> {
    let facts = &endpoint.provider.facts;
    let (keeps, trains) = (facts.retains_prompts, facts.trains_on_prompts);
    for (asked, is_met, cause, wish) in [
        (routing.zdr, keeps == Some(false), Cause::Retention, "zdr"),
        (routing.deny_data_collection, trains == Some(false), Cause::Training, "data_collection"),
        (routing.enforce_distillable_text, false, Cause::Distillation, "enforce_distillable_text"),
    ] {
        if asked && !is_met {
            let reason = format!("the catalogue does not say that it meets provider.{wish}");
            return Err((cause, reason));
        }
    }
    let quantization = endpoint.quantization.as_deref().unwrap_or("unknown");
    if !routing.quantizations.is_empty()
        && !routing.quantizations.iter().any(|it| it == quantization)
    {
        let reason = format!("provider.quantizations does not name its `{quantization}`");
        return Err((Cause::Quantization, reason));
    }
    affordable(&routing.max_price, endpoint.price.as_ref())
        .map_err(|reason| (Cause::Price, reason.to_owned()))
}

fn affordable(most: &MaxPrice, price: Option<&Price>) -> Result<(), &'static str> {
    const MILLION: u64 = 1_000_000;
    let limits = [most.prompt, most.completion, most.request];
    let Some(price) = price else {
        let limited = limits.iter().any(Option::is_some);
        return if limited {
            Err("its price is unknown, and provider.max_price is set")
        } else {
            Ok(())
        };
    };
    let prices = [
        price.prompt.saturating_mul(MILLION),
        price.completion.saturating_mul(MILLION),
        price.request,
    ];
    match limits.iter().zip(prices).any(|(limit, price)| limit.is_some_and(|limit| price > limit)) {
        true => Err("it costs more than provider.max_price"),
        false => Ok(()),
    }
}
