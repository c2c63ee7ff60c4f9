//! What was asked of a strategy, of whom, and what it answered: the contract's types in
//! a form of their own, so that a change of the contract does not change what is kept.

use super::Digest;
use serde::{Deserialize, Serialize};

/// Name and JSON value.
pub type Setting = (String, String);

/// A question to a strategy, and its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Whom was asked; none: the built-in order.
    pub strategy: Option<Strategy>,
    /// What.
    pub query: Query,
    /// Among which.
    pub candidates: Vec<Candidate>,
    /// Where it had the candidates' health from: a snapshot's id.
    pub snapshot: u64,
    /// What its imports answered, in the order of the calls.
    pub imports: Vec<Import>,
    /// It saw the prompt, which is kept apart from this, or not at all.
    pub read_prompts: bool,
    /// Its answer.
    pub ruling: Ruling,
    /// The steps to walk, in order: those of its plan, as far as the router kept them and
    /// as it put them. None where there is no plan.
    pub steps: Vec<Step>,
    /// The plan's sentence, with what the router did to it.
    pub reason: String,
}

/// A strategy, as it was opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strategy {
    /// The plugin's id.
    pub id: String,
    /// Which bytes ran.
    pub digest: Digest,
    /// From the configuration.
    pub options: Vec<Setting>,
    /// Names of the catalogue's scores.
    pub score_names: Vec<String>,
    /// What it had learnt.
    pub state: Option<Digest>,
}

/// What the strategy was asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Query {
    /// In the client's order of preference.
    pub models: Vec<String>,
    /// A later model only once the earlier ones are exhausted.
    pub keep_model_order: bool,
    /// In the client's order of preference.
    pub providers: Vec<String>,
    /// What to optimise for.
    pub objective: Objective,
    /// Candidates that miss a cutoff come last.
    pub min_throughput: Option<Cutoffs>,
    /// Candidates that miss a cutoff come last.
    pub max_latency_ms: Option<Cutoffs>,
    /// Estimated.
    pub prompt_tokens: u32,
    /// The client's limit.
    pub max_tokens: Option<u32>,
    /// The client asked for a stream.
    pub streaming: bool,
    /// What the request makes use of.
    pub needs: Vec<String>,
    /// The client's own labels, and the key's.
    pub tags: Vec<(String, String)>,
    /// The request's own options for the strategy.
    pub options: Vec<Setting>,
    /// The conversation's number.
    pub session: Option<u64>,
    /// All randomness of the request.
    pub seed: u64,
    /// Milliseconds since the Unix epoch.
    pub now_ms: u64,
}

/// What the client optimises for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Objective {
    /// The strategy's own judgement.
    #[default]
    Balanced,
    /// Cheapest.
    Price,
    /// Most tokens per second.
    Throughput,
    /// Shortest time to the first token.
    Latency,
    /// Best scores.
    Quality,
}

/// What the client would like each percentile to keep to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cutoffs {
    /// Median.
    pub p50: Option<f64>,
    /// 75th percentile.
    pub p75: Option<f64>,
    /// 90th percentile.
    pub p90: Option<f64>,
    /// 99th percentile.
    pub p99: Option<f64>,
}

/// An endpoint that the request might go to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// `<provider>/<upstream model>`.
    pub id: String,
    /// Provider slug.
    pub provider: String,
    /// Catalogue slug.
    pub model: String,
    /// US dollars per million tokens.
    pub price: Price,
    /// Of this very request, US dollars.
    pub estimated_cost: f64,
    /// Tokens.
    pub context_length: u32,
    /// Tokens.
    pub max_output_tokens: Option<u32>,
    /// E.g. `fp8`.
    pub quantization: Option<String>,
    /// E.g. `eu`.
    pub region: Option<String>,
    /// E.g. `flex`.
    pub service_tier: Option<String>,
    /// Paid with the client's own key.
    pub own_key: bool,
    /// Holds this conversation's prompt cache.
    pub warm: bool,
    /// One per name in [`Strategy::score_names`].
    pub scores: Vec<Option<f64>>,
    /// The operator's labels.
    pub tags: Vec<(String, String)>,
}

/// US dollars per million tokens, or per request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Price {
    /// Per million prompt tokens.
    pub prompt: f64,
    /// Per million completion tokens.
    pub completion: f64,
    /// Per million tokens read from a prompt cache.
    pub cache_read: Option<f64>,
    /// Per million tokens written to a prompt cache.
    pub cache_write: Option<f64>,
    /// Per request.
    pub request: f64,
}

/// One call out of a strategy, and what came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// Interface and function.
    pub function: String,
    /// As it came.
    pub answer: Vec<u8>,
}

/// What a strategy answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ruling {
    /// Where to go.
    Plan(Plan),
    /// No candidate is acceptable.
    NoRoute(String),
    /// The request's options are wrong.
    InvalidOptions(String),
    /// It failed, and the built-in order took over.
    Failed {
        /// The built-in order, with a sentence that says how.
        instead: Plan,
    },
    /// There was no instance for it.
    NoCapacity,
}

/// A strategy's answer, word for word.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// To be tried in order, as far as the request's own bounds allow.
    pub steps: Vec<Step>,
    /// Its sentence.
    pub reason: String,
    /// For its learner.
    pub note: String,
}

/// One step of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Index into the candidates.
    pub candidate: u32,
    /// Reasoning effort to use instead of the client's.
    pub effort: Option<String>,
    /// Start the next step too after so long.
    pub hedge_after_ms: Option<u32>,
    /// Time to first token.
    pub first_token_timeout_ms: Option<u32>,
}

impl Decision {
    /// The plan that was followed, if there was one; [`Self::steps`] say how.
    #[must_use]
    pub fn plan(&self) -> Option<&Plan> {
        match &self.ruling {
            Ruling::Plan(plan) | Ruling::Failed { instead: plan, .. } => Some(plan),
            Ruling::NoRoute(_) | Ruling::InvalidOptions(_) | Ruling::NoCapacity => None,
        }
    }
}
