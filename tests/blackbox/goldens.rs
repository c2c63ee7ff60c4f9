//! Usage that providers reported and what another project makes of it: each object
//! goes through an adapter, and the catalogue's price through `cost`; the sum is to
//! be the same to the last digit, or the difference explained in
//! `tests/corpus/goldens.toml`. The goldens are no part of the repository.

pub(crate) mod flavours;
pub(crate) mod rules;

use flavours::Flavour;
use plugway::catalog::{Catalog, Consumption, PER_REQUEST_DECIMALS, cost, dollars_to_picodollars};
use plugway::config;
use plugway_engine::{Adapter, Engine, Grants, Limits, Plugin};
use rules::{Case, Rules};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

const GOLDENS: &str = "../../shared/catalogue/genai_prices_usage_cost_goldens.json.gz";

/// What became of one pair of a usage and a reader of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Agreed,
    /// By the rule of this cause.
    Explained(String),
    /// The other project names no price.
    Unpriced,
}

#[test]
fn costs_are_those_of_another_project_or_explained() {
    let Some(goldens) = goldens() else { return };
    let providers = Flavour::providers().map(|name| format!("[providers.{name}]\n"));
    let named = config::load_str("", &String::from_iter(providers), &|_| Some("any".to_owned()));
    let named = named.unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let adapters = adapters();
    let mut rules = Rules::read();
    let mut outcomes: BTreeMap<(String, Outcome), usize> = BTreeMap::new();
    let mut unexplained = Vec::new();
    for golden in &goldens {
        for case in rules::cases(golden) {
            let key = format!("{} {}", case.provider, case.flavour);
            let outcome = match judge(&case, &mut rules, &named.catalog, &adapters) {
                Ok(outcome) => outcome,
                Err(problem) => {
                    unexplained.push(format!("{key} {}: {problem} {}", case.model, case.file));
                    continue;
                }
            };
            *outcomes.entry((key, outcome)).or_default() += 1;
        }
    }
    for ((key, outcome), count) in &outcomes {
        if *outcome != Outcome::Unpriced {
            println!("{count:5} {key} {outcome:?}");
        }
    }
    println!("{} goldens, {} unexplained", goldens.len(), unexplained.len());
    assert!(
        unexplained.is_empty(),
        "{} are not explained:\n{}",
        unexplained.len(),
        unexplained.join("\n")
    );
    let stale = rules.unused();
    assert!(stale.is_empty(), "these rules explain nothing: {stale:?}");
}

/// All of them; none, with a notice, where they are not at hand.
pub(crate) fn goldens() -> Option<Vec<Value>> {
    let goldens = Path::new(env!("CARGO_MANIFEST_DIR")).join(GOLDENS);
    if !goldens.exists() {
        // Not by eprintln: the test runner would keep it to itself.
        let _ = writeln!(std::io::stderr(), "\nSKIPPED: there is no {}", goldens.display());
        return None;
    }
    let unpacked = Command::new("gzip").arg("-dc").arg(&goldens).output().unwrap();
    Some(serde_json::from_slice(&unpacked.stdout).unwrap())
}

fn judge(
    case: &Case<'_>,
    rules: &mut Rules,
    catalog: &Catalog,
    adapters: &[Arc<Adapter>],
) -> Result<Outcome, String> {
    let Some(expected) = &case.price else { return Ok(Outcome::Unpriced) };
    let flavour = Flavour::of(case).ok_or("is a flavour that nobody reads")?;
    let Some(endpoint) = flavour.endpoint(catalog, case.model) else {
        return match rules.explain(case, &["unlisted".to_owned()]) {
            Some(cause) => Ok(Outcome::Explained(cause)),
            None => Err(format!("{} does not offer it", flavour.provider)),
        };
    };
    let adapter = adapters.iter().find(|it| it.id() == flavour.adapter).ok_or("no adapter")?;
    let usage = flavour.read(adapter, endpoint, case.usage)?;
    let price = endpoint.price.as_ref().ok_or("is unpriced")?;
    let used = Consumption {
        prompt: usage.prompt_tokens,
        completion: usage.completion_tokens,
        cache_read: usage.cache_read_tokens,
        cache_write: usage.cache_write_tokens,
        reasoning: usage.reasoning_tokens,
        meters: &usage.meters,
    };
    let ours = cost(price, used);
    if Ok(ours) == *expected {
        return Ok(Outcome::Agreed);
    }
    let meters = usage.meters.iter().map(|(name, _)| name);
    let fields = case.usage.as_object().unwrap().keys();
    let tier = price.tiers.iter().any(|tier| used.prompt > tier.above_prompt_tokens);
    let tier = tier.then(|| "tier".to_owned());
    let has: Vec<String> = meters.chain(fields).cloned().chain(tier).collect();
    match rules.explain(case, &has) {
        Some(cause) => Ok(Outcome::Explained(cause)),
        None => {
            Err(format!("{ours} is not {expected:?} of {used:?} at {price:?} for {}", case.usage))
        }
    }
}

/// Those that the router brings along.
pub(crate) fn adapters() -> Vec<Arc<Adapter>> {
    let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/test-code-cache");
    let engine = Engine::new(Limits::default(), Some(cache)).unwrap();
    let plugins = plugway::FIRST_PARTY.iter();
    let plugins = plugins.map(|it| engine.load(it.id, it.wasm, &Grants::default()).unwrap());
    plugins
        .filter_map(|plugin| match plugin {
            Plugin::Adapter(adapter) => Some(adapter),
            Plugin::Strategy(_) => None,
        })
        .collect()
}

/// The sum of two prices in dollars, in picodollars.
fn sum(input: &str, output: &str) -> Result<u64, String> {
    let read = |text: &str| {
        let plain = without_exponent(text);
        dollars_to_picodollars(&plain, PER_REQUEST_DECIMALS)
            .map_err(|error| format!("{text} {error}"))
    };
    Ok(read(input)? + read(output)?)
}

/// `6.5E-7` as `0.00000065`.
fn without_exponent(text: &str) -> String {
    let Some((number, exponent)) = text.split_once("E-") else { return text.to_owned() };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = format!("{whole}{fraction}");
    let decimals = exponent.parse::<usize>().unwrap() + fraction.len();
    let padded = format!("{digits:0>width$}", width = decimals + 1);
    let (whole, fraction) = padded.split_at(padded.len() - decimals);
    format!("{whole}.{fraction}")
}

#[test]
fn exponents_are_read_exactly() {
    for (text, plain) in [("6E-7", "0.0000006"), ("1.25E-3", "0.00125"), ("2.5", "2.5")] {
        assert_eq!(without_exponent(text), plain);
    }
}
