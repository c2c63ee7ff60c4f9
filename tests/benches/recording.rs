//! What a record of its decision costs a request: two routers in processes of their own,
//! of which one keeps none, take turns. Prints, asserts nothing.
//! `cargo bench --profile release --bench recording`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a bench prints, and stops where it cannot go on"
)]

use plugway_simulator::{Behaviour, Kind, Simulator};
use plugway_tests::{Client, RouterProcess};
use serde_json::{Value, json};
use std::fmt::Write;
use std::time::{Duration, Instant};

/// Turns that each router gets.
const TURNS: usize = 20;

/// Requests of a turn.
const REQUESTS: usize = 512;

/// Clients that share them, each with one request at a time. Of one, each record is a
/// transaction of its own.
const CLIENTS: [usize; 2] = [1, 16];

/// Endpoints of the model: candidates of each decision.
const ENDPOINTS: usize = 10;

/// So long after a turn all of it is written.
const WRITTEN_AFTER: Duration = Duration::from_millis(200);

/// What a request of one turn took, microseconds.
struct Turn {
    /// The median.
    latency: f64,
    /// On the processor, without the thread that talks to the database.
    router: f64,
    /// That thread.
    database: f64,
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let simulator = Simulator::start(Kind::OpenAi, Behaviour::new().reply("here")).unwrap();
    let routers =
        [true, false].map(|recording| RouterProcess::start(&configuration(&simulator, recording)));
    println!(
        "\n{TURNS} turns of {REQUESTS} requests each, {ENDPOINTS} candidates; microseconds of a \
         request, medians over turns"
    );
    for clients in CLIENTS {
        for router in &routers {
            runtime.block_on(turn(router, clients));
        }
        let mut turns = [Vec::new(), Vec::new()];
        for _ in 0..TURNS {
            for (router, turns) in routers.iter().zip(&mut turns) {
                turns.push(runtime.block_on(turn(router, clients)));
            }
        }
        let [on, off] = turns;
        println!("\n{:<34} | recording | not   | added", format!("{clients} at a time"));
        report("latency, median", &on, &off, |it| it.latency);
        report("processor, router", &on, &off, |it| it.router);
        report("processor, database's thread", &on, &off, |it| it.database);
    }
}

async fn turn(router: &RouterProcess, clients: usize) -> Turn {
    let before = processor_time(router);
    let tasks: Vec<_> = (0..clients)
        .map(|_| tokio::spawn(latencies(router.client(), REQUESTS / clients)))
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.unwrap());
    }
    tokio::time::sleep(WRITTEN_AFTER).await;
    let after = processor_time(router);
    let each = |nanoseconds: u64| nanoseconds as f64 / 1e3 / REQUESTS as f64;
    Turn {
        latency: median(all),
        router: each(after.0 - before.0),
        database: each(after.1 - before.1),
    }
}

/// Of so many requests, one after the other.
async fn latencies(client: Client, requests: usize) -> Vec<f64> {
    let mut latencies = Vec::new();
    for _ in 0..requests {
        let began = Instant::now();
        assert_eq!(client.chat(&request()).await.status, 200);
        latencies.push(began.elapsed().as_secs_f64() * 1e6);
    }
    latencies
}

/// Nanoseconds that the process has had so far, and of these the database's threads.
fn processor_time(router: &RouterProcess) -> (u64, u64) {
    let (database, others): (Vec<_>, Vec<_>) =
        router.threads().into_iter().partition(|(name, _)| name.starts_with("sqlx"));
    let sum = |threads: Vec<(String, u64)>| threads.iter().map(|(_, time)| time).sum();
    (sum(others), sum(database))
}

fn request() -> Value {
    json!({"model": "test/many", "messages": [{"role": "user", "content": "Hi"}]})
}

fn configuration(simulator: &Simulator, recording: bool) -> String {
    let mut toml = format!("[decisions]\nenabled = {recording}\n");
    for place in 0..ENDPOINTS {
        writeln!(
            toml,
            "[providers.p{place}]\nadapter = \"openai\"\nbase_url = \"{}\"\n\
             api_key_env = \"TEST_KEY\"",
            simulator.base_url()
        )
        .unwrap();
    }
    toml += "[models.\"test/many\"]\ncontext_length = 100_000\n";
    for place in 0..ENDPOINTS {
        writeln!(
            toml,
            "[[models.\"test/many\".endpoints]]\nprovider = \"p{place}\"\nmodel = \"sim\"\n\
             price = {{ prompt = 1.0, completion = 10.0 }}"
        )
        .unwrap();
    }
    toml
}

fn report(what: &str, on: &[Turn], off: &[Turn], part: impl Fn(&Turn) -> f64) {
    let all = |turns: &[Turn]| median(turns.iter().map(&part).collect());
    let added = on.iter().zip(off).map(|(on, off)| part(on) - part(off));
    println!(
        "{what:<34} | {:>9.1} | {:>5.1} | {:>5.1}",
        all(on),
        all(off),
        median(added.collect())
    );
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
