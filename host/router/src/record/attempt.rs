//! One attempt of a request: what is noted while it is under way, and what is kept of it
//! once it has ended. It ends once, whoever ends it.

use crate::route::Step;
use plugway_engine::chat::{Picodollars, Usage};
use plugway_routing::walk::Kind;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// An attempt, as logs, metrics and the client are told of it.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Provider slug.
    pub provider: String,
    /// The provider's name for people.
    pub provider_name: String,
    /// Endpoint id.
    pub endpoint: String,
    /// Which of the provider's credentials; empty where it wants none.
    pub credential: String,
    /// The credential is the team's own, so that no key spends what it costs.
    pub is_own: bool,
    /// The model, by its name in the catalogue.
    pub model: String,
    /// Why it was made.
    pub kind: Kind,
    /// `ok`, `cancelled` where the client left, `hedged` where another attempt was
    /// faster, or the error's name.
    pub outcome: &'static str,
    /// HTTP status, where the provider answered.
    pub status: Option<u16>,
    /// From its beginning to its end.
    pub elapsed: Duration,
    /// From its beginning to its first content, where it came so far.
    pub first_content: Option<Duration>,
    /// Prompt and completion tokens, where the provider counted any or the router had to
    /// guess.
    pub tokens: Option<(u64, u64)>,
    /// The tokens are a guess.
    pub is_estimated: bool,
    /// What the provider charges for it; none where nobody knows.
    pub upstream_cost: Option<Picodollars>,
}

/// How an attempt ended, and what it took.
#[derive(Clone, Copy, Debug)]
pub struct Ending<'a> {
    /// As [`Attempt::outcome`].
    pub outcome: &'static str,
    /// Tokens.
    pub usage: Option<&'a Usage>,
    /// The tokens are a guess.
    pub is_estimated: bool,
    /// What the provider charges.
    pub upstream_cost: Option<Picodollars>,
}

impl Ending<'_> {
    /// An end of which nothing more is known.
    pub const fn of(outcome: &'static str) -> Self {
        Self { outcome, usage: None, is_estimated: false, upstream_cost: None }
    }
}

/// What an attempt notes of itself. Whoever cancels it can read it.
#[derive(Debug)]
pub struct Trace {
    began: Instant,
    sent: OnceLock<Instant>,
    /// 0: none came.
    status: AtomicU16,
    first_content: OnceLock<Duration>,
    usage: Mutex<Option<Usage>>,
}

impl Trace {
    /// Of an attempt that begins now.
    fn begin() -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            sent: OnceLock::new(),
            status: AtomicU16::new(0),
            first_content: OnceLock::new(),
            usage: Mutex::default(),
        })
    }

    /// The provider is sent the request.
    pub fn sent(&self) {
        self.sent.get_or_init(Instant::now);
    }

    /// How long the provider has been silent; none where it was asked nothing yet.
    pub fn silence(&self) -> Option<Duration> {
        self.sent.get().map(Instant::elapsed)
    }

    /// Whether the provider may have read the request, and may charge for it, as far as its
    /// response says.
    pub fn may_cost(&self) -> bool {
        let status = self.status.load(Ordering::Relaxed);
        self.sent.get().is_some() && (status == 0 || (200..300).contains(&status))
    }

    /// The provider's response has begun.
    pub fn answered(&self, status: u16) {
        self.status.store(status, Ordering::Relaxed);
    }

    /// Content came.
    pub fn content(&self) {
        self.first_content.get_or_init(|| self.began.elapsed());
    }

    /// So much the provider says that it has consumed so far.
    pub fn consumed(&self, usage: Usage) {
        *self.usage.lock().unwrap_or_else(PoisonError::into_inner) = Some(usage);
    }

    /// What the provider said last that it has consumed.
    pub fn usage(&self) -> Option<Usage> {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The attempts of a request, in the order in which they began. Several may be under way.
#[derive(Debug, Default)]
pub(super) struct Attempts(Mutex<Vec<Entry>>);

#[derive(Debug)]
struct Entry {
    attempt: Attempt,
    /// Until it has ended.
    trace: Option<Arc<Trace>>,
}

impl Attempts {
    /// An attempt begins. Its number, and where it notes what comes.
    pub(super) fn begin(&self, step: &Step, kind: Kind) -> (usize, Arc<Trace>) {
        let (endpoint, credential) = (&step.endpoint, step.credential.as_deref());
        let trace = Trace::begin();
        let attempt = Attempt {
            provider: endpoint.provider.name.clone(),
            provider_name: endpoint.provider.display_name.clone(),
            endpoint: endpoint.id.clone(),
            credential: credential.map_or(String::new(), |credential| credential.name.clone()),
            is_own: credential.is_some_and(|credential| credential.own),
            model: endpoint.model_slug.clone(),
            kind,
            outcome: "cancelled",
            status: None,
            elapsed: Duration::ZERO,
            first_content: None,
            tokens: None,
            is_estimated: false,
            upstream_cost: None,
        };
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.push(Entry { attempt, trace: Some(trace.clone()) });
        (entries.len() - 1, trace)
    }

    /// An attempt ends; none where it had ended before.
    pub(super) fn end(&self, number: usize, ending: Ending<'_>) -> Option<Attempt> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Entry { attempt, trace } = entries.get_mut(number)?;
        let trace = trace.take()?;
        attempt.outcome = ending.outcome;
        attempt.status = Some(trace.status.load(Ordering::Relaxed)).filter(|status| *status > 0);
        attempt.elapsed = trace.began.elapsed();
        attempt.first_content = trace.first_content.get().copied();
        let tokens = |usage: &Usage| (usage.prompt_tokens, usage.completion_tokens);
        attempt.tokens = ending.usage.map(tokens);
        attempt.is_estimated = ending.is_estimated;
        attempt.upstream_cost = ending.upstream_cost;
        Some(attempt.clone())
    }

    /// Those that are still under way.
    pub(super) fn under_way(&self) -> Vec<usize> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let numbers = (0..).zip(entries.iter());
        numbers.filter(|(_, entry)| entry.trace.is_some()).map(|(number, _)| number).collect()
    }

    /// All that began.
    pub(super) fn all(&self) -> Vec<Attempt> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.iter().map(|entry| entry.attempt.clone()).collect()
    }
}
