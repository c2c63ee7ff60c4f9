//! Why each endpoint did not serve a request.

use super::{Code, Error};
use crate::catalog::Endpoint;
use crate::route::{Cause, Excluded};
use plugway_engine::Candidate;

/// Characters of a model's name that are shown.
const SHOWN: usize = 128;

/// Why one endpoint did not serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Its id.
    pub endpoint: String,
    /// Whose it is.
    pub provider: String,
    /// Which model it would have served.
    pub model: String,
    /// What kept it from serving.
    pub why: Why,
    /// The same for people.
    pub text: String,
}

/// What kept an endpoint from serving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It was not to be tried.
    Excluded(Cause),
    /// It was tried, and failed.
    Failed(Code),
}

impl Reason {
    /// An attempt at `endpoint` failed.
    pub fn failed(endpoint: &Endpoint, error: &Error) -> Self {
        Self::of(endpoint, Why::Failed(error.code), error.message.clone())
    }

    /// The endpoint's turn came, and it asks for a pause.
    pub fn cooling(endpoint: &Endpoint, text: impl Into<String>) -> Self {
        Self::of(endpoint, Why::Excluded(Cause::Cooling), text.into())
    }

    /// The endpoint's circuit breaker is open, and its turn did not come.
    pub fn tripped(endpoint: &Endpoint, text: impl Into<String>) -> Self {
        Self::of(endpoint, Why::Excluded(Cause::Tripped), text.into())
    }

    /// The strategy accepts no endpoint, this one included.
    pub fn refused(candidate: &Candidate, text: impl Into<String>) -> Self {
        Self {
            endpoint: candidate.id.clone(),
            provider: candidate.provider.clone(),
            model: candidate.model.clone(),
            why: Why::Excluded(Cause::Strategy),
            text: text.into(),
        }
    }

    fn of(endpoint: &Endpoint, why: Why, text: String) -> Self {
        Self {
            endpoint: endpoint.id.clone(),
            provider: endpoint.provider.name.clone(),
            model: endpoint.model_slug.clone(),
            why,
            text,
        }
    }
}

impl From<Excluded> for Reason {
    fn from(excluded: Excluded) -> Self {
        let Excluded { endpoint, provider, model, cause, reason } = excluded;
        Self { endpoint, provider, model, why: Why::Excluded(cause), text: reason }
    }
}

/// All that is to be said of the endpoints of a request that failed. Boxed: errors are
/// moved about, and few hold any.
#[derive(Clone, Debug, Default)]
pub struct Reasons(Option<Box<Considered>>);

#[derive(Clone, Debug, Default)]
struct Considered {
    models: Vec<String>,
    is_pinned: bool,
    instead: Vec<String>,
    each: Vec<Reason>,
}

impl Reasons {
    /// Nothing is known of any endpoint.
    pub fn is_empty(&self) -> bool {
        self.all().is_empty()
    }

    /// One for each endpoint, those first that were tried.
    pub fn all(&self) -> &[Reason] {
        self.0.as_ref().map_or(&[], |considered| &considered.each)
    }

    /// Endpoints that were tried, in that order, and how they failed.
    pub fn failures(&self) -> impl DoubleEndedIterator<Item = (&Reason, Code)> {
        self.all().iter().filter_map(|reason| match reason.why {
            Why::Failed(code) => Some((reason, code)),
            Why::Excluded(_) => None,
        })
    }

    /// Rules that shut endpoints out, in the order of the endpoints.
    pub fn causes(&self) -> impl Iterator<Item = Cause> {
        self.all().iter().filter_map(|reason| match reason.why {
            Why::Excluded(cause) => Some(cause),
            Why::Failed(_) => None,
        })
    }

    /// Models as the client named them.
    pub fn models(&self) -> &[String] {
        self.0.as_ref().map_or(&[], |considered| &considered.models)
    }

    /// The client wants these providers or none.
    pub fn is_pinned(&self) -> bool {
        self.0.as_ref().is_some_and(|considered| considered.is_pinned)
    }

    /// Slugs of models that would have served the request, the best first.
    pub fn instead(&self) -> &[String] {
        self.0.as_ref().map_or(&[], |considered| &considered.instead)
    }

    /// Adds models that would have served it.
    pub(super) fn or_instead(&mut self, models: Vec<String>) {
        if !models.is_empty() {
            self.0.get_or_insert_default().instead = models;
        }
    }

    /// Adds what the client asked for. Names are the client's: what is shown of them is
    /// fit to be shown.
    pub(super) fn asked(&mut self, models: &[String], is_pinned: bool) {
        let considered = self.0.get_or_insert_default();
        let shown = |name: &String| name.chars().filter(|c| !c.is_control()).take(SHOWN).collect();
        considered.models = models.iter().map(shown).collect();
        considered.is_pinned = is_pinned;
    }
}

impl FromIterator<Reason> for Reasons {
    fn from_iter<I: IntoIterator<Item = Reason>>(reasons: I) -> Self {
        let each: Vec<_> = reasons.into_iter().collect();
        match each.is_empty() {
            true => Self::default(),
            false => Self(Some(Box::new(Considered { each, ..Considered::default() }))),
        }
    }
}
