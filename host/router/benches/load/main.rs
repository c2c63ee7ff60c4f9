//! What the router adds: the provider itself, a plain proxy and the router in
//! front of it, taking turns in one run. Prints what one core can serve and what
//! a request costs there, what is added to latencies at half of that load, what
//! turning a request away costs, and what an open stream takes.
//!
//! Each server is a process of its own. The one under test has a core to itself,
//! everything else shares the others: a machine that does nothing else gives the
//! better figures. Runs on loopback only. `LOAD_SECONDS` is how long each
//! measurement takes, 4 if it is not set; the whole bench takes forty times that
//! and half a minute.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_precision_loss,
    reason = "a bench prints its figures, and may end with any error"
)]

mod child;
mod load;
mod provider;
mod proxy;
mod streams;

use child::{Child, Role};
use hdrhistogram::Histogram;
use load::{CLIENTS, Load, Throughput};
use provider::CHUNKS;
use std::process::{Command, Stdio};
use std::thread::available_parallelism;
use std::time::Duration;
use tokio::runtime::Runtime;

/// Turns that each server gets per kind of request.
const ROUNDS: u32 = 3;

/// The requests that are compared: their name, model and prompt's bytes.
const KINDS: [(&str, &str, usize); 5] = [
    ("1 KB, whole", "whole", 1_000),
    ("1 KB, stream of 50", "stream", 1_000),
    ("10 KB, whole", "whole", 10_000),
    ("100 KB, whole", "whole", 100_000),
    ("1,000 KB, whole", "whole", 1_000_000),
];

/// Which cores the server under test and everything else run on.
struct Cores {
    tested: Option<String>,
    others: Option<String>,
}

struct Bench {
    runtime: Runtime,
    cores: Cores,
    turn: Duration,
    provider: Child,
    proxy: Child,
    router: Child,
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    if let Some(role) = arguments.next().and_then(|name| Role::from_name(&name)) {
        return child::serve(role, &arguments.next().unwrap_or_default());
    }
    let seconds = std::env::var("LOAD_SECONDS").ok().and_then(|text| text.parse().ok());
    let bench = Bench::start(Duration::from_secs_f64(seconds.unwrap_or(4.0)));
    println!("\n{} a measurement, in {ROUNDS} turns where servers take turns", text(bench.turn));
    let saturations = bench.saturate();
    bench.half_load(&saturations);
    bench.shed();
    bench.hold_streams();
}

fn text(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

impl Cores {
    /// Leaves the last core to the server under test, and takes this process
    /// from it. On one core, or without `taskset`, everything shares everything.
    fn divide() -> Self {
        let count = available_parallelism().map_or(1, usize::from);
        let others = format!("0-{}", count.saturating_sub(2));
        let moved = count > 1
            && Command::new("taskset")
                .args(["-a", "-p", "-c", &others, &std::process::id().to_string()])
                .stdout(Stdio::null())
                .status()
                .is_ok_and(|status| status.success());
        if !moved {
            println!("\nno core could be set apart: the figures below disturb each other");
            return Self { tested: None, others: None };
        }
        let tested = (count - 1).to_string();
        println!("\nthe server under test on core {tested}, everything else on {others}");
        Self { tested: Some(tested), others: Some(others) }
    }
}

impl Bench {
    fn start(turn: Duration) -> Self {
        plugway_engine::machine::claim_descriptors();
        let cores = Cores::divide();
        let provider = Child::start(Role::Provider, "", cores.others.as_deref());
        let tested = cores.tested.as_deref();
        let proxy = Child::start(Role::Proxy, &provider.address, tested);
        let router = Child::start(Role::Router, &provider.address, tested);
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        Self { runtime, cores, turn, provider, proxy, router }
    }

    /// Prints what one core serves at most. The router's requests per second.
    fn saturate(&self) -> Vec<f64> {
        println!(
            "\nAt saturation: {CLIENTS} clients, each waiting for its answer. What of the core the\n\
             server did not use and others did not take, it spent waiting for clients and\n\
             provider. A chunk costs the {CHUNKS}th part of what a stream costs more than a whole\n\
             answer.\n"
        );
        println!(
            "request            | server | requests/s | core used | taken | CPU us/request | CPU us/chunk | router/proxy"
        );
        let mut whole = [0.0; 2];
        let mut saturations = Vec::new();
        for (kind, model, bytes) in KINDS {
            let load = Load::new(model, bytes, 200);
            let servers = [("proxy", &self.proxy), ("router", &self.router)];
            let figures = self.take_turns(&load, servers.map(|(_, server)| server));
            let cpu = figures.map(|it| it.cpu_per_request());
            if bytes == 1_000 && model == "whole" {
                whole = cpu;
            }
            for (at, (name, _)) in servers.iter().enumerate() {
                let chunk = match model {
                    "stream" => {
                        format!("{:.2}", (cpu[at] - whole[at]) / CHUNKS as f64)
                    }
                    _ => String::new(),
                };
                let (used, taken) = figures[at].core();
                let ratio = if at == 1 { format!("{:.2}", cpu[1] / cpu[0]) } else { String::new() };
                println!(
                    "{kind:<18} | {name:<6} | {:>10.0} | {used:>8.0}% | {taken:>4.0}% | {:>14.1} | {chunk:>12} | {ratio:>12}",
                    figures[at].per_second(),
                    cpu[at],
                );
            }
            saturations.push(figures[1].per_second());
        }
        saturations
    }

    /// The closed loop on each of some servers. The first turn only warms up.
    fn take_turns<const N: usize>(&self, load: &Load, servers: [&Child; N]) -> [Throughput; N] {
        let mut figures = [Throughput::default(); N];
        for round in 0..=ROUNDS {
            for (figure, server) in figures.iter_mut().zip(servers) {
                let taken = self.runtime.block_on(load.closed(server, self.turn / ROUNDS));
                if round > 0 {
                    figure.join(taken);
                }
            }
        }
        figures
    }

    /// Prints what is added to asking the provider directly.
    fn half_load(&self, saturations: &[f64]) {
        println!(
            "\nAt half of the router's saturation, sent at a fixed rate: microseconds from when\n\
             each request was to be sent to the last byte of its answer.\n"
        );
        println!(
            "request            | requests/s | server |     p50 |     p99 |   p99.9 | added p50 | added p99 | added p99.9"
        );
        for ((kind, model, bytes), saturation) in KINDS.into_iter().zip(saturations) {
            let load = Load::new(model, bytes, 200);
            let rate = saturation / 2.0;
            let servers =
                [("direct", &self.provider), ("proxy", &self.proxy), ("router", &self.router)];
            let mut latencies = servers.map(|_| Histogram::<u64>::new(3).unwrap());
            for _ in 0..ROUNDS {
                for (all, (_, server)) in latencies.iter_mut().zip(servers) {
                    let taken = self.runtime.block_on(load.open(server, rate, self.turn / 2));
                    all.add(taken).unwrap();
                }
            }
            let at = |histogram: &Histogram<u64>| {
                [0.5, 0.99, 0.999].map(|quantile| histogram.value_at_quantile(quantile) as f64)
            };
            let direct = at(&latencies[0]);
            for ((name, _), histogram) in servers.iter().zip(&latencies) {
                let [p50, p99, p999] = at(histogram);
                let added = match *name {
                    "direct" => String::new(),
                    _ => format!(
                        " | {:>9.0} | {:>9.0} | {:>11.0}",
                        p50 - direct[0],
                        p99 - direct[1],
                        p999 - direct[2]
                    ),
                };
                println!(
                    "{kind:<18} | {rate:>10.0} | {name:<6} | {p50:>7.0} | {p99:>7.0} | {p999:>7.0}{added}"
                );
            }
        }
    }

    /// Prints what a request costs that is turned away.
    fn shed(&self) {
        let crowded =
            Child::start(Role::Crowded, &self.provider.address, self.cores.tested.as_deref());
        let held = self.runtime.block_on(async {
            load::pool().request(Load::new("held", 1_000, 200).request(&crowded)).await.unwrap()
        });
        println!("\nTurned away with 503, because the one place is taken:\n");
        println!("request            | requests/s | core used | taken | CPU us/request");
        for (kind, bytes) in [("1 KB", 1_000), ("100 KB", 100_000)] {
            let load = Load::new("whole", bytes, 503);
            let [figure] = self.take_turns(&load, [&crowded]);
            let (used, taken) = figure.core();
            println!(
                "{kind:<18} | {:>10.0} | {used:>8.0}% | {taken:>4.0}% | {:>14.1}",
                figure.per_second(),
                figure.cpu_per_request()
            );
        }
        drop(held);
    }

    /// Prints what open streams take of the router.
    fn hold_streams(&self) {
        let tested = self.cores.tested.as_deref();
        let spacious = Child::start(Role::Spacious, &self.provider.address, tested);
        println!(
            "\nStreams held open, each with a connection of its own, through one router: a\n\
             thousand, then twice as many as the machine allows. PSS counts shared pages once.\n\
             Memory that stays after they have closed serves the next ones, if the last line\n\
             adds little.\n"
        );
        println!(
            "streams | RSS MB  | PSS KB/stream | RSS KB/stream | RSS MB, closed  | PSS MB, growth  | ended"
        );
        for wanted in [1_000, 20_000, 20_000] {
            self.runtime.block_on(streams::hold(&spacious, wanted));
        }
    }
}
