//! Requests that the real providers accepted are accepted: read from recorded
//! traffic beside the project, where there is some.

use std::path::Path;
use std::process::Command;

use plugway_simulator::{Behaviour, Kind, Simulator};
use serde_json::Value;

use crate::client::chat;

/// Complaints that recordings must draw: their signatures are the provider's,
/// and only its newest models take system messages in the middle.
const DESERVED: [&str; 2] = ["Invalid `signature`", "Unexpected role \\\"system\\\""];

/// The bodies of accepted chat requests; none where no recordings are.
fn accepted(provider: &str, endpoint: &str) -> Vec<String> {
    let recordings = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/traffic")
        .join(format!("{provider}.jsonl.gz"));
    if !recordings.exists() {
        eprintln!("skipped: no recorded traffic of {provider} here");
        return Vec::new();
    }
    let unpacked = Command::new("gzip").arg("-dc").arg(recordings).output();
    let unpacked = String::from_utf8(unpacked.unwrap().stdout).unwrap();
    let records = unpacked.lines().map(|line| serde_json::from_str(line).unwrap());
    let accepted =
        |record: &Value| record["endpoint"] == endpoint && record["response"]["status"] == 200;
    let bodies = records.filter(accepted).map(|record: Value| {
        let body = &record["request"]["body"];
        body.as_str().map_or_else(|| body.to_string(), str::to_owned)
    });
    bodies.collect()
}

async fn check(kind: Kind, provider: &str, endpoint: &str) {
    let simulator = Simulator::start(kind, Behaviour::new()).unwrap();
    for body in accepted(provider, endpoint) {
        let answer = chat(&simulator, &body).await;
        let deserved = DESERVED.iter().any(|text| answer.body.contains(text));
        assert!(answer.status == 200 || deserved, "{} to {body}", answer.body);
    }
}

#[tokio::test]
async fn recorded_openai_requests_are_accepted() {
    check(Kind::OpenAi, "openai", "chat_completions").await;
}

#[tokio::test]
async fn recorded_anthropic_requests_are_accepted() {
    check(Kind::Anthropic, "anthropic", "messages").await;
}
