//! Two ways to load a server. The closed loop keeps so many clients busy and
//! finds what the server can do. The open loop sends at a fixed rate, whatever
//! comes back, and counts each latency from when the request should have been
//! sent: a server that stalls delays all who would have come meanwhile.

use crate::child::Child;
use bytes::Bytes;
use hdrhistogram::Histogram;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Clients of the closed loop.
pub(crate) const CLIENTS: usize = 32;

pub(crate) type Pool = Client<HttpConnector, Full<Bytes>>;

/// Clients that keep their connections.
pub(crate) fn pool() -> Pool {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new()).build(connector)
}

/// One kind of request, and the status that it is to be answered with.
#[derive(Clone)]
pub(crate) struct Load {
    body: Bytes,
    status: u16,
}

/// What a closed loop came to.
#[derive(Clone, Copy, Default)]
pub(crate) struct Throughput {
    pub(crate) requests: f64,
    pub(crate) seconds: f64,
    pub(crate) cpu_us: f64,
    waited_us: f64,
}

impl Load {
    pub(crate) fn new(model: &str, prompt_bytes: usize, status: u16) -> Self {
        let words = "lorem ipsum dolor sit amet ".repeat(prompt_bytes / 27 + 1);
        let (prompt, streaming) = (&words[..prompt_bytes], model != "whole");
        let body = format!(
            "{{\"model\":\"bench/{model}\",\"stream\":{streaming},\
             \"messages\":[{{\"role\":\"user\",\"content\":\"{prompt}\"}}]}}"
        );
        Self { body: body.into(), status }
    }

    pub(crate) fn request(&self, server: &Child) -> Request<Full<Bytes>> {
        Request::post(server.url())
            .header("content-type", "application/json")
            .header("authorization", "Bearer bench")
            .body(Full::new(self.body.clone()))
            .unwrap()
    }

    /// Each client sends its next request as soon as the last one is answered.
    pub(crate) async fn closed(&self, server: &Child, duration: Duration) -> Throughput {
        let pool = pool();
        let (cpu, waited, began) = (server.cpu_us(), server.waited_us(), Instant::now());
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let (pool, status, request) = (pool.clone(), self.status, self.request(server));
            clients.spawn(async move {
                let mut answered = 0.0;
                while began.elapsed() < duration {
                    ask(&pool, request.clone(), status).await;
                    answered += 1.0;
                }
                answered
            });
        }
        let requests = clients.join_all().await.into_iter().sum();
        let seconds = began.elapsed().as_secs_f64();
        let (cpu_us, waited_us) = (server.cpu_us() - cpu, server.waited_us() - waited);
        Throughput { requests, seconds, cpu_us, waited_us }
    }

    /// Sends `rate` requests a second. Latencies are in microseconds.
    pub(crate) async fn open(
        &self,
        server: &Child,
        rate: f64,
        duration: Duration,
    ) -> Histogram<u64> {
        let (due, mut sends) = mpsc::unbounded_channel();
        // A thread of its own, because the runtime's timers are too coarse.
        let pacer = thread::spawn(move || {
            let began = Instant::now();
            let mut intended = began;
            for sent in 1_u32.. {
                thread::sleep(intended.saturating_duration_since(Instant::now()));
                if intended - began > duration || due.send(intended).is_err() {
                    return;
                }
                intended = began + Duration::from_secs_f64(f64::from(sent) / rate);
            }
        });
        let pool = pool();
        let mut requests = JoinSet::new();
        while let Some(intended) = sends.recv().await {
            let (pool, status, request) = (pool.clone(), self.status, self.request(server));
            requests.spawn(async move {
                ask(&pool, request, status).await;
                intended.elapsed()
            });
        }
        pacer.join().unwrap();
        let mut latencies = Histogram::new(3).unwrap();
        for latency in requests.join_all().await {
            latencies.record(latency.as_micros() as u64).unwrap();
        }
        latencies
    }
}

async fn ask(pool: &Pool, request: Request<Full<Bytes>>, status: u16) {
    let response = pool.request(request).await.unwrap();
    assert_eq!(response.status(), status);
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        frame.unwrap();
    }
}

impl Throughput {
    pub(crate) fn join(&mut self, other: Self) {
        self.requests += other.requests;
        self.seconds += other.seconds;
        self.cpu_us += other.cpu_us;
        self.waited_us += other.waited_us;
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.requests / self.seconds
    }

    pub(crate) fn cpu_per_request(&self) -> f64 {
        self.cpu_us / self.requests
    }

    /// How much of its one core the server used, and how much it could not get
    /// because others did; percent.
    pub(crate) fn core(&self) -> (f64, f64) {
        let percent = |us: f64| us / self.seconds / 10_000.0;
        (percent(self.cpu_us), percent(self.waited_us))
    }
}
