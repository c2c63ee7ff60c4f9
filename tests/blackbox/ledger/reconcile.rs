//! `plugway reconcile`: the provider's invoice against what each attempt at it cost.

use super::{DAY, NOW_MS, filed, made, run, text};
use crate::setup::{ask, bare_provider, endpoint};
use plugway_simulator::{Behaviour, Kind, Simulator};
use plugway_store::ledger::Row;
use plugway_tests::{Play, RawUpstream, TestRouter};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Output;

/// Turned on, and asked by nobody.
const NOBODY: &str = "[providers.open]\nadapter = \"openai\"\nbase_url = \"http://127.0.0.1:9/v1\"\n\
    [[models.\"test/open\".endpoints]]\nprovider = \"open\"\nmodel = \"sim\"\n";

/// Dollars.
const ONE: u64 = 1_000_000_000_000;

fn reconciled(home: &Path, invoice: &str, arguments: &[&str]) -> Output {
    std::fs::write(home.join("invoice.csv"), invoice).unwrap();
    let all = [&["reconcile", "invoice.csv", "--provider", "open"], arguments].concat();
    run(home, &all)
}

fn costs(number: u64, days_ago: u64, dollars: u64) -> Row {
    Row { upstream_cost: Some(dollars * ONE), ..made(number, NOW_MS - days_ago * DAY) }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_difference_is_told_for_each_model_and_day() {
    let home = tempfile::tempdir().unwrap();
    let other = Row { endpoint: "open/other".to_owned(), ..costs(7, 0, 4) };
    let elsewhere =
        Row { provider: "else".to_owned(), endpoint: "else/sim".to_owned(), ..costs(8, 0, 9) };
    // Outside of the invoice's days.
    let rows = [costs(1, 0, 1), costs(2, 0, 2), costs(3, 1, 5), costs(4, 9, 5), other, elsewhere];
    filed(home.path(), NOBODY, rows).await;
    let invoice = "date,model,cost\n2027-01-15,sim,3\n2027-01-15,other,4.5\n2027-01-14,SIM,5\n";
    let output = reconciled(home.path(), invoice, &["--format", "csv"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert_eq!(
        text(&output.stdout),
        "date,model,invoice,ledger,difference,attempts,estimated_attempts,unpriced_attempts\n\
         2027-01-14,sim,5,5,0,1,0,0\n\
         2027-01-15,other,4.5,4,0.5,1,0,0\n\
         2027-01-15,sim,3,3,0,2,0,0\n\
         total,,12.5,12,0.5,4,0,0\n"
    );
    for (tolerance, code) in [("0.5", 0), ("0.49", 1), ("12%", 0), ("11%", 1)] {
        let output = reconciled(home.path(), invoice, &["--tolerance", tolerance]);
        assert_eq!(output.status.code(), Some(code), "{tolerance}: {}", text(&output.stdout));
    }
    let output = reconciled(home.path(), invoice, &["--to", "2027-01-14", "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&told["data"][0]["model"], &told["total"]["difference"]),
        (&json!("sim"), &json!(0))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn models_go_by_the_names_that_are_known_and_by_no_likeness() {
    let home = tempfile::tempdir().unwrap();
    filed(home.path(), NOBODY, [costs(1, 0, 1)]).await;
    for (name, arguments, code) in [
        ("sim", &[][..], 0),
        ("test/open", &[], 0),
        ("sim-2027", &[], 1),
        ("The Simulated", &[], 1),
        ("The Simulated", &["--alias", "The Simulated=sim"], 0),
    ] {
        let invoice = format!("date,model,cost\n2027-01-15,{name},1.00\n");
        let output = reconciled(home.path(), &invoice, arguments);
        assert_eq!(output.status.code(), Some(code), "{name}: {}", text(&output.stdout));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_cannot_be_read_is_told_by_its_number_and_nothing_is_compared() {
    let home = tempfile::tempdir().unwrap();
    filed(home.path(), NOBODY, [costs(1, 0, 1)]).await;
    let invoice = "date,model,cost\n2027-01-15,sim,1\n2027-01-15,sim,much\nsome day,sim,1\n";
    let output = reconciled(home.path(), invoice, &[]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    let told = text(&output.stderr);
    assert!(
        told.contains("2 lines") && told.contains("line 3:") && told.contains("line 4:"),
        "{told}"
    );
    for (invoice, part) in [("", "empty"), ("a,b,c\n1,2,3\n", "no column")] {
        let output = reconciled(home.path(), invoice, &[]);
        assert_eq!(output.status.code(), Some(2), "{invoice}");
        assert!(text(&output.stderr).contains(part), "{}", text(&output.stderr));
    }
    let missing = run(home.path(), &["reconcile", "nowhere.csv", "--provider", "open"]);
    assert_eq!(missing.status.code(), Some(2), "{}", text(&missing.stderr));
    let unknown = run(home.path(), &["reconcile", "invoice.csv", "--provider", "nobody"]);
    assert_eq!(unknown.status.code(), Some(2), "{}", text(&unknown.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_at_a_provider_is_on_its_invoice_and_not_on_that_of_whoever_served() {
    let home = tempfile::tempdir().unwrap();
    let failing = RawUpstream::start().await;
    let body = json!({
        "id": "1", "object": "chat.completion", "created": 1, "model": "sim",
        "usage": {"prompt_tokens": 9, "completion_tokens": 0, "total_tokens": 9},
        "choices": [{"index": 0, "finish_reason": null,
            "message": {"role": "assistant", "content": ""}}],
    })
    .to_string();
    failing.play([Play::write(format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ))]);
    let serving = Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
    let toml = format!(
        "state = {:?}\n[routing]\nstrategies = [\"price\"]\n[providers.open]\nadapter = \"openai\"\n\
         base_url = \"{}\"\nauth = \"none\"\n{}{}{}",
        home.path().join("state.db"),
        failing.base_url(),
        bare_provider("serves", &serving),
        endpoint("test/both", "open", 1),
        endpoint("test/both", "serves", 2),
    );
    std::fs::write(home.path().join("plugway.toml"), &toml).unwrap();
    let router = TestRouter::start(&toml).await;
    let answer = router.client().chat(&ask("test/both", "Hi")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let usage = answer.json()["usage"].clone();
    let date = &told_date(&router, answer.header("x-generation-id").unwrap()).await;
    let invoice = format!("date,model,cost\n{date},sim,0.000009\n");
    let output = reconciled(home.path(), &invoice, &["--tolerance", "0"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    let served = usage["prompt_tokens"].as_u64().unwrap() * 2
        + usage["completion_tokens"].as_u64().unwrap() * 20;
    let invoice = format!("date,model,cost\n{date},sim,{}e-6\n", served);
    std::fs::write(home.path().join("invoice.csv"), invoice).unwrap();
    let arguments = ["reconcile", "invoice.csv", "--provider", "serves", "--tolerance", "0"];
    let output = run(home.path(), &arguments);
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_clients_paid_with_keys_of_their_own_is_on_no_invoice_of_the_operators() {
    let home = tempfile::tempdir().unwrap();
    let theirs = Row { is_byok: true, byok_cost: Some(9 * ONE), ..costs(2, 0, 9) };
    let attempts = json!({"attempts": [
        {"provider": "open", "endpoint": "open/sim", "outcome": "timeout", "is_byok": true,
            "upstream_cost": 4 * ONE},
        {"provider": "open", "endpoint": "open/sim", "outcome": "ok", "upstream_cost": 2 * ONE},
    ]});
    let mixed = Row { byok_cost: Some(4 * ONE), detail: attempts.to_string(), ..costs(3, 0, 6) };
    filed(home.path(), NOBODY, [costs(1, 0, 1), theirs, mixed]).await;
    for (invoiced, arguments) in [(3, &[][..]), (16, &["--byok"])] {
        let invoice = format!("date,model,cost\n2027-01-15,sim,{invoiced}\n");
        let output = reconciled(home.path(), &invoice, arguments);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    }
}

async fn told_date(router: &TestRouter, id: &str) -> String {
    let told = router.client().get(&format!("/v1/generation?id={id}")).await.json();
    told["data"]["created_at"].as_str().unwrap()[..10].to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn where_rows_are_pruned_the_sums_by_day_stand_in_and_that_is_said() {
    let home = tempfile::tempdir().unwrap();
    filed(home.path(), NOBODY, [costs(1, 2, 3), costs(2, 0, 1)]).await;
    let location = plugway_store::Location::File(home.path().join("state.db"));
    let store = plugway_store::Store::open(&location).await.unwrap();
    assert_eq!(store.prune_ledger(NOW_MS - DAY, 100).await.unwrap(), 1);
    store.close().await;
    let invoice = "date,model,cost\n2027-01-13,sim,3\n2027-01-15,sim,1\n";
    let output = reconciled(home.path(), invoice, &["--tolerance", "0"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    assert!(text(&output.stderr).contains("their daily sums stand in"), "{}", text(&output.stderr));
}
