//! The rules that shut an endpoint out whatever its health is, one function each.
//! What nobody knows of an endpoint counts against it where privacy is asked for, which
//! must not fail open, and for it everywhere else.

use super::length::Length;
use super::{named, price};
use crate::catalog::Endpoint;
use crate::config::Ceiling;
use crate::exchange::takes;
use crate::route::pin::Pins;
use crate::route::{Asked, Cause, Service};
use plugway_engine::AdapterInfo;
use std::collections::BTreeSet;

/// A rule that shuts an endpoint out, and what to say of it.
pub(super) type Ruled = (Cause, String);

/// What a request is held against for every endpoint.
pub(super) struct Terms<'a> {
    pub(super) asked: &'a Asked<'a>,
    /// What the operator allows at most.
    pub(super) ceiling: &'a Ceiling,
    /// What the names of models say.
    pub(super) pins: &'a Pins,
    pub(super) length: Length<'a>,
    /// Models that have endpoints of the flexible tier.
    pub(super) flexible: BTreeSet<&'a str>,
}

/// What an adapter says of itself.
pub(super) struct Spoken<'a> {
    pub(super) id: &'a str,
    pub(super) info: &'a AdapterInfo,
    pub(super) offers: &'a [&'a str],
}

type Rule = fn(&Terms<'_>, &Endpoint) -> Result<(), Ruled>;

/// In the order in which they are told: who may serve, what it keeps to, what it can.
const RULES: [Rule; 12] = [
    caller,
    model,
    provider,
    tier,
    retention,
    training,
    distillation,
    region,
    quantization,
    cost,
    modality,
    length,
];

/// The tier whose endpoints are used alone, for it is asked for to save money.
const FLEX: &str = "flex";

/// What is no tier of its own.
const DEFAULT: &str = "default";

impl<'a> Terms<'a> {
    /// Of a request for one of these endpoints.
    pub(super) fn of(
        asked: &'a Asked<'a>,
        ceiling: &'a Ceiling,
        pins: &'a Pins,
        endpoints: impl Iterator<Item = &'a Endpoint>,
    ) -> Self {
        let flexible = endpoints.filter(|it| it.service_tier.as_deref() == Some(FLEX));
        let flexible = flexible.map(|it| it.model_slug.as_str()).collect();
        Self { asked, ceiling, pins, length: Length::of(asked), flexible }
    }
}

/// What the request and the catalogue say of an endpoint.
pub(super) fn judge(terms: &Terms<'_>, endpoint: &Endpoint) -> Result<(), Ruled> {
    RULES.iter().try_for_each(|rule| rule(terms, endpoint))
}

/// What its adapter says of it.
pub(super) fn judge_adapter(
    asked: &Asked<'_>,
    endpoint: &Endpoint,
    adapter: &Spoken<'_>,
) -> Result<(), Ruled> {
    let speaks = adapter.info.dialects.iter().any(|dialect| dialect == asked.dialect);
    if asked.native && !speaks {
        let reason = "the request holds native parts of a format that it does not speak";
        return Err((Cause::NativeFormat, reason.into()));
    }
    if asked.routing.require_parameters
        && let Some(missing) = missing(asked.parameters, adapter.info, endpoint)
    {
        let reason = format!("it does not support `{missing}`, and require_parameters is set");
        return Err((Cause::Parameters, reason));
    }
    match asked.service.offer() {
        Some(offer) if !adapter.offers.contains(&offer) => {
            Err((Cause::Offer, format!("its adapter `{}` offers no {offer}", adapter.id)))
        }
        _ => Ok(()),
    }
}

/// Parameters that the catalogue lists wherever a model takes them. Of others it says
/// nothing by not listing them.
const LISTED: [&str; 7] = [
    "tools",
    "tool_choice",
    "response_format",
    "structured_outputs",
    "reasoning",
    "temperature",
    "top_p",
];

/// The first parameter that does not reach the model behind an endpoint.
pub(in crate::route) fn missing<'p>(
    parameters: &[&'p str],
    adapter: &AdapterInfo,
    endpoint: &Endpoint,
) -> Option<&'p str> {
    let listed = &endpoint.supported_parameters;
    let is_refused = |wanted: &str| {
        !listed.is_empty() && LISTED.contains(&wanted) && !listed.iter().any(|it| it == wanted)
    };
    let mut parameters = parameters.iter().copied();
    parameters.find(|it| !takes(&adapter.supported_parameters, endpoint, it) || is_refused(it))
}

fn ruled(cause: Cause, reason: impl Into<String>) -> Result<(), Ruled> {
    Err((cause, reason.into()))
}

fn caller(terms: &Terms<'_>, endpoint: &Endpoint) -> Result<(), Ruled> {
    match terms.asked.caller.and_then(|caller| caller.refuses(endpoint)) {
        Some(ruled) => Err(ruled),
        None => Ok(()),
    }
}

fn model(terms: &Terms<'_>, endpoint: &Endpoint) -> Result<(), Ruled> {
    let (slug, ceiling) = (&endpoint.model_slug, terms.ceiling);
    if !ceiling.allow_models.is_empty() && !named::lists_model(&ceiling.allow_models, slug) {
        return ruled(Cause::Models, "the router's own allow_models does not name its model");
    }
    match named::lists_model(&ceiling.ignore_models, slug) {
        true => ruled(Cause::Models, "the router's own ignore_models names its model"),
        false => Ok(()),
    }
}

fn provider(terms: &Terms<'_>, endpoint: &Endpoint) -> Result<(), Ruled> {
    let (routing, ceiling) = (terms.asked.routing, terms.ceiling);
    let holds = |list: &[String]| list.iter().any(|entry| named::names(entry, endpoint));
    let is_left_out = |list: &[String]| !list.is_empty() && !holds(list);
    let reason = if is_left_out(&ceiling.allow_providers) {
        "the router's own allow_providers does not name it"
    } else if holds(&ceiling.ignore_providers) {
        "the router's own ignore_providers names it"
    } else if is_left_out(&routing.only) {
        "provider.only does not name it"
    } else if holds(&routing.ignore) {
        "provider.ignore names it"
    } else if routing.no_fallbacks && is_left_out(&routing.order) {
        "provider.order does not name it, and fallbacks are not allowed"
    } else {
        return Ok(());
    };
    ruled(Cause::Providers, reason)
}

/// An endpoint of a tier is used by those who ask for the tier: its price and its pace
/// are others. The flexible tier keeps to itself where there is one.
fn tier(terms: &Terms<'_>, endpoint: &Endpoint) -> Result<(), Ruled> {
    let (asked, routing) = (terms.asked, terms.asked.routing);
    let own = endpoint.service_tier.as_deref().filter(|tier| *tier != DEFAULT);
    let Some(own) = own else {
        let is_flexible = terms.flexible.contains(endpoint.model_slug.as_str());
        return match asked.service_tier == Some(FLEX) && is_flexible {
            true => ruled(Cause::ServiceTier, "it is not of the service tier `flex`"),
            false => Ok(()),
        };
    };
    let mut lists = routing.order.iter().chain(&routing.only);
    // Whoever gives an order, or asks for the default tier, means just that.
    let by_suffix = routing.order.is_empty() && asked.service_tier != Some(DEFAULT);
    let is_of_model =
        |(model, tier): &(String, String)| *model == endpoint.model_slug && tier == own;
    let is_asked_for = asked.service_tier == Some(own)
        || (by_suffix && routing.tiers.iter().any(is_of_model))
        || terms.pins.name_tier(endpoint, own)
        || lists.any(|entry| named::names_tier(entry, endpoint, own));
    match is_asked_for {
        true => Ok(()),
        false => ruled(Cause::ServiceTier, format!("nothing asks for its service tier `{own}`")),
    }
}

fn retention(terms: &Terms<'_>, endpoint: &Endpoint) -> Result<(), Ruled> {
    let is_met = endpoint.provider.facts.retains_prompts == Some(false);
    private(terms.asked.routing.zdr, terms.ceiling.zdr, is_met, Cause::Retention, "zdr")
}

fn training(terms: &Terms<'_>, endpoint: &Endpoint) -> Result<(), Ruled> {
    let is_met = endpoint.provider.facts.trains_on_prompts == Some(false);
    let (asked, ceiling) =
        (terms.asked.routing.deny_data_collection, terms.ceiling.deny_data_collection);
    private(asked, ceiling, is_met, Cause::Training, "data_collection")
}

/// No author is known to allow it.
fn distillation(terms: &Terms<'_>, _: &Endpoint) -> Result<(), Ruled> {
    let asked = terms.asked.routing.enforce_distillable_text;
    private(asked, false, false, Cause::Distillation, "enforce_distillable_text")
}

fn private(
    asked: bool,
    ceiling: bool,
    is_met: bool,
    cause: Cause,
    wish: &str,
) -> Result<(), Ruled> {
    let whose = match (asked, ceiling) {
        _ if is_met => return Ok(()),
        (true, _) => format!("provider.{wish}"),
        (false, true) => format!("the router's own {wish}"),
        (false, false) => return Ok(()),
    };
    ruled(cause, format!("the catalogue does not say that it meets {whose}"))
}

fn region(terms: &Terms<'_>, endpoint: &Endpoint) -> Result<(), Ruled> {
    let own = endpoint.region.as_deref();
    for (wanted, whose) in [
        (&terms.asked.routing.regions, "provider.regions"),
        (&terms.ceiling.regions, "the router's own regions"),
    ] {
        if wanted.is_empty() || own.is_some_and(|own| named::lies_in(wanted, own)) {
            continue;
        }
        let where_it_is = own.map_or_else(|| "where it is".into(), |own| format!("its `{own}`"));
        return ruled(Cause::Region, format!("{whose} does not hold {where_it_is}"));
    }
    Ok(())
}

fn quantization(terms: &Terms<'_>, endpoint: &Endpoint) -> Result<(), Ruled> {
    let wanted = &terms.asked.routing.quantizations;
    let own = endpoint.quantization.as_deref().unwrap_or("unknown");
    if wanted.is_empty() || named::accepts(wanted, own) {
        return Ok(());
    }
    ruled(Cause::Quantization, format!("provider.quantizations does not name its `{own}`"))
}

fn cost(terms: &Terms<'_>, endpoint: &Endpoint) -> Result<(), Ruled> {
    let (most, tokens) = (&terms.asked.routing.max_price, terms.length.estimate());
    match price::exceeded(most, endpoint.price.as_ref(), tokens.into()) {
        Some(reason) => ruled(Cause::Price, reason),
        None => Ok(()),
    }
}

/// By what the request makes use of: what a model reads, and one of which is enough. A
/// page of a document is a picture to those that look at pictures.
const READ: [(&str, &[&str]); 4] = [
    ("images", &["image"]),
    ("documents", &["file", "image"]),
    ("audio", &["audio"]),
    ("video", &["video"]),
];

/// The same of what it writes.
const WRITTEN: [(&str, &[&str]); 2] = [("image-output", &["image"]), ("audio-output", &["audio"])];

fn modality(terms: &Terms<'_>, endpoint: &Endpoint) -> Result<(), Ruled> {
    let needs = |need: &str| terms.asked.needs.contains(&need);
    let lacks = |known: &[String], enough: &[&str]| {
        !known.is_empty() && !known.iter().any(|kind| enough.contains(&kind.as_str()))
    };
    let read =
        READ.iter().find(|(need, enough)| needs(need) && lacks(&endpoint.input_modalities, enough));
    if let Some((need, _)) = read {
        return ruled(Cause::Modality, format!("its model does not read {need}"));
    }
    let written = WRITTEN
        .iter()
        .find(|(need, enough)| needs(need) && lacks(&endpoint.output_modalities, enough));
    match written {
        Some((need, _)) => ruled(Cause::Modality, format!("its model does not write {need}")),
        None => Ok(()),
    }
}

fn length(terms: &Terms<'_>, endpoint: &Endpoint) -> Result<(), Ruled> {
    let asked = terms.asked;
    if let (Some(wanted), Some(most)) = (asked.max_tokens, endpoint.max_output_tokens)
        && asked.service == Service::Chat
        && wanted > most
    {
        let reason = format!("it writes at most {most} tokens, and {wanted} are asked for");
        return ruled(Cause::OutputLength, reason);
    }
    if let Some(limit) = endpoint.context_length
        && let Some(tokens) = terms.length.beyond(limit, endpoint.tokenizer)
    {
        let reason =
            format!("the prompt of about {tokens} tokens is beyond its context of {limit} tokens");
        return ruled(Cause::ContextLength, reason);
    }
    Ok(())
}
