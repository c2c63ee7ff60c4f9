//! More at once than a budget has room for: it is not overspent, and what fits is served.

use super::books::{TestKey, balanced, billed, chat, code, make_key, of_key, reserved};
use crate::setup::{Pair, ask};
use plugway::account::issue::NewKey;
use plugway_simulator::Behaviour;
use plugway_store::{Change, DEFAULT_WORKSPACE, Interval};
use plugway_tests::Answer;
use serde_json::{Value, json};

/// At once.
const REQUESTS: usize = 1_000;

/// For so many the budget has room at the same time.
const FIT: u128 = 40;

/// What the provider says, in tokens, unless it is to say less.
const SAID: u32 = 30;

/// Whose budget it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    Key,
    /// Shared by two keys.
    Workspace,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_requests_at_once_spend_no_more_than_the_budget_of_their_key() {
    press("", Some(SAID - 5), Whose::Key).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_requests_of_two_keys_spend_no_more_than_the_budget_of_their_workspace() {
    press("", Some(SAID - 5), Whose::Workspace).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_costs_more_than_was_set_aside_overspends_by_no_more_than_ran_at_once() {
    press("[accounting]\nassumed_completion = 5\n", None, Whose::Key).await;
}

async fn press(toml: &str, max_tokens: Option<u32>, whose: Whose) {
    let pair = Pair::with(Behaviour::new(), toml).await;
    let mut body = ask("test/open", "Tell me something of the sea.");
    if let Some(max_tokens) = max_tokens {
        body["max_tokens"] = json!(max_tokens);
    }
    let (held, cost) = cost_of_one(&pair, &body).await;
    let before = if whose == Whose::Workspace { cost } else { 0 };
    let limit = before + FIT * held + held / 2;
    let keys = limited(&pair, limit, whose).await;
    let answers = at_once(&pair, &keys, &body).await;
    let (served, refused): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.status == 200);
    assert!(served.iter().all(|answer| is_whole(answer)));
    refused.iter().for_each(|answer| assert_refused(answer, whose));

    let rows = balanced(&pair.router).await;
    let ours: Vec<_> = keys.iter().flat_map(|key| of_key(&rows, key)).collect();
    assert_eq!(ours.len(), served.len(), "each that was served has a row, and no other");
    assert!(ours.iter().all(|row| row.cost.map(u128::from) == Some(cost)));
    let mut spent = before + billed(ours);
    let (together, excess) = ((limit - before) / held, cost.saturating_sub(held));
    assert!(spent <= limit + together * excess, "{spent} of {limit}, {together} at once");
    let fitting = (limit - before) / held.max(cost);
    assert!(served.len() as u128 >= fitting, "{} of {fitting}", served.len());
    assert!(!refused.is_empty());

    // All has settled: what fits is served, down to the last that does.
    let client = pair.router.client();
    while spent + held <= limit {
        let answer = chat(&client, &keys[0], &body).await;
        assert_eq!(answer.status, 200, "{spent} of {limit}: {}", answer.text());
        spent += cost;
    }
    let refusal = chat(&client, &keys[0], &body).await;
    assert_eq!((refusal.status.as_u16(), &*code(&refusal)), (403, "budget_exceeded"));
    balanced(&pair.router).await;
}

/// What a budget holds for one such request, and what it costs.
async fn cost_of_one(pair: &Pair, body: &Value) -> (u128, u128) {
    pair.open.set(behaviour().head_delay_ms(1_500));
    let key = make_key(&pair.router, NewKey::default()).await;
    let (client, asking, body) = (pair.router.client(), key.clone(), body.clone());
    let asked = tokio::spawn(async move { chat(&client, &asking, &body).await });
    pair.open.requests_when(|seen| !seen.is_empty()).await;
    let held = reserved(&pair.router, &key);
    assert_eq!(asked.await.unwrap().status, 200);
    pair.open.set(behaviour().head_delay_ms(100));
    let cost = billed(of_key(&balanced(&pair.router).await, &key));
    assert!(held > 0 && cost > 0);
    (held, cost)
}

fn behaviour() -> Behaviour {
    Behaviour::new().completion_tokens(SAID)
}

async fn limited(pair: &Pair, limit: u128, whose: Whose) -> Vec<TestKey> {
    let router = &pair.router;
    match whose {
        Whose::Key => {
            let new = NewKey { limit: Some(limit), ..NewKey::default() };
            vec![make_key(router, new).await]
        }
        Whose::Workspace => {
            let store = &router.router.store;
            let budget = store.set_budget(DEFAULT_WORKSPACE, Interval::Monthly, Some(limit));
            assert_eq!(budget.await.unwrap(), Change::Done);
            vec![
                make_key(router, NewKey::default()).await,
                make_key(router, NewKey::default()).await,
            ]
        }
    }
}

/// Streamed and whole by turns.
async fn at_once(pair: &Pair, keys: &[TestKey], body: &Value) -> Vec<Answer> {
    let client = pair.router.client();
    let asked: Vec<_> = (0..REQUESTS)
        .map(|number| {
            let (client, key) = (client.clone(), keys[number / 2 % keys.len()].clone());
            let mut body = body.clone();
            body["stream"] = json!(number % 2 == 0);
            tokio::spawn(async move { chat(&client, &key, &body).await })
        })
        .collect();
    let mut answers = Vec::with_capacity(REQUESTS);
    for asked in asked {
        answers.push(asked.await.unwrap());
    }
    answers
}

fn is_whole(answer: &Answer) -> bool {
    let text = answer.text();
    match text.starts_with("data: ") {
        true => text.ends_with("data: [DONE]\n\n") && !text.contains("\"error\""),
        false => answer.json()["usage"]["cost"].is_number(),
    }
}

fn assert_refused(answer: &Answer, whose: Whose) {
    let name = match whose {
        Whose::Key => "lifetime budget of the API key `",
        Whose::Workspace => "monthly budget of the workspace `default`",
    };
    assert!(answer.text().contains(name), "{}", answer.text());
    match &*code(answer) {
        // Others hold what it wants, and may give it back.
        "budget_reserved" => {
            assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (429, Some("1")));
        }
        "budget_exceeded" => {
            assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (403, None));
        }
        other => panic!("{other}: {}", answer.text()),
    }
}
