//! What a router keeps of plugins that it no longer runs: nothing.

use super::variant;
use crate::setup::{ask, provider};
use plugway_simulator::{Behaviour, Kind, Simulator};
use plugway_tests::{Client, RouterProcess, guest};
use std::fs;
use std::time::Duration;
use tokio::time::{sleep, timeout};

const RELOADS: u32 = 500;

/// After as many the process has reached the size that it works with.
const WARM_UP: u32 = 100;

/// What the allocator may hold more or less of at any time, bytes. One kept
/// generation of the plugin would be a tenth of it, 400 of them forty times it.
const SLACK_BYTES: u64 = 8 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_reloads_leave_nothing_behind() {
    let simulator = Simulator::start(Kind::OpenAi, Behaviour::new().reply("here")).unwrap();
    let toml = "[routing]\nstrategies = [\"mine\"]\n[plugins]\nrescan_interval = \"1s\"\n";
    let router = RouterProcess::start(&format!("{toml}{}", provider("sim", &simulator, 1)));
    let client = router.client();
    let file = router.plugins().join("mine.wasm");
    let mut warm = (0, 0, 0);
    for number in 1..=RELOADS {
        let wasm = variant(guest("strategy-minimal"), number);
        let beside = file.with_extension("part");
        fs::write(&beside, wasm).unwrap();
        fs::rename(&beside, &file).unwrap();
        let decided = async {
            loop {
                let answer = client.chat(&ask("test/sim", "Hi")).await;
                assert_eq!(answer.content(), "here", "{}", answer.text());
                let ready = client.get("/readyz").await.json();
                let plugins = ready["plugins"].as_array().unwrap();
                let mine = plugins.iter().find(|it| it["id"] == "mine");
                if mine.is_some_and(|it| it["generation"] == number) {
                    return;
                }
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(Duration::from_secs(120), decided).await.expect("a file was never acted upon");
        if number == WARM_UP {
            warm = (router.descriptors(), router.memory_bytes(), instances(&client).await);
        }
    }
    let (descriptors, memory) = (router.descriptors(), router.memory_bytes());
    println!("descriptors {} -> {descriptors}, memory {} -> {memory} bytes", warm.0, warm.1);
    // A connection more or less may be open at the moment.
    assert!(descriptors <= warm.0 + 4, "{} descriptors became {descriptors}", warm.0);
    assert!(memory <= warm.1 + SLACK_BYTES, "{} bytes became {memory}", warm.1);
    // The new policy's warm one, and no old one's.
    assert_eq!(instances(&client).await, warm.2);
    assert!(!router.log().contains("panicked"));
}

/// Plugin instances that live.
async fn instances(client: &Client) -> u64 {
    let metrics = client.get("/metrics").await.text();
    let name = "plugway_in_use{resource=\"instances\"} ";
    metrics.lines().find_map(|line| line.strip_prefix(name)).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_asks_for_a_reload() {
    let simulator = Simulator::start(Kind::OpenAi, Behaviour::new().reply("here")).unwrap();
    // The text stays the same: without the signal it would not be read again.
    let router = RouterProcess::start(&provider("sim", &simulator, 1));
    let client = router.client();
    assert_eq!(client.get("/readyz").await.json()["config"]["generation"], 1);
    router.signal("HUP");
    let read_again = async {
        while client.get("/readyz").await.json()["config"]["generation"] != 2 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(60), read_again).await.expect("the signal did nothing");
    assert_eq!(client.chat(&ask("test/sim", "Hi")).await.content(), "here");
}
