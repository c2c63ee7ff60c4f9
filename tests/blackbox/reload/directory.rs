//! Every way in which people and tools put files into a directory.

use crate::setup::{Pair, ask};
use plugway::reload;
use plugway_simulator::Behaviour;
use plugway_tests::{TestRouter, guest};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// A router that is watched, and decides by `mine` where that is loaded.
async fn watched() -> (Pair, Vec<plugway_engine::Watch>) {
    let toml = "[routing]\nstrategies = [\"mine\", \"balanced\"]\n[plugins]\nrescan_interval = \"200ms\"\n";
    let pair = Pair::with(Behaviour::new(), toml).await;
    let watches = reload::watch(&pair.router.router);
    (pair, watches)
}

fn mine(router: &TestRouter) -> PathBuf {
    router.plugins().join("mine.wasm")
}

fn variant(number: u32) -> Vec<u8> {
    super::variant(guest("strategy-minimal"), number)
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.expect(what);
}

fn digest(router: &TestRouter) -> Option<String> {
    Some(router.router.registry.policy("mine")?.strategy().digest().to_owned())
}

async fn decides(pair: &Pair) -> String {
    let answer = pair.router.client().chat(&ask("test/open", "Hi")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.header("x-plugway-strategy").unwrap().to_owned()
}

/// Puts these bytes where the plugin's file is.
type Way<'a> = &'a dyn Fn(&[u8]);

#[tokio::test(flavor = "multi_thread")]
async fn a_file_may_come_by_every_way() {
    let (pair, _watches) = watched().await;
    let path = mine(&pair.router);
    let beside = pair.router.plugins().join(".mine.wasm.swp");
    let ways: [(&str, Way<'_>); 4] = [
        ("written", &|wasm| fs::write(&path, wasm).unwrap()),
        ("renamed", &|wasm| {
            fs::write(&beside, wasm).unwrap();
            fs::rename(&beside, &path).unwrap();
        }),
        ("written in pieces", &|wasm| {
            use std::io::Write as _;
            let mut file = fs::File::create(&path).unwrap();
            for piece in wasm.chunks(wasm.len() / 5) {
                file.write_all(piece).unwrap();
                std::thread::sleep(Duration::from_millis(20));
            }
        }),
        ("removed and written", &|wasm| {
            fs::remove_file(&path).unwrap();
            fs::write(&path, wasm).unwrap();
        }),
    ];
    let mut before = None;
    for (number, (way, put)) in (0..).zip(ways) {
        tokio::task::block_in_place(|| put(&variant(number)));
        until(way, || digest(&pair.router).is_some_and(|now| before.as_ref() != Some(&now))).await;
        before = digest(&pair.router);
        assert!(decides(&pair).await.starts_with("mine@"), "{way}");
    }
    let status = pair.router.client().get("/readyz").await.json();
    let ids: Vec<_> =
        status["plugins"].as_array().unwrap().iter().map(|it| it["id"].clone()).collect();
    assert!(!ids.iter().any(|id| id.as_str().unwrap().contains("swp")), "{ids:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_may_vanish_and_return() {
    let (pair, _watches) = watched().await;
    let (path, plugins) = (mine(&pair.router), pair.router.plugins());
    let away = plugins.with_extension("away");
    fs::write(&path, variant(1)).unwrap();
    until("loaded", || digest(&pair.router).is_some()).await;
    let first = digest(&pair.router);

    fs::rename(&plugins, &away).unwrap();
    let registry = pair.router.router.registry.clone();
    until("noticed", || registry.trouble().is_some()).await;
    assert_eq!(digest(&pair.router), first, "what was loaded serves on");
    assert!(decides(&pair).await.starts_with("mine@"));
    let client = pair.router.client();
    let ready = client.get("/readyz").await;
    assert_eq!(ready.status, 200);
    let told = ready.json()["plugins_directory"]["trouble"].as_str().unwrap().to_owned();
    assert!(told.contains("cannot be read"), "{told}");
    assert!(client.get("/metrics").await.text().contains("plugway_plugins_directory_trouble 1\n"));

    // Another directory in its place, as when a disk comes back.
    fs::create_dir(&plugins).unwrap();
    fs::write(&path, variant(2)).unwrap();
    until("loaded anew", || digest(&pair.router) != first).await;
    assert_eq!(registry.trouble(), None);
    // And events of the new one are followed.
    fs::remove_file(&path).unwrap();
    until("unloaded", || digest(&pair.router).is_none()).await;
    assert!(decides(&pair).await.starts_with("balanced@"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_as_a_directory_unloads_nothing() {
    let (pair, _watches) = watched().await;
    let plugins = pair.router.plugins();
    fs::write(mine(&pair.router), variant(1)).unwrap();
    until("loaded", || digest(&pair.router).is_some()).await;
    fs::rename(&plugins, plugins.with_extension("away")).unwrap();
    // A link to itself: nobody can read that, root neither.
    std::os::unix::fs::symlink(&plugins, &plugins).unwrap();
    let registry = pair.router.router.registry.clone();
    until("noticed", || registry.trouble().is_some()).await;
    assert!(decides(&pair).await.starts_with("mine@"));
    fs::remove_file(&plugins).unwrap();
    fs::rename(plugins.with_extension("away"), &plugins).unwrap();
    until("readable again", || registry.trouble().is_none()).await;
    assert!(decides(&pair).await.starts_with("mine@"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_files_at_once_are_all_loaded() {
    let pair = Pair::start(Behaviour::new()).await;
    let plugins = pair.router.plugins();
    for number in 0..1000 {
        let path = plugins.join(format!("many-{number:04}.wasm"));
        // A few that differ and one that is broken, over and over.
        match number % 5 {
            4 => fs::write(path, b"broken").unwrap(),
            other => fs::write(path, variant(other)).unwrap(),
        }
    }
    let report = pair.router.rescan().await;
    assert_eq!((report.loaded.len(), report.failed.len()), (0, 0), "the look before loaded them");
    let status = pair.router.router.registry.status();
    let many = status.iter().filter(|it| it.id.starts_with("many-"));
    let (good, bad): (Vec<_>, Vec<_>) = many.partition(|it| it.refused.is_none());
    assert_eq!((good.len(), bad.len()), (800, 200));
    assert!(decides(&pair).await.starts_with("balanced@"), "they disturb nobody");
    for entry in fs::read_dir(&plugins).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    assert_eq!(pair.router.rescan().await.removed.len(), 0, "the look before removed them");
    assert!(!pair.router.router.registry.status().iter().any(|it| it.id.starts_with("many-")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_touched_is_no_new_plugin() {
    let pair = Pair::start(Behaviour::new()).await;
    let path = mine(&pair.router);
    fs::write(&path, variant(1)).unwrap();
    pair.router.rescan().await;
    let generation = || {
        let status = pair.router.router.registry.status();
        status.iter().find(|it| it.id == "mine").unwrap().generation
    };
    assert_eq!(generation(), 1);
    fs::write(&path, variant(1)).unwrap();
    pair.router.rescan().await;
    assert_eq!(generation(), 1, "the same bytes");
    fs::write(&path, variant(2)).unwrap();
    pair.router.rescan().await;
    assert_eq!(generation(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_file_shows_with_digest_and_remedy() {
    let pair = Pair::start(Behaviour::new()).await;
    fs::write(mine(&pair.router), b"\0asm\x01\0\0\0").unwrap();
    pair.router.rescan().await;
    let client = pair.router.client();
    let ready = client.get("/readyz").await.json();
    let plugins = ready["plugins"].as_array().unwrap();
    let told = plugins.iter().find(|it| it["id"] == "mine").unwrap();
    assert_eq!(told["state"], "failed");
    assert!(told["refused"]["file"].as_str().unwrap().ends_with("mine.wasm"), "{told}");
    let digest = told["refused"]["digest"].as_str().unwrap();
    assert_eq!(digest.len(), 64);
    assert!(told["last_error"].as_str().unwrap().contains("build it for wasm32-wasip2"), "{told}");
    let metrics = client.get("/metrics").await.text();
    let line = metrics.lines().find(|it| it.starts_with("plugway_plugin_refused{")).unwrap();
    for part in ["plugin=\"mine\"", "mine.wasm", digest, "core module"] {
        assert!(line.contains(part), "{part}: {line}");
    }
}
