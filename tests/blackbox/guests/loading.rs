//! Guests that are refused when they are dropped, and files that are none.

use super::scene::{Ask, Scene, check_refused};
use plugway_tests::guest;

/// One test for each guest: what its refusal says.
macro_rules! is_refused {
    ($($guest:ident: $($said:literal),+;)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        pub(super) async fn $guest() {
            check_refused(&stringify!($guest).replace('_', "-"), &[$($said),+]).await;
        }
    )*};
}

is_refused! {
    trap_in_describe: "`describe`: trapped: ";
    spin_in_describe: "`describe`: exceeded its CPU budget of 100 ms (`call_budget`)";
    trap_in_start: "`instantiate`: trapped: wasm trap: wasm `unreachable` instruction executed";
    spin_in_start: "`instantiate`: exceeded its CPU budget of 100 ms (`call_budget`)";
    fill_in_start: "`instantiate`: exceeded its CPU budget of 100 ms (`call_budget`)";
    grow_memory_in_start: "`instantiate`: exceeded its memory of 134217728 bytes";
    grow_table_in_start: "`instantiate`: exceeded its CPU budget of 100 ms (`call_budget`)";
    huge_memory: "no usable WebAssembly component", "memory";
    huge_memories: "`instantiate`: exceeded its memory of 134217728 bytes (`max_memory_bytes`)";
    huge_table: "no usable WebAssembly component", "table";
    many_memories: "at most 4 memories";
    many_tables: "16 tables";
    many_instances: "no usable WebAssembly component", "core module instances";
    ungranted_http: "plugway:host/http@0.1.0", "`allow.http` under [plugins.ungranted-http]";
    ungranted_sockets: "wasi:sockets/tcp", "no grant opens sockets";
    foreign_import: "plugway:host/log@0.9.0 (this router speaks 0.1";
    foreign_export: "it exports plugway:provider/provider@0.9.0, but this router speaks 0.1";
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn huge_names() {
    let scene = Scene::with("huge-names", "").await;
    let answer = scene.undisturbed(scene.ask("test/bad", Ask::Whole)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let router = &scene.router.router;
    let adapter = router.registry.adapter("huge-names").unwrap();
    let info = adapter.info();
    assert!(info.name.len() <= 2048 && info.default_base_url.is_none(), "{info:?}");
    assert!(info.dialects.is_empty() && info.reasoning_formats.is_empty(), "{info:?}");
    assert!(info.supported_parameters.len() <= 256, "{}", info.supported_parameters.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_component_is_refused() {
    let scene = Scene::without("broken", "").await;
    let before = scene.status("broken").await;
    let whole = guest("provider-minimal");
    let core_module = b"\0asm\x01\0\0\0";
    let nothing_known = b"\0asm\x0d\0\x01\0";
    let mut files = vec![&b"not wasm"[..], b"", b"\0asm", core_module, nothing_known];
    files.extend((1..20).map(|part| &whole[..whole.len() * part / 20]));
    files.push(&whole[..whole.len() - 1]);
    let dropped = async {
        let mut last = String::new();
        for file in files {
            std::fs::write(scene.router.plugins().join("broken.wasm"), file).unwrap();
            scene.router.rescan().await;
            let after = scene.status("broken").await;
            let error = after["last_error"].as_str().unwrap_or_default().to_owned();
            assert!(error.starts_with("plugin `broken` (") && error != last, "{after}");
            assert_eq!(after["digest"], before["digest"], "{after}");
            last = error;
        }
    };
    scene.undisturbed(dropped).await;
    let served = scene.ask("test/bad", Ask::Whole).await;
    assert_eq!(served.status, 200, "{}", served.text());
}
