//! Budgets begin anew at midnight UTC, on Mondays and on the 1st, whatever the clock does
//! meanwhile; and nothing counts twice.

use super::books::{PATIENCE, TestKey, balanced, billed, chat, code, make_key, with_key};
use crate::setup::{ask, provider};
use http_body_util::BodyExt;
use plugway::account::issue::NewKey;
use plugway_routing::Clock;
use plugway_simulator::{Behaviour, Kind, Simulator};
use plugway_store::Interval;
use plugway_tests::TestRouter;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;

const DAY: Duration = Duration::from_secs(86_400);

/// A second before midnight of Monday, 2026-11-30: the next day is of another month and of
/// the same week.
const LAST_OF_MONTH: Duration = Duration::from_secs(20_787 * 86_400 + 86_399);

struct Dated {
    router: TestRouter,
    open: Simulator,
    clock: Clock,
}

impl Dated {
    async fn start(began: Duration) -> Self {
        let said = Behaviour::new().completion_tokens(10);
        let open = Simulator::start(Kind::OpenAi, said).unwrap();
        let clock = Clock::stopped(began);
        let router = TestRouter::start_at(&provider("open", &open, 1), clock.clone()).await;
        Self { router, open, clock }
    }

    /// A key with room for one request in each interval.
    async fn key(&self, reset: Option<Interval>) -> TestKey {
        let limit = Some(150_000_000);
        make_key(&self.router, NewKey { limit, reset, ..NewKey::default() }).await
    }

    async fn status(&self, key: &TestKey) -> u16 {
        let answer = chat(&self.router.client(), key, &body()).await;
        let is_known = answer.status == 200 || code(&answer) == "budget_exceeded";
        assert!(is_known, "{}", answer.text());
        answer.status.as_u16()
    }
}

/// At most 20 tokens of the prompt and 10 of the answer: between 100 and 120 millionths of
/// a dollar.
fn body() -> Value {
    let mut body = ask("test/open", "Hi");
    body["max_tokens"] = json!(10);
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn each_interval_ends_when_its_day_does() {
    let dated = Dated::start(LAST_OF_MONTH).await;
    let daily = dated.key(Some(Interval::Daily)).await;
    let weekly = dated.key(Some(Interval::Weekly)).await;
    let monthly = dated.key(Some(Interval::Monthly)).await;
    let lifetime = dated.key(None).await;
    let keys = [&daily, &weekly, &monthly, &lifetime];
    for key in keys {
        assert_eq!(dated.status(key).await, 200);
        assert_eq!(dated.status(key).await, 403);
    }
    // Of day, week, month and life.
    for (advance, expected) in [
        (Duration::from_millis(999), [403; 4]),
        // Tuesday, December 1st.
        (Duration::from_millis(1), [200, 403, 200, 403]),
        (DAY * 5 + DAY - Duration::from_millis(1), [200, 403, 403, 403]),
        // Monday.
        (Duration::from_millis(1), [200, 200, 403, 403]),
        (DAY * 25, [200, 200, 200, 403]),
    ] {
        dated.clock.advance(advance);
        for (key, expected) in keys.into_iter().zip(expected) {
            assert_eq!(dated.status(key).await, expected, "{}", dated.clock.unix_ms());
            assert_eq!(dated.status(key).await, 403, "{}", dated.clock.unix_ms());
        }
    }
    balanced(&dated.router).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_steps_back_and_forth_gives_no_budget_twice() {
    let dated = Dated::start(LAST_OF_MONTH).await;
    let daily = dated.key(Some(Interval::Daily)).await;
    let step = |days: i64| dated.clock.step_wall(days * 86_400_000);
    assert_eq!(dated.status(&daily).await, 200);
    step(1);
    assert_eq!(dated.status(&daily).await, 200);
    assert_eq!(dated.status(&daily).await, 403);
    // What was spent on a day stays spent on that day.
    for _ in 0..3 {
        step(-1);
        assert_eq!(dated.status(&daily).await, 403);
        step(1);
        assert_eq!(dated.status(&daily).await, 403);
    }
    step(-366);
    assert_eq!(dated.status(&daily).await, 200);
    step(366);
    assert_eq!(dated.status(&daily).await, 403);
    let rows = balanced(&dated.router).await;
    assert_eq!(rows.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_before_midnight_belongs_to_the_day_before() {
    let dated = Dated::start(LAST_OF_MONTH).await;
    let daily = dated.key(Some(Interval::Daily)).await;
    dated.open.set(Behaviour::new().tokens_per_second(20).completion_tokens(10));
    let mut body = body();
    body["stream"] = json!(true);
    let client = dated.router.client();
    let mut stream = client.send(with_key(&client, &daily, "/v1/chat/completions", &body)).await;
    timeout(PATIENCE, stream.body_mut().frame()).await.unwrap().unwrap().unwrap();
    dated.clock.advance(Duration::from_secs(2));
    dated.open.set(Behaviour::new().completion_tokens(10));
    // What is held for yesterday is nothing to today.
    assert_eq!(dated.status(&daily).await, 200);
    timeout(PATIENCE, stream.body_mut().collect()).await.unwrap().unwrap();
    let rows = balanced(&dated.router).await;
    let mut days: Vec<_> = rows.iter().map(|row| row.came_ms / 86_400_000).collect();
    days.sort_unstable();
    assert_eq!(days, [20_787, 20_788]);
    let kept = dated.router.router.store.daily(&<_>::default()).await.unwrap();
    assert_eq!(kept.iter().map(|day| day.day).collect::<Vec<_>>(), [20_787, 20_788]);
    assert_eq!(kept.iter().map(|day| day.cost).sum::<u128>(), billed(&rows));
    assert_eq!(dated.status(&daily).await, 403);
}
