//! `plugway keys`, beside a router that runs and without one.

use super::Office;
use plugway_tests::binary;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// A second is promised, and what the machine takes for its part is nobody's.
const SOON: Duration = Duration::from_secs(2);

const PROVIDER: &str = "[providers.x]\nbase_url = 'http://localhost'\n";

/// What a command prints, and whether it succeeded.
fn run(home: &Path, state: &Path, arguments: &[&str]) -> (bool, String) {
    let config = home.join("plugway.toml");
    fs::write(&config, format!("state = {state:?}\n{PROVIDER}")).unwrap();
    let mut command = Command::new(binary());
    command.args(arguments).current_dir(home).env_clear().env("HOME", home);
    let output = command.output().unwrap();
    let text = [&*output.stdout, &*output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

fn done(home: &Path, state: &Path, arguments: &[&str]) -> String {
    let (succeeded, said) = run(home, state, arguments);
    assert!(succeeded, "{arguments:?}: {said}");
    said
}

fn home() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn a_key_is_made_listed_shown_and_revoked_without_a_router() {
    let home = home();
    let (home, state) = (home.path(), home.path().join("state.db"));
    assert!(done(home, &state, &["keys", "list"]).contains("no keys"));
    let made = done(
        home,
        &state,
        &[
            "keys",
            "create",
            "--name",
            "app",
            "--limit",
            "25.000000000001",
            "--reset",
            "monthly",
            "--expires",
            "2099-12-31",
            "--tag",
            "a",
            "--tag",
            "b",
            "--rpm",
            "60",
            "--tpm",
            "1000",
            "--concurrency",
            "4",
            "--model",
            "a/*",
            "--provider",
            "x",
            "--preset",
            "p",
            "--strategy",
            "s",
        ],
    );
    let key = made.lines().next().unwrap();
    assert!(key.starts_with("sk-plugway-v1-") && made.contains("cannot be shown again"), "{made}");
    let told: Value =
        serde_json::from_str(&done(home, &state, &["keys", "show", "app", "--json"])).unwrap();
    for (field, expected) in [
        ("limit", json!("25.000000000001")),
        ("limit_reset", json!("monthly")),
        ("expires_at", json!("2099-12-31T00:00:00Z")),
        ("state", json!("active")),
        ("management", json!(false)),
        ("workspace", json!("default")),
    ] {
        assert_eq!(told[field], expected, "{field}: {told}");
    }
    assert_eq!(told["settings"]["allowed_models"], json!(["a/*"]));
    assert_eq!(told["settings"]["concurrent_requests"], 4);
    let hash = told["hash"].as_str().unwrap();
    let list = done(home, &state, &["keys", "list"]);
    assert!(list.contains("$25.000000000001 monthly") && list.contains(&hash[..12]), "{list}");
    for said in [&list, &done(home, &state, &["keys", "show", &hash[..8]])] {
        assert!(!said.contains(key), "{said}");
    }
    assert!(done(home, &state, &["keys", "revoke", &hash[..8]]).contains("revoked"));
    assert!(done(home, &state, &["keys", "list"]).contains("no keys"));
    let (succeeded, said) = run(home, &state, &["keys", "revoke", "app"]);
    assert!(!succeeded && said.contains("there is no key `app`"), "{said}");
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_made() {
    let home = home();
    let (home, state) = (home.path(), home.path().join("state.db"));
    for (arguments, part) in [
        (&["--name", "a", "--limit", "-1"][..], "--limit"),
        (&["--name", "a", "--limit=1e400"], "--limit"),
        (&["--name", "a", "--limit=0.0000000000001"], "decimals"),
        (&["--name", "a", "--reset", "daily"], "--limit"),
        (&["--name", "a", "--limit", "1", "--reset", "yearly"], "daily"),
        (&["--name", "a", "--expires", "2001-01-01"], "past"),
        (&["--name", "a", "--expires", "soon"], "soon"),
        (&["--name", "a", "--rpm", "0"], "--rpm"),
        (&["--name", "a", "--model", "a*"], "allowed_models"),
        (&["--name", " "], "--name"),
        (&["--name", "a", "--workspace", "nowhere"], "nowhere"),
        (&[], "--name"),
    ] {
        let arguments = [&["keys", "create"], arguments].concat();
        let (succeeded, said) = run(home, &state, &arguments);
        assert!(!succeeded && said.contains(part), "{arguments:?}: {said}");
    }
    assert!(done(home, &state, &["keys", "list"]).contains("no keys"));
}

#[test]
fn two_keys_of_one_name_are_told_apart_by_their_hashes() {
    let home = home();
    let (home, state) = (home.path(), home.path().join("state.db"));
    let create = ["keys", "create", "--name", "twin", "--json"];
    let hashes = [(); 2].map(|()| {
        let made: Value = serde_json::from_str(&done(home, &state, &create)).unwrap();
        made["hash"].as_str().unwrap().to_owned()
    });
    let (succeeded, said) = run(home, &state, &["keys", "revoke", "twin"]);
    assert!(!succeeded, "{said}");
    assert!(hashes.iter().all(|hash| said.contains(&hash[..12])), "{said}");
    done(home, &state, &["keys", "revoke", &hashes[0]]);
    let rest: Value =
        serde_json::from_str(&done(home, &state, &["keys", "list", "--json"])).unwrap();
    assert_eq!(rest.as_array().unwrap().len(), 1);
    assert_eq!(rest[0]["hash"], hashes[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_that_runs_sees_it_soon() {
    let office = Office::open().await;
    let home = home();
    let state = office.state();
    let made = done(home.path(), &state, &["keys", "create", "--name", "cli", "--json"]);
    let made: Value = serde_json::from_str(&made).unwrap();
    let key = made["key"].as_str().unwrap();
    let becomes = async |status: u16| {
        let becomes = async {
            while office.chat(Some(key)).await.status != status {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(SOON, becomes).await.expect("not within a second");
    };
    becomes(200).await;
    done(home.path(), &state, &["keys", "revoke", "cli"]);
    becomes(401).await;
}

#[test]
fn nobody_on_the_network_is_served_before_a_key_was_made() {
    let home = home();
    let state = home.path().join("state.db");
    let (succeeded, said) = run(home.path(), &state, &["serve", "--listen", "0.0.0.0:0"]);
    assert!(!succeeded, "{said}");
    for part in ["plugway keys create", "server.require_keys", "0.0.0.0:0"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn what_is_kept_needs_neither_a_file_nor_a_providers_key() {
    let (home, elsewhere) = (home(), home());
    let run = |arguments: &[&str]| {
        let mut command = Command::new(binary());
        command.args(arguments).current_dir(elsewhere.path()).env_clear().env("HOME", home.path());
        let output = command.output().unwrap();
        let said = String::from_utf8([&*output.stdout, &*output.stderr].concat()).unwrap();
        (output.status.code(), said)
    };
    // What would serve says that it cannot.
    let (code, said) = run(&["check"]);
    assert!(code != Some(0) && said.contains("no provider"), "{said}");
    let (code, made) = run(&["keys", "create", "--name", "app"]);
    assert_eq!(code, Some(0), "{made}");
    let state = home.path().join(".local/state/plugway/plugway.db");
    assert!(state.exists(), "{made}");
    assert!(made.contains(state.to_str().unwrap()), "{made}");
    for (arguments, part) in [
        (&["keys", "list"][..], "app"),
        (&["keys", "revoke", "app"], "revoked"),
        (&["usage", "--by", "day"], ""),
        (&["byok", "rotate"], "previous_master_key_env"),
        (&["reconcile", "none.csv", "--provider", "nobody"], "no provider `nobody` is active or"),
    ] {
        let (code, said) = run(arguments);
        assert!(said.contains(part) && !said.contains("no provider is configured"), "{said}");
        let is_done = !["byok", "reconcile"].contains(&arguments[0]);
        assert_eq!(code == Some(0), is_done, "{arguments:?}: {said}");
    }
}
