//! What a router keeps of plugins that it no longer runs: nothing.

use super::variant;
use crate::setup::{ask, provider};
use plugway_simulator::{Behaviour, Kind, Simulator};
use plugway_tests::{RouterProcess, guest};
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
    let mut warm = (0, 0);
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
            warm = (router.descriptors(), router.memory_bytes());
        }
    }
    let (descriptors, memory) = (router.descriptors(), router.memory_bytes());
    println!("descriptors {} -> {descriptors}, memory {} -> {memory} bytes", warm.0, warm.1);
    // A connection more or less may be open at the moment.
    assert!(descriptors <= warm.0 + 4, "{} descriptors became {descriptors}", warm.0);
    assert!(memory <= warm.1 + SLACK_BYTES, "{} bytes became {memory}", warm.1);
    assert!(!router.log().contains("panicked"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_asks_for_a_reload() {
    let simulator = Simulator::start(Kind::OpenAi, Behaviour::new().reply("here")).unwrap();
    let good = provider("sim", &simulator, 1);
    // Nothing happens by itself.
    let toml = "[plugins]\nrescan_interval = \"1h\"\n";
    let router = RouterProcess::start(&format!("{toml}{good}"));
    let client = router.client();
    let other = good.replace("test/sim", "test/other");
    fs::write(router.config_file(), format!("{toml}{other}")).unwrap();
    router.signal("HUP");
    let served = async {
        while client.chat(&ask("test/other", "Hi")).await.status != 200 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(60), served).await.expect("the signal did nothing");
}
