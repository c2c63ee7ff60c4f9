//! What the server was asked and how it went: a bounded log for tests.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, AtomicU16, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Version, header, request};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::kind::Kind;
use crate::prompt::Prompt;

/// Exchanges that are kept; older ones are forgotten.
const MAX_EXCHANGES: usize = 1024;

/// Bytes of request bodies that are kept: enough for a test of large prompts.
const MAX_BODY_BYTES: usize = 32 << 20;

/// Headers that carry credentials.
const CREDENTIALS: [&str; 4] = ["authorization", "api-key", "x-api-key", "x-goog-api-key"];

/// A request and what became of it.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Position among all requests to this server, from one.
    pub ordinal: u64,
    /// The request's method.
    pub method: String,
    /// The request's path and query.
    pub path: String,
    /// The version of HTTP that it came in.
    pub version: Version,
    /// The request's headers, with credentials masked unless asked for.
    pub headers: HeaderMap,
    /// The request's body.
    pub body: Bytes,
    /// The model that was asked for; none if the request was malformed.
    pub model: Option<String>,
    /// The status of the answer; none before its head and without one.
    pub status: Option<u16>,
    /// How the exchange ended, if it did.
    pub outcome: Outcome,
    record: Arc<Record>,
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Outcome {
    /// It has not ended.
    Running,
    /// All of the answer was sent.
    Answered,
    /// An error status was sent, scripted or deserved.
    Refused,
    /// The script closed the connection early.
    Broken,
    /// The client closed the connection before all of the answer was sent.
    ClientLeft,
}

impl Exchange {
    /// The value of a header, if it is there and is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON; null if it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// What the request asks for, whatever format it is in; none if it was malformed,
    /// or no request to chat.
    #[must_use]
    pub fn prompt(&self) -> Option<Prompt> {
        self.record.kind.prompt(&self.record.head, &self.body)
    }

    /// The exchange as `GET /sim/requests` shows it.
    pub(crate) fn shown(&self) -> Value {
        let headers: serde_json::Map<String, Value> = self
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes())))
            .map(|(name, value)| (name, Value::from(value)))
            .collect();
        json!({
            "ordinal": self.ordinal,
            "method": self.method,
            "path": self.path,
            "headers": headers,
            "body": String::from_utf8_lossy(&self.body),
            "model": self.model,
            "status": self.status,
            "outcome": self.outcome,
        })
    }
}

/// The exchanges of one server, in the order of their arrival.
#[derive(Debug, Default)]
pub(crate) struct Log {
    entries: Mutex<Entries>,
    /// Signalled whenever an exchange arrives or ends.
    changed: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Entries {
    records: VecDeque<Arc<Record>>,
    body_bytes: usize,
    arrivals: u64,
}

#[derive(Debug)]
struct Record {
    kind: Kind,
    ordinal: u64,
    head: request::Parts,
    body: Bytes,
    model: Option<String>,
    status: AtomicU16,
    outcome: AtomicU8,
}

impl Log {
    /// Enters a request whose body has arrived.
    pub(crate) fn enter(
        &self,
        kind: Kind,
        head: request::Parts,
        body: Bytes,
        model: Option<String>,
    ) -> Visit {
        let mut entries = self.entries();
        entries.arrivals += 1;
        let record = Arc::new(Record {
            kind,
            ordinal: entries.arrivals,
            head,
            body,
            model,
            status: AtomicU16::new(0),
            outcome: AtomicU8::new(Outcome::Running as u8),
        });
        entries.keep(Arc::clone(&record));
        drop(entries);
        self.changed.notify_waiters();
        Visit { record, changed: Arc::clone(&self.changed) }
    }

    /// All exchanges that are kept, oldest first.
    pub(crate) fn exchanges(&self, with_credentials: bool) -> Vec<Exchange> {
        let records: Vec<Arc<Record>> = self.entries().records.iter().cloned().collect();
        records.iter().map(|record| record.exchange(with_credentials)).collect()
    }

    /// Waits until the exchanges fulfil the condition.
    pub(crate) async fn exchanges_when(
        &self,
        condition: impl Fn(&[Exchange]) -> bool,
    ) -> Vec<Exchange> {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            // Listening begins before looking, or a change between is missed.
            changed.as_mut().enable();
            let exchanges = self.exchanges(false);
            if condition(&exchanges) {
                return exchanges;
            }
            changed.await;
        }
    }

    pub(crate) fn clear(&self) {
        let mut entries = self.entries();
        entries.records.clear();
        entries.body_bytes = 0;
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn keep(&mut self, record: Arc<Record>) {
        self.body_bytes += record.body.len();
        self.records.push_back(record);
        while self.records.len() > MAX_EXCHANGES || self.body_bytes > MAX_BODY_BYTES {
            let Some(oldest) = self.records.pop_front() else {
                return;
            };
            self.body_bytes -= oldest.body.len();
        }
    }
}

impl Record {
    fn exchange(self: &Arc<Self>, with_credentials: bool) -> Exchange {
        let mut headers = self.head.headers.clone();
        if !with_credentials {
            mask(&mut headers);
        }
        let status = self.status.load(Ordering::Acquire);
        Exchange {
            ordinal: self.ordinal,
            method: self.head.method.to_string(),
            path: self
                .head
                .uri
                .path_and_query()
                .map_or_else(|| self.head.uri.path().to_owned(), |path| path.as_str().to_owned()),
            version: self.head.version,
            headers,
            body: self.body.clone(),
            model: self.model.clone(),
            status: (status != 0).then_some(status),
            outcome: outcome(self.outcome.load(Ordering::Acquire)),
            record: Arc::clone(self),
        }
    }
}

fn mask(headers: &mut HeaderMap) {
    for name in CREDENTIALS {
        if let header::Entry::Occupied(mut values) = headers.entry(name) {
            values.insert(HeaderValue::from_static("***"));
        }
    }
}

fn outcome(code: u8) -> Outcome {
    [Outcome::Answered, Outcome::Refused, Outcome::Broken, Outcome::ClientLeft]
        .into_iter()
        .find(|outcome| *outcome as u8 == code)
        .unwrap_or(Outcome::Running)
}

/// A request that is being served. If it is dropped before its outcome is
/// known, the client has left: the server drops what it does for a connection
/// when the client closes it.
#[derive(Debug)]
pub(crate) struct Visit {
    record: Arc<Record>,
    changed: Arc<Notify>,
}

impl Visit {
    /// Position among all requests, from one.
    pub(crate) fn ordinal(&self) -> u64 {
        self.record.ordinal
    }

    /// The head of the answer is about to be sent.
    pub(crate) fn head(&self, status: u16) {
        self.record.status.store(status, Ordering::Release);
    }

    /// Sets the outcome; the first one stays.
    pub(crate) fn end(&self, outcome: Outcome) {
        let running = Outcome::Running as u8;
        let first = self.record.outcome.compare_exchange(
            running,
            outcome as u8,
            Ordering::AcqRel,
            Ordering::Acquire,
        );
        if first.is_ok() {
            self.changed.notify_waiters();
        }
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.end(Outcome::ClientLeft);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn enter(log: &Log, body: &'static [u8]) -> Visit {
        let request =
            Request::post("/v1/messages?beta=true").header("x-api-key", "secret").body(()).unwrap();
        log.enter(Kind::Anthropic, request.into_parts().0, Bytes::from_static(body), None)
    }

    #[test]
    fn credentials_are_masked_unless_asked_for() {
        let log = Log::default();
        enter(&log, b"{}");
        for (with_credentials, expected) in [(false, "***"), (true, "secret")] {
            let exchanges = log.exchanges(with_credentials);
            assert_eq!(exchanges[0].header("x-api-key"), Some(expected));
        }
    }

    #[test]
    fn the_first_outcome_stays() {
        let log = Log::default();
        let (answered, left) = (enter(&log, b""), enter(&log, b""));
        answered.head(200);
        answered.end(Outcome::Answered);
        drop((answered, left));
        let running = enter(&log, b"");
        let seen: Vec<_> = log
            .exchanges(false)
            .iter()
            .map(|exchange| (exchange.status, exchange.outcome))
            .collect();
        let expected =
            [(Some(200), Outcome::Answered), (None, Outcome::ClientLeft), (None, Outcome::Running)];
        assert_eq!(seen, expected);
        drop(running);
    }

    #[test]
    fn the_log_is_bounded_in_number_and_in_bytes() {
        static LARGE: [u8; MAX_BODY_BYTES / 2] = [0; MAX_BODY_BYTES / 2];
        let log = Log::default();
        for _ in 0..MAX_EXCHANGES + 2 {
            enter(&log, b"");
        }
        let exchanges = log.exchanges(false);
        assert_eq!((exchanges.len(), exchanges[0].ordinal), (MAX_EXCHANGES, 3));
        for _ in 0..3 {
            enter(&log, &LARGE);
        }
        assert_eq!(log.exchanges(false).len(), 2);
    }
}
