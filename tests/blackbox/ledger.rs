//! What the ledger has of each request, and what is read out of it.

mod activity;
mod export;
mod generation;
mod goldens;
mod reconcile;
mod report;

use plugway_store::ledger::{Entry, Row, State, Tokens};
use plugway_store::{Location, Store};
use plugway_tests::{KEY, TestRouter, binary};
use std::path::Path;
use std::process::{Command, Output};

/// 2027-01-15T08:00:00Z, and the day that this is.
const NOW_MS: u64 = 1_800_000_000_000;
const TODAY: &str = "2027-01-15";

/// Milliseconds.
const DAY: u64 = 86_400_000;

/// Dollars with every digit: computed here once more.
fn dollars(picodollars: impl Into<u128>) -> String {
    let picodollars: u128 = picodollars.into();
    let text = format!("{picodollars:0>13}");
    let (whole, decimals) = text.split_at(text.len() - 12);
    match decimals.trim_end_matches('0') {
        "" => whole.to_owned(),
        decimals => format!("{whole}.{decimals}"),
    }
}

/// A JSON number as it stands in the text, behind the first such name.
fn number_of<'t>(text: &'t str, name: &str) -> &'t str {
    let (_, rest) = text.split_once(&format!("\"{name}\":")).unwrap_or_else(|| panic!("{text}"));
    rest.split([',', '}']).next().unwrap()
}

/// The row of a generation.
async fn row(router: &TestRouter, id: &str) -> Row {
    let found = router.router.store.generation(id).await.unwrap();
    found.unwrap_or_else(|| panic!("{id} is in no ledger"))
}

/// A row that nobody asked for.
fn made(number: u64, came_ms: u64) -> Row {
    Row {
        id: format!("gen-made-{number:06}"),
        state: State::Settled,
        came_ms,
        ended_ms: Some(came_ms + 5),
        workspace: "default".to_owned(),
        route: "/v1/chat/completions".to_owned(),
        model: "test/open".to_owned(),
        served_model: "test/open".to_owned(),
        endpoint: "open/sim".to_owned(),
        provider: "open".to_owned(),
        outcome: "ok".to_owned(),
        status: 200,
        tokens: Tokens { prompt: 3, completion: 2, ..Tokens::default() },
        cost: Some(7),
        upstream_cost: Some(5),
        markup: Some(2),
        duration_ms: Some(5),
        ..Row::default()
    }
}

async fn write(store: &Store, rows: impl IntoIterator<Item = Row>) {
    let entries: Vec<Entry> = rows.into_iter().map(Entry::Settled).collect();
    for batch in entries.chunks(256) {
        store.write_ledger(batch).await.unwrap();
    }
}

/// A state file with these rows, and a configuration that names it.
async fn filed(home: &Path, toml: &str, rows: impl IntoIterator<Item = Row>) {
    let state = home.join("state.db");
    let store = Store::open(&Location::File(state.clone())).await.unwrap();
    write(&store, rows).await;
    store.close().await;
    std::fs::write(home.join("plugway.toml"), format!("state = {state:?}\n{toml}")).unwrap();
}

/// What the program does with these arguments and that configuration.
fn run(home: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(binary());
    command.args(arguments).current_dir(home).env_clear();
    command.env("HOME", home).env("TEST_KEY", KEY).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_tests_write_dollars_as_they_are() {
    for (picodollars, expected) in [
        (0_u128, "0"),
        (1, "0.000000000001"),
        (1_500_000_000_000, "1.5"),
        (18_446_744_073_709_551_615, "18446744.073709551615"),
    ] {
        assert_eq!(dollars(picodollars), expected);
    }
    assert_eq!(number_of(r#"{"a":{"usage":0.5}}"#, "usage"), "0.5");
}
