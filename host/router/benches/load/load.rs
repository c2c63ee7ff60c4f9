//! A closed loop of a few clients: enough to compare two servers' CPU per
//! request, not to find a server's limit.

use crate::child::Child;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::json;
use std::time::Instant;

/// Clients at once.
const CLIENTS: usize = 4;

/// Requests of each client per turn.
const REQUESTS: usize = 100;

/// One kind of request.
pub(crate) struct Load {
    body: Bytes,
}

/// What was measured.
#[derive(Default)]
pub(crate) struct Sample {
    latencies_us: Vec<f64>,
    cpu_us: f64,
}

impl Load {
    pub(crate) fn new(prompt_bytes: usize, streaming: bool) -> Self {
        let words = "lorem ipsum dolor sit amet ".repeat(prompt_bytes / 27 + 1);
        let body = json!({
            "model": "bench/model",
            "stream": streaming,
            "messages": [{"role": "user", "content": &words[..prompt_bytes]}],
        });
        Self { body: body.to_string().into() }
    }

    /// One turn: every client sends its requests, one after the other.
    pub(crate) async fn run(&self, server: &Child) -> Sample {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let pool: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
        let cpu = server.cpu_us();
        let clients = (0..CLIENTS).map(|_| {
            let (pool, url, body) = (pool.clone(), server.url(), self.body.clone());
            tokio::spawn(async move {
                let mut latencies = Vec::with_capacity(REQUESTS);
                for _ in 0..REQUESTS {
                    let began = Instant::now();
                    let request = Request::post(&url)
                        .header("content-type", "application/json")
                        .header("authorization", "Bearer bench")
                        .body(Full::new(body.clone()))
                        .unwrap();
                    let response = pool.request(request).await.unwrap();
                    assert_eq!(response.status(), 200);
                    response.into_body().collect().await.unwrap();
                    latencies.push(began.elapsed().as_secs_f64() * 1e6);
                }
                latencies
            })
        });
        let mut sample = Sample::default();
        for client in clients.collect::<Vec<_>>() {
            sample.latencies_us.extend(client.await.unwrap());
        }
        sample.cpu_us = server.cpu_us() - cpu;
        sample
    }
}

impl Sample {
    pub(crate) fn join(&mut self, other: Self) {
        self.latencies_us.extend(other.latencies_us);
        self.cpu_us += other.cpu_us;
    }

    pub(crate) fn cpu_per_request(&self) -> f64 {
        self.cpu_us / self.latencies_us.len() as f64
    }

    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let mut sorted = self.latencies_us.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
    }
}
