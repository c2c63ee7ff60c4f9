//! The matrix: every conversation, in every dialect, through every adapter, whole and
//! streamed, against a simulator that takes its provider's own format and no other.
//!
//! A cell passes, or is not applicable: for the dialect's own limit, for the provider's,
//! or because its adapter says that the provider has no such thing. What adapters refuse
//! is listed in `limits.rs`; a refusal that is not listed fails, and so does a listed one
//! that does not happen.

mod asked;
mod cases;
mod heard;
mod limits;
mod speak;
mod table;

use crate::setup::bare_provider;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cases::{Bit, Case, IMAGE, SERVED_AT};
use heard::Heard;
use http::Method;
use plugway_simulator::{Behaviour, Failure, Kind, Script, Simulator, Speech, When};
use plugway_tests::{Answer, LogLines, Play, RawUpstream, TestRouter};
use serde_json::Value;
use speak::{Speaker, speakers};
use std::fmt::Write as _;
use std::sync::Arc;
use table::{Cell, Entry, Table};
use tokio::task::JoinSet;

/// An adapter, and the provider behind it.
struct Lane {
    name: &'static str,
    kind: Kind,
    adapter: &'static str,
    options: &'static str,
    /// What its models' names begin with, for adapters that conclude from names what a
    /// model takes.
    prefix: &'static str,
}

const fn lane(name: &'static str, kind: Kind) -> Lane {
    Lane { name, kind, adapter: name, options: "", prefix: "" }
}

const LANES: [Lane; 15] = [
    lane("anthropic", Kind::Anthropic),
    lane("azure-openai", Kind::AzureOpenAi),
    Lane {
        options: "auth = \"bearer\"\n",
        prefix: "anthropic.claude-sonnet-4-5-",
        ..lane("bedrock", Kind::Bedrock)
    },
    lane("cohere", Kind::Cohere),
    lane("deepseek", Kind::DeepSeek),
    Lane { prefix: "gemini-3-pro-", ..lane("gemini", Kind::Gemini) },
    lane("groq", Kind::Groq),
    lane("mistral", Kind::Mistral),
    lane("ollama", Kind::Ollama),
    lane("openai", Kind::OpenAi),
    Lane {
        adapter: "openai",
        options: "options = { api = \"responses\" }\n",
        ..lane("openai-responses", Kind::OpenAiResponses)
    },
    Lane {
        adapter: "openai-compatible",
        // A strict server.
        options: "options = { cache_points = \"none\", result_media = \"message\" }\n",
        ..lane("openai-compatible", Kind::OpenAi)
    },
    lane("openrouter", Kind::OpenRouter),
    lane("perplexity", Kind::Perplexity),
    lane("xai", Kind::Xai),
];

/// A router with a provider for each lane, and a model of it for each conversation.
struct Stage {
    router: TestRouter,
    providers: Vec<Simulator>,
    _pictures: Option<RawUpstream>,
}

impl Stage {
    async fn set(cases: &[Case]) -> Self {
        let mut toml = String::new();
        let mut pictures = None;
        if cases.iter().any(|case| case.has(&Bit::Linked)) {
            let server = serve_picture().await;
            let place = server.base_url().replace("http://", "").replace("/v1", "");
            let _ = writeln!(
                toml,
                "[media]\nfetch = true\nallow_plain_http = true\nprivate_hosts = [\"{place}\"]"
            );
            pictures = Some(server);
        }
        let mut providers = Vec::new();
        for lane in &LANES {
            let told = cases.iter().map(|case| told_by(lane, case));
            let known = told.filter(|case| limit(lane, case).is_none());
            let script = known.fold(Script::new(), |script, case| {
                script.model(format!("{}{}", lane.prefix, case.name), behaviour(&case))
            });
            let provider = Simulator::start(lane.kind, script).unwrap();
            let adapter = format!("adapter = \"{}\"", lane.kind.adapter());
            let chosen = format!("adapter = \"{}\"", lane.adapter);
            toml += &bare_provider(lane.name, &provider).replace(&adapter, &chosen);
            toml += lane.options;
            for case in cases {
                let _ = write!(
                    toml,
                    "[models.\"{0}/{1}\"]\n[[models.\"{0}/{1}\".endpoints]]\nprovider = \"{0}\"\n\
                     model = \"{2}{1}\"\nprice = {{ prompt = 1.0, completion = 1.0 }}\n",
                    lane.name, case.name, lane.prefix
                );
            }
            providers.push(provider);
        }
        Self { router: TestRouter::start(&toml).await, providers, _pictures: pictures }
    }
}

/// Serves the picture to whoever fetches it.
async fn serve_picture() -> RawUpstream {
    let pictures = RawUpstream::start().await;
    let picture = STANDARD.decode(IMAGE).unwrap();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: {}\r\n\r\n",
        picture.len()
    );
    pictures.play([Play::write([head.as_bytes(), &picture].concat())]);
    SERVED_AT.set(format!("{}/cat.png", pictures.base_url())).unwrap();
    pictures
}

fn behaviour(case: &Case) -> Behaviour {
    let mut behaviour = Behaviour::new().chunk_chars(4).cached_tokens(3);
    for turn in &case.turns {
        behaviour.speeches.push(Speech { parts: turn.answer.clone(), ending: turn.ending });
    }
    match &case.fault {
        Some(fault) => behaviour.fault(When::Always, fault.clone()),
        None => behaviour,
    }
}

/// The conversation as the provider can have it: in the order of its fields, where it has
/// a field for each kind of part.
fn told_by(lane: &Lane, case: &Case) -> Case {
    let by_field = case.by_field();
    match limit(lane, case).is_some() && limit(lane, &by_field).is_none() {
        true => by_field,
        false => case.clone(),
    }
}

/// What the provider's format cannot say.
fn limit(lane: &Lane, case: &Case) -> Option<String> {
    lane.kind.says(&behaviour(case)).err().map(|limit| limit.to_string())
}

/// One conversation, in one dialect, through one adapter.
struct Talk<'s> {
    stage: &'s Stage,
    lane: &'s Lane,
    provider: &'s Simulator,
    speaker: &'static dyn Speaker,
    case: &'s Case,
    streaming: bool,
}

impl Talk<'_> {
    async fn cell(&self) -> Cell {
        if let Some(reason) = self.speaker.lacks(self.case, asked::signs(self.lane.kind)) {
            return Cell::Dialect(reason.to_owned());
        }
        if let Some(reason) = limit(self.lane, self.case) {
            return Cell::Provider(reason);
        }
        self.held().await.unwrap_or_else(|fault| fault)
    }

    /// Every turn of it; an early end is the cell that it is.
    async fn held(&self) -> Result<Cell, Cell> {
        let mut history: Vec<Value> = Vec::new();
        let mut heard = Heard::default();
        for (place, turn) in self.case.turns.iter().enumerate() {
            history.extend(self.speaker.say(&turn.said, self.case, &heard));
            let answer = self.ask(&history).await;
            if let Some(fault) = &self.case.fault {
                return self.told_of(fault, &answer);
            }
            let whole = self.whole(&answer).await?;
            let counts = self.check_asked(place)?;
            let blur = self.speaker.blur();
            heard = self.speaker.hear(&whole).tidy(blur);
            let expected = Heard::expected(&turn.answer, turn.ending, blur);
            if (&heard.parts, heard.finish) != (&expected.parts, expected.finish) {
                return Err(Cell::Failed(format!(
                    "heard {heard:?} in place of {expected:?}: {whole}"
                )));
            }
            // What was marked before comes from the provider's cache, and is counted so.
            if let (Some(usage), true) = (&mut heard.usage, self.case.cache) {
                usage[2] = usage[2].min(counts[2]);
            }
            if heard.usage != Some(counts) {
                return Err(Cell::Failed(format!("no usage of {counts:?}: {whole}")));
            }
            history.extend(self.speaker.echo(&whole));
        }
        Ok(Cell::Passed)
    }

    async fn ask(&self, history: &[Value]) -> Answer {
        self.provider.clear();
        let model = format!("{}/{}", self.lane.name, self.case.name);
        let (path, body) = self.speaker.ask(&model, self.case, history, self.streaming);
        let client = self.stage.router.client();
        client.read(client.request(Method::POST, &path, body.to_string())).await
    }

    /// The whole answer; what the adapter says that its provider lacks is a limit.
    async fn whole(&self, answer: &Answer) -> Result<Value, Cell> {
        if answer.status != 200 {
            let text = answer.text();
            let message = self.speaker.error(&answer.json(), answer.status.as_u16());
            let Some(id) = answer.header("x-generation-id").map(str::to_owned) else {
                return Err(Cell::Failed(format!("refused without a word: {text}")));
            };
            let line = LogLines::wait(move |line| line["id"] == id.as_str()).await;
            return Err(match line["outcome"].as_str() {
                Some("unsupported") => Cell::Adapter(message),
                _ => Cell::Failed(format!("{} {text}", answer.status)),
            });
        }
        if !self.streaming {
            return Ok(answer.json());
        }
        let folded = self.speaker.fold(&answer.text());
        folded.map_err(|message| Cell::Failed(format!("broke off: {message}")))
    }

    /// Looks at what the provider was asked, and tells how it counts that and the answer.
    fn check_asked(&self, place: usize) -> Result<[u64; 3], Cell> {
        let asked = self.provider.requests();
        let [exchange] = &asked[..] else {
            return Err(Cell::Failed(format!("{} requests", asked.len())));
        };
        let Some(prompt) = exchange.prompt() else {
            return Err(Cell::Failed(format!(
                "asked in no format of its own: {}",
                exchange.json()
            )));
        };
        let marks = self.speaker.marks_failures();
        match asked::fault(self.lane.kind, self.case, place, &prompt, marks) {
            Some(fault) => Err(Cell::Failed(format!("asked for {fault}: {}", exchange.json()))),
            None => {
                let mut counts = prompt.counts(&behaviour(self.case)).map(u64::from);
                if !(self.speaker.counts_cached() && asked::counts_cached(self.lane.kind)) {
                    counts[2] = 0;
                }
                Ok(counts)
            }
        }
    }

    /// The client is told of a fault: by a status where nothing was said before, else in
    /// the stream.
    fn told_of(&self, fault: &Failure, answer: &Answer) -> Result<Cell, Cell> {
        let within = matches!(fault, Failure::StreamError { .. }) && self.streaming;
        let told = if matches!(fault, Failure::Status { .. }) { 429 } else { 502 };
        let message = match (within, answer.status.as_u16()) {
            (true, 200) => self.speaker.fold(&answer.text()).err(),
            // A limit is told as one; all else is the provider's failure.
            (false, status) if status == told => Some(self.speaker.error(&answer.json(), status)),
            _ => None,
        };
        match message.filter(|message| !message.is_empty()) {
            Some(_) => Ok(Cell::Passed),
            None => Err(Cell::Failed(format!("not told: {} {}", answer.status, answer.text()))),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_conversation_is_held_in_every_dialect_through_every_adapter() {
    let cases = cases::all();
    let stage = Stage::set(&cases).await;
    let mut talks = JoinSet::new();
    let (stage, cases) = (Arc::new(stage), Arc::new(cases));
    for place in 0..LANES.len() {
        talks.spawn(lane_cells(stage.clone(), cases.clone(), place));
    }
    let mut cells: Vec<_> = talks.join_all().await;
    cells.sort_by_key(|(place, _)| *place);
    let cells = cells.into_iter().flat_map(|(_, cells)| cells).collect();
    let table = Table::new(cells);
    println!("{}", table.text());
    table.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_is_answered_through_every_adapter() {
    let mut cases = cases::all();
    cases.retain(|case| OF_PROMPTS.contains(&case.name));
    assert_eq!(cases.len(), OF_PROMPTS.len());
    let stage = Stage::set(&cases).await;
    for (lane, provider) in LANES.iter().zip(&stage.providers) {
        for case in &cases {
            for streaming in [false, true] {
                let speaker = speak::PROMPTS;
                let talk = Talk { stage: &stage, lane, provider, speaker, case, streaming };
                let listed = limits::LIMITS.contains(&(lane.name, case.name));
                match talk.cell().await {
                    Cell::Passed if !listed => {}
                    Cell::Adapter(_) if listed => {}
                    cell => panic!("{}, {}, streamed {streaming}: {cell:?}", lane.name, case.name),
                }
            }
        }
    }
}

/// Conversations that are one prompt and its text.
const OF_PROMPTS: [&str; 7] =
    ["plain", "unicode", "stop-sequence", "length", "empty-reply", "error-before", "error-within"];

/// What became of every conversation through one adapter.
async fn lane_cells(stage: Arc<Stage>, cases: Arc<Vec<Case>>, place: usize) -> (usize, Vec<Entry>) {
    let (lane, provider) = (&LANES[place], &stage.providers[place]);
    let mut cells = Vec::new();
    for speaker in speakers() {
        for case in cases.iter().map(|case| told_by(lane, case)) {
            let mut both = Vec::new();
            for streaming in [false, true] {
                let talk = Talk { stage: &stage, lane, provider, speaker, case: &case, streaming };
                both.push(talk.cell().await);
            }
            cells.push((speaker.name(), case.name, lane.name, Cell::of_both(both)));
        }
    }
    (place, cells)
}
