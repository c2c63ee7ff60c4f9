//! Clients that ask without a pause, and the ledger held against what they were told.

use plugway_store::Store;
use plugway_store::ledger::{Cursor, DayFilter, Filter, Row, State};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Clients at a time.
pub(crate) const CLIENTS: usize = 8;

/// Picodollars for a token of the prompt and of the completion, as
/// [`Start::run`](crate::process::Start::run) has them.
const PRICE: [u64; 2] = [1_000_000, 2_000_000];

/// What the clients were told.
#[derive(Default)]
pub(crate) struct Told {
    /// Prompt and completion tokens of the answers that came whole, by id.
    pub(crate) whole: BTreeMap<String, (u64, u64)>,
    /// Ids of answers that broke off, or ended in an error.
    pub(crate) broken: Vec<String>,
}

/// Has clients ask at this address for as long as `meanwhile` takes, which may look at what
/// they are told. What they were told in the end.
pub(crate) fn under_load(address: &str, meanwhile: impl FnOnce(&Mutex<Told>)) -> Told {
    let (told, is_over) = (Mutex::new(Told::default()), AtomicBool::new(false));
    std::thread::scope(|threads| {
        for number in 0..CLIENTS {
            let (told, is_over) = (&told, &is_over);
            threads.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    ask(address, number % 2 == 0, told);
                }
            });
        }
        // Whatever becomes of it, the clients end.
        let _ends = Ends(&is_over);
        meanwhile(&told);
    });
    told.into_inner().unwrap_or_else(PoisonError::into_inner)
}

struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Each answer that came whole is in the ledger as its client was told it, nothing is open,
/// and the sums by day are those of the rows. The rows.
pub(crate) async fn assert_accounted(store: &Store, told: &Told) -> BTreeMap<String, Row> {
    let rows = all_rows(store).await;
    for (id, tokens) in &told.whole {
        let row = rows.get(id).unwrap_or_else(|| panic!("{id} was answered and is not there"));
        assert_eq!(row.state, State::Settled, "{id}");
        assert_eq!((row.tokens.prompt, row.tokens.completion), *tokens, "{id}");
        let cost = tokens.0 * PRICE[0] + tokens.1 * PRICE[1];
        assert_eq!((row.cost, row.upstream_cost), (Some(cost), Some(cost)), "{id}");
    }
    let open = rows.values().find(|row| row.state == State::Open);
    assert!(open.is_none(), "{open:?}");
    let days = store.daily(&DayFilter::default()).await.unwrap();
    let sum =
        |of: fn(&Row) -> Option<u64>| rows.values().filter_map(of).map(u128::from).sum::<u128>();
    assert_eq!(days.iter().map(|day| day.requests).sum::<u64>(), rows.len() as u64);
    assert_eq!(days.iter().map(|day| day.cost).sum::<u128>(), sum(|row| row.cost));
    assert_eq!(
        days.iter().map(|day| day.upstream_cost).sum::<u128>(),
        sum(|row| row.upstream_cost)
    );
    rows
}

/// By id: the database has each once.
pub(crate) async fn all_rows(store: &Store) -> BTreeMap<String, Row> {
    let mut rows = BTreeMap::new();
    let mut after = None;
    loop {
        let page = store.generations(&Filter::default(), after, 1_000).await.unwrap();
        let Some(last) = page.last() else { return rows };
        after = Some(Cursor::from(last));
        for row in page {
            let id = row.id.clone();
            assert!(rows.insert(id.clone(), row).is_none(), "{id} is there twice");
        }
    }
}

pub(crate) fn free_address() -> String {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().to_string()
}

/// Asks once, if anybody is there, and notes what came.
fn ask(address: &str, streams: bool, told: &Mutex<Told>) {
    let Some(answer) = exchange(address, streams) else {
        std::thread::sleep(Duration::from_millis(5));
        return;
    };
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let field = |name: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    };
    let Some(id) = field("x-generation-id").map(str::to_owned) else { return };
    let whole = match streams {
        true => streamed_usage(body),
        false => {
            let length = field("content-length").and_then(|it| it.parse().ok());
            let is_whole = Some(body.len()) == length;
            is_whole.then(|| usage(&serde_json::from_str(body).unwrap())).flatten()
        }
    };
    let mut told = told.lock().unwrap();
    match whole {
        Some(tokens) => {
            assert!(head.starts_with("HTTP/1.1 200"), "{head}");
            assert!(told.whole.insert(id, tokens).is_none());
        }
        None => told.broken.push(id),
    }
}

/// Of a stream whose end mark came, and no error: what it told.
fn streamed_usage(body: &str) -> Option<(u64, u64)> {
    if !body.contains("data: [DONE]") || body.contains("\"error\"") {
        return None;
    }
    let frames = body.lines().filter_map(|line| line.strip_prefix("data: {"));
    let frames = frames.filter_map(|rest| serde_json::from_str(&format!("{{{rest}")).ok());
    frames.filter_map(|frame: Value| usage(&frame)).next_back()
}

fn usage(answer: &Value) -> Option<(u64, u64)> {
    let usage = answer.get("usage")?;
    Some((usage["prompt_tokens"].as_u64()?, usage["completion_tokens"].as_u64()?))
}

/// All that comes back, whether or not that is all there was to come.
fn exchange(address: &str, streams: bool) -> Option<String> {
    let mut connection = TcpStream::connect(address).ok()?;
    connection.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
    let body = format!(
        "{{\"model\":\"test/model\",\"stream\":{streams},\
         \"messages\":[{{\"role\":\"user\",\"content\":\"Tell me something.\"}}]}}"
    );
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    connection.write_all((head + &body).as_bytes()).ok()?;
    let mut answer = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        match connection.read(&mut chunk) {
            Ok(0) | Err(_) => break,
            Ok(count) => answer.extend_from_slice(&chunk[..count]),
        }
    }
    (!answer.is_empty()).then(|| String::from_utf8_lossy(&answer).into_owned())
}
