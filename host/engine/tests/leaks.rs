//! Nothing is left of calls that failed, however often they do: no instance, no
//! descriptor, no memory. One test, because it looks at the whole process.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests, which print")]
#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::time::{Duration, Instant};

use common::{
    adapter, candidates, endpoint, engine, grafted, guest, limits, query, request, strategy,
};
use plugway_engine::{Adapter, CallContext, Engine, Frame, Grants, Limits, ResponseHead, Setup};

/// Rounds of what fails at once.
const CHEAP: usize = 10_000;

/// Rounds of what fills memory, or begins with loading compiled code.
const DEARER: usize = 1_000;

/// Rounds of what takes its whole budget.
const DEAREST: usize = 100;

/// By so much the process may grow over the rounds of one case, bytes: the
/// allocator keeps what it once had.
const SLACK: u64 = 24 << 20;

/// What a process could run out of.
#[derive(Debug)]
struct Held {
    instances: u64,
    descriptors: usize,
    resident: u64,
}

impl Held {
    fn by(engine: &Engine) -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let resident: u64 = resident.trim().trim_end_matches(" kB").parse().unwrap();
        Self {
            instances: engine.instances_in_use(),
            descriptors: fs::read_dir("/proc/self/fd").unwrap().count(),
            resident: resident << 10,
        }
    }
}

/// Holds what the process has after `rounds` against what it had before them.
fn check(engine: &Engine, what: &str, rounds: usize, round: impl Fn()) {
    (0..rounds / 10).for_each(|_| round());
    let (before, began) = (Held::by(engine), Instant::now());
    (0..rounds).for_each(|_| round());
    let (after, took) = (Held::by(engine), began.elapsed());
    let grown = after.resident.saturating_sub(before.resident);
    println!("{what}: {rounds} rounds in {took:?}, grew by {} KiB", grown >> 10);
    assert_eq!(after.instances, before.instances, "{what}");
    assert_eq!(after.descriptors, before.descriptors, "{what}");
    assert!(grown <= SLACK, "{what}: {before:?}, then {after:?}");
}

fn head() -> ResponseHead {
    ResponseHead { status: 200, headers: Vec::new() }
}

/// Calls `export` of a fresh instance, after what comes before it; whether it failed.
fn fails(adapter: &Adapter, export: &str) -> bool {
    let mut attempt = adapter.attempt(CallContext::default()).unwrap();
    match export {
        "encode" => attempt.encode(&request("hello"), &endpoint()).is_err(),
        "decode" => attempt.decode(head(), Vec::new(), "").is_err(),
        "explain" => attempt.explain(head(), Vec::new()).is_err(),
        "constructor" => attempt.decoder(head(), "").is_err(),
        "push" => {
            let frame = Frame { kind: None, data: b"{}".to_vec() };
            attempt.decoder(head(), "").unwrap().push(vec![frame]).is_err()
        }
        "end" => attempt.decoder(head(), "").unwrap().end().is_err(),
        _ => panic!("there is no export {export}"),
    }
}

const EXPORTS: [&str; 6] = ["encode", "decode", "explain", "constructor", "push", "end"];

#[test]
fn nothing_is_left_of_calls_that_failed() {
    let engine = engine(Limits {
        call_budget: Duration::from_millis(5),
        max_memory_bytes: 4 << 20,
        ..limits()
    });
    let adapters = |rounds, guest: &str, export| {
        let adapter = adapter(&engine, guest);
        check(&engine, guest, rounds, || assert!(fails(&adapter, export), "{guest}"));
    };
    for export in EXPORTS {
        adapters(CHEAP, &format!("trap-in-{export}"), export);
        adapters(DEAREST, &format!("spin-in-{export}"), export);
    }
    adapters(CHEAP, "deep-recursion", "encode");
    adapters(DEARER, "eat-memory", "encode");
    adapters(DEAREST, "huge-output", "encode");
    adapters(DEAREST, "sleep-in-poll", "encode");
    for (guest, rounds) in [("trap-in-route", CHEAP), ("spin-in-route", DEAREST)] {
        let policy = strategy(&engine, guest).open(Setup::default()).unwrap();
        check(&engine, guest, rounds, || {
            assert!(policy.route(&query(), &candidates(2)).is_err());
        });
    }
    for (guest, rounds) in [("trap-in-open", CHEAP), ("spin-in-open", DEAREST)] {
        let strategy = strategy(&engine, guest);
        check(&engine, guest, rounds, || assert!(strategy.open(Setup::default()).is_err()));
    }
    let loads = |rounds, what: &str, wasm: &[u8]| {
        check(&engine, what, rounds, || {
            assert!(engine.load(what, wasm, &Grants::default()).is_err());
        });
    };
    loads(CHEAP, "not wasm", b"not wasm at all");
    for guest in ["trap-in-describe", "ungranted-http"] {
        loads(DEARER, guest, &common::guest(guest));
    }
    loads(DEARER, "trap-in-start", &grafted("trap-in-start"));
    loads(DEAREST, "grow-memory-in-start", &grafted("grow-memory-in-start"));
    loads(DEAREST, "spin-in-start", &grafted("spin-in-start"));
    loads(DEAREST, "spin-in-describe", &guest("spin-in-describe"));
    let whole = guest("provider-minimal");
    loads(DEAREST, "truncated", &whole[..whole.len() / 2]);
}
