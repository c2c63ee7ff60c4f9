//! Which endpoints a request may go to at all. Every one that may not keeps its
//! reason, and whoever is refused is shown all of them.

use super::{Asked, Footing, LeftOut};
use crate::Router;
use crate::catalog::{Catalog, Endpoint, Price, Resolution};
use crate::error::{Code, Error};
use crate::exchange::takes;
use crate::upstream::CredentialState;
use plugway_engine::Adapter;
use plugway_wire::{MaxPrice, Routing};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Models that one request may name.
const MAX_MODELS: usize = 32;

/// The longest name of a model, bytes.
const MAX_NAME_BYTES: usize = 256;

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
    pub(super) excluded: Vec<(String, String)>,
    /// How many of those have an adapter that does not do what is asked for.
    pub(super) lacks_offer: usize,
    /// How many of those cannot read what is native in the request.
    pub(super) cannot_read: usize,
    /// No circuit breaker of those that are left is closed.
    pub(super) is_last_resort: bool,
    /// When the first of those that are cooling down may be tried again.
    pub(super) recovery: Option<Duration>,
}

/// All endpoints of the models that the request names, sorted by whether they
/// may serve it.
///
/// # Errors
/// When no model is named, or none of those named exists here.
pub(super) fn list(
    router: &Router,
    catalog: &Catalog,
    asked: &Asked<'_>,
) -> Result<Eligible, Error> {
    let mut eligible = Eligible::default();
    let (mut tripped, mut is_any_sound) = (Vec::new(), false);
    let mut seen = BTreeSet::new();
    for endpoint in endpoints(catalog, &asked.routing.models)? {
        if !seen.insert(endpoint.id.clone()) {
            continue;
        }
        let adapter = match judge(router, asked, &endpoint) {
            Ok(adapter) => adapter,
            Err(reason) => {
                eligible.cannot_read += usize::from(reason == CANNOT_READ);
                eligible.excluded.push((endpoint.id.clone(), reason));
                continue;
            }
        };
        if let Some(offer) = asked.service.offer()
            && !adapter.offers().contains(&offer)
        {
            let reason = format!("its adapter `{}` offers no {offer}", adapter.id());
            eligible.excluded.push((endpoint.id.clone(), reason));
            eligible.lacks_offer += 1;
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
    Ok(eligible)
}

impl Eligible {
    fn cools_down(&mut self, endpoint: &Endpoint, rest: Duration) {
        self.excluded.push((endpoint.id.clone(), LeftOut::Cooling(rest).to_string()));
        self.recovery = Some(self.recovery.map_or(rest, |first| first.min(rest)));
    }

    /// Leaves out what is tripped, unless nothing sound is left: to refuse a request
    /// that may well be served would help nobody, and a probe may fail.
    fn settle(&mut self, tripped: Vec<(Choice, LeftOut)>, is_any_sound: bool) {
        self.is_last_resort = !is_any_sound && !tripped.is_empty();
        for (choice, left_out) in tripped {
            match self.is_last_resort {
                true => self.endpoints.push(choice),
                false => self.excluded.push((choice.endpoint.id.clone(), left_out.to_string())),
            }
        }
    }
}

/// The endpoints of all models of these names.
///
/// # Errors
/// Where there are none, with what was probably meant.
pub(crate) fn endpoints(catalog: &Catalog, names: &[String]) -> Result<Vec<Arc<Endpoint>>, Error> {
    if names.is_empty() {
        let message = "No model is named; GET /v1/models lists what there is.";
        return Err(Error::new(Code::InvalidRequest, message).param("model"));
    }
    if names.len() > MAX_MODELS || names.iter().any(|name| name.len() > MAX_NAME_BYTES) {
        let message = format!(
            "At most {MAX_MODELS} models may be named, by at most {MAX_NAME_BYTES} bytes each."
        );
        return Err(Error::new(Code::InvalidRequest, message).param("models"));
    }
    let mut found = Vec::new();
    let mut refusal = None;
    for name in names {
        match catalog.resolve(name) {
            Resolution::Known(model) => found.extend(model.endpoints.iter().cloned()),
            Resolution::Passthrough { provider, upstream_model } => {
                found.push(Arc::new(Endpoint::passthrough(&provider, &upstream_model)));
            }
            Resolution::Inactive { provider, remedy } => {
                refusal.get_or_insert(format!(
                    "The provider `{provider}` is not turned on; {remedy}, where the router runs."
                ));
            }
            Resolution::Unknown { near } => {
                refusal.get_or_insert(unknown(name, &near));
            }
        }
    }
    match (found.is_empty(), refusal) {
        (true, Some(message)) => Err(Error::new(Code::ModelNotFound, message).param("model")),
        _ => Ok(found),
    }
}

fn unknown(name: &str, near: &[String]) -> String {
    let name: String = name.chars().filter(|c| !c.is_control()).take(128).collect();
    match near {
        [] => format!("There is no model `{name}` here; GET /v1/models lists what there is."),
        near => format!("There is no model `{name}` here; did you mean `{}`?", near.join("` or `")),
    }
}

/// The adapter that would serve the request at this endpoint, or the reason why
/// the request may not go there.
fn judge(router: &Router, asked: &Asked<'_>, endpoint: &Endpoint) -> Result<Arc<Adapter>, String> {
    let provider = &endpoint.provider;
    named(asked.routing, &provider.name)?;
    allowed(asked.routing, endpoint)?;
    let Some(adapter) = router.registry.adapter(&provider.adapter) else {
        return Err(format!("its adapter `{}` is not loaded", provider.adapter));
    };
    if router.credentials.state(provider) == CredentialState::Missing {
        return Err("its credential is missing where the router runs".into());
    }
    let info = adapter.info();
    let speaks = info.dialects.iter().any(|dialect| dialect == asked.dialect);
    if asked.native && !speaks {
        return Err(CANNOT_READ.into());
    }
    if let Some(limit) = endpoint.context_length
        && super::Estimate::of(asked).prompt_tokens / 2 > limit
    {
        // Half: the estimate is rough, and the provider counts for itself.
        return Err(format!("the prompt is far beyond its context of {limit} tokens"));
    }
    if asked.routing.require_parameters
        && let Some(missing) = asked
            .parameters
            .iter()
            .find(|wanted| !takes(&info.supported_parameters, endpoint, wanted))
    {
        return Err(format!("it does not support `{missing}`, and require_parameters is set"));
    }
    Ok(adapter)
}

/// Whether the request's own lists admit the provider.
fn named(routing: &Routing, provider: &str) -> Result<(), String> {
    let holds = |list: &[String]| list.iter().any(|name| name == provider);
    if !routing.only.is_empty() && !holds(&routing.only) {
        return Err("provider.only does not name it".into());
    }
    if holds(&routing.ignore) {
        return Err("provider.ignore names it".into());
    }
    if routing.no_fallbacks && !routing.order.is_empty() && !holds(&routing.order) {
        return Err("provider.order does not name it, and fallbacks are not allowed".into());
    }
    Ok(())
}

/// Whether the endpoint keeps to what the client insists on. What nobody knows of
/// an endpoint counts against it: a wish for privacy must not fail open.
fn allowed(routing: &Routing, endpoint: &Endpoint) -> Result<(), String> {
    let facts = &endpoint.provider.facts;
    for (asked, is_met, wish) in [
        (routing.zdr, facts.retains_prompts == Some(false), "zdr"),
        (routing.deny_data_collection, facts.trains_on_prompts == Some(false), "data_collection"),
        (routing.enforce_distillable_text, false, "enforce_distillable_text"),
    ] {
        if asked && !is_met {
            return Err(format!("the catalogue does not say that it meets provider.{wish}"));
        }
    }
    let quantization = endpoint.quantization.as_deref().unwrap_or("unknown");
    if !routing.quantizations.is_empty()
        && !routing.quantizations.iter().any(|it| it == quantization)
    {
        return Err(format!("provider.quantizations does not name its `{quantization}`"));
    }
    affordable(&routing.max_price, endpoint.price.as_ref())
}

fn affordable(most: &MaxPrice, price: Option<&Price>) -> Result<(), String> {
    const MILLION: u64 = 1_000_000;
    let limits = [most.prompt, most.completion, most.request];
    let Some(price) = price else {
        let limited = limits.iter().any(Option::is_some);
        return if limited {
            Err("its price is unknown, and provider.max_price is set".into())
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
        true => Err("it costs more than provider.max_price".into()),
        false => Ok(()),
    }
}
