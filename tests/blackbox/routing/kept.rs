//! What is kept of decisions: health once for all that rest on it, no more than may be,
//! nothing that a request would wait for, and so much that another process decides alike.

use super::recorded::{id, record, simulator, snapshot, told, two};
use crate::setup::{ask, provider};
use plugway::decisions::{Replay, ReplayError, replay};
use plugway_routing::Clock;
use plugway_routing::health::Snapshot;
use plugway_simulator::{Behaviour, Simulator};
use plugway_store::{Location, Store};
use plugway_tests::{Client, RouterProcess, TestRouter};
use serde_json::json;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, query};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// Where the stopped clock stands.
const START: Duration = Duration::from_secs(1_764_300_000);

/// So that a few requests say something of health, and each sees what came of the last.
const TALKATIVE: &str =
    "[routing]\nmin_samples = 1\nmin_timed_samples = 1\nhealth_interval = \"1ms\"";

/// A router that keeps its state in this file, with this in its configuration. Both
/// providers serve `test/both`.
fn configured(state: &Path, more: &str, first: &Simulator, second: &Simulator) -> String {
    let providers = two("balanced", first, second);
    let (_, providers) = providers.split_once("[providers").unwrap();
    format!("state = {state:?}\n{more}\n[providers{providers}")
}

/// Asks so often, and returns the ids of the answers.
async fn asked(client: &Client, times: usize, strategy: &str) -> Vec<String> {
    let mut ids = Vec::new();
    for turn in 0..times {
        let mut request = ask("test/both", "Hi");
        request["provider"] = json!({"strategy": strategy});
        let id = match turn % 2 {
            // Only of streamed answers it is known how fast they are.
            0 => {
                let streamed = client.stream(&request).await;
                streamed.headers["x-generation-id"].to_str().unwrap().to_owned()
            }
            _ => id(&client.chat(&request).await).to_owned(),
        };
        ids.push(id);
    }
    ids
}

/// Which of them are in the table, in their order.
async fn kept<'a>(store: &Store, ids: &'a [String]) -> Vec<&'a str> {
    let mut kept = Vec::new();
    for id in ids {
        if store.decision(id).await.unwrap().is_some() {
            kept.push(id.as_str());
        }
    }
    kept
}

/// Waits until it is so.
async fn until(is_so: impl AsyncFn() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("it is never so");
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_kept_once_for_all_decisions_that_rest_on_it() {
    let home = tempfile::tempdir().unwrap();
    let state = home.path().join("state.db");
    let (first, second) = (simulator(Behaviour::new()), simulator(Behaviour::new()));
    let clock = Clock::stopped(START);
    let toml = configured(&state, "[routing]\nmin_samples = 1", &first, &second);
    let router = TestRouter::start_at(&toml, clock.clone()).await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        let ids = asked(&router.client(), 10, "balanced").await;
        let mut snapshots = BTreeSet::new();
        for id in &ids {
            let record = record(&router, id).await;
            snapshots.insert(snapshot(&router, &record).await.id);
            let told = &told(&router, id).await["plugway"]["decision"]["health_snapshot"];
            assert_eq!(told, &record.decision.unwrap().snapshot.to_string());
        }
        assert_eq!(snapshots.len(), 1);
        seen.extend(snapshots);
        clock.advance(Duration::from_millis(250));
    }
    // Of nothing yet, of the first ten requests, and of twenty.
    assert_ne!(seen[0], seen[1]);
    router.stop().await;
    let mut file = SqliteConnectOptions::new().filename(&state).connect().await.unwrap();
    let count: i64 =
        sqlx::query_scalar("SELECT count(*) FROM snapshots").fetch_one(&mut file).await.unwrap();
    let distinct: BTreeSet<u64> = seen.into_iter().collect();
    assert_eq!(usize::try_from(count).unwrap(), distinct.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_strategy_was_told_of_health_is_told_again_bit_by_bit() {
    let home = tempfile::tempdir().unwrap();
    let state = home.path().join("state.db");
    let (first, second) = (simulator(Behaviour::new()), simulator(Behaviour::new()));
    let toml = configured(&state, TALKATIVE, &first, &second);
    let guest = "tells-candidates";
    let router = TestRouter::start(&toml).await;
    router.drop_plugin(guest, guest).await;
    let ids = asked(&router.client(), 20, guest).await;
    router.stop().await;
    let other = TestRouter::start(&toml).await;
    other.drop_plugin(guest, guest).await;
    let policy = other.router.registry.policy(guest).unwrap();
    let (mut reasons, mut timed) = (BTreeSet::new(), 0);
    for id in &ids {
        let record = record(&other, id).await;
        let told = snapshot(&other, &record).await;
        assert_eq!(replay(&record, &told, Some(&policy)).unwrap(), Replay::Same);
        reasons.insert(record.decision.as_ref().unwrap().plan().unwrap().reason.clone());
        if told.readings.is_empty() {
            continue;
        }
        timed += told.readings.iter().filter(|(_, it)| it.latency_ms.is_some()).count();
        // By other health it would have said something else.
        let mut changed = Snapshot::clone(&told);
        changed.readings[0].1.in_flight += 1;
        let answer = replay(&record, &changed, Some(&policy)).unwrap();
        assert!(matches!(answer, Replay::Different(_)), "{answer:?}");
        changed.id += 1;
        let refused = replay(&record, &changed, Some(&policy));
        assert!(matches!(refused, Err(ReplayError::OtherSnapshot { .. })), "{refused:?}");
    }
    assert!(reasons.len() > 5 && timed > 5, "{reasons:?}, {timed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_process_decided_another_decides_alike() {
    let home = tempfile::tempdir().unwrap();
    let state = home.path().join("state.db");
    let (first, second) = (simulator(Behaviour::new()), simulator(Behaviour::new()));
    let toml = configured(&state, TALKATIVE, &first, &second);
    let strategies = ["balanced", "price", "latency", "throughput"];
    let mut ids = Vec::new();
    let process = RouterProcess::start(&toml);
    for strategy in strategies {
        ids.push(asked(&process.client(), 20, strategy).await);
    }
    let store = Store::open(&Location::File(state)).await.unwrap();
    until(async || kept(&store, &ids.concat()).await.len() == ids.concat().len()).await;
    drop(process);
    // Here is another process, with an engine and hash keys of its own.
    let router = TestRouter::start(&toml).await;
    let mut snapshots = BTreeSet::new();
    for (strategy, ids) in strategies.iter().zip(&ids) {
        let policy = router.router.registry.policy(strategy).unwrap();
        for id in ids {
            let record = record(&router, id).await;
            let told = snapshot(&router, &record).await;
            assert_eq!(replay(&record, &told, Some(&policy)).unwrap(), Replay::Same);
            snapshots.insert(told.id);
        }
    }
    assert!(snapshots.len() > strategies.len(), "{snapshots:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_drops_and_counts_and_holds_up_nobody() {
    let home = tempfile::tempdir().unwrap();
    let state = home.path().join("state.db");
    let upstream = simulator(Behaviour::new());
    // The ledger is not to be waited for.
    let toml = format!(
        "state = {state:?}\nledger = \"relaxed\"\n[accounting]\nwhen_failing = \"continue\"\n\
         [decisions]\nqueue = 1\n{}",
        provider("open", &upstream, 1)
    );
    let router = TestRouter::start(&toml).await;
    // Who writes has to wait for this one.
    let mut other = SqliteConnectOptions::new().filename(&state).connect().await.unwrap();
    query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let mut ids = Vec::new();
    for _ in 0..20 {
        let answer = router.client().chat(&ask("test/open", "Hi")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        ids.push(id(&answer).to_owned());
    }
    let metrics = router.router.metrics.clone();
    assert_eq!(metrics.decisions_kept.get(), 0);
    // All but the one that is being written and the one that waits.
    assert!(metrics.decisions_dropped.get() >= 18, "{}", metrics.decisions_dropped.get());
    query("ROLLBACK").execute(&mut other).await.unwrap();
    router.stop().await;
    let (written, dropped) = (metrics.decisions_kept.get(), metrics.decisions_dropped.get());
    assert_eq!(written + dropped, 20);
    let store = Store::open(&Location::File(state)).await.unwrap();
    assert_eq!(kept(&store, &ids).await.len() as u64, written);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_records_go_where_there_is_too_much() {
    let home = tempfile::tempdir().unwrap();
    let state = home.path().join("state.db");
    let (first, second) = (simulator(Behaviour::new()), simulator(Behaviour::new()));
    let router = TestRouter::start(&configured(&state, TALKATIVE, &first, &second)).await;
    let mut ids = asked(&router.client(), 40, "price").await;
    router.stop().await;
    let store = Store::open(&Location::File(state.clone())).await.unwrap();
    assert_eq!(kept(&store, &ids).await.len(), 40);
    let most = store.decisions_bytes().await.unwrap() / 2;
    // At its start.
    let bounded = format!("[decisions]\nmax_size = \"{most}B\"\n{TALKATIVE}");
    let router = TestRouter::start(&configured(&state, &bounded, &first, &second)).await;
    until(async || store.decisions_bytes().await.unwrap() <= most).await;
    let left = kept(&store, &ids).await;
    assert!((10..30).contains(&left.len()), "{}", left.len());
    assert_eq!(left, ids[ids.len() - left.len()..]);
    // And while it serves.
    ids.extend(asked(&router.client(), 40, "price").await);
    router.stop().await;
    assert!(store.decisions_bytes().await.unwrap() <= most);
    let left = kept(&store, &ids).await;
    assert!((10..30).contains(&left.len()), "{}", left.len());
    assert_eq!(left, ids[ids.len() - left.len()..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_older_than_may_be_kept_goes_and_what_is_younger_stays() {
    let home = tempfile::tempdir().unwrap();
    let state = home.path().join("state.db");
    let (first, second) = (simulator(Behaviour::new()), simulator(Behaviour::new()));
    let clock = Clock::stopped(START);
    let toml = configured(&state, "[decisions]\nkeep_for = \"1h\"", &first, &second);
    let router = TestRouter::start_at(&toml, clock.clone()).await;
    let old = asked(&router.client(), 10, "price").await;
    clock.advance(Duration::from_secs(1800));
    let young = asked(&router.client(), 10, "price").await;
    router.stop().await;
    clock.advance(Duration::from_secs(1801));
    let router = TestRouter::start_at(&toml, clock.clone()).await;
    let store = &router.router.store;
    until(async || kept(store, &old).await.is_empty()).await;
    assert_eq!(kept(store, &young).await, young);
    router.stop().await;
    // With the last of them the health goes that they rest on.
    clock.advance(Duration::from_secs(1800));
    let router = TestRouter::start_at(&toml, clock).await;
    until(async || router.router.store.decisions_bytes().await.unwrap() == 0).await;
}
