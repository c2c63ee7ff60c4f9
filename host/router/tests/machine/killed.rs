//! The process is killed under load, again and again. The ledger then has every answer
//! whose last frame was sent, once, with what its client was told; and nothing counts
//! twice.

use crate::load::{CLIENTS, Told, assert_accounted, free_address, under_load};
use crate::postgres::server::Schema;
use crate::process::Start;
use plugway_simulator::{Behaviour, Kind, Simulator};
use plugway_store::ledger::{Filter, State};
use plugway_store::{Location, Store};
use std::io::{Read, Write};
use std::time::{Duration, Instant};

/// How often, where all is in a file, and on a server.
const KILLS: [u64; 2] = [100, 10];

#[test]
fn an_answer_whose_last_frame_was_sent_is_in_the_ledger_once_however_often_it_is_killed() {
    let state = tempfile::tempdir().unwrap();
    let file = state.path().join("state.db");
    let (told, seen) = killed(file.to_str().unwrap(), KILLS[0]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(reconcile(&Location::File(file), &told, seen, KILLS[0]));
}

#[test]
fn on_a_server_too() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let Some(schema) = runtime.block_on(Schema::new()) else { return };
    let (told, seen) = killed(&schema.url, KILLS[1]);
    let location = Location::Postgres(schema.url.clone());
    runtime.block_on(reconcile(&location, &told, seen, KILLS[1]));
}

#[test]
fn what_a_long_answer_had_delivered_is_accounted_though_it_never_ends() {
    let state = tempfile::tempdir().unwrap();
    let file = state.path().join("state.db");
    let behaviour = Behaviour::new().tokens_per_second(200).completion_tokens(100_000);
    let simulator = Simulator::start(Kind::OpenAi, behaviour).unwrap();
    let toml = format!("state = {file:?}");
    let start = Start { toml: &toml, ..Start::default() };
    let mut process = start.run(&simulator);
    let body =
        r#"{"model":"test/model","stream":true,"messages":[{"role":"user","content":"Hi"}]}"#;
    let mut stream = process.connect();
    write!(
        stream,
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    // It is told of every other second.
    let (began, mut delivered) = (Instant::now(), [0; 64 * 1024]);
    while began.elapsed() < Duration::from_secs(5) {
        assert!(stream.read(&mut delivered).unwrap() > 0);
    }
    process.signal("KILL");
    process.end();
    let mut process = start.run(&simulator);
    process.wait_for("listening on");
    process.signal("TERM");
    assert_eq!(process.end().0, Some(0), "{}", process.log());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let rows = runtime.block_on(async {
        let store = Store::open(&Location::File(file)).await.unwrap();
        store.generations(&Filter::default(), None, 9).await.unwrap()
    });
    let [row] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((row.state, row.is_estimated), (State::Interrupted, true), "{row:?}");
    assert!(row.tokens.completion > 100, "{row:?}");
    // A dollar and two for a million of them.
    let cost = row.tokens.prompt * 1_000_000 + row.tokens.completion * 2_000_000;
    assert_eq!((row.cost, row.upstream_cost), (Some(cost), Some(cost)), "{row:?}");
}

/// What clients were told meanwhile, and how many requests came to the provider.
fn killed(state: &str, kills: u64) -> (Told, usize) {
    let behaviour = Behaviour::new().first_token_ms(2).tokens_per_second(2_000);
    let simulator = Simulator::start(Kind::OpenAi, behaviour).unwrap();
    let toml = format!("state = {state:?}");
    let address = free_address();
    let start = Start { toml: &toml, arguments: &["--listen", &address], ..Start::default() };
    let mut seen = 0;
    let told = under_load(&address, |_| {
        for kill in 0..kills {
            let mut process = start.run(&simulator);
            process.wait_for("listening on");
            // From just after the start to well under way.
            std::thread::sleep(Duration::from_millis(20 + kill * 37 % 200));
            process.signal("KILL");
            process.end();
            // It remembers the last ones only.
            seen += simulator.requests().len();
            simulator.clear();
        }
    });
    // Whoever comes next ends what was left open.
    let mut process = start.run(&simulator);
    process.wait_for("listening on");
    process.signal("TERM");
    assert_eq!(process.end().0, Some(0), "{}", process.log());
    (told, seen + simulator.requests().len())
}

async fn reconcile(location: &Location, told: &Told, seen: usize, kills: u64) {
    let store = Store::open(location).await.unwrap();
    // Of several routers that may live, one is dead when it has been silent for a minute.
    // Here none lives.
    store.interrupt_orphans(0, 0, Duration::ZERO).await.unwrap();
    let rows = assert_accounted(&store, told).await;
    let of = |state| rows.values().filter(|row| row.state == state).count();
    let (settled, interrupted) = (of(State::Settled), of(State::Interrupted));
    println!(
        "{} answers whole, {} broken off; {settled} rows settled, {interrupted} interrupted; the \
         provider saw {seen} requests",
        told.whole.len(),
        told.broken.len(),
    );
    assert!(told.whole.len() > kills as usize, "too little was asked to show anything");
    assert!(interrupted > 0, "nothing was under way when it was killed");
    for row in rows.values().filter(|row| row.state == State::Interrupted) {
        assert!(row.is_estimated && row.upstream_cost.is_some(), "{row:?}");
    }
    // What nobody was told of was cut between its commit and its last frame, at most once
    // for each client and kill.
    let most = kills as usize * CLIENTS;
    assert!(settled <= told.whole.len() + most && rows.len() <= seen, "{settled} {most}");
    store.close().await;
}
