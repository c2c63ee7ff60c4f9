//! Requests as real services saw them: when each came, how long its prompt and its
//! answer were, and which prompts begin alike.

use flate2::read::GzDecoder;
use serde::Deserialize;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Duration;

/// Tokens of a block, the unit in which prompts are the same.
pub(crate) const BLOCK: u64 = 512;

/// One request of a trace.
pub(crate) struct Arrival {
    /// Since the trace began.
    pub(crate) at: Duration,
    pub(crate) prompt_tokens: u64,
    pub(crate) completion_tokens: u64,
    /// Names of the prompt's blocks, from its beginning; empty where nobody told.
    pub(crate) blocks: Vec<u32>,
}

impl Arrival {
    /// Which conversation it belongs to: the first block that not all of them share.
    pub(crate) fn conversation(&self) -> Option<u64> {
        self.blocks.get(1).copied().map(u64::from)
    }
}

/// Azure's traces: shapes without prefixes.
pub(crate) fn azure(name: &str) -> Vec<Arrival> {
    let lines = lines(&format!("trace_AzureLLMInferenceTrace_{name}.csv.gz"));
    let mut first = None;
    let rows = lines.skip(1).filter(|line| !line.is_empty()).map(|line| {
        let mut fields = line.split(',');
        let mut next = || fields.next().expect("three columns").to_owned();
        let (time, prompt, completion) = (next(), next(), next());
        let at = time_of_day(&time);
        Arrival {
            at: at - *first.get_or_insert(at),
            prompt_tokens: prompt.parse().unwrap(),
            completion_tokens: completion.parse().unwrap(),
            blocks: Vec::new(),
        }
    });
    rows.collect()
}

/// Mooncake's trace of conversations.
pub(crate) fn mooncake() -> Vec<Arrival> {
    #[derive(Deserialize)]
    struct Row {
        timestamp: u64,
        input_length: u64,
        output_length: u64,
        hash_ids: Vec<u32>,
    }
    let rows = lines("trace_mooncake_conversation_trace.jsonl.gz").map(|line| {
        let row: Row = serde_json::from_str(&line).unwrap();
        Arrival {
            at: Duration::from_millis(row.timestamp),
            prompt_tokens: row.input_length,
            completion_tokens: row.output_length,
            blocks: row.hash_ids,
        }
    });
    rows.collect()
}

fn lines(name: &str) -> impl Iterator<Item = String> + use<> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/routing");
    let file = File::open(shared.join(name)).unwrap();
    BufReader::new(GzDecoder::new(file)).lines().map(Result::unwrap)
}

/// Of `2023-11-16 18:17:03.9799600`; no trace crosses midnight.
fn time_of_day(time: &str) -> Duration {
    let (_, clock) = time.split_once(' ').unwrap();
    let parts: Vec<f64> = clock.split(':').map(|part| part.parse().unwrap()).collect();
    Duration::from_secs_f64(parts[0] * 3600.0 + parts[1] * 60.0 + parts[2])
}
