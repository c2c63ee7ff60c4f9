//! Loading: what is refused and with which remedy, the code cache, and the
//! registry's overlay of embedded plugins and files.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{candidates, engine, guest, limits, query};
use plugway_engine::{
    CallContext, Embedded, Engine, Grants, Limits, LoadErrorKind, PluginKind, PluginState,
    Registry, RegistryOptions, Setup, Source,
};
use tempfile::TempDir;

#[test]
fn refusals_name_plugin_reason_and_remedy() {
    let engine = engine(limits());
    let check = |id: &str, wasm: &[u8], parts: &[&str]| {
        let error = engine.load(id, wasm, &Grants::default()).unwrap_err().to_string();
        assert!(error.starts_with(&format!("plugin `{id}` (")), "{error}");
        for part in parts {
            assert!(error.contains(part), "no `{part}` in: {error}");
        }
    };
    check("x", b"not wasm at all", &["no usable WebAssembly component", "wasm32-wasip2"]);
    check("x", b"\0asm\x01\0\0\0", &["core module", "wasm32-wasip2"]);
    check("x", b"\0asm\x0d\0\x01\0", &["exports neither", "plugway:provider/provider@0.1"]);
    check(
        "ungranted-http",
        &guest("ungranted-http"),
        &["plugway:host/http@0.1.0", "`allow.http` under [plugins.ungranted-http]"],
    );
    check(
        "ungranted-sockets",
        &guest("ungranted-sockets"),
        &["wasi:sockets/tcp", "no grant opens sockets"],
    );
}

#[test]
fn an_import_of_another_version_is_refused_by_name() {
    let mut wasm = guest("price");
    let (own, other) = (b"plugway:host/log@0.1.0", b"plugway:host/log@0.9.0");
    let places: Vec<usize> =
        (0..wasm.len() - own.len()).filter(|place| wasm[*place..].starts_with(own)).collect();
    for place in places {
        wasm[place..place + own.len()].copy_from_slice(other);
    }
    let error = engine(limits()).load("price", &wasm, &Grants::default()).unwrap_err().to_string();
    assert!(error.contains("plugway:host/log@0.9.0 (this router speaks 0.1"), "{error}");
}

#[test]
fn a_component_cannot_take_the_memories_of_others() {
    // A core module with one memory of one page, instantiated `count` times.
    let component = |count: u8| {
        let module = b"\0asm\x01\0\0\0\x05\x03\x01\0\x01";
        let mut wasm = guest("price");
        let modules = sections(&wasm).iter().filter(|id| **id == 1).count() as u8;
        wasm.extend([1, module.len() as u8]);
        wasm.extend(module);
        wasm.extend([2, 1 + 3 * count, count]);
        wasm.extend([0, modules, 0].repeat(count.into()));
        wasm
    };
    let engine = engine(limits());
    assert!(engine.load("x", &component(3), &Grants::default()).is_ok());
    let error = engine.load("x", &component(4), &Grants::default()).unwrap_err().to_string();
    assert!(error.contains("memories") && error.contains("at most 4 memories"), "{error}");
}

/// The ids of a component's outermost sections.
fn sections(wasm: &[u8]) -> Vec<u8> {
    let (mut at, mut ids) = (8, Vec::new());
    while at < wasm.len() {
        ids.push(wasm[at]);
        let (mut length, mut shift) = (0, 0);
        loop {
            at += 1;
            length |= usize::from(wasm[at] & 0x7f) << shift;
            shift += 7;
            if wasm[at] & 0x80 == 0 {
                break;
            }
        }
        at += 1 + length;
    }
    ids
}

#[test]
fn a_component_that_is_too_large_is_not_compiled() {
    let engine = engine(Limits { max_component_bytes: 10, ..limits() });
    let error = engine.load("price", &guest("price"), &Grants::default()).unwrap_err();
    assert!(matches!(error.cause, LoadErrorKind::TooLarge { limit: 10, .. }), "{error}");
}

#[test]
fn compiled_code_is_kept_and_a_damaged_entry_is_replaced() {
    let directory = TempDir::new().unwrap();
    let cache = directory.path().join("code");
    let load = || {
        let engine = Engine::new(limits(), Some(cache.clone())).unwrap();
        engine.load("price", &guest("price"), &Grants::default()).unwrap();
    };
    let entries =
        || -> Vec<_> { fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().path()).collect() };
    load();
    let [entry] = entries().try_into().unwrap();
    // Whoever writes an entry puts another file in its place.
    let place = || std::os::unix::fs::MetadataExt::ino(&fs::metadata(&entry).unwrap());
    let written = place();
    let whole = fs::read(&entry).unwrap();

    load();
    assert_eq!(place(), written, "a hit writes nothing");

    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    for content in [&damaged[..], &whole[..100], b""] {
        fs::write(&entry, content).unwrap();
        load();
        assert_eq!(entries(), std::slice::from_ref(&entry));
        assert_ne!(fs::read(&entry).unwrap(), content, "it was compiled anew");
    }
}

#[cfg(unix)]
#[test]
fn another_start_finds_all_first_party_plugins_compiled() {
    use std::os::unix::fs::MetadataExt as _;

    let directory = TempDir::new().unwrap();
    let cache = directory.path().join("code");
    let plugins = ["anthropic", "balanced", "openai", "price"];
    let wasm = plugins.map(guest);
    let start = || {
        let began = Instant::now();
        let engine = Engine::new(limits(), Some(cache.clone())).unwrap();
        for (id, wasm) in plugins.iter().zip(&wasm) {
            engine.load(id, wasm, &Grants::default()).unwrap();
        }
        began.elapsed()
    };
    // A miss puts another file in the entry's place.
    let entries = || -> BTreeMap<_, _> {
        let entries = fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap());
        entries.map(|entry| (entry.file_name(), entry.metadata().unwrap().ino())).collect()
    };
    let cold = start();
    let compiled = entries();
    assert_eq!(compiled.len(), plugins.len());
    let warm = start();
    assert_eq!(entries(), compiled);
    println!("{} plugins: compiled in {cold:?}, found compiled in {warm:?}", plugins.len());
}

#[cfg(unix)]
#[test]
fn a_cache_that_others_could_replace_is_not_used() {
    use std::os::unix::fs::PermissionsExt as _;

    let directory = TempDir::new().unwrap();
    let above = directory.path().join("above");
    fs::create_dir(&above).unwrap();
    let cache = above.join("code");
    let entries_with = |mode| {
        fs::set_permissions(&above, fs::Permissions::from_mode(mode)).unwrap();
        let engine = Engine::new(limits(), Some(cache.clone())).unwrap();
        engine.load("price", &guest("price"), &Grants::default()).unwrap();
        fs::read_dir(&cache).unwrap().count()
    };
    assert_eq!(entries_with(0o777), 0);
    assert_eq!(entries_with(0o1777), 1, "in a sticky directory only owners rename");
}

#[cfg(unix)]
#[test]
fn a_cache_that_others_can_write_to_is_not_used() {
    use std::os::unix::fs::PermissionsExt as _;

    let directory = TempDir::new().unwrap();
    let cache = directory.path().join("code");
    fs::create_dir(&cache).unwrap();
    fs::set_permissions(&cache, fs::Permissions::from_mode(0o777)).unwrap();
    let engine = Engine::new(limits(), Some(cache.clone())).unwrap();
    engine.load("price", &guest("price"), &Grants::default()).unwrap();
    assert_eq!(fs::read_dir(&cache).unwrap().count(), 0);
}

/// A registry with the embedded plugins `openai` and `price`, and its directory.
struct Overlay {
    registry: Arc<Registry>,
    directory: TempDir,
}

impl Overlay {
    fn new(change: impl FnOnce(&mut RegistryOptions)) -> Self {
        Self::within(limits(), change)
    }

    fn within(limits: Limits, change: impl FnOnce(&mut RegistryOptions)) -> Self {
        let directory = TempDir::new().unwrap();
        let mut options = RegistryOptions {
            directory: Some(directory.path().to_owned()),
            ..RegistryOptions::default()
        };
        change(&mut options);
        let embedded = ["openai", "price"].map(|id| Embedded { id, wasm: guest(id).leak() });
        let registry = Registry::new(engine(limits), embedded.to_vec(), options).unwrap();
        Self { registry: Arc::new(registry), directory }
    }

    fn path(&self, id: &str) -> std::path::PathBuf {
        self.directory.path().join(format!("{id}.wasm"))
    }

    fn drop_in(&self, id: &str, wasm: &[u8]) {
        fs::write(self.path(id), wasm).unwrap();
    }

    /// State, generation and last error of a plugin.
    fn status(&self, id: &str) -> (PluginState, u64, String) {
        let status = self.registry.status().into_iter().find(|status| status.id == id).unwrap();
        (status.state, status.generation, status.refused.map(|it| it.reason).unwrap_or_default())
    }

    fn reason(&self, id: &str) -> String {
        let policy = self.registry.policy(id).unwrap();
        policy.route(&query(), &candidates(2)).unwrap().unwrap().reason
    }
}

#[test]
fn embedded_plugins_serve_from_the_start() {
    let overlay = Overlay::new(|_| {});
    assert_eq!(overlay.registry.adapter("openai").unwrap().id(), "openai");
    assert!(overlay.registry.policy("openai").is_none(), "an adapter is no policy");
    assert!(overlay.registry.adapter("price").is_none(), "a policy is no adapter");
    let status = overlay.registry.status();
    let kinds: Vec<_> = status.iter().map(|status| status.kind).collect();
    assert_eq!(kinds, [Some(PluginKind::Adapter), Some(PluginKind::Strategy)]);
    assert!(status.iter().all(|status| status.source == Source::Embedded));
}

#[test]
fn files_are_dropped_replaced_broken_and_removed() {
    let overlay = Overlay::new(|_| {});
    let own = overlay.reason("price");

    overlay.drop_in("price", &guest("strategy-minimal"));
    assert_eq!(overlay.registry.rescan().loaded, ["price"]);
    let replaced = overlay.reason("price");
    assert_ne!(replaced, own);
    assert_eq!(overlay.status("price"), (PluginState::Serving, 2, String::new()));
    assert_eq!(overlay.registry.rescan(), Default::default(), "nothing changed, nothing done");

    overlay.drop_in("price", b"broken");
    let report = overlay.registry.rescan();
    assert_eq!(report.failed.len(), 1, "{report:?}");
    assert_eq!(overlay.reason("price"), replaced, "the last good one serves");
    let (state, generation, error) = overlay.status("price");
    assert_eq!((state, generation), (PluginState::Outdated, 2));
    assert!(error.contains("no usable WebAssembly component"), "{error}");

    fs::remove_file(overlay.path("price")).unwrap();
    assert_eq!(overlay.registry.rescan().removed, ["price"]);
    assert_eq!(overlay.reason("price"), own, "the embedded one is back");
    assert_eq!(overlay.status("price"), (PluginState::Serving, 3, String::new()));
}

#[test]
fn a_replacement_of_the_same_size_and_time_is_noticed() {
    let overlay = Overlay::new(|_| {});
    let path = overlay.path("mine");
    overlay.drop_in("mine", b"broken, once");
    assert_eq!(overlay.registry.rescan().failed.len(), 1);
    let time = fs::metadata(&path).unwrap().modified().unwrap();

    let other = overlay.directory.path().join("other");
    fs::write(&other, b"broken again").unwrap();
    fs::File::options().write(true).open(&other).unwrap().set_modified(time).unwrap();
    fs::rename(&other, &path).unwrap();
    assert_eq!(overlay.registry.rescan().failed.len(), 1, "it was looked at again");
}

#[test]
fn what_failed_for_want_of_room_is_tried_again_and_forgotten_with_its_file() {
    let overlay = Overlay::within(Limits { max_instances: 3, ..limits() }, |_| {});
    let take = || {
        let adapter = overlay.registry.adapter("openai").unwrap();
        let taken: Vec<_> =
            std::iter::from_fn(|| adapter.attempt(CallContext::default()).ok()).collect();
        assert!(!taken.is_empty());
        taken
    };
    let taken = take();
    overlay.drop_in("mine", &guest("strategy-minimal"));
    let report = overlay.registry.rescan();
    assert!(report.failed[0].1.contains("no free instance"), "{report:?}");
    drop(taken);
    let deadline = Instant::now() + Duration::from_secs(60);
    while overlay.registry.policy("mine").is_none() {
        assert!(Instant::now() < deadline, "it was never tried again");
        overlay.registry.rescan();
        std::thread::sleep(Duration::from_millis(50));
    }

    let _taken = take();
    overlay.drop_in("other", &guest("balanced"));
    assert_eq!(overlay.registry.rescan().failed.len(), 1);
    fs::remove_file(overlay.path("other")).unwrap();
    assert_eq!(overlay.registry.rescan().removed, ["other"]);
    assert!(overlay.registry.status().iter().all(|status| status.id != "other"));
}

#[test]
fn an_empty_directory_in_its_place_unloads_nothing_until_asked() {
    let overlay = Overlay::new(|_| {});
    overlay.drop_in("mine", &guest("strategy-minimal"));
    overlay.registry.rescan();
    let directory = overlay.directory.path();
    let away = TempDir::new().unwrap();
    fs::rename(directory, away.path().join("plugins")).unwrap();
    fs::create_dir(directory).unwrap();
    let report = overlay.registry.rescan();
    assert!(report.trouble.unwrap().contains("another one now, and empty"));
    assert!(overlay.registry.policy("mine").is_some(), "a disk that is gone looks like that");
    assert_eq!(overlay.registry.reload().removed, ["mine"]);
    assert!(overlay.registry.policy("mine").is_none());
}

#[test]
fn files_of_editors_are_no_plugins() {
    let overlay = Overlay::new(|_| {});
    overlay.drop_in(".mine", b"half");
    link(Path::new("nobody@nowhere.1"), &overlay.path(".#mine"));
    fs::write(overlay.directory.path().join("mine.wasm~"), "the one before").unwrap();
    assert_eq!(overlay.registry.rescan(), Default::default());
}

#[test]
fn files_beyond_the_limit_are_left_alone() {
    let overlay = Overlay::within(Limits { max_plugins: 1, ..limits() }, |_| {});
    overlay.drop_in("mine", &guest("strategy-minimal"));
    overlay.registry.rescan();
    overlay.drop_in("aaa", b"junk");
    let report = overlay.registry.rescan();
    assert!(report.trouble.unwrap().contains("`max_plugins`"));
    assert_eq!(report.removed, [""; 0]);
    assert!(overlay.registry.policy("mine").is_some(), "it is still there");
}

#[test]
fn a_new_plugin_comes_and_goes_with_its_file() {
    let overlay = Overlay::new(|_| {});
    overlay.drop_in("mine", &guest("strategy-minimal"));
    overlay.registry.rescan();
    let in_flight = overlay.registry.policy("mine").unwrap();
    fs::remove_file(overlay.path("mine")).unwrap();
    overlay.registry.rescan();
    assert!(overlay.registry.policy("mine").is_none());
    let plan = in_flight.route(&query(), &candidates(2)).unwrap();
    assert!(plan.is_ok(), "who began with it ends with it");
}

#[test]
fn an_embedded_adapter_is_replaced_only_where_the_operator_says_so() {
    let overlay = Overlay::new(|_| {});
    overlay.drop_in("openai", &guest("provider-minimal"));
    overlay.registry.rescan();
    let (state, _, error) = overlay.status("openai");
    assert_eq!(state, PluginState::Outdated);
    assert!(error.contains("`replace = true` under [plugins.openai]"), "{error}");

    let overlay = Overlay::new(|options| {
        options.replaceable_providers = BTreeSet::from(["openai".to_owned()]);
    });
    overlay.drop_in("openai", &guest("provider-minimal"));
    overlay.registry.rescan();
    assert_eq!(overlay.status("openai"), (PluginState::Serving, 2, String::new()));

    overlay.drop_in("price", &guest("provider-minimal"));
    overlay.registry.rescan();
    let (_, _, error) = overlay.status("price");
    assert!(error.contains("rename the file"), "{error}");
}

#[test]
fn files_that_are_not_to_be_loaded_say_why() {
    let overlay = Overlay::new(|options| {
        let options_of = vec![("no-such-option".to_owned(), "1".to_owned())];
        let setup = Setup { options: options_of, ..Setup::default() };
        options.setups = BTreeMap::from([("opened-wrong".to_owned(), setup)]);
    });
    overlay.drop_in("Upper Case", &guest("price"));
    overlay.drop_in("opened-wrong", &guest("balanced"));
    overlay.drop_in("empty", b"");
    fs::create_dir(overlay.directory.path().join("sub")).unwrap();
    fs::write(overlay.directory.path().join("sub/deep.wasm"), guest("price")).unwrap();
    fs::write(overlay.directory.path().join("notes.txt"), "not a plugin").unwrap();
    let outside = TempDir::new().unwrap();
    fs::write(outside.path().join("price.wasm"), guest("price")).unwrap();
    link(&outside.path().join("price.wasm"), &overlay.path("linked"));

    let failed: BTreeMap<_, _> = overlay.registry.rescan().failed.into_iter().collect();
    let check = |id: &str, part: &str| assert!(failed[id].contains(part), "{id}: {failed:?}");
    check("Upper Case", "rename the file");
    check("opened-wrong", "no-such-option");
    check("empty", "no usable WebAssembly component");
    check("linked", "link out of the plugins directory");
    assert_eq!(failed.len(), 4, "{failed:?}");
    assert_eq!(overlay.status("linked").0, PluginState::Failed);
}

#[cfg(unix)]
fn link(target: &Path, path: &Path) {
    std::os::unix::fs::symlink(target, path).unwrap();
}

#[test]
fn a_watched_directory_needs_no_call() {
    let overlay = Overlay::new(|_| {});
    let watch = overlay.registry.watch(Duration::from_millis(100));
    overlay.drop_in("mine", &guest("strategy-minimal"));
    let deadline = Instant::now() + Duration::from_secs(60);
    while overlay.registry.policy("mine").is_none() {
        assert!(Instant::now() < deadline, "the file was never picked up");
        std::thread::yield_now();
    }
    drop(watch);
}

#[test]
fn a_generation_outlives_its_replacement() {
    let overlay = Overlay::new(|options| {
        options.replaceable_providers = BTreeSet::from(["openai".to_owned()]);
    });
    let adapter = overlay.registry.adapter("openai").unwrap();
    let attempt = adapter.attempt(CallContext::default()).unwrap();
    overlay.drop_in("openai", &guest("provider-minimal"));
    overlay.registry.rescan();
    assert_ne!(overlay.registry.adapter("openai").unwrap().digest(), adapter.digest());
    drop(adapter);
    let head = plugway_engine::ResponseHead { status: 200, headers: Vec::new() };
    assert!(attempt.decoder(head, "").is_ok(), "the attempt goes on with what it began with");
}
