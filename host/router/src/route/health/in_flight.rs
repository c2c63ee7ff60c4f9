//! An attempt under way, and what it tells of its endpoint: how fast it answered, whether
//! its tool calls were of use, how it ended and who is to blame for that.

use super::Endpoint;
use crate::error::{Code, Error};
use crate::telemetry::{Metrics, ToolCallLabels};
use plugway_routing::health::{Pass, Policy};
use plugway_routing::{Clock, Verdict};
use std::sync::Arc;
use std::time::Duration;

/// An attempt under way. Dropping it without an end, as when the client leaves,
/// blames nobody.
pub struct InFlight(Option<Tracked>);

/// The endpoint of an attempt, to see whether it trips.
pub struct Watch(Option<(Arc<Endpoint>, u64)>);

impl Watch {
    /// Whether the endpoint's breaker has opened since the attempt began.
    pub fn has_tripped(&self) -> bool {
        let Some((endpoint, openings)) = &self.0 else { return false };
        endpoint.lock().openings() != *openings
    }
}

/// None once it has ended.
pub(super) struct Tracked {
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) pass: Pass,
    pub(super) policy: Policy,
    /// In how long 99 of 100 of the endpoint's streams begin, as far as that is known.
    pub(super) usual: Option<Duration>,
    pub(super) clock: Clock,
    pub(super) metrics: Arc<Metrics>,
}

impl InFlight {
    pub(super) fn new(tracked: Tracked) -> Self {
        Self(Some(tracked))
    }

    /// At an endpoint that is not remembered.
    pub(super) fn untracked() -> Self {
        Self(None)
    }

    /// The attempt has yielded its first content.
    pub fn answered(&mut self) {
        if let Some(tracked) = &mut self.0 {
            let now = tracked.now();
            let change = tracked.endpoint.lock().answered(&mut tracked.pass, now);
            if let Some(change) = change {
                tracked.endpoint.tell(change, &tracked.metrics);
            }
        }
    }

    /// It streams, and its first content came after so long.
    pub fn first_token(&self, latency: Duration) {
        if let Some(tracked) = &self.0 {
            tracked.endpoint.lock().first_token(latency, tracked.now());
            let labels = &tracked.endpoint.labels;
            let seconds = latency.as_secs_f64();
            tracked.metrics.endpoint_first_token.get_or_create(labels).observe(seconds);
        }
    }

    /// So many completion tokens came within `over` after the first one.
    pub fn wrote(&self, tokens: u64, over: Duration) {
        if let Some(tracked) = &self.0 {
            tracked.endpoint.lock().wrote(tokens, over, tracked.now());
        }
    }

    /// The answer came whole: so many completion tokens after `time`.
    pub fn wrote_whole(&self, tokens: u64, time: Duration) {
        if let Some(tracked) = &self.0 {
            tracked.endpoint.lock().wrote_whole(tokens, time, tracked.now());
        }
    }

    /// The answer called tools, all of them in a way that the client can use, or not.
    pub fn called_tools(&self, usable: bool) {
        if let Some(tracked) = &self.0 {
            tracked.endpoint.lock().called_tools(usable, tracked.now());
            let endpoint = tracked.endpoint.labels.endpoint.clone();
            let outcome = if usable { "usable" } else { "unusable" };
            let labels = ToolCallLabels { endpoint, outcome };
            tracked.metrics.tool_call_answers.get_or_create(&labels).inc();
        }
    }

    /// The answer was there, and says of itself that it ended in an error.
    pub fn ended_in_error(mut self) {
        if let Some(tracked) = self.0.take() {
            tracked.end(Verdict::Bad, None);
        }
    }

    /// Sees whether its endpoint trips.
    pub fn watch(&self) -> Watch {
        Watch(self.0.as_ref().map(|it| (it.endpoint.clone(), it.pass.openings())))
    }

    /// It has to show that its endpoint works again.
    pub fn is_probe(&self) -> bool {
        self.0.as_ref().is_some_and(|tracked| tracked.pass.is_probe())
    }

    /// It is to stream, and another attempt is begun beside it after so long a silence.
    pub fn late(&mut self, silence: Duration) {
        if let Some(tracked) = &mut self.0 {
            let now = tracked.now();
            let Tracked { endpoint, pass, policy, usual, metrics, .. } = tracked;
            let change = endpoint.lock().late(pass, (silence, *usual), *policy, now);
            if let Some(change) = change {
                endpoint.tell(change, metrics);
            }
        }
    }

    /// It is given up after it has streamed nothing for so long, because another attempt,
    /// begun later, has answered.
    pub fn overtaken(mut self, silence: Duration) {
        if let Some(tracked) = self.0.take() {
            tracked.overtaken(silence);
        }
    }

    /// Records how the attempt ended: well, or with `failure`.
    pub fn ended(mut self, failure: Option<&Error>) {
        if let Some(tracked) = self.0.take() {
            tracked.end(failure.map_or(Verdict::Good, |error| verdict(error.code)), failure);
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if let Some(tracked) = self.0.take() {
            tracked.end(Verdict::Blameless, None);
        }
    }
}

impl Tracked {
    fn now(&self) -> Duration {
        self.clock.date()
    }

    fn end(self, verdict: Verdict, failure: Option<&Error>) {
        let (now, wait) = (self.clock.date(), failure.and_then(wish));
        let Self { endpoint, pass, policy, metrics, .. } = self;
        let ended = endpoint.lock().end(pass, verdict, wait, policy, now);
        if ended.cools {
            metrics.cooldowns.get_or_create(&endpoint.labels).inc();
            tracing::info!(endpoint = endpoint.id, ?wait, "the provider asks for a pause");
        }
        endpoint.left(ended, &metrics);
    }

    fn overtaken(self, silence: Duration) {
        let now = self.clock.date();
        let Self { endpoint, pass, policy, usual, metrics, .. } = self;
        let ended = endpoint.lock().overtaken(pass, (silence, usual), policy, now);
        endpoint.left(ended, &metrics);
    }
}

/// Who is to blame for an error.
fn verdict(code: Code) -> Verdict {
    match code {
        Code::RateLimited => Verdict::Limited,
        Code::ProviderOverloaded
        | Code::ProviderTimeout
        | Code::ProviderUnavailable
        | Code::ProviderAuthentication
        | Code::PaymentRequired
        | Code::PermissionDenied
        | Code::ProviderModelNotFound
        | Code::PluginFailed => Verdict::Bad,
        _ => Verdict::Blameless,
    }
}

/// How long the provider asks to be left alone. It can ask with errors of its own
/// load only: `retry-after` beside another one is advice to whoever sent the request.
fn wish(failure: &Error) -> Option<Duration> {
    match failure.code {
        Code::RateLimited | Code::ProviderOverloaded => failure.retry_after,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_the_operators_account_is_the_endpoints_and_no_client_is() {
        for code in [Code::ProviderAuthentication, Code::PaymentRequired, Code::PermissionDenied] {
            assert_eq!(verdict(code), Verdict::Bad, "{code:?}");
        }
        for code in [Code::InvalidRequest, Code::OutOfTime] {
            assert_eq!(verdict(code), Verdict::Blameless, "{code:?}");
        }
        assert_eq!(verdict(Code::RateLimited), Verdict::Limited);
    }
}
