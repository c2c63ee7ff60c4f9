//! Rules of the house that a compiler cannot check.

use std::fs;
use std::path::{Path, PathBuf};

/// A Rust file of the workspace, without its tests.
struct Source {
    path: String,
    code: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// All Rust files below `folder`, test modules and test files left out.
fn sources(folder: &str) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !matches!(&*name, "target" | "tests" | "benches") {
                    folders.push(path);
                }
            } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned();
                let path = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
                found.push(Source { path, code });
            }
        }
    }
    assert!(!found.is_empty(), "nothing in {folder}");
    found
}

fn everything() -> Vec<Source> {
    ["host", "sdk", "plugins", "examples", "tests/src"].into_iter().flat_map(sources).collect()
}

#[test]
fn the_host_names_no_vendor() {
    const VENDORS: [&str; 10] = [
        "anthropic",
        "bedrock",
        "claude",
        "cohere",
        "deepseek",
        "gemini",
        "groq",
        "mistral",
        "openai",
        "vertex",
    ];
    // Dialects are named after whose format they are: their folders, their list, and
    // whoever asks which one it is. `build.rs` names the plugins that it embeds.
    const DIALECTS: [&str; 7] = [
        "openai_chat",
        "openai_completions",
        "openai_embeddings",
        "openai_responses",
        "anthropic_messages",
        "gemini",
        "rerank",
    ];
    for source in sources("host") {
        let own = |name: &&str| source.path.starts_with(&format!("host/wire/src/{name}"));
        let is_list = matches!(
            &*source.path,
            "host/wire/src/dialect.rs" | "host/wire/fuzz/fuzz_targets/dialects.rs"
        );
        if is_list || DIALECTS.iter().any(own) || source.path.ends_with("build.rs") {
            continue;
        }
        for line in source.code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            // The crate that holds two open vocabularies.
            let line = line.to_lowercase().replace("bpe_openai::", "");
            let line = DIALECTS.iter().fold(line, |line, name| {
                let variant = format!("dialect::{}", name.replace('_', ""));
                let line = line.replace(&variant, "").replace(&format!("mod {name}"), "");
                line.replace(&format!("{name}::"), "")
            });
            let named = VENDORS.iter().find(|vendor| line.contains(*vendor));
            assert_eq!(named, None, "{}: {line}", source.path);
        }
    }
}

#[test]
fn only_one_file_picks_a_status() {
    for source in sources("host/router/src") {
        // Readiness is a state, not an error.
        if matches!(&*source.path, "host/router/src/error.rs" | "host/router/src/api/ops.rs") {
            continue;
        }
        for (at, _) in source.code.match_indices("StatusCode::") {
            let rest = &source.code[at..];
            assert!(
                rest.starts_with("StatusCode::OK") || rest.starts_with("StatusCode::CREATED"),
                "{}: {}",
                source.path,
                rest.lines().next().unwrap_or(rest)
            );
        }
    }
}

#[test]
fn unsafe_stands_in_one_file() {
    for source in everything() {
        let code = source.code.lines().filter(|line| !line.trim_start().starts_with("//"));
        let has_unsafe =
            code.into_iter().any(|line| line.contains("unsafe {") || line.contains("unsafe fn"));
        assert_eq!(has_unsafe, source.path == "host/engine/src/cache.rs", "{}", source.path);
    }
}

#[test]
fn files_say_why_they_exist_and_stay_short() {
    for source in everything() {
        assert!(source.code.starts_with("//!") || source.code.starts_with("#!"), "{}", source.path);
        let lines = source.code.lines().count();
        assert!(lines <= 400, "{} has {lines} lines", source.path);
    }
}

/// What stands between the price in the catalogue and the sum in the ledger. Strategies
/// compare prices in floats, and what is shown may be rounded; what is billed never is.
const MONEY: [&str; 14] = [
    "host/accounts/src",
    "host/router/src/account",
    "host/router/src/catalog/cost.rs",
    "host/router/src/catalog/price.rs",
    "host/router/src/config/ledger.rs",
    "host/router/src/config/prices.rs",
    "host/router/src/exchange/offer.rs",
    "host/router/src/exchange/reserve.rs",
    "host/router/src/exchange/settle.rs",
    "host/router/src/exchange/tariff.rs",
    "host/router/src/ledger",
    "host/router/src/ledger.rs",
    "host/router/src/record/accounted.rs",
    "host/store/src/ledger",
];

#[test]
fn no_float_stands_between_the_catalogue_and_the_ledger() {
    for place in MONEY {
        assert!(root().join(place).exists(), "{place} is gone");
    }
    let is_float = |line: &&str| ["f32", "f64", "Float"].iter().any(|it| line.contains(it));
    for Source { path, code } in everything() {
        if MONEY.iter().any(|place| path.starts_with(place)) {
            let floats: Vec<&str> = code.lines().filter(is_float).collect();
            assert!(floats.is_empty(), "{path}: {floats:?}");
        }
    }
}

/// `name version` of each package that a lock names.
fn locked(path: &str) -> Vec<String> {
    let lock = fs::read_to_string(root().join(path)).unwrap();
    let packages = lock.split("[[package]]\n").skip(1);
    packages
        .map(|package| {
            let field = |name: &str| {
                let line = package.lines().find_map(|line| line.strip_prefix(name));
                line.unwrap_or_else(|| panic!("{path}: no {name}in {package}")).trim_matches('"')
            };
            format!("{} {}", field("name = "), field("version = "))
        })
        .collect()
}

#[test]
fn what_is_fuzzed_is_locked_to_what_is_shipped() {
    let shipped = locked("Cargo.lock");
    for crate_name in ["engine", "router", "wire"] {
        let folder = format!("host/{crate_name}/fuzz");
        for package in locked(&format!("{folder}/Cargo.lock")) {
            let own = ["libfuzzer-sys ", "jobserver ", "plugway-"]
                .iter()
                .any(|name| package.starts_with(name));
            assert!(
                own || shipped.contains(&package),
                "{folder} has {package}: cp Cargo.lock {folder}/ && cargo metadata \
                 --manifest-path {folder}/Cargo.toml"
            );
        }
    }
}
