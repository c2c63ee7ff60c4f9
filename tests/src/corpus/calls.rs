//! What adapters offer beside chat: one request, one answer.

use plugway_engine::chat::Failure;
use plugway_engine::{Adapter, UpstreamRequest};
use serde_json::{Value, json};

use super::encode::told;
use super::{Halt, Outcome, Task, explain};

/// Runs one of the offers: encodes where there is a request, then decodes, or
/// explains what is no success.
macro_rules! offer {
    ($adapter:ident, $task:ident, $outcome:ident, $offer:ident, $name:literal, $field:ident,
     $request:expr) => {{
        let fresh = || $adapter.$offer(Default::default()).ok_or(Halt::NotOffered($name));
        let mut memo = String::new();
        if let Some(request) = $request {
            let encoded = fresh()??.encode(request, &$task.endpoint())?;
            memo = note(encoded, $outcome);
        }
        if !(200..300).contains(&$task.response.status) {
            return explain($adapter, $task, $task.body()?, $outcome);
        }
        let decoded = fresh()??.decode($task.head(), $task.body()?, &memo)?;
        match decoded {
            Ok(answer) => $outcome.$field = Some(json!(answer)),
            Err(failure) => $outcome.$field = Some(json!({ "failure": failure })),
        }
        Ok(())
    }};
}

pub(super) fn run(
    what: &str,
    adapter: &Adapter,
    task: &Task,
    outcome: &mut Outcome,
) -> Result<(), Halt> {
    match what {
        "count" => {
            let request = read(&task.request)?;
            offer!(adapter, task, outcome, token_count, "token-count", count, request.as_ref())
        }
        "embeddings" => {
            let request = read(&task.request)?;
            offer!(adapter, task, outcome, embeddings, "embeddings", embeddings, request.as_ref())
        }
        "rerank" => {
            let request = read(&task.request)?;
            offer!(adapter, task, outcome, rerank, "rerank", rerank, request.as_ref())
        }
        "models" => offer!(adapter, task, outcome, models, "models", page, Some(cursor(task))),
        other => Err(Halt::Task(format!("{other:?} is nothing to be run"))),
    }
}

fn read<T: serde::de::DeserializeOwned>(json: &Value) -> Result<Option<T>, Halt> {
    Ok(serde_json::from_value(json.clone())?)
}

/// The page that was asked for; none for the first.
fn cursor(task: &Task) -> Option<&str> {
    task.request.get("cursor").and_then(Value::as_str)
}

/// Tells what was encoded; returns the memo.
fn note(encoded: Result<UpstreamRequest, Failure>, outcome: &mut Outcome) -> String {
    match encoded {
        Ok(request) => {
            let mut told = told(&request);
            told["sealed_equal"] = true.into();
            outcome.encode = Some(told);
            request.memo
        }
        Err(failure) => {
            outcome.encode = Some(json!({ "failure": failure }));
            String::new()
        }
    }
}
