//! The administration does what its published description says, whatever it is sent: a
//! tool of others reads the description, and thinks of what to send.

use super::Office;
use http::Method;
use plugway_routing::Clock;
use plugway_tests::Python;
use serde_json::{Value, json};
use std::time::Duration;

/// Some thousand requests.
const LIMIT: Duration = Duration::from_secs(600);

const MASTER: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_as_it_is_described() {
    let Some(python) = Python::venv("described", "tests/python/described.txt") else { return };
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("master");
    std::fs::write(&file, MASTER).unwrap();
    let toml = format!("secrets.master_key_file = {file:?}\n");
    let office = Office::open_at(&toml, Clock::machine()).await;
    let address = format!("http://{}", office.router.address());
    let key = office.manager.clone();
    let keys = office.get("/v1/keys").await;
    let own = keys["data"][0]["hash"].as_str().unwrap().to_owned();
    // What it cannot guess: the name of a provider.
    let byok = json!({"provider": "open", "key": "sk-own"});
    office.done(Method::POST, "/v1/byok", &byok).await;
    let run = move || python.run("tests/python/described.py", &[&address, &key, &own], LIMIT);
    let printed = tokio::task::spawn_blocking(run).await.unwrap();
    assert!(printed.contains("No issues found"), "{printed}");
    // It was let in to the end, and got behind the checks of what it sent.
    assert_eq!(office.manage(Method::GET, "/v1/keys", &Value::Null).await.status, 200);
    let client = office.router.client();
    let metrics = client.get("/metrics").await.text();
    let description = client.get("/openapi.json").await.json();
    for (path, operations) in description["paths"].as_object().unwrap() {
        let is_list_or_create = !path.contains('{') && path != "/v1/generation";
        for (method, operation) in operations.as_object().unwrap() {
            let responses = operation["responses"].as_object().unwrap();
            let status = if responses.contains_key("201") { "201" } else { "200" };
            let counted = format!("{{route=\"{path}\",status=\"{status}\"}}");
            let has_succeeded = metrics.lines().any(|line| line.contains(&counted));
            assert!(!is_list_or_create || has_succeeded, "{method} {path} never had {status}");
        }
    }
}
