//! Plugins replaced under the feet of streams.

use super::variant;
use crate::setup::{ask, provider};
use plugway::reload;
use plugway_simulator::{Behaviour, Kind, Simulator};
use plugway_tests::{TestRouter, guest};
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// Streams open at any time.
const STREAMS: usize = 200;

/// Times that each of the two plugins is replaced; every second time by what is broken.
const REPLACEMENTS: u32 = 10;

const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_streams_do_not_notice_that_their_plugins_are_replaced() {
    let text: String = (0..60).map(|word| format!("word{word} ")).collect();
    let slow = Behaviour::new().tokens_per_second(30).reply(text.trim());
    let simulator = Simulator::start(Kind::OpenAi, slow).unwrap();
    let toml = provider("sim", &simulator, 1).replace("\"openai\"", "\"mini\"\nauth = \"bearer\"");
    let toml = format!("[routing]\nstrategies = [\"mine\"]\n{toml}");
    let router = TestRouter::start(&toml).await;
    let adapter = guest("provider-minimal");
    drop_in(&router, "mini", &variant(adapter, 0));
    drop_in(&router, "mine", &variant(guest("strategy-minimal"), 0));
    router.rescan().await;
    let _watches = reload::watch(&router.router);

    let (ended, whole) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let streams: Vec<_> = (0..STREAMS)
        .map(|_| {
            let (client, text) = (router.client(), text.trim().to_owned());
            let (ended, whole) = (ended.clone(), whole.clone());
            tokio::spawn(async move {
                while !ended.load(Ordering::Relaxed) {
                    let streamed = client.stream(&ask("test/sim", "Hi")).await;
                    assert_eq!(streamed.status, 200, "{:?}", streamed.chunks);
                    assert_eq!(streamed.content(), text);
                    assert!(streamed.done);
                    whole.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for number in 1..=REPLACEMENTS {
        for (id, good) in [("mini", adapter), ("mine", guest("strategy-minimal"))] {
            let before = generation(&router, id);
            if number % 2 == 0 {
                drop_in(&router, id, &broken(good, number));
                until(|| is_refused(&router, id)).await;
                assert_eq!(generation(&router, id), before, "the last good one serves");
            } else {
                drop_in(&router, id, &variant(good, number));
                until(|| generation(&router, id) > before).await;
            }
        }
    }
    let decided = router.client().chat(&ask("test/sim", "Hi")).await;
    assert_eq!(decided.content(), text.trim());
    ended.store(true, Ordering::Relaxed);
    for stream in streams {
        stream.await.expect("a stream failed");
    }
    println!("{} streams were whole", whole.load(Ordering::Relaxed));
    let metrics = router.client().get("/metrics").await.text();
    assert!(!metrics.contains("plugway_plugin_failures_total{"), "{metrics}");
    assert!(!metrics.contains("plugway_strategy_fallbacks_total{"), "{metrics}");
}

/// What is broken in one way or another.
fn broken(good: &[u8], number: u32) -> Vec<u8> {
    match number % 3 {
        0 => good[..good.len() / 2].to_vec(),
        1 => b"<html>not found</html>".to_vec(),
        _ => {
            let mut wasm = variant(good, number);
            let middle = wasm.len() / 2;
            wasm[middle..middle + 64].fill(0xff);
            wasm
        }
    }
}

fn drop_in(router: &TestRouter, id: &str, wasm: &[u8]) {
    let beside = router.plugins().join(format!("{id}.part"));
    fs::write(&beside, wasm).unwrap();
    fs::rename(beside, router.plugins().join(format!("{id}.wasm"))).unwrap();
}

fn generation(router: &TestRouter, id: &str) -> u64 {
    let status = router.router.registry.status();
    status.iter().find(|it| it.id == id).map_or(0, |it| it.generation)
}

fn is_refused(router: &TestRouter, id: &str) -> bool {
    let status = router.router.registry.status();
    status.iter().any(|it| it.id == id && it.refused.is_some())
}

async fn until(mut holds: impl FnMut() -> bool) {
    let waiting = async {
        while !holds() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, waiting).await.expect("a file was never acted upon");
}
