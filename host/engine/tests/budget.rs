//! How much processor time calls get that never end: their budget, and little more.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests, which print")]
#![cfg(unix)]

mod common;

use std::time::Duration;

use common::{adapter, endpoint, engine, grafted, limits, request};
use plugway_engine::{CallContext, Engine, Grants, Limits};
use rustix::time::{ClockId, clock_gettime};

const BUDGET: Duration = Duration::from_millis(20);

/// How often the engine looks at what a call has used.
const TICK: Duration = Duration::from_millis(1);

/// What is measured besides the guest: its trap, its backtrace, its memory's end.
const SLACK: Duration = Duration::from_millis(3);

/// The longest operations of these guests that the host runs in one piece, the first
/// one, which is not charged, and the last: fills of 4 MiB.
const OPERATIONS: Duration = Duration::from_millis(10);

const CALLS: usize = 41;

fn bounded() -> Engine {
    engine(Limits { call_budget: BUDGET, ..limits() })
}

fn thread_time() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap()
}

/// Holds the median of many calls to the bound: on a busy machine the engine's
/// clock comes late now and then, and nobody can help it.
fn check(what: &str, bound: Duration, call: impl Fn() -> String) {
    let mut taken: Vec<Duration> = (0..CALLS)
        .map(|_| {
            let before = thread_time();
            let error = call();
            let taken = thread_time() - before;
            assert!(error.contains("CPU budget of 20 ms (`call_budget`)"), "{what}: {error}");
            taken
        })
        .collect();
    taken.sort_unstable();
    let (least, median, worst) = (taken[0], taken[CALLS / 2], taken[CALLS - 1]);
    println!("{what}: least {least:?}, median {median:?}, worst {worst:?} of {BUDGET:?}");
    assert!(least >= BUDGET, "{what} was stopped before its time: {least:?}");
    assert!(median <= bound, "{what}: {median:?} is beyond {bound:?}");
}

#[test]
fn no_call_holds_its_thread_for_more_than_two_ticks_beyond_its_budget() {
    let engine = bounded();
    for (guest, operation) in [
        ("spin-in-encode", Duration::ZERO),
        ("sleep-in-poll", Duration::ZERO),
        ("fill-memory", OPERATIONS),
    ] {
        let adapter = adapter(&engine, guest);
        check(guest, BUDGET + 2 * TICK + SLACK + operation, || {
            let mut attempt = adapter.attempt(CallContext::default()).unwrap();
            attempt.encode(&request("hello"), &endpoint()).unwrap_err().to_string()
        });
    }
}

#[test]
fn a_start_function_has_the_budget_of_a_call() {
    let engine = bounded();
    for (module, operation) in [("spin-in-start", Duration::ZERO), ("fill-in-start", OPERATIONS)] {
        let wasm = grafted(module);
        let load = || engine.load(module, &wasm, &Grants::default()).unwrap_err().to_string();
        load();
        // Finding the compiled code and linking it is measured too.
        let linking = Duration::from_millis(10);
        check(module, BUDGET + 2 * TICK + SLACK + operation + linking, load);
    }
}
