//! The prices' goldens through the whole path: a provider's response in, a row of the ledger
//! out. What the row has is what adapter and price make of the same usage, and a stream has
//! the same as a whole answer.

mod events;
mod provider;

use super::row;
use crate::goldens::flavours::{Flavour, Shape};
use crate::goldens::{adapters, goldens, rules};
use events::streamed;
use http::Method;
use plugway::catalog::{Catalog, Consumption, Endpoint, cost};
use plugway::config;
use plugway_engine::Adapter;
use plugway_engine::chat::Usage;
use plugway_store::ledger::Tokens;
use plugway_tests::{Client, TestRouter};
use provider::{Answers, Provider};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Requests at a time.
const AT_A_TIME: usize = 16;

/// A usage at an endpoint, and what its row is to have.
#[derive(Clone)]
struct Case {
    flavour: &'static Flavour,
    /// As a client asks for exactly this endpoint.
    model: String,
    upstream_model: String,
    usage: Value,
    expected: Expected,
}

#[derive(Clone, Debug, PartialEq)]
struct Expected {
    tokens: Tokens,
    meters: BTreeMap<String, u64>,
    cost: Option<u64>,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_has_what_adapter_and_price_make_of_the_response_whole_and_streamed() {
    let Some(goldens) = goldens() else { return };
    let adapters = adapters();
    let mut rows = 0;
    for round in rounds() {
        let provider = Provider::start().await;
        let toml = configured(&round, &provider.base_url());
        let named = config::load_str("", &toml, &|_| Some("any".to_owned()));
        let named = named.unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let cases = cases(&goldens, &round, &named.catalog, &adapters);
        assert!(!cases.is_empty(), "{toml}");
        let router = Arc::new(TestRouter::start(&toml).await);
        rows += served(&router, &provider, cases).await;
    }
    println!("{rows} rows are as they should be");
    assert!(rows > 500, "only {rows} rows were looked at");
}

/// A provider speaks one format at a time: flavours, so that each round has every provider
/// with one adapter and one interface of it.
fn rounds() -> Vec<Vec<&'static Flavour>> {
    let mut rounds: Vec<Vec<&'static Flavour>> = Vec::new();
    let speaks = |it: &Flavour| (it.adapter, it.api());
    let fits = |round: &Vec<&'static Flavour>, flavour: &Flavour| {
        let same = round.iter().filter(|it| it.provider == flavour.provider);
        let is_embedding = |it: &Flavour| it.shape == Shape::Embedding;
        same.clone().all(|it| {
            speaks(it) == speaks(flavour)
                || (it.adapter == flavour.adapter && (is_embedding(it) || is_embedding(flavour)))
        })
    };
    for flavour in Flavour::all() {
        match rounds.iter_mut().find(|round| fits(round, flavour)) {
            Some(round) => round.push(flavour),
            None => rounds.push(vec![flavour]),
        }
    }
    rounds
}

fn configured(round: &[&'static Flavour], base: &str) -> String {
    let mut providers: BTreeMap<&str, String> = BTreeMap::new();
    for flavour in round {
        let name = flavour.provider;
        let table = providers.entry(name).or_insert_with(|| {
            // Where the catalogue has more than a key, one has to do here.
            format!(
                "[providers.{name}]\nadapter = \"{}\"\nbase_url = \"{base}/{name}\"\n\
                 auth = \"bearer\"\napi_key_env = \"TEST_KEY\"\n",
                flavour.adapter
            )
        });
        if let Some(api) = flavour.api() {
            *table += &format!("options.api = \"{api}\"\n");
        }
        if name.starts_with("google-vertex") && !table.contains("project") {
            *table += "options.project = \"p\"\n";
        }
    }
    String::from_iter(providers.into_values())
}

/// Each usage once at each endpoint whose price is known.
fn cases(
    goldens: &[Value],
    round: &[&'static Flavour],
    catalog: &Catalog,
    adapters: &[Arc<Adapter>],
) -> Vec<Case> {
    let (mut cases, mut seen) = (Vec::new(), BTreeSet::new());
    for case in goldens.iter().flat_map(rules::cases).filter(|case| case.price.is_some()) {
        let Some(flavour) = Flavour::of(&case) else { continue };
        if !round.contains(&flavour) {
            continue;
        }
        let Some(endpoint) = flavour.endpoint(catalog, case.model) else { continue };
        if endpoint.price.is_none() {
            continue;
        }
        // Of what does not chat, nobody asks for a chat.
        let makes = |what: &str| endpoint.output_modalities.iter().any(|it| it == what);
        let embeds = makes("embeddings");
        if embeds != (flavour.shape == Shape::Embedding) {
            continue;
        }
        let adapter = adapters.iter().find(|it| it.id() == flavour.adapter).unwrap();
        let Ok(usage) = flavour.read(adapter, endpoint, case.usage) else { continue };
        let parts = flavour.parts(adapter, endpoint, case.usage).unwrap();
        // A chat that says something and counts nothing is estimated.
        if !embeds && usage.completion_tokens == 0 {
            continue;
        }
        let key =
            (flavour.provider, flavour.shape as u8, endpoint.id.clone(), case.usage.to_string());
        if !seen.insert(key) {
            continue;
        }
        let variant = endpoint.variant.iter().map(|it| format!("/{it}"));
        cases.push(Case {
            flavour,
            model: format!(
                "{}@{}{}",
                endpoint.model_slug,
                flavour.provider,
                String::from_iter(variant)
            ),
            upstream_model: endpoint.upstream_model.clone(),
            usage: case.usage.clone(),
            expected: expected(&usage, price_of(catalog, endpoint, &usage, &parts)),
        });
    }
    cases
}

fn expected(usage: &Usage, cost: Option<u64>) -> Expected {
    Expected {
        tokens: Tokens {
            prompt: usage.prompt_tokens,
            completion: usage.completion_tokens,
            cache_read: usage.cache_read_tokens,
            cache_write: usage.cache_write_tokens,
            reasoning: usage.reasoning_tokens,
        },
        meters: usage.meters.iter().cloned().collect(),
        // Where the provider itself names its price, that holds.
        cost: usage.cost.or(cost),
    }
}

/// At the endpoint's price; where several models had a part in it, each at its own, which
/// the provider may not be known to have.
fn price_of(catalog: &Catalog, endpoint: &Endpoint, usage: &Usage, parts: &[Usage]) -> Option<u64> {
    let parts = if parts.len() > 1 { parts } else { std::slice::from_ref(usage) };
    parts.iter().try_fold(0, |sum, part| {
        let price = match &part.model {
            None => endpoint.price.as_ref()?,
            Some(model) => {
                let id = format!("{}/{model}", endpoint.provider.name);
                let mut all = catalog.models.values().flat_map(|it| &it.endpoints);
                all.find(|it| it.id == id)?.price.as_ref()?
            }
        };
        let used = Consumption {
            prompt: part.prompt_tokens,
            completion: part.completion_tokens,
            cache_read: part.cache_read_tokens,
            cache_write: part.cache_write_tokens,
            reasoning: part.reasoning_tokens,
            meters: &part.meters,
        };
        Some(sum + cost(price, used))
    })
}

/// Asks for all of them, and looks at their rows. Returns how many there are.
async fn served(router: &Arc<TestRouter>, provider: &Provider, cases: Vec<Case>) -> usize {
    let places = Arc::new(Semaphore::new(AT_A_TIME));
    let mut asking = JoinSet::new();
    for (number, case) in cases.into_iter().enumerate() {
        let flavour = case.flavour;
        let whole = flavour.body(&case.upstream_model, &case.usage);
        let stream = streamed(flavour.shape, &whole, &case.usage);
        provider.answers(number, Answers { whole: whole.to_string().into_bytes(), stream });
        let (router, places) = (router.clone(), places.clone());
        asking.spawn(async move {
            let _place = places.acquire().await.unwrap();
            let ways: &[bool] = match flavour.shape {
                Shape::Embedding => &[false],
                _ => &[false, true],
            };
            let mut wrong = Vec::new();
            for streaming in ways {
                if let Err(problem) = look(&router, &case, number, *streaming).await {
                    wrong.push(format!(
                        "{} {:?} {} {streaming}: {problem} of {}",
                        flavour.provider, flavour.shape, case.model, case.usage
                    ));
                }
            }
            (ways.len(), wrong)
        });
    }
    let (mut rows, mut wrong) = (0, Vec::new());
    while let Some(asked) = asking.join_next().await {
        let (count, more) = asked.unwrap();
        rows += count;
        wrong.extend(more);
    }
    let shown = &wrong[..wrong.len().min(40)];
    assert!(wrong.is_empty(), "{} rows are not so:\n{}", wrong.len(), shown.join("\n"));
    rows
}

async fn look(
    router: &TestRouter,
    case: &Case,
    number: usize,
    streaming: bool,
) -> Result<(), String> {
    let id = ask(&router.client(), case, number, streaming).await?;
    let row = row(router, &id).await;
    if row.outcome != "ok" || row.is_estimated {
        return Err(format!("{} (estimated: {}), {}", row.outcome, row.is_estimated, row.detail));
    }
    let detail: Value = serde_json::from_str(&row.detail).unwrap();
    let meters = detail.get("meters").cloned().unwrap_or(json!({}));
    let found = Expected {
        tokens: row.tokens,
        meters: serde_json::from_value(meters).unwrap(),
        cost: row.upstream_cost,
    };
    if found == case.expected && row.cost == row.upstream_cost {
        return Ok(());
    }
    Err(format!("{found:?} billed {:?}, not {:?}", row.cost, case.expected))
}

async fn ask(
    client: &Client,
    case: &Case,
    number: usize,
    streaming: bool,
) -> Result<String, String> {
    let text = provider::mark(number);
    let (path, body) = match case.flavour.shape {
        Shape::Embedding => ("/v1/embeddings", json!({"model": case.model, "input": text})),
        _ => (
            "/v1/chat/completions",
            json!({
                "model": case.model, "stream": streaming,
                "messages": [{"role": "user", "content": text}],
            }),
        ),
    };
    let answer = client.read(client.request(Method::POST, path, body.to_string())).await;
    if answer.status != 200 {
        return Err(format!("{} {}", answer.status, answer.text()));
    }
    Ok(answer.header("x-generation-id").unwrap().to_owned())
}
