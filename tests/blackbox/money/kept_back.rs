//! How much a request holds of a budget: what may run at once, and no more.

use super::books::{PATIENCE, TestKey, balanced, billed, chat, code, make_key, of_key, reserved};
use crate::setup::{ask, bare_provider, endpoint};
use plugway::account::issue::NewKey;
use plugway_simulator::{Behaviour, Failure, Kind, Simulator, When};
use plugway_tests::{Answer, TestRouter};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::timeout;

const MODEL: &str = "test/both";

/// Two providers of one model, of which the second is twice as dear.
struct Two {
    router: TestRouter,
    first: Simulator,
    second: Simulator,
}

impl Two {
    async fn start(routing: &str) -> Self {
        let start = || Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
        let (first, second) = (start(), start());
        let toml = format!(
            "[routing]\n{routing}\n{}{}[models.\"{MODEL}\"]\ncontext_length = 100_000\n{}{}",
            bare_provider("first", &first),
            bare_provider("second", &second),
            endpoint(MODEL, "first", 1),
            endpoint(MODEL, "second", 2),
        );
        Self { router: TestRouter::start(&toml).await, first, second }
    }

    /// The second is asked soon after the first.
    async fn impatient() -> Self {
        let two = Self::start("strategies = [\"hedge-soon\"]\nhedge_percent = 100").await;
        two.router.drop_plugin("hedge-soon", "hedge-soon").await;
        two
    }

    async fn key(&self, limit: Option<u128>) -> TestKey {
        make_key(&self.router, NewKey { limit, ..NewKey::default() }).await
    }

    fn asked(&self, key: &TestKey) -> JoinHandle<Answer> {
        let (client, key) = (self.router.client(), key.clone());
        tokio::spawn(async move { chat(&client, &key, &body()).await })
    }
}

fn body() -> Value {
    let mut body = ask(MODEL, "Hi");
    body["stream"] = json!(true);
    body["max_tokens"] = json!(1_000);
    body
}

fn slow(reply: &str) -> Behaviour {
    Behaviour::new().reply(reply).head_delay_ms(1_000)
}

async fn reached(simulator: &Simulator) {
    timeout(PATIENCE, simulator.requests_when(|seen| !seen.is_empty())).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hedged_request_holds_the_sum_and_goes_without_where_only_one_fits() {
    let two = Two::impatient().await;
    let free = two.key(None).await;
    two.first.set(Behaviour::new().head_delay_ms(600_000));
    two.second.set(slow("second"));
    let asked = two.asked(&free);
    reached(&two.second).await;
    // One part for the first, two for the second.
    let part = reserved(&two.router, &free) / 3;
    assert_eq!(reserved(&two.router, &free), part * 3);
    assert!(asked.await.unwrap().text().contains("second"));

    two.first.set(slow("first"));
    two.second.clear();
    let exact = two.key(Some(part * 2)).await;
    let answer = two.asked(&exact).await.unwrap();
    assert!(answer.status == 200 && answer.text().contains("first"), "{}", answer.text());
    assert!(two.second.requests().is_empty(), "it was hedged all the same");

    let refusal = two.asked(&two.key(Some(part * 2 - 1)).await).await.unwrap();
    assert_eq!((refusal.status.as_u16(), &*code(&refusal)), (403, "budget_exceeded"));
    two.second.set(Behaviour::new().reply("second"));
    let wide = two.key(Some(part * 3)).await;
    assert!(two.asked(&wide).await.unwrap().text().contains("second"));
    let rows = balanced(&two.router).await;
    // Nobody pays for the one that was overtaken but the operator.
    let hedged = of_key(&rows, &wide)[0];
    assert!(hedged.upstream_cost > hedged.cost, "{hedged:?}");
    assert_eq!(hedged.provider, "second");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_fails_is_followed_without_holding_twice() {
    let two = Two::start("strategies = [\"price\"]").await;
    let free = two.key(None).await;
    two.first.set(slow("first"));
    let asked = two.asked(&free);
    reached(&two.first).await;
    let held = reserved(&two.router, &free);
    assert!(asked.await.unwrap().text().contains("first"));

    let failing = slow("first").fault(When::Always, Failure::status(500));
    two.first.set(failing.head_delay_ms(0));
    two.second.set(slow("second"));
    let exact = two.key(Some(held)).await;
    let asked = two.asked(&exact);
    reached(&two.second).await;
    assert_eq!(reserved(&two.router, &exact), held);
    let answer = asked.await.unwrap();
    assert!(answer.status == 200 && answer.text().contains("second"), "{}", answer.text());
    let rows = balanced(&two.router).await;
    let row = of_key(&rows, &exact)[0];
    assert!(row.cost > Some(0) && row.cost == row.upstream_cost, "{row:?}");
    assert!(billed([row]) <= held);
}
