//! What crosses the engine's edge, apart from `chat`: plain types of the host's
//! own, so that a change of the contract's generated code stops here.

use std::fmt;

/// Name and JSON value, as in the contract's `extra` and `setting`.
pub type Setting = (String, String);

/// Name in lower case, and value.
pub type Header = (String, String);

/// How the credential is attached, as an adapter proposes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthScheme {
    /// No credential.
    None,
    /// `authorization: Bearer <secret>`.
    Bearer,
    /// The secret alone, in the header of this name.
    Header(String),
    /// The secret alone, in the query parameter of this name.
    Query(String),
    /// AWS Signature Version 4 for this service name.
    Sigv4(String),
    /// A bearer token for this OAuth 2 scope.
    Oauth(String),
}

/// What an adapter says of itself: claims, never a binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdapterInfo {
    /// Lower-case slug.
    pub name: String,
    /// Proposed where the operator configures none.
    pub default_base_url: Option<String>,
    /// Proposed, best first.
    pub auth: Vec<AuthScheme>,
    /// Dialects whose native values the adapter reads and writes.
    pub dialects: Vec<String>,
    /// Values of `part.format` that the provider takes back.
    pub reasoning_formats: Vec<String>,
    /// Request parameters that the adapter translates.
    pub supported_parameters: Vec<String>,
}

/// What the operator and the catalogue know about the endpoint being called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointFacts {
    /// For providers that insist on a limit when the client gave none.
    pub max_output_tokens: Option<u32>,
    /// The provider's options, then the endpoint's, which override them.
    pub options: Vec<Setting>,
}

/// How a streamed body is cut into frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Server-sent events.
    Sse,
    /// Newline-delimited JSON.
    Ndjson,
    /// `application/vnd.amazon.eventstream`.
    AwsEventStream,
    /// As the bytes arrive.
    Raw,
}

/// The request that an adapter wrote. Unchecked: the host checks it before it
/// is sent. `Debug` shows no content.
pub struct UpstreamRequest {
    /// `GET` or `POST`, if the adapter keeps to the contract.
    pub method: String,
    /// Relative to the provider's base URL.
    pub path: String,
    /// In the adapter's order.
    pub headers: Vec<Header>,
    /// With seals where the adapter was shown seals.
    pub body: Vec<u8>,
    /// Of the response, when the request asks for a stream.
    pub framing: Framing,
    /// Handed back to the adapter with the response.
    pub memo: String,
}

impl fmt::Debug for UpstreamRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamRequest")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("framing", &self.framing)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Status and headers of a provider's response.
#[derive(Clone, Debug)]
pub struct ResponseHead {
    /// HTTP status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<Header>,
}

/// One frame of a streamed body. `Debug` shows no content.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    /// SSE event name, or event-stream `:event-type`.
    pub kind: Option<String>,
    /// The payload.
    pub data: Vec<u8>,
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frame({:?}, {} bytes)", self.kind, self.data.len())
    }
}

/// A measured distribution over the router's sliding window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Percentiles {
    /// Median.
    pub p50: f64,
    /// 75th percentile.
    pub p75: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 99th percentile.
    pub p99: f64,
    /// Samples in the window.
    pub samples: u32,
}

/// What the client would like each percentile to keep to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
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

/// An endpoint's health as strategies see it. Shares are 0 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Health {
    /// Share of attempts that succeeded, last 30 seconds.
    pub uptime_30s: Option<f64>,
    /// The same over 5 minutes.
    pub uptime_5m: Option<f64>,
    /// The same over 30 minutes.
    pub uptime_30m: Option<f64>,
    /// Share of attempts answered 429, last 5 minutes.
    pub rate_limited_5m: Option<f64>,
    /// Share of answers with tool calls of which one was unusable.
    pub bad_tool_calls: Option<f64>,
    /// The circuit breaker is open.
    pub tripped: bool,
    /// Attempts under way.
    pub in_flight: u32,
    /// Attempts in flight that it lately bore before refusing.
    pub capacity: Option<u32>,
    /// Time to first token, milliseconds.
    pub latency_ms: Option<Percentiles>,
    /// Completion tokens per second after the first.
    pub throughput: Option<Percentiles>,
}

/// US dollars per million tokens, or per request; for comparing only.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ComparePrice {
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

/// An endpoint that a request may go to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Candidate {
    /// `<provider>/<upstream model>`, unique among the candidates.
    pub id: String,
    /// Provider slug.
    pub provider: String,
    /// Catalogue slug.
    pub model: String,
    /// For comparing only.
    pub price: ComparePrice,
    /// Expected cost of this very request, US dollars.
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
    /// One per name in `Setup::score_names`.
    pub scores: Vec<Option<f64>>,
    /// The operator's labels.
    pub tags: Vec<(String, String)>,
    /// From the current snapshot.
    pub health: Health,
}

/// What the client optimises for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Objective {
    /// The strategy's own judgement.
    #[default]
    Balanced,
    /// Cheapest.
    Price,
    /// Most completion tokens per second.
    Throughput,
    /// Shortest time to first token.
    Latency,
    /// Best scores.
    Quality,
}

/// One routing question.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    /// In the client's order of preference.
    pub models: Vec<String>,
    /// A later model only once the earlier ones are exhausted.
    pub keep_model_order: bool,
    /// In the client's order of preference; empty: no preference.
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
    /// E.g. `tools`, `images`, `json`, `reasoning`.
    pub needs: Vec<String>,
    /// The client's metadata and the key's tags.
    pub tags: Vec<(String, String)>,
    /// The request's own options for this strategy.
    pub options: Vec<Setting>,
    /// Stable per conversation.
    pub session: Option<u64>,
    /// All randomness that the decision may use.
    pub seed: u64,
    /// Milliseconds since the Unix epoch.
    pub now_ms: u64,
}

/// One step of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Index into the candidates. Unchecked.
    pub candidate: u32,
    /// Reasoning effort to use instead of the client's, if it gave none.
    pub effort: Option<String>,
    /// Start the next step too, if no token came after this long.
    pub hedge_after_ms: Option<u32>,
    /// Overrides the configured time to first token.
    pub first_token_timeout_ms: Option<u32>,
}

/// A strategy's answer. Unchecked: the host validates the indices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Tried in order.
    pub steps: Vec<Step>,
    /// One sentence for whoever asks why.
    pub reason: String,
    /// For the learner, verbatim.
    pub note: String,
}

/// A strategy that answered, but with no plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No candidate is acceptable.
    NoRoute(String),
    /// The request's options are wrong.
    InvalidOptions(String),
}

/// What a strategy is opened with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setup {
    /// From the configuration.
    pub options: Vec<Setting>,
    /// Names of the catalogue's scores.
    pub score_names: Vec<String>,
    /// What the learner returned last.
    pub state: Option<Vec<u8>>,
}
