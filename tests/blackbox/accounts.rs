//! Keys, workspaces and clients' own provider keys: who is let in, what is told of them,
//! and what is kept.

mod byok;
mod commands;
mod described;
mod door;
mod input;
mod keys;
mod workspaces;

use crate::setup::{ask, provider};
use http::{HeaderMap, HeaderValue, Method};
use plugway_routing::Clock;
use plugway_simulator::{Behaviour, Kind, Script, Simulator};
use plugway_store::{Location, Store};
use plugway_tests::{Answer, Client, TestRouter};
use serde_json::{Value, json};
use std::path::PathBuf;
use tempfile::TempDir;

/// A router in front of one provider that serves `test/open`, with its state in a file
/// and a management key.
struct Office {
    router: TestRouter,
    upstream: Simulator,
    /// The management key.
    manager: String,
    home: TempDir,
}

impl Office {
    async fn open() -> Self {
        Self::open_at("", Clock::machine()).await
    }

    /// With more configuration in front, at this time.
    async fn open_at(toml: &str, clock: Clock) -> Self {
        let home = tempfile::tempdir().unwrap();
        let behaviour = Behaviour::new();
        let upstream = Simulator::start(Kind::OpenAi, Script { behaviour, ..Script::new() });
        let upstream = upstream.unwrap();
        let state = home.path().join("state.db");
        let toml = format!("state = {state:?}\n{toml}\n{}", provider("open", &upstream, 1));
        let router = TestRouter::start_at(&toml, clock).await;
        // The first key is made on the router's own machine, without one.
        let body = json!({"name": "manager", "is_management_key": true});
        let made = call(&router.client(), Method::POST, "/v1/keys", None, &body).await;
        assert_eq!(made.status, 201, "{}", made.text());
        let manager = made.json()["key"].as_str().unwrap().to_owned();
        Self { router, upstream, manager, home }
    }

    fn state(&self) -> PathBuf {
        self.home.path().join("state.db")
    }

    /// The same database, as another process has it.
    async fn store(&self) -> Store {
        Store::open(&Location::File(self.state())).await.unwrap()
    }

    /// Asks the administration, with the management key.
    async fn manage(&self, method: Method, path: &str, body: &Value) -> Answer {
        call(&self.router.client(), method, path, Some(&self.manager), body).await
    }

    /// What the administration answers to this with 200 or 201.
    async fn done(&self, method: Method, path: &str, body: &Value) -> Value {
        let answer = self.manage(method.clone(), path, body).await;
        assert!(answer.status.is_success(), "{method} {path} {body}: {}", answer.text());
        answer.json()
    }

    async fn get(&self, path: &str) -> Value {
        self.done(Method::GET, path, &Value::Null).await
    }

    /// A new key for inference: itself, and its hash.
    async fn key(&self, body: &Value) -> (String, String) {
        let made = self.done(Method::POST, "/v1/keys", body).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&made["key"]), text(&made["data"]["hash"]))
    }

    /// Chats with a key, or without one.
    async fn chat(&self, key: Option<&str>) -> Answer {
        let body = ask("test/open", "Hi");
        call(&self.router.client(), Method::POST, "/v1/chat/completions", key, &body).await
    }

    /// All bytes of the database and its companions.
    fn bytes_on_disk(&self) -> Vec<u8> {
        let files = std::fs::read_dir(self.home.path()).unwrap();
        let bytes: Vec<u8> =
            files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect();
        assert!(bytes.len() > 10_000, "there is no database");
        bytes
    }
}

async fn call(
    client: &Client,
    method: Method,
    path: &str,
    key: Option<&str>,
    body: &Value,
) -> Answer {
    let mut headers = HeaderMap::new();
    if let Some(key) = key {
        headers.insert("authorization", HeaderValue::try_from(format!("Bearer {key}")).unwrap());
    }
    let body = if body.is_null() { String::new() } else { body.to_string() };
    send(client, method, path, headers, body).await
}

async fn send(
    client: &Client,
    method: Method,
    path: &str,
    headers: HeaderMap,
    body: String,
) -> Answer {
    let mut request = client.request(method, path, body);
    request.headers_mut().extend(headers);
    client.read(request).await
}

fn holds(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle.as_bytes())
}
