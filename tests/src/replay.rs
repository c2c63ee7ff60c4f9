//! Recorded exchanges, played again: a client that says what was said then, and an
//! upstream that answers what was answered then, byte for byte, in pieces of any size.

mod cut;
mod upstream;

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use http::{Method, Request};
use http_body_util::Full;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::{Client, TestRouter};
pub use upstream::{Seen, Upstream};

/// Exchanges under way at once.
const IN_FLIGHT: usize = 16;

/// One recorded exchange, and how it goes through a router.
#[derive(Clone, Debug, Deserialize)]
pub struct Exchange {
    /// Of the record; the router knows its provider by this name.
    pub id: String,
    /// The adapter that speaks to the provider.
    pub adapter: String,
    /// Of the recorded URL, in front of what adapters append.
    pub base_path: String,
    /// For the adapter.
    pub options: BTreeMap<String, Value>,
    /// What the client sends.
    pub request: Asked,
    /// What the provider answers.
    pub response: Answered,
}

/// A request to the router.
#[derive(Clone, Debug, Deserialize)]
pub struct Asked {
    /// Path and query.
    pub path: String,
    /// Beside the content type.
    pub headers: Vec<(String, String)>,
    /// JSON.
    pub body: String,
}

/// A response, recorded or given by the router.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Answered {
    /// HTTP status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body's bytes, standard alphabet.
    pub body_base64: String,
}

/// What became of an exchange.
#[derive(Debug, Serialize)]
pub struct Outcome {
    id: String,
    answer: Answered,
    /// None where the router did not ask the provider.
    seen: Option<Seen>,
}

/// Plays all exchanges through one router; outcomes come in any order.
pub async fn play(exchanges: Vec<Exchange>) -> Vec<Outcome> {
    let exchanges: Vec<Arc<Exchange>> = exchanges.into_iter().map(Arc::new).collect();
    let upstream = Upstream::start(&exchanges).await;
    let router = TestRouter::start(&configuration(&exchanges, &upstream.base_url())).await;
    let places = Arc::new(Semaphore::new(IN_FLIGHT));
    let mut asked = JoinSet::new();
    for exchange in exchanges {
        let place = places.clone().acquire_owned().await.unwrap();
        let client = router.client();
        asked.spawn(async move {
            let answer = ask(&client, &exchange).await;
            drop(place);
            (exchange, answer)
        });
    }
    let mut outcomes = Vec::new();
    while let Some(answered) = asked.join_next().await {
        let (exchange, answer) = answered.unwrap();
        let seen = upstream.seen(&exchange.id);
        outcomes.push(Outcome { id: exchange.id.clone(), answer, seen });
    }
    outcomes
}

/// One provider for each exchange, so that no exchange can meet another's answer.
fn configuration(exchanges: &[Arc<Exchange>], upstream: &str) -> String {
    let mut providers = toml::Table::new();
    for exchange in exchanges {
        let mut provider = toml::Table::new();
        let base_url = format!("{upstream}/{}{}", exchange.id, exchange.base_path);
        provider.insert("adapter".into(), exchange.adapter.clone().into());
        provider.insert("base_url".into(), base_url.into());
        provider.insert("auth".into(), "none".into());
        provider.insert("options".into(), toml::Value::try_from(&exchange.options).unwrap());
        providers.insert(exchange.id.clone(), provider.into());
    }
    let providers: toml::Value = providers.into();
    toml::to_string(&BTreeMap::from([("providers", providers)])).unwrap()
}

async fn ask(client: &Client, exchange: &Exchange) -> Answered {
    let Asked { path, headers, body } = &exchange.request;
    let mut request: Request<Full<_>> = client.request(Method::POST, path, body.clone());
    for (name, value) in headers {
        let name = http::HeaderName::try_from(name).unwrap();
        request.headers_mut().insert(name, value.try_into().unwrap());
    }
    let answer = client.read(request).await;
    let headers = answer.headers.iter().map(|(name, value)| {
        (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    Answered {
        status: answer.status.as_u16(),
        headers: headers.collect(),
        body_base64: BASE64_STANDARD.encode(&answer.body),
    }
}
