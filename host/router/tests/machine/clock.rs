//! A clock that is set over midnight and the end of a month, and back.

use crate::corrupt::make_key;
use crate::http::chat_with;
use crate::process::Start;
use crate::surroundings::{calendar, faketime};
use plugway_simulator::{Behaviour, Kind, Simulator};
use plugway_store::{Location, Store};
use std::io::Write as _;

/// 2026-11-30, the last of its month.
const DAY: u64 = 20_787;

/// Picodollars: room for one request and not for two, which cost between 21 and 40
/// millionths of a dollar.
const LIMIT: u128 = 41_000_000;

#[test]
fn a_daily_budget_follows_the_clock_over_midnight_and_back_and_is_never_given_twice() {
    let Some(library) = faketime() else {
        // Not by println: the test runner would keep it to itself.
        let _ =
            writeln!(std::io::stderr(), "\nSKIPPED: the clock's steps need the package faketime");
        return;
    };
    let simulator = Simulator::start(Kind::OpenAi, Behaviour::new().completion_tokens(10)).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let (file, time) = (scratch.path().join("state.db"), scratch.path().join("time"));
    let set = |seconds: u64| {
        let next = scratch.path().join("next");
        std::fs::write(&next, format!("{}\n", calendar(seconds))).unwrap();
        std::fs::rename(&next, &time).unwrap();
    };
    let midnight = (DAY + 1) * 86_400;
    set(midnight - 10);
    let location = Location::File(file.clone());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = runtime.block_on(Store::open(&location)).unwrap();
    let key = runtime.block_on(make_key(&store, Some(LIMIT)));
    let environment = [
        ("LD_PRELOAD", &*library),
        ("FAKETIME_TIMESTAMP_FILE", time.to_str().unwrap()),
        ("FAKETIME_NO_CACHE", "1"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ("TZ", "UTC"),
    ];
    let toml = format!("state = {file:?}");
    let start = Start { environment: &environment, toml: &toml, ..Start::default() };
    let mut process = start.run(&simulator);
    let mut connection = process.connect();
    let mut statuses = |seconds: u64| {
        set(seconds);
        [0, 1].map(|_| chat_with(&mut connection, key.expose()).status)
    };
    assert_eq!(statuses(midnight - 10), [200, 403]);
    assert_eq!(statuses(midnight - 1), [403, 403]);
    assert_eq!(statuses(midnight), [200, 403]);
    // What was spent on a day stays spent on that day.
    assert_eq!(statuses(midnight - 1), [403, 403]);
    assert_eq!(statuses(midnight + 86_399), [403, 403]);
    assert_eq!(statuses(midnight + 86_400), [200, 403]);
    assert_eq!(statuses(midnight - 400 * 86_400), [200, 403]);
    assert_eq!(statuses(midnight + 86_400), [403, 403]);
    process.signal("TERM");
    assert_eq!(process.end().0, Some(0), "{}", process.log());

    // And so it does for a router that starts anew, wherever its clock is.
    set(midnight - 1);
    let mut process = start.run(&simulator);
    let mut connection = process.connect();
    let mut statuses = |seconds: u64| {
        set(seconds);
        [0, 1].map(|_| chat_with(&mut connection, key.expose()).status)
    };
    assert_eq!(statuses(midnight - 1), [403, 403]);
    assert_eq!(statuses(midnight), [403, 403]);
    assert_eq!(statuses(midnight + 2 * 86_400), [200, 403]);
    drop(process);
    let days = runtime.block_on(store.daily(&<_>::default())).unwrap();
    let days: Vec<_> = days.iter().map(|day| (day.day, day.requests)).collect();
    let day = i64::try_from(DAY).unwrap();
    assert_eq!(days, [(day - 399, 1), (day, 1), (day + 1, 1), (day + 2, 1), (day + 3, 1)]);
    runtime.block_on(store.close());
}
