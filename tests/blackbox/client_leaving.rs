//! Clients that leave at every stage of a request: what was begun for them ends,
//! and nothing of it stays counted or held.

use crate::setup::{Pair, ask};
use crate::wire::{Rude, STREAM_HEAD, WIRES, chunk};
use plugway_simulator::{Behaviour, Outcome};
use plugway_tests::{Play, RawClient, TestRouter};
use serde_json::json;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

/// Clients that leave at each stage: more than there are instances or room for, so
/// that one that stayed would be missed.
const ROUNDS: usize = 12;

const TIGHT: &str = "[plugins]\nlimits.max_instances = 10\n[server]\nmax_body = \"256KiB\"\n\
                     max_buffered = \"1MiB\"\n";

/// How a client leaves.
#[derive(Clone, Copy, Debug)]
enum Farewell {
    Close,
    Reset,
}

fn leave(client: RawClient, farewell: Farewell) {
    match farewell {
        Farewell::Close => drop(client),
        Farewell::Reset => client.reset(),
    }
}

/// A request with 200 KB in it.
fn request(streaming: bool) -> String {
    let mut body = ask("test/open", &"x".repeat(200_000));
    body["stream"] = json!(streaming);
    post(&body.to_string())
}

fn post(body: &str) -> String {
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Waits until nothing is under way.
async fn settles(router: &TestRouter) {
    let settled = async {
        while !router
            .client()
            .get("/metrics")
            .await
            .text()
            .contains("plugway_requests_in_flight 0\n")
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, settled).await.expect("a request stays counted");
}

/// As many requests at once as there is room for: none of it is held by the gone.
async fn has_all_its_room(pair: &Pair) {
    pair.open.set(Behaviour::new().head_delay_ms(200));
    let waiting: Vec<_> = (0..5)
        .map(|_| {
            let client = pair.router.client();
            tokio::spawn(async move { client.chat(&ask("test/open", &"x".repeat(190_000))).await })
        })
        .collect();
    for answer in waiting {
        let answer = answer.await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_leave_while_they_send_reach_nobody() {
    let pair = Pair::with(Behaviour::new(), TIGHT).await;
    let request = request(false);
    let head = request.find("\r\n\r\n").unwrap() + 4;
    for farewell in [Farewell::Close, Farewell::Reset] {
        for cut in [0, 1, 20, head - 1, head, head + 1, head + 100_000, request.len() - 1] {
            for _ in 0..ROUNDS {
                let mut client = RawClient::connect(&pair.router).await;
                client.send(&request[..cut]).await;
                leave(client, farewell);
            }
        }
    }
    settles(&pair.router).await;
    assert!(pair.open.requests().is_empty());
    has_all_its_room(&pair).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_leave_before_the_answer_cancel_it() {
    let pair = Pair::with(Behaviour::new(), TIGHT).await;
    let mut expected = 0;
    for (streaming, behaviour) in [
        (false, Behaviour::new().head_delay_ms(60_000)),
        (true, Behaviour::new().head_delay_ms(60_000)),
        (true, Behaviour::new().first_token_ms(60_000)),
        (false, Behaviour::new().first_token_ms(60_000)),
    ] {
        pair.open.set(behaviour);
        for farewell in [Farewell::Close, Farewell::Reset] {
            for _ in 0..ROUNDS {
                let mut client = RawClient::connect(&pair.router).await;
                client.send(request(streaming)).await;
                expected += 1;
                let came = pair.open.requests_when(|seen| seen.len() == expected);
                timeout(PATIENCE, came).await.expect("no request came");
                leave(client, farewell);
                cancelled(&pair, expected).await;
            }
        }
    }
    settles(&pair.router).await;
    has_all_its_room(&pair).await;
}

/// Waits until the provider has seen so many leave.
async fn cancelled(pair: &Pair, count: usize) {
    let left = pair.open.requests_when(|seen| {
        let left = seen.iter().filter(|it| matches!(it.outcome, Outcome::ClientLeft));
        left.count() >= count
    });
    timeout(PATIENCE, left).await.expect("still running upstream");
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_leave_within_a_stream_cancel_it() {
    let slow = Behaviour::new().tokens_per_second(50).completion_tokens(100_000);
    let pair = Pair::with(slow, TIGHT).await;
    let mut expected = 0;
    for farewell in [Farewell::Close, Farewell::Reset] {
        for _ in 0..ROUNDS {
            let mut client = RawClient::connect(&pair.router).await;
            client.send(request(true)).await;
            client.until(b"data: ").await;
            leave(client, farewell);
            expected += 1;
            cancelled(&pair, expected).await;
        }
    }
    settles(&pair.router).await;
    has_all_its_room(&pair).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_leave_after_the_end_have_cost_nothing() {
    let pair = Pair::with(Behaviour::new(), TIGHT).await;
    for streaming in [false, true] {
        for farewell in [Farewell::Close, Farewell::Reset] {
            for _ in 0..ROUNDS {
                let mut client = RawClient::connect(&pair.router).await;
                client.send(request(streaming)).await;
                assert_eq!(client.answer().await.status, 200);
                leave(client, farewell);
            }
        }
    }
    settles(&pair.router).await;
    has_all_its_room(&pair).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_stops_listening_is_cut_off() {
    let rude = Rude::start("[server]\nwrite_timeout = \"300ms\"").await;
    for wire in WIRES {
        // More than all buffers between provider and client take.
        let delta = wire.delta(&"x".repeat(64 * 1024));
        let stream = [wire.opening(), delta.repeat(500)].concat();
        rude.play([Play::write([STREAM_HEAD.as_bytes(), &chunk(stream)].concat()), Play::Hang]);
        let mut body = ask(&wire.alone(), "Hi");
        body["stream"] = json!(true);
        let mut client = RawClient::connect(&rude.router).await;
        client.send(post(&body.to_string())).await;
        client.until(b"data: ").await;
        // It reads nothing more, and stays.
        settles(&rude.router).await;
        drop(client);
    }
}

/// Clients at once, of which five have room.
const CROWD: usize = 24;

#[tokio::test(flavor = "multi_thread")]
async fn bodies_beyond_the_bound_on_all_are_shed_and_their_room_is_given_back() {
    let pair = Pair::with(Behaviour::new(), TIGHT).await;
    for _ in 0..3 {
        pair.open.clear();
        pair.open.set(Behaviour::new().head_delay_ms(60_000));
        let mut clients = JoinSet::new();
        for _ in 0..CROWD {
            let client = pair.router.client();
            clients
                .spawn(async move { client.chat(&ask("test/open", &"x".repeat(200_000))).await });
        }
        // Whoever has room waits for the provider, which shows how many those are.
        let mut shed = 0;
        while shed + pair.open.requests().len() < CROWD {
            let answer = timeout(Duration::from_millis(100), clients.join_next()).await;
            let Ok(Some(answer)) = answer else { continue };
            let answer = answer.unwrap();
            assert_eq!(answer.status, 503, "{}", answer.text());
            assert_eq!(answer.json()["error"]["metadata"]["code"], "overloaded");
            assert!(answer.header("retry-after").is_some());
            shed += 1;
        }
        let held = pair.open.requests().len();
        assert!((1..=5).contains(&held), "{held} bodies of 200 KB in 1 MiB");
        drop(clients);
        settles(&pair.router).await;
    }
    has_all_its_room(&pair).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_answer_holds_its_place_until_it_is_taken() {
    let rude = Rude::start("[server]\nmax_requests = 1").await;
    let wire = WIRES[0];
    let text = "x".repeat(30 << 20);
    rude.play_once(crate::wire::json_response(&wire.whole(&text)));
    let mut slow = RawClient::connect(&rude.router).await;
    slow.send(post(&ask(&wire.alone(), "Hi").to_string())).await;
    slow.until(b"\r\n\r\n").await;
    let answer = rude.ask(&wire.alone(), false).await;
    assert_eq!(answer.status, 503, "the place was given away");
    drop(slow);
    settles(&rude.router).await;
    let answer = rude.ask(&wire.alone(), false).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.len() > text.len());
}
