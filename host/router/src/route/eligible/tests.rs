//! No endpoint that a rule forbids is eligible, whatever the combination: drawn requests
//! and offers, held against a reading of each rule that shares no code with it.

use super::drawn::offer;
use super::rules::{self, Spoken, Terms};
use crate::catalog::{Endpoint, Price, Provider, ProviderFacts};
use crate::config::Ceiling;
use crate::route::pin::Pins;
use crate::route::{Asked, Service};
use plugway_engine::AdapterInfo;
use plugway_wire::{MaxPrice, Routing};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::sync::Arc;

/// Draws of a request with an offer.
const DRAWS: u64 = 200_000;

/// One of the texts, or none.
fn maybe(dice: &mut StdRng, texts: &[&str]) -> Option<String> {
    let pick = dice.random_range(0..=texts.len());
    texts.get(pick).map(|text| (*text).to_owned())
}

/// At most two of the texts; mostly none.
fn few(dice: &mut StdRng, texts: &[&str]) -> Vec<String> {
    let count = if dice.random_ratio(1, 4) { dice.random_range(1..3) } else { 0 };
    (0..count).map(|_| texts[dice.random_range(0..texts.len())].to_owned()).collect()
}

fn rarely(dice: &mut StdRng) -> bool {
    dice.random_ratio(1, 8)
}

const PROVIDERS: [&str; 7] =
    ["one", "ONE", "The One", "two", "one/eu-west", "one/flex", "one/turbo"];
const REGIONS: [&str; 3] = ["eu", "us", "eu-west"];
const TIERS: [&str; 3] = ["flex", "priority", "default"];
const KINDS: [&str; 3] = ["text", "image", "audio"];
const PARAMETERS: [&str; 3] = ["tools", "seed", "max_tokens"];

fn drawn_offer(dice: &mut StdRng) -> Endpoint {
    let bare = match dice.random_bool(0.7) {
        true => offer("one", "The One", "a/m"),
        false => offer("two", "Two", "a/n"),
    };
    let known = |dice: &mut StdRng| match dice.random_range(0..3) {
        0 => None,
        fact => Some(fact == 1),
    };
    let facts = ProviderFacts {
        trains_on_prompts: known(dice),
        retains_prompts: known(dice),
        ..ProviderFacts::default()
    };
    let price = |dice: &mut StdRng| Price {
        prompt: dice.random_range(0..4),
        completion: dice.random_range(0..4),
        request: dice.random_range(0..4),
        ..Price::default()
    };
    Endpoint {
        provider: Arc::new(Provider { facts, ..Provider::clone(&bare.provider) }),
        region: maybe(dice, &REGIONS),
        service_tier: maybe(dice, &TIERS),
        variant: maybe(dice, &["turbo"]),
        quantization: maybe(dice, &["fp4", "nvfp4", "fp8"]),
        price: dice.random_bool(0.8).then(|| price(dice)),
        context_length: dice.random_bool(0.5).then(|| dice.random_range(1..3000)),
        max_output_tokens: dice.random_bool(0.5).then(|| dice.random_range(1..100)),
        input_modalities: few(dice, &KINDS),
        output_modalities: few(dice, &KINDS),
        supported_parameters: few(dice, &PARAMETERS),
        refused_parameters: few(dice, &PARAMETERS),
        ..bare
    }
}

fn drawn_routing(dice: &mut StdRng) -> Routing {
    let limit = |dice: &mut StdRng| rarely(dice).then(|| dice.random_range(0..4_000_000));
    Routing {
        order: few(dice, &PROVIDERS),
        only: few(dice, &PROVIDERS),
        ignore: few(dice, &PROVIDERS),
        quantizations: few(dice, &["fp4", "fp8", "nvfp4", "unknown"]),
        regions: few(dice, &REGIONS),
        // The second of two is the other model's.
        tiers: ["a/m", "a/n"].map(String::from).into_iter().zip(few(dice, &TIERS)).collect(),
        no_fallbacks: rarely(dice),
        require_parameters: rarely(dice),
        deny_data_collection: rarely(dice),
        zdr: rarely(dice),
        enforce_distillable_text: dice.random_ratio(1, 50),
        max_price: MaxPrice {
            prompt: limit(dice),
            completion: limit(dice),
            request: limit(dice),
            ..MaxPrice::default()
        },
        ..Routing::default()
    }
}

fn drawn_ceiling(dice: &mut StdRng) -> Ceiling {
    Ceiling {
        allow_models: few(dice, &["a/*", "a/m", "b/*"]),
        ignore_models: few(dice, &["a/n", "b/*"]),
        allow_providers: few(dice, &PROVIDERS),
        ignore_providers: few(dice, &PROVIDERS),
        regions: few(dice, &REGIONS),
        zdr: rarely(dice),
        deny_data_collection: rarely(dice),
    }
}

fn drawn_adapter(dice: &mut StdRng) -> AdapterInfo {
    AdapterInfo {
        name: "any".into(),
        default_base_url: None,
        auth: Vec::new(),
        dialects: few(dice, &["openai-chat", "other"]),
        reasoning_formats: Vec::new(),
        supported_parameters: PARAMETERS[dice.random_range(0..3)..]
            .iter()
            .map(|it| (*it).into())
            .collect(),
    }
}

/// What a list of providers says of an endpoint, spelt out.
fn is_named(list: &[String], endpoint: &Endpoint) -> bool {
    let slug = endpoint.provider.name.to_lowercase();
    let display_name = endpoint.provider.display_name.to_lowercase();
    let mut names = vec![slug.clone(), display_name.clone()];
    for variant in [
        endpoint.region.clone(),
        endpoint.service_tier.clone(),
        endpoint.variant.clone(),
        endpoint.quantization.clone(),
    ] {
        for base in [&slug, &display_name] {
            names.extend(variant.as_ref().map(|variant| format!("{base}/{variant}")));
        }
    }
    list.iter().any(|entry| names.contains(&entry.to_lowercase()))
}

/// The promises to a client and an operator that an endpoint would break.
fn broken(
    asked: &Asked<'_>,
    ceiling: &Ceiling,
    (it, other): (&Endpoint, &Endpoint),
    adapter: &AdapterInfo,
) -> Vec<&'static str> {
    let (routing, facts) = (asked.routing, &it.provider.facts);
    let has = |list: &[String], word: &str| list.iter().any(|it| it == word);
    let model = |list: &[String]| {
        has(list, &it.model_slug) || (it.model_slug.starts_with("a/") && has(list, "a/*"))
    };
    let tier = it.service_tier.as_deref().unwrap_or("default");
    let opts_in = |list: &[String]| {
        list.iter().any(|entry| entry.ends_with(&format!("/{tier}"))) && it.provider.name == "one"
    };
    let in_regions = |list: &[String]| {
        list.is_empty()
            || it
                .region
                .as_ref()
                .is_some_and(|own| has(list, own) || (own == "eu-west" && has(list, "eu")))
    };
    let quantization = it.quantization.as_deref().unwrap_or("unknown");
    let dearer = |limit: Option<u64>, price: fn(&Price) -> u64| {
        limit.is_some_and(|limit| it.price.as_ref().is_none_or(|it| price(it) > limit))
    };
    let unread = |need: &str, kind: &str, list: &[String]| {
        asked.needs.contains(&need) && !list.is_empty() && !has(list, kind)
    };
    let limits = &routing.max_price;
    let lacks = |parameter: &str| {
        !has(&adapter.supported_parameters, parameter)
            || has(&it.refused_parameters, parameter)
            || (parameter == "tools"
                && !it.supported_parameters.is_empty()
                && !has(&it.supported_parameters, "tools"))
    };
    let rules = [
        ("allow_models", !ceiling.allow_models.is_empty() && !model(&ceiling.allow_models)),
        ("ignore_models", model(&ceiling.ignore_models)),
        (
            "allow_providers",
            !ceiling.allow_providers.is_empty() && !is_named(&ceiling.allow_providers, it),
        ),
        ("ignore_providers", is_named(&ceiling.ignore_providers, it)),
        ("only", !routing.only.is_empty() && !is_named(&routing.only, it)),
        ("ignore", is_named(&routing.ignore, it)),
        (
            "order",
            routing.no_fallbacks && !routing.order.is_empty() && !is_named(&routing.order, it),
        ),
        (
            "tier",
            tier != "default"
                && asked.service_tier != Some(tier)
                && !opts_in(&routing.order)
                && !opts_in(&routing.only)
                && !(routing.tiers.contains(&(it.model_slug.clone(), tier.to_owned()))
                    && routing.order.is_empty()
                    && asked.service_tier != Some("default")),
        ),
        (
            "flex alone",
            asked.service_tier == Some("flex")
                && tier == "default"
                && it.model_slug == other.model_slug
                && other.service_tier.as_deref() == Some("flex"),
        ),
        ("zdr", (routing.zdr || ceiling.zdr) && facts.retains_prompts != Some(false)),
        (
            "training",
            (routing.deny_data_collection || ceiling.deny_data_collection)
                && facts.trains_on_prompts != Some(false),
        ),
        ("distillation", routing.enforce_distillable_text),
        ("regions", !in_regions(&routing.regions) || !in_regions(&ceiling.regions)),
        (
            "quantizations",
            !(routing.quantizations.is_empty()
                || has(&routing.quantizations, quantization)
                || quantization == "nvfp4" && has(&routing.quantizations, "fp4")),
        ),
        ("prompt price", dearer(limits.prompt, |it| it.prompt * 1_000_000)),
        ("completion price", dearer(limits.completion, |it| it.completion * 1_000_000)),
        ("request price", dearer(limits.request, |it| it.request)),
        ("images", unread("images", "image", &it.input_modalities)),
        ("audio", unread("audio", "audio", &it.input_modalities)),
        ("image output", unread("image-output", "image", &it.output_modalities)),
        (
            "max_tokens",
            asked.max_tokens.zip(it.max_output_tokens).is_some_and(|(want, most)| want > most),
        ),
        ("native", asked.native && !has(&adapter.dialects, asked.dialect)),
        ("parameters", routing.require_parameters && asked.parameters.iter().any(|it| lacks(it))),
    ];
    rules.into_iter().filter_map(|(name, is_broken)| is_broken.then_some(name)).collect()
}

#[test]
fn no_eligible_endpoint_breaks_a_promise_and_none_is_left_out_for_nothing() {
    let mut dice = StdRng::seed_from_u64(6);
    let pins = Pins::default();
    let (mut served, mut refused) = (0_u64, std::collections::BTreeMap::new());
    for _ in 0..DRAWS {
        let (routing, ceiling) = (drawn_routing(&mut dice), drawn_ceiling(&mut dice));
        let (endpoint, adapter) = (drawn_offer(&mut dice), drawn_adapter(&mut dice));
        let other = drawn_offer(&mut dice);
        let tier = maybe(&mut dice, &TIERS);
        let needs = &["images", "audio", "image-output"][dice.random_range(0..4)..];
        let asked = Asked {
            service: Service::Chat,
            dialect: "openai-chat",
            native: rarely(&mut dice),
            needs,
            parameters: &["seed", "tools"],
            max_tokens: dice.random_bool(0.3).then(|| dice.random_range(1..100)),
            service_tier: tier.as_deref(),
            ..Asked::beside(Service::Chat, &routing, 4000, 0)
        };
        let mut broken = broken(&asked, &ceiling, (&endpoint, &other), &adapter);
        let terms = Terms::of(&asked, &ceiling, &pins, [&endpoint, &other].into_iter());
        // Nobody counts here: far beyond the context, and not a token earlier.
        let estimate = terms.length.estimate();
        if endpoint.context_length.is_some_and(|limit| estimate > 2 * limit) {
            broken.push("context");
        }
        let spoken = Spoken { id: "any", info: &adapter, offers: &[] };
        let judged = rules::judge(&terms, &endpoint)
            .and_then(|()| rules::judge_adapter(&asked, &endpoint, &spoken));
        assert_eq!(
            judged.is_err(),
            !broken.is_empty(),
            "{judged:?} {broken:?}\n{routing:?}\n{endpoint:?}"
        );
        served += u64::from(judged.is_ok());
        if let [alone] = broken.as_slice() {
            *refused.entry(*alone).or_insert(0_u64) += 1;
        }
    }
    assert!(served > 1000, "{served}");
    // Each rule was the only one in the way, so each was seen to hold.
    assert_eq!(refused.len(), 24, "{refused:?}");
}
