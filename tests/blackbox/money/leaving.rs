//! Answers that end early: what was delivered is billed, and the rest goes back.

use super::books::{PATIENCE, balanced, billed, chat, make_key, of_key, reserved, with_key};
use crate::setup::{Pair, ask, provider};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy;
use hyper_util::rt::TokioExecutor;
use plugway::account::issue::NewKey;
use plugway_accounts::KeySettings;
use plugway_simulator::{Behaviour, Failure, Kind, Simulator, When};
use plugway_store::ledger::{Filter, Row, State};
use plugway_store::{Location, Store};
use plugway_tests::TestRouter;
use serde_json::{Value, json};
use std::num::NonZeroU32;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Picodollars for a token of the prompt and of the completion of `test/open`.
const PRICE: [u64; 2] = [1_000_000, 10_000_000];

/// Clients that leave, and how many of them are there at once.
const LEAVING: usize = 400;
const AT_ONCE: usize = 40;

fn story(streaming: bool) -> Value {
    let mut body = ask("test/open", "Tell me a long story.");
    body["stream"] = json!(streaming);
    body["max_tokens"] = json!(2_000);
    body
}

fn assert_charged_as_counted(row: &Row) {
    let cost = row.tokens.prompt * PRICE[0] + row.tokens.completion * PRICE[1];
    assert_eq!(row.upstream_cost, Some(cost), "{row:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_its_client_leaves_settles_on_what_was_delivered() {
    let pair = Pair::start(Behaviour::new().tokens_per_second(50).completion_tokens(2_000)).await;
    let key = make_key(&pair.router, NewKey::default()).await;
    let client = pair.router.client();
    let mut stream =
        client.send(with_key(&client, &key, "/v1/chat/completions", &story(true))).await;
    for _ in 0..3 {
        timeout(PATIENCE, stream.body_mut().frame()).await.unwrap().unwrap().unwrap();
    }
    let held = reserved(&pair.router, &key);
    assert!(held >= u128::from(2_000 * PRICE[1]));
    drop(stream);
    let rows = balanced(&pair.router).await;
    let row = of_key(&rows, &key)[0];
    assert_eq!((&*row.outcome, row.is_estimated), ("cancelled", true), "{row:?}");
    assert!((1..2_000).contains(&row.tokens.completion), "{row:?}");
    assert_charged_as_counted(row);
    assert_eq!(row.cost, row.upstream_cost);
    assert!(billed([row]) < held);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_its_provider_cuts_is_billed_as_delivered() {
    let cut = Failure::Cut { after_chunks: 7 };
    let pair = Pair::start(Behaviour::new().completion_tokens(50).fault(When::Always, cut)).await;
    let client = pair.router.client();
    for streaming in [true, false] {
        let key = make_key(&pair.router, NewKey::default()).await;
        let answer = chat(&client, &key, &story(streaming)).await;
        assert!(answer.text().contains("\"error\""), "{}", answer.text());
        let rows = balanced(&pair.router).await;
        let row = of_key(&rows, &key)[0];
        assert_eq!(row.outcome, "provider_unavailable", "{row:?}");
        if streaming {
            assert!(row.is_estimated && row.tokens.completion > 0, "{row:?}");
            assert_charged_as_counted(row);
            assert_eq!(row.cost, row.upstream_cost);
        } else {
            // Nothing of it was.
            assert_eq!(row.cost, Some(0), "{row:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_takes_longer_than_it_may_is_billed_as_delivered() {
    let endless = Behaviour::new().tokens_per_second(50).completion_tokens(2_000);
    let pair = Pair::with(endless, "[upstream]\ntotal_timeout = \"1s\"").await;
    let key = make_key(&pair.router, NewKey::default()).await;
    let answer = chat(&pair.router.client(), &key, &story(true)).await;
    assert!(answer.text().contains("\"error\""), "{}", answer.text());
    let rows = balanced(&pair.router).await;
    let row = of_key(&rows, &key)[0];
    assert_eq!(row.outcome, "timeout", "{row:?}");
    assert!(row.is_estimated && row.tokens.completion > 0, "{row:?}");
    assert_charged_as_counted(row);
    assert_eq!(row.cost, row.upstream_cost);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_outlives_the_end_of_the_router_is_cut_and_settles_on_what_was_delivered() {
    for is_http2 in [false, true] {
        let home = tempfile::tempdir().unwrap();
        let state = home.path().join("state.db");
        let endless = Behaviour::new().tokens_per_second(50).completion_tokens(2_000);
        let upstream = Simulator::start(Kind::OpenAi, endless).unwrap();
        let toml = format!(
            "state = {state:?}\n[server]\ndrain_timeout = \"100ms\"\n{}",
            provider("open", &upstream, 1)
        );
        let router = TestRouter::start(&toml).await;
        let client = legacy::Client::builder(TokioExecutor::new())
            .http2_only(is_http2)
            .build_http::<Full<Bytes>>();
        let uri = format!("http://{}/v1/chat/completions", router.address());
        let request = Request::post(uri).header("content-type", "application/json");
        let request = request.body(Full::from(story(true).to_string())).unwrap();
        let mut stream = client.request(request).await.unwrap();
        for _ in 0..3 {
            timeout(PATIENCE, stream.body_mut().frame()).await.unwrap().unwrap().unwrap();
        }
        timeout(PATIENCE, router.stop()).await.expect("it never ended");
        let store = Store::open(&Location::File(state)).await.unwrap();
        let rows = store.generations(&Filter::default(), None, 9).await.unwrap();
        let [row] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!((row.state, &*row.outcome), (State::Settled, "cancelled"), "http2: {is_http2}");
        assert!((1..2_000).contains(&row.tokens.completion), "{row:?}");
        assert!(row.cost > Some(0) && row.cost == row.upstream_cost, "{row:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whenever_clients_leave_nothing_of_them_stays_held() {
    let pair = Pair::start(Behaviour::new()).await;
    pair.open.set(
        Behaviour::new()
            .head_delay_ms(10)
            .first_token_ms(10)
            .tokens_per_second(400)
            .completion_tokens(30),
    );
    let settings = KeySettings {
        concurrent_requests: NonZeroU32::new(100),
        tokens_per_minute: NonZeroU32::new(900_000_000),
        ..KeySettings::default()
    };
    let limit = Some(1_000_000_000_000_000_000);
    let key = make_key(&pair.router, NewKey { limit, settings, ..NewKey::default() }).await;
    let mut clients = JoinSet::new();
    for number in 0..LEAVING {
        if clients.len() >= AT_ONCE {
            clients.join_next().await.unwrap().unwrap();
        }
        let (client, key) = (pair.router.client(), key.clone());
        let stays = Duration::from_millis(rand::random::<u64>() % 150);
        clients.spawn(async move {
            // Some of them stay to the end.
            let _ = timeout(stays, chat(&client, &key, &story(number % 2 == 0))).await;
        });
    }
    while let Some(left) = clients.join_next().await {
        left.unwrap();
    }
    let rows = balanced(&pair.router).await;
    let count = |outcome: &str| rows.iter().filter(|row| row.outcome == outcome).count();
    assert!(count("cancelled") > 0 && count("ok") > 0, "{} rows", rows.len());
    assert_eq!(count("cancelled") + count("ok"), rows.len());
    assert!(rows.iter().all(|row| row.cost.is_some()));
    // And all of its places are there again.
    assert_eq!(chat(&pair.router.client(), &key, &story(false)).await.status, 200);
    balanced(&pair.router).await;
}
