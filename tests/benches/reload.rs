//! How soon a plugin that was dropped decides, and what that time is made of: prints,
//! asserts nothing. `cargo bench --profile release --bench reload`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench prints, and stops where it cannot go on"
)]

use plugway::reload;
use plugway_simulator::{Behaviour, Kind, Simulator};
use plugway_tests::{Client, TestRouter, guest};
use serde_json::{Value, json};
use std::fs;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// Times that a new strategy is dropped, per round.
const DROPS: u32 = 100;

/// Streams that are open meanwhile, in the second round.
const STREAMS: usize = 50;

/// What one drop took.
struct Drop {
    /// Until a request was decided by it.
    whole: Duration,
    /// Of that, reading, looking, compiling, linking and trying it.
    load: Duration,
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    println!(
        "\n{DROPS} drops of a strategy of {} bytes each, every one compiled anew\n",
        guest("strategy-minimal").len()
    );
    println!("{:<22} | {:<34} | p50 ms | p99 ms | max ms", "meanwhile", "part");
    for streams in [0, STREAMS] {
        let drops = runtime.block_on(round(streams));
        let meanwhile = format!("{streams} streams");
        report(&meanwhile, "drop to first decision", drops.iter().map(|it| it.whole));
        report(&meanwhile, "read, look, compile, link, try", drops.iter().map(|it| it.load));
        let rest = drops.iter().map(|it| it.whole.saturating_sub(it.load));
        report(&meanwhile, "event, settling, queue, one request", rest);
    }
}

async fn round(streams: usize) -> Vec<Drop> {
    let slow = Behaviour::new().tokens_per_second(20).completion_tokens(100);
    let streaming = Simulator::start(Kind::OpenAi, slow).unwrap();
    let instant = Simulator::start(Kind::OpenAi, Behaviour::new().reply("here")).unwrap();
    let toml = format!(
        "[routing]\nstrategies = [\"mine\"]\n{}{}",
        provider("instant", &instant),
        provider("slow", &streaming)
    );
    let router = TestRouter::start(&toml).await;
    let _watches = reload::watch(&router.router);
    let busy: Vec<_> = (0..streams).map(|_| keep_busy(router.client())).collect();
    let (client, mut drops) = (router.client(), Vec::new());
    // Other bytes in every run: what an earlier one compiled is of no use.
    let run: u64 = std::process::id().into();
    for number in 0..DROPS {
        let wasm = variant((run << 32) | u64::from(number) | ((streams as u64) << 16));
        let beside = router.plugins().join("mine.part");
        fs::write(&beside, wasm).unwrap();
        let before = generation(&router);
        fs::rename(&beside, router.plugins().join("mine.wasm")).unwrap();
        let began = Instant::now();
        drops.push(decided(&router, &client, before, began).await);
    }
    busy.iter().for_each(JoinHandle::abort);
    drops
}

/// Asks again and again until an answer was decided by a newer generation.
async fn decided(router: &TestRouter, client: &Client, before: u64, began: Instant) -> Drop {
    loop {
        let serving = generation(router);
        let answer = client.chat(&ask("test/instant")).await;
        let strategy = answer.header("x-plugway-strategy").unwrap_or_default().to_owned();
        if serving > before && strategy.starts_with("mine@") {
            let status = router.router.registry.status();
            let load = status.iter().find(|it| it.id == "mine").unwrap().load_time;
            return Drop { whole: began.elapsed(), load };
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn generation(router: &TestRouter) -> u64 {
    let status = router.router.registry.status();
    status.iter().find(|it| it.id == "mine").map_or(0, |it| it.generation)
}

fn keep_busy(client: Client) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            client.stream(&ask("test/slow")).await;
        }
    })
}

fn ask(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "Hi"}]})
}

fn provider(name: &str, simulator: &Simulator) -> String {
    format!(
        "[providers.{name}]\nadapter = \"openai\"\nbase_url = \"{}\"\napi_key_env = \"TEST_KEY\"\n\
         [models.\"test/{name}\"]\n[[models.\"test/{name}\".endpoints]]\nprovider = \"{name}\"\nmodel = \"sim\"\n",
        simulator.base_url()
    )
}

/// The strategy with a section that nobody reads, so that its digest is another.
fn variant(number: u64) -> Vec<u8> {
    [guest("strategy-minimal"), &[0, 10, 1, b'v'], &number.to_le_bytes()].concat()
}

fn report(meanwhile: &str, part: &str, times: impl Iterator<Item = Duration>) {
    let mut ms: Vec<f64> = times.map(|it| it.as_secs_f64() * 1e3).collect();
    ms.sort_by(f64::total_cmp);
    let at = |percent: usize| ms[(ms.len() * percent / 100).min(ms.len() - 1)];
    println!("{meanwhile:<22} | {part:<34} | {:>6.1} | {:>6.1} | {:>6.1}", at(50), at(99), at(100));
}
