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
        ("sort_order", json!(1), 400),
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
