//! What the embedded catalogue holds, and what it takes to use it.

use std::collections::{BTreeMap, BTreeSet};

use super::typed::Typed;
use super::*;
use crate::catalog::{Endpoint, OFFERS, Resolution};

const SECRET: &str = "sk-very-secret";

/// An environment in which every variable is set. Those that name a file name one.
fn every_variable(name: &str) -> Option<String> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    Some(if name == "GOOGLE_APPLICATION_CREDENTIALS" { file } else { SECRET }.to_owned())
}

/// With every variable set.
fn everything() -> Config {
    load_str("", "", &every_variable).unwrap_or_else(|d| panic!("{d}"))
}

fn endpoints(config: &Config) -> impl Iterator<Item = &Endpoint> {
    config.catalog.models.values().flat_map(|model| &model.endpoints).map(AsRef::as_ref)
}

/// Each provider that the embedded catalogue knows: the variables that are each
/// enough, besides those that are needed in any case, and whether they are at all.
fn known() -> BTreeMap<String, (Vec<String>, Vec<String>, bool)> {
    let (typed, found) = Typed::embedded();
    assert!(found.is_empty(), "{}", Diagnostics::new(found));
    let known = typed.providers().map(|(name, provider)| {
        let variables = provider.missing(&|_| None).into_iter().filter_map(|it| it.variable);
        let mut needed: Vec<String> = variables.collect();
        let mut enough = provider.identity.api_key_env.clone();
        needed.retain(|variable| !enough.contains(variable));
        if enough.is_empty() && !needed.is_empty() {
            enough.push(needed.remove(0));
        }
        (name.to_owned(), (enough, needed, provider.by_name_only))
    });
    known.collect()
}

#[test]
fn it_is_as_large_as_promised() {
    let config = everything();
    assert!(config.warnings.is_empty(), "{}", config.warnings);
    let providers = &config.catalog.providers;
    assert!(providers.len() >= 100, "{}", providers.len());
    let priced: Vec<&Endpoint> = endpoints(&config).filter(|it| it.price.is_some()).collect();
    assert!(priced.len() >= 1_000, "{}", priced.len());
    let models: BTreeSet<&String> = priced.iter().map(|it| &it.model_slug).collect();
    assert!(models.len() >= 400, "{}", models.len());
}

#[test]
fn nothing_is_wrong_with_what_is_embedded() {
    let names: Vec<String> = known().into_keys().collect();
    let all: String = names.iter().map(|name| format!("[providers.{name:?}]\n")).collect();
    let config = load_str("plugway.toml", &all, &every_variable);
    let config = config.unwrap_or_else(|d| panic!("{d}"));
    assert!(config.warnings.is_empty(), "{}", config.warnings);
    assert_eq!(config.catalog.providers.len(), names.len());
    for (name, _) in OFFERS {
        assert!(names.iter().any(|known| known == name), "{name} offers, but is no provider");
        assert!(endpoints(&config).any(|it| it.provider.name == **name), "{name}");
    }
    let mut ids = BTreeSet::new();
    for endpoint in endpoints(&config) {
        assert!(ids.insert(&endpoint.id), "{} is there twice", endpoint.id);
        let Some(price) = &endpoint.price else { continue };
        let dearer = |rate: Option<u64>| rate.is_none_or(|rate| rate > 0);
        assert!(price.prompt == 0 || dearer(price.cache_read), "{}", endpoint.id);
        let thresholds = price.tiers.iter().map(|tier| tier.above_prompt_tokens);
        assert!(thresholds.is_sorted(), "{}", endpoint.id);
    }
}

#[test]
fn prices_are_those_that_are_published() {
    let config = everything();
    let price_of = |name: &str| {
        let endpoint = endpoints(&config).find(|it| it.id == name);
        endpoint.and_then(|it| it.price.clone()).unwrap_or_else(|| panic!("{name} has no price"))
    };
    let long = price_of("openai/gpt-5.4");
    assert_eq!(
        (long.prompt, long.completion, long.cache_read),
        (2_500_000, 15_000_000, Some(250_000))
    );
    assert_eq!(
        (long.tiers[0].above_prompt_tokens, long.tiers[0].completion),
        (272_000, 22_500_000)
    );
    let cached = price_of("anthropic/claude-sonnet-4-6");
    assert_eq!((cached.cache_write, cached.cache_write_1h), (Some(3_750_000), Some(6_000_000)));
    assert!(cached.meters.contains(&("web-searches".into(), 10_000_000_000)));
    let heard = price_of("google-ai-studio/gemini-2.5-flash");
    assert!(heard.meters.contains(&("prompt-audio-tokens".into(), 1_000_000)));
    assert_eq!(price_of("groq/llama-3.1-8b-instant").completion, 80_000);
}

#[test]
fn a_variable_is_all_that_it_takes() {
    let known = known();
    let mut turned_on = BTreeMap::new();
    for (name, (variables, needed, by_name_only)) in &known {
        if *by_name_only {
            continue;
        }
        assert!(!variables.is_empty(), "{name} has no variable");
        for variable in variables {
            let is_set = |asked: &String| asked == variable || needed.contains(asked);
            let env = |asked: &str| every_variable(asked).filter(|_| is_set(&asked.to_owned()));
            let config = load_str("", "", &env).unwrap_or_else(|d| panic!("{variable}: {d}"));
            let active: Vec<&String> = config.catalog.providers.keys().collect();
            assert_eq!(active, [name], "{variable}");
            assert!(config.ready().is_ok());
            let offers = OFFERS.iter().any(|(it, _)| it == name);
            let config = load_str("", "", &env).unwrap();
            assert_eq!(!config.catalog.models.is_empty(), offers, "{variable}");
            assert!(endpoints(&config).all(|it| it.provider.name == *name), "{variable}");
            assert_eq!(turned_on.insert(variable, name), None, "{variable} turns on two");
        }
    }
    assert!(turned_on.len() >= 100, "{}", turned_on.len());
}

#[test]
fn of_several_variables_the_first_that_is_set_holds_the_secret() {
    let check = |set: &'static [&'static str], expected: &str| {
        let config = load_str("", "", &|name| set.contains(&name).then(|| SECRET.to_owned()));
        let config = config.unwrap_or_else(|d| panic!("{d}"));
        let credentials = &config.catalog.providers["google-ai-studio"].credentials;
        let expected = crate::catalog::CredentialSource::Env(expected.to_owned());
        assert_eq!(credentials[0].source, expected);
    };
    check(&["GEMINI_API_KEY"], "GEMINI_API_KEY");
    check(&["GOOGLE_GENERATIVE_AI_API_KEY"], "GOOGLE_GENERATIVE_AI_API_KEY");
    check(&["GOOGLE_GENERATIVE_AI_API_KEY", "GOOGLE_API_KEY"], "GOOGLE_API_KEY");
    let text = "[providers.x]\nbase_url = 'https://h'\napi_key_env = ['A', 'B']";
    let config = load_str("plugway.toml", text, &|_| None).unwrap();
    let warning = config.warnings.to_string();
    assert!(warning.contains("api_key_env: `A` or `B` is not set; set it"), "{warning}");
    for (variables, problem) in
        [("3", "is an integer"), ("['']", "is empty"), ("[1]", "is an array")]
    {
        let text = format!("[providers.x]\nbase_url = 'https://h'\napi_key_env = {variables}");
        let mistakes = load_str("plugway.toml", &text, &|_| None).unwrap_err().to_string();
        assert!(mistakes.contains(&format!("api_key_env: {problem}")), "{mistakes}");
    }
}

#[test]
fn a_model_is_one_wherever_it_is_served() {
    let config = everything();
    let serving = |slug: &str| {
        let Resolution::Known(model) = config.catalog.resolve(slug) else { panic!("no {slug}") };
        model.endpoints.iter().map(|it| it.id.clone()).collect::<Vec<_>>()
    };
    let many = serving("meta-llama/llama-3.3-70b-instruct");
    for id in [
        "nebius/meta-llama/Llama-3.3-70B-Instruct",
        "groq/llama-3.3-70b-versatile",
        "novita/meta-llama/llama-3.3-70b-instruct",
        "sambanova/Meta-Llama-3.3-70B-Instruct",
    ] {
        assert!(many.iter().any(|it| it == id), "{id} is not among {many:?}");
    }
    // An endpoint's own name leads to its model.
    assert_eq!(serving("groq/llama-3.3-70b-versatile"), many);
    // What a provider calls after whatever is newest is joined with nothing.
    let moving = serving("deepseek/deepseek-chat");
    assert!(!moving.iter().any(|it| it == "deepseek/deepseek-chat"), "{moving:?}");
    // What has no known price is nobody's cheapest offer.
    for model in config.catalog.models.values().filter(|it| it.endpoints.len() > 1) {
        assert!(model.endpoints.iter().all(|it| it.price.is_some()), "{}", model.slug);
    }
    // One provider serves a model once.
    for model in config.catalog.models.values() {
        let mut providers: Vec<&str> =
            model.endpoints.iter().map(|it| &*it.provider.name).collect();
        providers.sort_unstable();
        assert!(providers.windows(2).all(|pair| pair[0] != pair[1]), "{}", model.slug);
    }
}

#[test]
fn a_file_adds_to_it_and_overrides_it() {
    let text = r#"
[providers.groq]
[providers.nebius]
[models."meta-llama/llama-3.3-70b-instruct"]
name = "Ours"
[[models."meta-llama/llama-3.3-70b-instruct".endpoints]]
provider = "groq"
model = "llama-3.3-70b-versatile"
price = { prompt = 1, completion = 2 }
"#;
    let config = load_str("plugway.toml", text, &|_| Some(SECRET.to_owned())).unwrap();
    let model = &config.catalog.models["meta-llama/llama-3.3-70b-instruct"];
    assert_eq!(model.name, "Ours");
    let prices = model
        .endpoints
        .iter()
        .map(|it| (it.provider.name.as_str(), it.price.as_ref().map_or(0, |price| price.prompt)));
    assert_eq!(prices.collect::<Vec<_>>(), [("nebius", 130_000), ("groq", 1_000_000)]);
    // A model that is known may be corrected though nobody here serves it.
    let text = "[providers.groq]\n[models.\"openai/gpt-5.4\"]\nname = \"Ours\"";
    let config = load_str("plugway.toml", text, &|_| Some(SECRET.to_owned())).unwrap();
    assert!(!config.catalog.models.contains_key("openai/gpt-5.4"));
}
