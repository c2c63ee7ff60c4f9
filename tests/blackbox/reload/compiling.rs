//! What may be spent on compiling a plugin, and that it is spent elsewhere.

use super::variant;
use crate::setup::{Pair, ask};
use plugway_simulator::Behaviour;
use plugway_tests::guest;
use std::fs;

/// What `/readyz` says of the file `mine.wasm` under these limits.
async fn refusal(limits: &str) -> String {
    // First-party plugins are to be found compiled: the limits hold for them too.
    drop(Pair::start(Behaviour::new()).await);
    let pair = Pair::with(Behaviour::new(), &format!("[plugins.limits]\n{limits}\n")).await;
    // Bytes that no run before has compiled.
    let wasm = variant(guest("strategy-minimal"), rand());
    fs::write(pair.router.plugins().join("mine.wasm"), wasm).unwrap();
    pair.router.rescan().await;
    let client = pair.router.client();
    let ready = client.get("/readyz").await.json();
    let plugins = ready["plugins"].as_array().unwrap();
    let mine = plugins.iter().find(|it| it["id"] == "mine").unwrap();
    assert_eq!(client.chat(&ask("test/open", "Hi")).await.status, 200);
    mine["last_error"].as_str().unwrap_or_default().to_owned()
}

fn rand() -> u32 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    now.subsec_nanos() ^ std::process::id()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_takes_too_long_to_compile_is_refused() {
    let told = refusal("compile_timeout = \"1ms\"").await;
    assert!(told.contains("`compile_timeout`"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_takes_too_much_memory_to_compile_is_refused() {
    let told = refusal("max_compile_memory = \"24MiB\"").await;
    assert!(told.contains("`max_compile_memory`"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_within_the_bounds_is_compiled() {
    assert_eq!(refusal("").await, "");
}
