//! What accounting costs a request, and what one key's flood does to another's requests.
//! Routers in processes of their own take turns. Prints, asserts nothing.
//! `cargo bench --profile release --bench accounting`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a bench prints, and stops where it cannot go on"
)]

use http::{HeaderMap, Method, Uri};
use plugway::account::authenticate;
use plugway::account::issue::NewKey;
use plugway_accounts::KeySettings;
use plugway_simulator::{Behaviour, Kind, Simulator};
use plugway_store::{Change, DEFAULT_WORKSPACE, Location, Store};
use plugway_tests::{Client, RouterProcess, TestRouter};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Turns that each router gets.
const TURNS: usize = 20;

/// Requests of a turn.
const REQUESTS: usize = 256;

/// Clients that share them, each with one request at a time. Of one, each row is a
/// transaction of its own.
const CLIENTS: [usize; 2] = [1, 16];

/// How the ledger is kept, and how sure it is.
const MODES: [(&str, &str); 3] = [("relaxed", "NORMAL"), ("strict", "NORMAL"), ("strict", "FULL")];

/// How long a turn of the flood takes.
const FLOOD_TURN: Duration = Duration::from_secs(3);

/// Between two requests of the key that behaves.
const PACE: Duration = Duration::from_millis(10);

/// Connections of the key that floods.
const FLOODERS: usize = 16;

fn main() {
    let runtime = Runtime::new().unwrap();
    let simulator = Simulator::start(Kind::OpenAi, Behaviour::new().reply("here")).unwrap();
    look_up(&runtime, &simulator);
    ledger(&runtime, &simulator);
    flood(&runtime);
}

/// How long it takes to know whose a request is: the key's hash, and where that leads.
fn look_up(runtime: &Runtime, simulator: &Simulator) {
    const TIMES: u32 = 100_000;
    let router = runtime.block_on(TestRouter::start(&provider(simulator)));
    let mut secret = String::new();
    runtime.block_on(async {
        for _ in 0..1_000 {
            secret = make_key(&router.router.store, "{}").await;
        }
        router.router.accounts.refresh().await.unwrap();
    });
    let mut headers = HeaderMap::new();
    headers.insert("authorization", format!("Bearer {secret}").parse().unwrap());
    let uri = Uri::from_static("/v1/chat/completions");
    let began = Instant::now();
    for _ in 0..TIMES {
        assert!(authenticate(&router.router, &headers, &uri).unwrap().key.is_some());
    }
    let each = began.elapsed().as_secs_f64() * 1e6 / f64::from(TIMES);
    println!("one of 1,000 keys is known after {each:.2} us");
}

fn ledger(runtime: &Runtime, simulator: &Simulator) {
    let home = TempDir::new().unwrap();
    let routers = MODES.map(|(mode, synchronous)| {
        let state = home.path().join(format!("{mode}-{synchronous}.db"));
        let toml = format!(
            "state = {state:?}\nledger = \"{mode}\"\nsynchronous = \"{synchronous}\"\n{}",
            provider(simulator)
        );
        RouterProcess::start(&toml)
    });
    println!("\n{TURNS} turns of {REQUESTS} requests each; milliseconds of a request");
    for clients in CLIENTS {
        for streaming in [false, true] {
            let mut all = MODES.map(|_| Vec::new());
            for turn in 0..=TURNS {
                for (router, all) in routers.iter().zip(&mut all) {
                    let latencies = runtime.block_on(latencies(router, clients, streaming));
                    // The first warms up.
                    if turn > 0 {
                        all.extend(latencies);
                    }
                }
            }
            let form = if streaming { "streamed, to the last byte" } else { "whole" };
            println!("\n{clients} at a time, {form:<28} |   p50 |   p99");
            for ((mode, synchronous), mut all) in MODES.into_iter().zip(all) {
                let [p50, p99] = [50, 99].map(|percent| percentile(&mut all, percent));
                println!("{:<42} | {p50:>5.2} | {p99:>5.2}", format!("{mode}, {synchronous}"));
            }
        }
    }
}

async fn latencies(router: &RouterProcess, clients: usize, streaming: bool) -> Vec<f64> {
    let one = |client: Client| async move {
        let mut latencies = Vec::new();
        for _ in 0..REQUESTS / clients {
            let began = Instant::now();
            match streaming {
                true => assert!(client.stream(&request(true)).await.done),
                false => assert_eq!(client.chat(&request(false)).await.status, 200),
            }
            latencies.push(began.elapsed().as_secs_f64() * 1e3);
        }
        latencies
    };
    let tasks: Vec<_> = (0..clients).map(|_| tokio::spawn(one(router.client()))).collect();
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.unwrap());
    }
    all
}

fn flood(runtime: &Runtime) {
    // An answer that takes about as long as a short one of a real provider.
    let behaviour = Behaviour::new().first_token_ms(100).tokens_per_second(200);
    let simulator = Simulator::start(Kind::OpenAi, behaviour).unwrap();
    for (what, settings) in [
        ("at its limit of requests", r#"{"requests_per_minute":60}"#),
        ("at its limit of 4 at a time", r#"{"concurrent_requests":4}"#),
        ("without a limit of its own", "{}"),
    ] {
        let home = TempDir::new().unwrap();
        let state = home.path().join("state.db");
        let keys = runtime.block_on(make_keys(&state, settings));
        let toml = format!("state = {state:?}\n{}", provider(&simulator));
        let router = RouterProcess::start(&toml);
        let mut turns = [Vec::new(), Vec::new()];
        let mut refused = 0;
        for _ in 0..5 {
            for (is_flooded, turns) in [false, true].into_iter().zip(&mut turns) {
                let (latencies, sent) = runtime.block_on(paced(&router, &keys, is_flooded));
                turns.extend(latencies);
                refused += sent;
            }
        }
        let [mut calm, mut flooded] = turns;
        let (calm, flooded) = (percentile(&mut calm, 99), percentile(&mut flooded, 99));
        println!(
            "\none key floods, {what}: another's p99 is {flooded:.1} ms, {:.2} times the {calm:.1} \
             ms without; {refused} requests of the flood answered",
            flooded / calm
        );
    }
}

/// What the key that behaves waits for its answers, beside the flood or without it.
async fn paced(router: &RouterProcess, keys: &[String; 2], flooded: bool) -> (Vec<f64>, usize) {
    let (is_over, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let flooders: Vec<_> = (0..if flooded { FLOODERS } else { 0 })
        .map(|_| {
            let (client, key) = (router.client(), keys[1].clone());
            let (is_over, sent) = (is_over.clone(), sent.clone());
            tokio::spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    ask(&client, &key).await;
                    sent.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let (began, client) = (Instant::now(), router.client());
    let mut asked = Vec::new();
    while began.elapsed() < FLOOD_TURN {
        let (client, key) = (client.clone(), keys[0].clone());
        asked.push(tokio::spawn(async move {
            let began = Instant::now();
            assert_eq!(ask(&client, &key).await, 200);
            began.elapsed().as_secs_f64() * 1e3
        }));
        tokio::time::sleep(PACE).await;
    }
    let mut latencies = Vec::new();
    for asked in asked {
        latencies.push(asked.await.unwrap());
    }
    is_over.store(true, Ordering::Relaxed);
    for flooder in flooders {
        flooder.await.unwrap();
    }
    (latencies, sent.load(Ordering::Relaxed))
}

async fn ask(client: &Client, key: &str) -> u16 {
    let mut request =
        client.request(Method::POST, "/v1/chat/completions", request(false).to_string());
    let key = format!("Bearer {key}").parse().unwrap();
    request.headers_mut().insert("authorization", key);
    client.read(request).await.status.as_u16()
}

/// One key that may do what it likes, and one with these settings.
async fn make_keys(state: &Path, settings: &str) -> [String; 2] {
    let store = Store::open(&Location::File(state.to_owned())).await.unwrap();
    let keys = [make_key(&store, "{}").await, make_key(&store, settings).await];
    store.close().await;
    keys
}

async fn make_key(store: &Store, settings: &str) -> String {
    let settings: KeySettings = serde_json::from_str(settings).unwrap();
    let new = NewKey { workspace: DEFAULT_WORKSPACE.to_owned(), settings, ..NewKey::default() };
    let (row, secret) = new.issue(0).unwrap();
    assert_eq!(store.create_key(&row).await.unwrap(), Change::Done);
    secret.expose().to_owned()
}

fn request(streaming: bool) -> Value {
    let messages = json!([{"role": "user", "content": "Hi"}]);
    json!({"model": "test/one", "stream": streaming, "messages": messages})
}

fn provider(simulator: &Simulator) -> String {
    format!(
        "[providers.sim]\nadapter = \"openai\"\nbase_url = \"{}\"\napi_key_env = \"TEST_KEY\"\n\
         [[models.\"test/one\".endpoints]]\nprovider = \"sim\"\nmodel = \"sim\"\n\
         price = {{ prompt = 1.0, completion = 10.0 }}\n",
        simulator.base_url()
    )
}

fn percentile(values: &mut [f64], percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(values.len() * percent / 100).min(values.len() - 1)]
}
