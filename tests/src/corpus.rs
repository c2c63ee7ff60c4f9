//! Runs recorded exchanges through adapters as the router would: a task says what
//! was asked and what was answered, a result says what the adapter made of both.
//! What is right is judged elsewhere, by a program that shares no code with any
//! adapter. One JSON object per line, in and out.

mod answer;
mod calls;
mod encode;
mod stream;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use plugway_engine::{
    Adapter, CallError, Embedded, EndpointFacts, Engine, Framing, Grants, LoadError, Plugin,
    ResponseHead,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use answer::joined;

/// One recorded exchange.
#[derive(Debug, Deserialize)]
pub struct Task {
    /// Of the record.
    pub id: String,
    /// Name of the adapter's component.
    pub adapter: String,
    /// `chat`, `embeddings`, `rerank`, `count` or `models`.
    pub what: String,
    /// For the adapter.
    #[serde(default)]
    pub options: Vec<(String, String)>,
    /// Tokens.
    #[serde(default)]
    pub max_output_tokens: Option<u32>,
    /// In the contract's types; `null` where the recording has none.
    #[serde(default)]
    pub request: Value,
    /// What the provider answered.
    pub response: Recorded,
    /// Of a streamed body.
    #[serde(default)]
    pub framing: Option<String>,
}

/// A recorded response.
#[derive(Debug, Deserialize)]
pub struct Recorded {
    /// HTTP status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body's bytes, standard alphabet.
    pub body_base64: String,
}

/// What an adapter made of a task.
#[derive(Debug, Default, Serialize)]
pub struct Outcome {
    id: String,
    info: Value,
    encode: Option<Value>,
    answer: Option<Value>,
    events: usize,
    splits: usize,
    splits_differ: Option<String>,
    breach: Option<String>,
    failure: Option<Value>,
    embeddings: Option<Value>,
    rerank: Option<Value>,
    count: Option<Value>,
    page: Option<Value>,
    trap: Option<String>,
}

/// The adapters that tasks name.
pub struct Adapters {
    loaded: BTreeMap<String, Arc<Adapter>>,
}

impl Adapters {
    /// Loads every component of a directory.
    ///
    /// # Errors
    /// Where one cannot be read or is refused.
    pub fn load(engine: &Engine, directory: &Path) -> Result<Self, Box<dyn std::error::Error>> {
        let mut loaded = BTreeMap::new();
        for entry in std::fs::read_dir(directory)? {
            let path = entry?.path();
            let Some(id) = path.file_stem().and_then(|stem| stem.to_str()) else { continue };
            if path.extension().is_none_or(|extension| extension != "wasm") {
                continue;
            }
            let id = id.replace('_', "-");
            let wasm = std::fs::read(&path)?;
            if let Plugin::Adapter(adapter) = engine.load(&id, &wasm, &Grants::default())? {
                loaded.insert(id, adapter);
            }
        }
        Ok(Self { loaded })
    }

    /// Takes the adapters among these components.
    ///
    /// # Errors
    /// Where one is refused.
    pub fn of(engine: &Engine, components: &[Embedded]) -> Result<Self, LoadError> {
        let mut loaded = BTreeMap::new();
        for component in components {
            let plugin = engine.load(component.id, component.wasm, &Grants::default())?;
            if let Plugin::Adapter(adapter) = plugin {
                loaded.insert(component.id.to_owned(), adapter);
            }
        }
        Ok(Self { loaded })
    }

    /// Runs all tasks on all cores. Outcomes come in the order of the tasks.
    pub fn run_all(&self, tasks: &[Task]) -> Vec<Outcome> {
        let next = AtomicUsize::new(0);
        let work = || {
            let mut done = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(task) = tasks.get(at) else { return done };
                done.push((at, self.run(task)));
            }
        };
        let mut outcomes: Vec<(usize, Outcome)> = thread::scope(|scope| {
            let cores = thread::available_parallelism().map_or(1, usize::from);
            let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
            let done = threads.into_iter().flat_map(|thread| {
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            });
            done.collect()
        });
        outcomes.sort_by_key(|(at, _)| *at);
        outcomes.into_iter().map(|(_, outcome)| outcome).collect()
    }

    /// Runs one task. A failing plugin is a result too.
    pub fn run(&self, task: &Task) -> Outcome {
        let mut outcome = Outcome { id: task.id.clone(), ..Outcome::default() };
        let Some(adapter) = self.loaded.get(&task.adapter) else {
            outcome.trap = Some(format!("there is no adapter {:?}", task.adapter));
            return outcome;
        };
        outcome.info = info(adapter);
        if let Err(error) = run(adapter, task, &mut outcome) {
            outcome.trap = Some(error.to_string());
        }
        outcome
    }
}

fn info(adapter: &Adapter) -> Value {
    let info = adapter.info();
    serde_json::json!({
        "dialects": info.dialects,
        "reasoning_formats": info.reasoning_formats,
        "supported_parameters": info.supported_parameters,
        "offers": adapter.offers(),
    })
}

/// Why a task came to no result.
#[derive(Debug, thiserror::Error)]
enum Halt {
    #[error(transparent)]
    Plugin(#[from] CallError),
    #[error("the task cannot be read: {0}")]
    Task(String),
    #[error("the adapter does not offer {0}")]
    NotOffered(&'static str),
}

impl From<serde_json::Error> for Halt {
    fn from(error: serde_json::Error) -> Self {
        Self::Task(error.to_string())
    }
}

fn run(adapter: &Adapter, task: &Task, outcome: &mut Outcome) -> Result<(), Halt> {
    let memo = match task.what.as_str() {
        "chat" if task.request.is_null() => String::new(),
        "chat" => encode::chat(adapter, task, outcome)?,
        what => return calls::run(what, adapter, task, outcome),
    };
    let body = task.body()?;
    if !(200..300).contains(&task.response.status) {
        return explain(adapter, task, body, outcome);
    }
    match task.framing()? {
        None => {
            let events = adapter.attempt(Default::default())?.decode(task.head(), body, &memo)?;
            answer::tell(events, outcome);
        }
        Some(framing) => stream::run(adapter, task, &body, framing, &memo, outcome)?,
    }
    Ok(())
}

fn explain(
    adapter: &Adapter,
    task: &Task,
    body: Vec<u8>,
    outcome: &mut Outcome,
) -> Result<(), Halt> {
    let failure = adapter.attempt(Default::default())?.explain(task.head(), body)?;
    outcome.failure = Some(serde_json::to_value(failure)?);
    Ok(())
}

impl Task {
    /// Reads one line; none of a record that is no exchange to be run.
    ///
    /// # Errors
    /// Where the line is no task.
    pub fn read(line: &str) -> serde_json::Result<Option<Self>> {
        let line: Value = serde_json::from_str(line)?;
        if line.get("skipped").is_some() {
            return Ok(None);
        }
        serde_json::from_value(line).map(Some)
    }

    fn endpoint(&self) -> EndpointFacts {
        EndpointFacts { max_output_tokens: self.max_output_tokens, options: self.options.clone() }
    }

    fn head(&self) -> ResponseHead {
        ResponseHead { status: self.response.status, headers: self.response.headers.clone() }
    }

    fn body(&self) -> Result<Vec<u8>, Halt> {
        BASE64_STANDARD
            .decode(&self.response.body_base64)
            .map_err(|error| Halt::Task(format!("its body is no base64: {error}")))
    }

    fn framing(&self) -> Result<Option<Framing>, Halt> {
        Ok(match self.framing.as_deref() {
            None => None,
            Some("sse") => Some(Framing::Sse),
            Some("ndjson") => Some(Framing::Ndjson),
            Some("aws-event-stream" | "aws-eventstream") => Some(Framing::AwsEventStream),
            Some(other) => return Err(Halt::Task(format!("the framing {other:?} is unknown"))),
        })
    }
}
