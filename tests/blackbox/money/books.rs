//! Keys, what is asked with them, and whether the books of a router are in balance.

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use plugway::account::Key;
use plugway::account::issue::NewKey;
use plugway_accounts::{Day, day_of};
use plugway_store::ledger::{Cursor, Daily, DayFilter, Filter, Row, State};
use plugway_store::{Change, DEFAULT_WORKSPACE};
use plugway_tests::{Answer, Client, TestRouter};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bounds what would not end by itself.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// A key of a router.
#[derive(Clone)]
pub(super) struct TestKey {
    pub(super) secret: String,
    pub(super) hash: String,
}

/// Makes a key, of the default workspace unless another is named.
pub(super) async fn make_key(router: &TestRouter, new: NewKey) -> TestKey {
    let workspace = match &*new.workspace {
        "" => DEFAULT_WORKSPACE.to_owned(),
        named => named.to_owned(),
    };
    let (row, secret) = NewKey { workspace, ..new }.issue(router.router.clock.unix_ms()).unwrap();
    assert_eq!(router.router.store.create_key(&row).await.unwrap(), Change::Done);
    router.router.accounts.refresh().await.unwrap();
    TestKey { secret: secret.expose().to_owned(), hash: row.hash }
}

/// A request with a key.
pub(super) fn with_key(
    client: &Client,
    key: &TestKey,
    path: &str,
    body: &Value,
) -> Request<Full<Bytes>> {
    let mut request = client.request(Method::POST, path, body.to_string());
    let bearer = format!("Bearer {}", key.secret).parse().unwrap();
    request.headers_mut().insert("authorization", bearer);
    request
}

/// Posts a chat completion with a key, read to the end.
pub(super) async fn chat(client: &Client, key: &TestKey, body: &Value) -> Answer {
    client.read(with_key(client, key, "/v1/chat/completions", body)).await
}

/// The name of the error that an answer is, in the envelope of OpenAI's clients.
pub(super) fn code(answer: &Answer) -> String {
    answer.json()["error"]["metadata"]["code"].as_str().unwrap_or_default().to_owned()
}

/// The UTC day that it is for a router.
pub(super) fn today(router: &TestRouter) -> Day {
    day_of(router.router.clock.unix_ms())
}

/// A key as the router has it.
pub(super) fn known(router: &TestRouter, key: &TestKey) -> Arc<Key> {
    router.router.accounts.now().key(&key.hash).unwrap().clone()
}

/// What requests of a key that have not settled hold of its budget.
pub(super) fn reserved(router: &TestRouter, key: &TestKey) -> u128 {
    known(router, key).budget.usage(today(router)).reserved
}

/// Waits until all has settled, and asserts that nothing is held any more, that each budget
/// has counted what the ledger has, and that the sums by day are those of the rows. The
/// rows.
pub(super) async fn balanced(router: &TestRouter) -> Vec<Row> {
    let began = Instant::now();
    loop {
        let rows = rows(router).await;
        match fault(router, &rows).await {
            None => return rows,
            Some(fault) => assert!(began.elapsed() < PATIENCE, "{fault}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The rows of one key.
pub(super) fn of_key<'r>(rows: &'r [Row], key: &TestKey) -> Vec<&'r Row> {
    rows.iter().filter(|row| row.key.as_ref() == Some(&key.hash)).collect()
}

/// What rows are billed together.
pub(super) fn billed<'r>(rows: impl IntoIterator<Item = &'r Row>) -> u128 {
    rows.into_iter().filter_map(|row| row.cost).map(u128::from).sum()
}

async fn rows(router: &TestRouter) -> Vec<Row> {
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let page = router.router.store.generations(&Filter::default(), after, 1_000).await.unwrap();
        let Some(last) = page.last() else { return rows };
        after = Some(Cursor::from(last));
        rows.extend(page);
    }
}

/// What is not in balance.
async fn fault(router: &TestRouter, rows: &[Row]) -> Option<String> {
    let (accounts, day) = (router.router.accounts.now(), today(router));
    let keys = accounts.keys_by_age.iter().map(|key| {
        let is_its = |row: &&Row| row.key.as_ref() == Some(&key.row.hash);
        (&key.budget, &key.limits, rows.iter().filter(is_its).collect::<Vec<_>>())
    });
    let workspaces = accounts.workspaces.iter().map(|workspace| {
        let is_its = |row: &&Row| row.workspace == workspace.row.id;
        (&workspace.budget, &workspace.limits, rows.iter().filter(is_its).collect())
    });
    for (budget, limits, rows) in keys.chain(workspaces) {
        let (usage, name) = (budget.usage(day), budget.name());
        if usage.reserved != 0 || limits.running() != 0 {
            let running = limits.running();
            return Some(format!("{name} holds {} for {running} requests", usage.reserved));
        }
        let billed = billed(rows.iter().copied());
        if usage.spent.lifetime != billed {
            return Some(format!("{name} has spent {} and not {billed}", usage.spent.lifetime));
        }
    }
    if let Some(open) = rows.iter().find(|row| row.state == State::Open) {
        return Some(format!("never settled: {open:?}"));
    }
    let kept = router.router.store.daily(&DayFilter::default()).await.unwrap();
    let added = added(rows);
    (kept != added).then(|| format!("sums by day: {kept:#?}\nrows: {added:#?}"))
}

/// The sums by day of rows, in their order.
fn added(rows: &[Row]) -> Vec<Daily> {
    let mut days = BTreeMap::new();
    for row in rows {
        let (key, model) = (row.key.clone(), row.served_model.clone());
        let (endpoint, provider) = (row.endpoint.clone(), row.provider.clone());
        let at = (row.day(), row.workspace.clone(), key, model, endpoint, provider, row.is_byok);
        let sum: &mut Daily = days.entry(at).or_default();
        sum.requests += 1;
        let is_error = !["ok", "cancelled", "interrupted"].contains(&&*row.outcome);
        sum.errors += u64::from(is_error);
        sum.estimated += u64::from(row.is_estimated);
        sum.unpriced += u64::from(row.cost.is_none());
        sum.prompt += row.tokens.prompt;
        sum.completion += row.tokens.completion;
        sum.cache_read += row.tokens.cache_read;
        sum.cache_write += row.tokens.cache_write;
        sum.reasoning += row.tokens.reasoning;
        sum.cost += u128::from(row.cost.unwrap_or(0));
        sum.upstream_cost += u128::from(row.upstream_cost.unwrap_or(0));
        sum.byok_upstream += u128::from(row.byok_cost.unwrap_or(0));
    }
    let named = |((day, workspace, key, model, endpoint, provider, is_byok), sum)| Daily {
        day,
        workspace,
        key,
        model,
        endpoint,
        provider,
        is_byok,
        ..sum
    };
    days.into_iter().map(named).collect()
}
