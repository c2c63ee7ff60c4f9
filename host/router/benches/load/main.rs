//! What the router adds: a plain proxy and the router in front of the same
//! simulated provider, taking turns in one run. Prints, for each body and each
//! of the two, CPU microseconds per request, their ratio, and what it adds to
//! the median and the 99th percentile of asking the provider directly.
//!
//! Each server is a process of its own, so that its CPU time can be read. Runs
//! on loopback only, for a fixed number of requests.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_precision_loss,
    reason = "a bench prints its figures, and may end with any error"
)]

mod child;
mod load;
mod proxy;

use child::{Child, Role};
use load::{Load, Sample};

/// Turns that each server gets per kind of request.
const ROUNDS: usize = 10;

/// The requests that are compared: their name, the prompt's bytes, streamed or not.
const KINDS: [(&str, usize, bool); 4] = [
    ("1 KB, whole", 1_000, false),
    ("1 KB, stream of 50", 1_000, true),
    ("10 KB, whole", 10_000, false),
    ("100 KB, whole", 100_000, false),
];

fn main() {
    let mut arguments = std::env::args().skip(1);
    if let Some(role) = arguments.next().and_then(|name| Role::from_name(&name)) {
        return child::serve(role, &arguments.next().unwrap_or_default());
    }
    let simulator = Child::start(Role::Simulator, "");
    let proxy = Child::start(Role::Proxy, &simulator.address);
    let router = Child::start(Role::Router, &simulator.address);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    println!("\n{ROUNDS} turns each, interleaved; latencies include the simulator's own\n");
    println!(
        "request              | server |  CPU us/request | p50 us | p99 us | added p50 | added p99"
    );
    for (name, bytes, streaming) in KINDS {
        let load = Load::new(bytes, streaming);
        let servers = [("direct", &simulator), ("proxy", &proxy), ("router", &router)];
        let mut samples = servers.map(|_| Sample::default());
        for round in 0..=ROUNDS {
            for (sample, (_, server)) in samples.iter_mut().zip(&servers) {
                let taken = runtime.block_on(load.run(server));
                // The first turn only warms up.
                if round > 0 {
                    sample.join(taken);
                }
            }
        }
        report(name, servers.map(|(server, _)| server), samples);
    }
}

fn report(kind: &str, servers: [&str; 3], samples: [Sample; 3]) {
    let figures = samples
        .map(|sample| (sample.cpu_per_request(), sample.percentile(50), sample.percentile(99)));
    let (_, direct_p50, direct_p99) = figures[0];
    for (server, (cpu, p50, p99)) in servers.iter().zip(figures) {
        println!(
            "{kind:<20} | {server:<6} | {cpu:>15.1} | {p50:>6.0} | {p99:>6.0} | {:>9.0} | {:>9.0}",
            p50 - direct_p50,
            p99 - direct_p99,
        );
    }
    println!(
        "{kind:<20} | router takes {:.2} times the CPU of the plain proxy",
        figures[2].0 / figures[1].0
    );
}
