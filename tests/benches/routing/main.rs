//! What strategies are worth when providers fail: real workloads, decided and walked by
//! the router's own code, over simulated providers in virtual time. Prints, asserts
//! nothing. `cargo bench --profile release --bench routing`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a bench prints, and stops where it cannot go on; its figures are for people"
)]

mod doors;
mod provider;
mod report;
mod scenario;
mod trace;
mod world;

use plugway_routing::Clock;
use plugway_tests::TestRouter;
use report::Tally;
use scenario::{PROVIDERS, RISING, Scenario, scenarios};
use std::fmt::Write;
use std::time::Duration;
use tokio::runtime::Runtime;
use trace::Arrival;
use world::{Chooser, MODEL, World};

/// When the virtual time begins, since the Unix epoch.
const EPOCH: Duration = Duration::from_secs(1_700_000_000);

const CHOOSERS: [(&str, Chooser); 6] = [
    ("balanced", Chooser::Strategy("balanced")),
    ("price", Chooser::Strategy("price")),
    ("latency", Chooser::Strategy("latency")),
    ("throughput", Chooser::Strategy("throughput")),
    ("round-robin", Chooser::RoundRobin),
    ("always-cheapest", Chooser::Cheapest),
];

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    for (name, trace) in [("code", trace::azure("code")), ("conversations", trace::azure("conv"))] {
        println!("\n# Azure, {name}: {} requests", trace.len());
        let length = trace.last().map(|it| it.at).unwrap_or_default();
        let mut healthy = [Duration::ZERO; CHOOSERS.len()];
        for scenario in scenarios(length) {
            println!("\n## {}", scenario.name);
            Tally::heading();
            for ((name, chooser), healthy) in CHOOSERS.iter().zip(&mut healthy) {
                let tally = run(&runtime, *chooser, false, &trace, &scenario);
                if scenario.name == "healthy" {
                    *healthy = tally.p99();
                }
                tally.print(name, *healthy);
            }
        }
    }
    let trace = trace::mooncake();
    println!("\n# Mooncake, conversations with shared prefixes: {} requests\n", trace.len());
    let scenario = Scenario::default();
    Tally::heading();
    for (name, chooser) in CHOOSERS {
        for sticky in [false, true] {
            if sticky && !matches!(chooser, Chooser::Strategy(_)) {
                continue;
            }
            let tally = run(&runtime, chooser, sticky, &trace, &scenario);
            let name = if sticky { format!("{name}, sessions") } else { name.to_owned() };
            tally.print(&name, tally.p99());
        }
    }
}

fn run(
    runtime: &Runtime,
    chooser: Chooser,
    sticky: bool,
    trace: &[Arrival],
    scenario: &Scenario,
) -> Tally {
    let clock = Clock::stopped(EPOCH);
    let router = runtime.block_on(TestRouter::start_at(&configuration(1.0), clock.clone()));
    World::new((&router, &clock), (chooser, sticky), trace, scenario).run()
}

/// One model that all providers serve; nobody will call them. The prices of some of them
/// are `times` those of their profiles.
fn configuration(times: f64) -> String {
    let mut toml = String::from(
        "[server]\nrequest_deadline = \"10m\"\n\
         [routing]\nstrategies = [\"balanced\"]\n\
         \n[upstream]\nfirst_token_timeout = \"30s\"\n",
    );
    for provider in PROVIDERS {
        let name = provider.name;
        let _ = writeln!(
            toml,
            "[providers.{name}]\nadapter = \"openai\"\nbase_url = \"http://127.0.0.1:9/v1\"\napi_key_env = \"TEST_KEY\""
        );
    }
    for (place, provider) in PROVIDERS.iter().enumerate() {
        let times = if place < RISING { times } else { 1.0 };
        let name = provider.name;
        let price = [provider.prompt, provider.completion, provider.cache_read];
        let [prompt, completion, cache_read] = price.map(|it| it * times);
        let _ = writeln!(
            toml,
            "[[models.\"{MODEL}\".endpoints]]\nprovider = \"{name}\"\nmodel = \"m\"\n\
             price = {{ prompt = {prompt:.3}, completion = {completion:.3}, cache_read = {cache_read:.3} }}"
        );
    }
    toml
}
