//! Clients' own provider keys: sealed, never told, and sealed anew.

use super::{Office, holds};
use http::Method;
use plugway_accounts::{Keyring, MasterKey};
use plugway_routing::Clock;
use plugway_tests::{LogLines, binary};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

const SECRET: &str = "sk-own-provider-key-0123456789abcdef";
const MASTER: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const NEXT: &str = "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f";

/// An office whose master key is in a file.
async fn office() -> (Office, PathBuf) {
    let file = std::env::temp_dir().join(format!("plugway-master-{}", rand::random::<u64>()));
    fs::write(&file, MASTER).unwrap();
    let toml = format!("secrets.master_key_file = {file:?}\n");
    (Office::open_at(&toml, Clock::machine()).await, file)
}

fn wanted() -> Value {
    json!({"provider": "open", "key": SECRET, "name": "ours"})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_key_is_never_told_and_on_disk_only_sealed() {
    let (office, _) = office().await;
    let made = office.manage(Method::POST, "/v1/byok", &wanted()).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let id = made.json()["data"]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/byok/{id}");
    let mut told = vec![made.text(), office.get(&path).await.to_string()];
    told.push(office.get("/v1/byok").await.to_string());
    let change = json!({"key": format!("{SECRET}-2"), "allowed_models": ["test/open"]});
    let changed = office.done(Method::PATCH, &path, &change).await;
    assert_eq!(changed["data"]["allowed_models"], json!(["test/open"]));
    assert_eq!(changed["data"]["name"], "ours");
    told.push(changed.to_string());
    told.push(LogLines::text());
    assert!(told.iter().all(|told| !told.contains(SECRET)));
    let kept = office.bytes_on_disk();
    assert!(holds(&kept, &id));
    assert!(!holds(&kept, SECRET) && !holds(&kept, &SECRET[8..24]), "it is on disk in the clear");
    assert!(!holds(&kept, MASTER), "the master key is in the database");
    // And yet it is there.
    let row = office.store().await.byok(&id).await.unwrap().unwrap();
    let ring = Keyring::new(MasterKey::read(MASTER).unwrap(), Vec::new());
    assert_eq!(*ring.open(&id, &row.sealed).unwrap(), format!("{SECRET}-2"));
    office.done(Method::DELETE, &path, &Value::Null).await;
    assert_eq!(office.manage(Method::GET, &path, &Value::Null).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_master_key_nothing_is_kept_and_it_is_said_why() {
    let office = Office::open().await;
    let refused = office.manage(Method::POST, "/v1/byok", &wanted()).await;
    assert_eq!(refused.status, 501, "{}", refused.text());
    assert!(refused.text().contains("master_key_env"), "{}", refused.text());
    let toml = "secrets.master_key_env = 'NOT_SET'\n";
    let office = Office::open_at(toml, Clock::machine()).await;
    let refused = office.manage(Method::POST, "/v1/byok", &wanted()).await;
    assert!(refused.text().contains("`NOT_SET` is not set"), "{}", refused.text());
    assert_eq!(office.get("/v1/byok").await["total_count"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn provider_keys_are_in_order_and_of_a_workspace_and_provider() {
    let (office, _) = office().await;
    let body = json!({"name": "Team", "slug": "team"});
    let team = office.done(Method::POST, "/v1/workspaces", &body).await["data"]["id"].clone();
    for (name, workspace) in [("a", json!("default")), ("b", team.clone()), ("c", team.clone())] {
        let body =
            json!({"provider": "open", "key": SECRET, "name": name, "workspace_id": workspace});
        office.done(Method::POST, "/v1/byok", &body).await;
    }
    let names = async |query: &str| {
        let page = office.get(&format!("/v1/byok{query}")).await;
        let page = page["data"].as_array().unwrap().clone();
        page.iter().map(|it| it["name"].as_str().unwrap()).collect::<String>()
    };
    assert_eq!(names("").await, "abc");
    assert_eq!(names(&format!("?workspace_id={}", team.as_str().unwrap())).await, "bc");
    assert_eq!(names("?workspace_id=team").await, "bc");
    let nowhere = office.manage(Method::GET, "/v1/byok?workspace_id=nowhere", &Value::Null).await;
    assert_eq!(nowhere.status, 404);
    assert_eq!(names("?provider=open&offset=1&limit=1").await, "b");
    assert_eq!(names("?provider=other").await, "");
    let kept = office.manage(Method::DELETE, "/v1/workspaces/team", &Value::Null).await;
    assert_eq!(kept.status, 409);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_provider_key_is_refused_by_its_name() {
    let (office, _) = office().await;
    for (field, value, status) in [
        ("provider", json!("nobody"), 404),
        ("provider", json!(7), 400),
        ("key", json!(""), 400),
        ("key", json!(null), 400),
        ("key", json!("k".repeat(32_769)), 400),
        ("key", json!("k".repeat(65_537)), 413),
        ("name", json!("n".repeat(256)), 400),
        ("workspace_id", json!("nowhere"), 404),
        ("allowed_models", json!([]), 400),
        ("allowed_models", json!(["a\u{7}"]), 400),
        ("allowed_api_key_hashes", json!(["0".repeat(64)]), 400),
        ("allowed_user_ids", json!(vec!["u"; 101]), 400),
        ("sort_order", json!(-1), 400),
        ("sort_order", json!(1_000_001), 400),
        ("sort_order", json!(null), 400),
    ] {
        let mut body = wanted();
        body[field] = value;
        let refused = office.manage(Method::POST, "/v1/byok", &body).await;
        assert_eq!(refused.status, status, "{field}: {}", refused.text());
        if status != 413 {
            assert_eq!(refused.json()["error"]["param"], field, "{}", refused.text());
        }
        assert!(!refused.text().contains(SECRET), "{}", refused.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_master_key_seals_all_of_them_anew_or_none() {
    let (office, file) = office().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let made = office.done(Method::POST, "/v1/byok", &wanted()).await;
        ids.push(made["data"]["id"].as_str().unwrap().to_owned());
    }
    let store = office.store().await;
    let next = file.with_extension("next");
    fs::write(&next, NEXT).unwrap();
    let rotate = |from: &str, to: &str| {
        let toml = format!("state = {:?}\nsecrets.master_key_env = 'NOW'\n", office.state());
        let config = file.with_extension("toml");
        let provider = "[providers.x]\nbase_url = 'http://localhost'\n";
        fs::write(&config, format!("{toml}{provider}")).unwrap();
        let mut command = Command::new(binary());
        command.args(["byok", "rotate", "--from-env", "BEFORE", "--config"]).arg(&config);
        command.env_clear().env("BEFORE", from).env("NOW", to).output().unwrap()
    };
    let said = |output: &Output| {
        let text = [&*output.stdout, &*output.stderr].concat();
        String::from_utf8(text).unwrap()
    };
    // One of them opens with neither.
    let broken = store.byok(&ids[1]).await.unwrap().unwrap().sealed;
    let damage = |row: &mut plugway_store::ByokRow| row.sealed[30] ^= 1;
    store.update_byok(&ids[1], damage).await.unwrap().unwrap();
    let failed = rotate(MASTER, NEXT);
    assert!(!failed.status.success(), "{}", said(&failed));
    assert!(said(&failed).contains(&ids[1]), "{}", said(&failed));
    let old = Keyring::new(MasterKey::read(MASTER).unwrap(), Vec::new());
    let row = store.byok(&ids[0]).await.unwrap().unwrap();
    assert_eq!(*old.open(&ids[0], &row.sealed).unwrap(), SECRET, "half of them were sealed anew");
    store.update_byok(&ids[1], move |row| row.sealed = broken).await.unwrap().unwrap();
    // Not with the wrong key either.
    let wrong = rotate(&NEXT.replace("20", "ff"), NEXT);
    assert!(!wrong.status.success(), "{}", said(&wrong));
    let same = rotate(MASTER, MASTER);
    assert!(!same.status.success() && said(&same).contains("the same"), "{}", said(&same));

    let done = rotate(MASTER, NEXT);
    assert!(done.status.success(), "{}", said(&done));
    assert!(said(&done).starts_with("3 provider keys"), "{}", said(&done));
    let new = Keyring::new(MasterKey::read(NEXT).unwrap(), Vec::new());
    for id in &ids {
        let row = store.byok(id).await.unwrap().unwrap();
        assert_eq!(*new.open(id, &row.sealed).unwrap(), SECRET);
        assert!(old.open(id, &row.sealed).is_err());
        assert_eq!(row.key_id, new.key_id());
    }
    for output in [&failed, &wrong, &same, &done] {
        let said = said(output);
        assert!(![SECRET, MASTER, NEXT].iter().any(|secret| said.contains(secret)), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_key_serves_whoever_may_use_it_from_then_on() {
    let (office, _) = office().await;
    let (key, hash) = office.key(&json!({"name": "app"})).await;
    let (other, _) = office.key(&json!({"name": "other"})).await;
    let mut body = wanted();
    body["always_use"] = json!(true);
    body["allowed_api_key_hashes"] = json!([hash]);
    let made = office.done(Method::POST, "/v1/byok", &body).await["data"].clone();
    assert_eq!((&made["always_use"], &made["unusable"]), (&json!(true), &Value::Null));
    let is_byok = async |key: &str| {
        let answer = office.chat(Some(key)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["usage"]["is_byok"].clone()
    };
    assert_eq!(is_byok(&key).await, true);
    assert_eq!(is_byok(&other).await, false);
    let seen = office.upstream.requests_with_credentials();
    assert_eq!(seen[0].header("authorization"), Some(&*format!("Bearer {SECRET}")));
    let path = format!("/v1/byok/{}", made["id"].as_str().unwrap());
    office.done(Method::PATCH, &path, &json!({"disabled": true})).await;
    assert_eq!(is_byok(&key).await, false);
    let changed =
        office.done(Method::PATCH, &path, &json!({"disabled": false, "always_use": false})).await;
    assert_eq!(changed["data"]["always_use"], false);
    assert_eq!(is_byok(&key).await, true);
    office.done(Method::DELETE, &path, &Value::Null).await;
    assert_eq!(is_byok(&key).await, false);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_key_in_a_form_that_its_provider_does_not_take_is_refused() {
    let (office, _) = office().await;
    let made = office.done(Method::POST, "/v1/byok", &wanted()).await;
    let path = format!("/v1/byok/{}", made["data"]["id"].as_str().unwrap());
    for key in [json!({"api_key": SECRET}).to_string(), format!("{SECRET} {SECRET}")] {
        let body = json!({"provider": "open", "key": key});
        let created = office.manage(Method::POST, "/v1/byok", &body).await;
        let changed = office.manage(Method::PATCH, &path, &json!({"key": key})).await;
        for refused in [created, changed] {
            assert_eq!(refused.status, 400, "{}", refused.text());
            assert!(refused.text().contains("is one text"), "{}", refused.text());
            assert!(!refused.text().contains(SECRET), "{}", refused.text());
        }
    }
}

/// Whether a chat is served by a client's own provider key.
async fn is_byok(office: &Office, key: &str) -> bool {
    let answer = office.chat(Some(key)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["usage"]["is_byok"] == true
}

/// Waits until the router has read what another process did to the only provider key.
async fn until_unusable(office: &Office, expected: bool) {
    let began = Instant::now();
    while office.get("/v1/byok").await["data"][0]["unusable"].is_null() == expected {
        assert!(began.elapsed() < Duration::from_secs(20), "unusable is not {expected}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// `plugway byok rotate` by this configuration of the secrets.
fn rotated(office: &Office, secrets: &str) -> Output {
    let config = office.home.path().join("rotate.toml");
    let state = office.state();
    let provider = "[providers.x]\nbase_url = 'http://localhost'\n";
    fs::write(&config, format!("state = {state:?}\n{secrets}\n{provider}")).unwrap();
    let mut command = Command::new(binary());
    command.args(["byok", "rotate", "--config"]).arg(&config).env_clear().output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_a_router_that_knows_both_master_keys_another_one_takes_over_unnoticed() {
    let file = std::env::temp_dir().join(format!("plugway-master-{}", rand::random::<u64>()));
    let before = file.with_extension("before");
    for path in [&file, &before] {
        fs::write(path, MASTER).unwrap();
    }
    let secrets = format!(
        "secrets.master_key_file = {file:?}\nsecrets.previous_master_key_file = {before:?}\n"
    );
    let office = Office::open_at(&secrets, Clock::machine()).await;
    let (key, _) = office.key(&json!({"name": "app"})).await;
    let made = office.done(Method::POST, "/v1/byok", &wanted()).await["data"].clone();
    let path = format!("/v1/byok/{}", made["id"].as_str().unwrap());
    assert!(is_byok(&office, &key).await);
    fs::write(&file, NEXT).unwrap();
    // Forgotten and opened anew, by the one of before.
    office.done(Method::PATCH, &path, &json!({"disabled": true})).await;
    assert!(!is_byok(&office, &key).await);
    office.done(Method::PATCH, &path, &json!({"disabled": false})).await;
    assert!(is_byok(&office, &key).await);
    let done = rotated(&office, &secrets);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    // The router looks every half second.
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(2) {
        assert!(is_byok(&office, &key).await);
        assert_eq!(office.get(&path).await["data"]["unusable"], Value::Null);
    }
    // By the new one alone.
    fs::remove_file(&before).unwrap();
    office.done(Method::PATCH, &path, &json!({"disabled": true})).await;
    office.done(Method::PATCH, &path, &json!({"disabled": false})).await;
    assert!(is_byok(&office, &key).await);
    let none = rotated(&office, &format!("secrets.master_key_file = {file:?}\n"));
    assert!(!none.status.success());
    let said = String::from_utf8_lossy(&none.stderr).into_owned();
    assert!(said.contains("previous_master_key_env"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_router_has_opened_serves_on_while_it_cannot_open_what_is_sealed_now() {
    let (office, file) = office().await;
    let (key, _) = office.key(&json!({"name": "app"})).await;
    office.done(Method::POST, "/v1/byok", &wanted()).await;
    assert!(is_byok(&office, &key).await);
    let next = file.with_extension("next");
    fs::write(&next, NEXT).unwrap();
    let done = rotated(
        &office,
        &format!(
            "secrets.master_key_file = {next:?}\nsecrets.previous_master_key_file = {file:?}\n"
        ),
    );
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    until_unusable(&office, true).await;
    assert!(is_byok(&office, &key).await);
    let ready = office.router.client().get("/readyz").await.json();
    assert_eq!(ready["byok"]["unusable"].as_object().unwrap().len(), 1, "{ready}");
    // Nothing is to be opened, and what was is not forgotten.
    fs::remove_file(&file).unwrap();
    office.key(&json!({"name": "another"})).await;
    assert!(is_byok(&office, &key).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_key_of_all_workspaces_comes_after_their_own_and_each_in_its_order() {
    let (office, _) = office().await;
    let team = json!({"name": "Team", "slug": "team"});
    office.done(Method::POST, "/v1/workspaces", &team).await;
    let (ours, _) = office.key(&json!({"name": "ours", "workspace_id": "team"})).await;
    let (beside, _) = office.key(&json!({"name": "beside"})).await;
    let make = async |name: &str, workspace: Value, order: Option<i64>| {
        let secret = format!("sk-own-{name}");
        let mut body = json!({"provider": "open", "key": secret, "workspace_id": workspace});
        if let Some(order) = order {
            body["sort_order"] = json!(order);
        }
        office.done(Method::POST, "/v1/byok", &body).await["data"].clone()
    };
    let common = make("common", Value::Null, Some(3)).await;
    assert_eq!((&common["workspace_id"], &common["sort_order"]), (&Value::Null, &json!(3)));
    let used = async |key: &str| {
        assert_eq!(office.chat(Some(key)).await.status, 200);
        let seen = office.upstream.requests_with_credentials();
        seen.last().unwrap().header("authorization").unwrap().to_owned()
    };
    for key in [&ours, &beside] {
        assert_eq!(used(key).await, "Bearer sk-own-common");
    }
    let late = make("late", json!("team"), Some(9)).await;
    assert_eq!(used(&ours).await, "Bearer sk-own-late");
    assert_eq!(used(&beside).await, "Bearer sk-own-common");
    make("early", json!("team"), Some(5)).await;
    assert_eq!(used(&ours).await, "Bearer sk-own-early");
    let path = format!("/v1/byok/{}", late["id"].as_str().unwrap());
    let changed = office.done(Method::PATCH, &path, &json!({"sort_order": 0})).await;
    assert_eq!(changed["data"]["sort_order"], 0);
    assert_eq!(used(&ours).await, "Bearer sk-own-late");
    // Behind all others where nothing is said.
    assert_eq!(make("last", json!("team"), None).await["sort_order"], 6);
    let listed = office.get("/v1/byok").await["data"].clone();
    let orders = listed.as_array().unwrap().iter().map(|it| it["sort_order"].as_i64().unwrap());
    assert_eq!(orders.collect::<Vec<_>>(), [0, 3, 5, 6]);
    let refused = office.manage(Method::PATCH, &path, &json!({"sort_order": -1})).await;
    assert_eq!(refused.json()["error"]["param"], "sort_order", "{}", refused.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_version_has_said_of_a_key_or_workspace_is_not_changed_and_not_used() {
    let (office, _) = office().await;
    let team = json!({"name": "Team", "slug": "team", "requests_per_minute": 1});
    office.done(Method::POST, "/v1/workspaces", &team).await;
    let (ours, _) = office.key(&json!({"name": "ours", "workspace_id": "team"})).await;
    let made = office.done(Method::POST, "/v1/byok", &wanted()).await["data"].clone();
    let id = made["id"].as_str().unwrap().to_owned();
    let later = r#"{"from": "later"}"#;
    let store = office.store().await;
    store.update_byok(&id, |row| row.settings = later.to_owned()).await.unwrap().unwrap();
    let team = office.get("/v1/workspaces/team").await["data"]["id"].clone();
    let edit = |row: &mut plugway_store::WorkspaceRow| row.settings = later.to_owned();
    let _ = store.update_workspace(team.as_str().unwrap(), edit).await.unwrap();
    // Whatever is changed here has it read.
    let (beside, _) = office.key(&json!({"name": "beside"})).await;
    assert!(!is_byok(&office, &beside).await);
    let refused = office.chat(Some(&ours)).await;
    assert_eq!(refused.status, 403, "{}", refused.text());
    for (method, path, body) in [
        (Method::PATCH, &*format!("/v1/byok/{id}"), json!({"name": "other"})),
        (Method::PATCH, "/v1/workspaces/team", json!({"name": "Other"})),
        (
            Method::PUT,
            "/v1/workspaces/team/budgets/daily",
            json!({"limit_usd": 1, "include_byok_in_budgets": true}),
        ),
    ] {
        let refused = office.manage(method, path, &body).await;
        assert_eq!(refused.status, 409, "{path}: {}", refused.text());
    }
    assert_eq!(store.byok(&id).await.unwrap().unwrap().settings, later);
}
