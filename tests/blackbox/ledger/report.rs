//! `plugway usage`, beside a router or without one.

use super::{DAY, NOW_MS, dollars, filed, made, run, text};
use crate::setup::{ask, provider};
use plugway_simulator::{Behaviour, Kind, Simulator};
use plugway_store::ledger::Row;
use plugway_tests::{TestRouter, binary};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// Turned on, and asked by nobody.
const NOBODY: &str =
    "[providers.open]\nadapter = \"openai\"\nbase_url = \"http://127.0.0.1:9/v1\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn sums_are_told_beside_a_running_router() {
    let home = tempfile::tempdir().unwrap();
    let upstream = Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
    let state = home.path().join("state.db");
    let toml = format!("state = {state:?}\n{}", provider("open", &upstream, 1));
    std::fs::write(home.path().join("plugway.toml"), &toml).unwrap();
    let router = TestRouter::start(&toml).await;
    let mut cost = 0;
    for _ in 0..3 {
        let usage = router.client().chat(&ask("test/open", "Hi")).await.json()["usage"].clone();
        let tokens = |name: &str| usage[name].as_u64().unwrap();
        cost += (tokens("prompt_tokens") + 10 * tokens("completion_tokens")) * 1_000_000;
    }
    let output = run(home.path(), &["usage", "--by", "model,provider", "--format", "json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["data"][0]["model"], "test/open", "{told}");
    assert_eq!(
        (&told["total"]["requests"], &told["data"][0]["provider"]),
        (&3.into(), &"open".into())
    );
    let exact = format!("\"usage\":{},", dollars(cost));
    assert_eq!(text(&output.stdout).matches(&exact).count(), 2, "{}", text(&output.stdout));
}

#[tokio::test(flavor = "multi_thread")]
async fn sums_are_told_by_what_is_asked_for() {
    let home = tempfile::tempdir().unwrap();
    let other = Row { served_model: "test/other".to_owned(), ..made(9, NOW_MS) };
    let rows = (0..4).map(|it| made(it, NOW_MS - it * DAY)).chain([other]);
    filed(home.path(), NOBODY, rows).await;
    let lines = |arguments: &[&str]| {
        let output = run(home.path(), &[&["usage", "--format", "csv"], arguments].concat());
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        let lines = text(&output.stdout).lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
        lines
            .iter()
            .map(|it| it.split(',').take(3).collect::<Vec<_>>().join(","))
            .collect::<Vec<_>>()
    };
    assert_eq!(lines(&["--by", "model"]), ["test/open,4,0", "test/other,1,0"]);
    assert_eq!(lines(&["--by", "provider"]), ["open,5,0"]);
    assert_eq!(lines(&["--by", "workspace,key"]), [",default,5"]);
    assert_eq!(
        lines(&["--by", "day", "--from", "2027-01-14"]),
        ["2027-01-14,1,0", "2027-01-15,2,0"]
    );
    assert_eq!(lines(&["--model", "test/other"]), ["2027-01-15,test/other,1"]);
    assert_eq!(lines(&["--by", "day", "--to", "2027-01-12"]), ["2027-01-12,1,0"]);
    let table = text(&run(home.path(), &["usage", "--by", "model"]).stdout);
    assert!(table.starts_with("model "), "{table}");
    assert!(table.lines().last().unwrap().starts_with("total "), "{table}");
    assert!(table.contains("$0.000000000035"), "{table}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_told_one_by_one_to_whoever_reads_them() {
    let home = tempfile::tempdir().unwrap();
    filed(home.path(), NOBODY, (0..3_000).map(|it| made(it, NOW_MS + it))).await;
    let output = run(home.path(), &["usage", "--rows", "--format", "csv"]);
    assert_eq!(text(&output.stdout).lines().count(), 3_001);
    let output = run(home.path(), &["usage", "--rows", "--from", "2027-01-16"]);
    assert!(output.status.success() && output.stdout.is_empty());
    // Who has read enough hangs up.
    let mut command = Command::new(binary());
    command.args(["usage", "--rows"]).current_dir(home.path());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("gen-made-000000"), "{line}");
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output.stderr));
}

#[test]
fn where_there_is_no_ledger_none_is_made() {
    let home = tempfile::tempdir().unwrap();
    let state = home.path().join("state.db");
    let toml = format!("state = {state:?}\n{NOBODY}");
    std::fs::write(home.path().join("plugway.toml"), toml).unwrap();
    let output = run(home.path(), &["usage"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("there is no ledger yet"), "{}", text(&output.stderr));
    assert!(!state.exists());
    for arguments in [["usage", "--from", "2027-02-30"], ["usage", "--by", "whim"]] {
        assert_eq!(run(home.path(), &arguments).status.code(), Some(2), "{arguments:?}");
    }
}
