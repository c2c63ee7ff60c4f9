//! What is known of each endpoint's health: shares of success, attempts under way,
//! whether its provider asked for a pause, whether its circuit breaker is open.

use super::window::Windows;
use crate::catalog;
use crate::config::RoutingConfig;
use crate::error::{Code, Error};
use crate::telemetry::{EndpointLabels, Metrics};
use plugway_engine::Health as Reading;
use plugway_routing::breaker::{self, Change, Pass, Standing};
use plugway_routing::{Breaker, Clock, Cooldown, Verdict};
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

/// Endpoints outside the catalogue that are remembered. Clients name those as they
/// like; what comes beyond this is served and not remembered.
const MAX_UNLISTED: usize = 10_000;

/// The endpoints' records. One per router, shared by all requests.
pub struct Health {
    clock: Clock,
    metrics: Arc<Metrics>,
    endpoints: RwLock<HashMap<String, Arc<Endpoint>>>,
}

struct Endpoint {
    id: String,
    labels: EndpointLabels,
    in_flight: AtomicU32,
    record: Mutex<Record>,
}

#[derive(Default)]
struct Record {
    windows: Windows,
    cooldown: Cooldown,
    breaker: Breaker,
}

/// The bounds that a request's attempts are held to, as configured when it came.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    max_cooldown: Duration,
    breaker: breaker::Policy,
}

impl From<&RoutingConfig> for Policy {
    fn from(routing: &RoutingConfig) -> Self {
        let breaker = breaker::Policy {
            failures: routing.breaker_failures,
            max_pause: routing.breaker_max_pause,
        };
        Self { max_cooldown: routing.max_cooldown, breaker }
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
        | Code::ProviderModelNotFound
        | Code::PluginFailed => Verdict::Bad,
        _ => Verdict::Blameless,
    }
}

/// How far an endpoint that may be tried now is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Footing {
    /// Nothing speaks against it.
    Sound,
    /// Its circuit breaker is half-open: the next request to it is a probe.
    OnProbation,
}

/// Why an endpoint is not to be tried now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOut {
    /// Its provider asked to be left alone for so much longer: not to be tried at all.
    Cooling(Duration),
    /// Its circuit breaker is open for so much longer: a last resort.
    Tripped(Duration),
    /// Its circuit breaker lets one request through at a time, and one is under
    /// way: a last resort.
    Probed,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = |rest: &Duration| match rest.as_secs() + u64::from(rest.subsec_nanos() > 0) {
            1 => "1 more second".to_owned(),
            n => format!("{n} more seconds"),
        };
        match self {
            Self::Cooling(rest) => {
                write!(f, "it is cooling down for {}, as the provider asked", more(rest))
            }
            Self::Tripped(rest) => {
                write!(f, "it failed again and again, and is left alone for {}", more(rest))
            }
            Self::Probed => {
                f.write_str("it failed again and again, and another request is trying it now")
            }
        }
    }
}

/// An attempt under way. Dropping it without an end, as when the client leaves,
/// blames nobody.
pub struct InFlight(Option<Tracked>);

/// None once it has ended.
struct Tracked {
    endpoint: Arc<Endpoint>,
    pass: Pass,
    policy: Policy,
    clock: Clock,
    metrics: Arc<Metrics>,
}

impl Health {
    /// Records of nothing yet.
    pub fn new(clock: Clock, metrics: Arc<Metrics>) -> Self {
        Self { clock, metrics, endpoints: RwLock::default() }
    }

    /// Whether an endpoint may be tried now.
    ///
    /// # Errors
    /// Saying why it should not be.
    pub fn check(&self, id: &str) -> Result<Footing, LeftOut> {
        let Some(endpoint) = self.known(id) else { return Ok(Footing::Sound) };
        let record = endpoint.lock();
        record.check(self.clock.now())
    }

    /// Counts an attempt in, until the returned guard goes; what is known of it is kept
    /// by the name `id`. As a last resort an endpoint is tried whatever its breaker says.
    ///
    /// # Errors
    /// When the endpoint should not be tried.
    pub fn begin(
        &self,
        id: &str,
        endpoint: &catalog::Endpoint,
        policy: Policy,
        last_resort: bool,
    ) -> Result<InFlight, LeftOut> {
        let Some(endpoint) = self.remember(id, endpoint) else { return Ok(InFlight(None)) };
        let mut record = endpoint.lock();
        let now = self.clock.now();
        if let Err(left_out) = record.check(now) {
            let is_merely_tripped = !matches!(left_out, LeftOut::Cooling(_));
            if !(is_merely_tripped && last_resort) {
                return Err(left_out);
            }
        }
        let pass = record.breaker.begin(now);
        drop(record);
        endpoint.in_flight.fetch_add(1, Ordering::Relaxed);
        let (clock, metrics) = (self.clock.clone(), self.metrics.clone());
        Ok(InFlight(Some(Tracked { endpoint, pass, policy, clock, metrics })))
    }

    /// What strategies are told about an endpoint now.
    pub fn reading(&self, id: &str) -> Reading {
        let Some(endpoint) = self.known(id) else { return Reading::default() };
        let in_flight = endpoint.in_flight.load(Ordering::Relaxed);
        let record = endpoint.lock();
        let now = self.clock.now();
        let standing = record.breaker.standing(now);
        Reading {
            tripped: matches!(standing, Standing::Open(_) | Standing::Probed),
            ..record.windows.reading(now.as_secs(), in_flight)
        }
    }

    fn known(&self, id: &str) -> Option<Arc<Endpoint>> {
        let known = self.endpoints.read().unwrap_or_else(PoisonError::into_inner);
        known.get(id).cloned()
    }

    /// The endpoint's record, a new one if need be; none where there are too many.
    fn remember(&self, id: &str, endpoint: &catalog::Endpoint) -> Option<Arc<Endpoint>> {
        if let Some(known) = self.known(id) {
            return Some(known);
        }
        let mut known = self.endpoints.write().unwrap_or_else(PoisonError::into_inner);
        if !endpoint.is_listed && known.len() >= MAX_UNLISTED {
            return None;
        }
        let new = || {
            Arc::new(Endpoint {
                id: id.to_owned(),
                labels: EndpointLabels::of(endpoint),
                in_flight: AtomicU32::new(0),
                record: Mutex::default(),
            })
        };
        Some(known.entry(id.to_owned()).or_insert_with(new).clone())
    }
}

impl Endpoint {
    /// Held for a few assignments at a time.
    fn lock(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, change: Change, metrics: &Metrics) {
        let Self { id, labels, .. } = self;
        match change {
            Change::Opened => {
                metrics.breakers_open.get_or_create(labels).inc();
                metrics.breaker_trips.get_or_create(labels).inc();
                tracing::warn!(endpoint = id, "the circuit breaker opens");
            }
            Change::Reopened => tracing::warn!(endpoint = id, "the circuit breaker stays open"),
            Change::Closed => {
                metrics.breakers_open.get_or_create(labels).dec();
                tracing::info!(endpoint = id, "the circuit breaker closes");
            }
        }
    }
}

impl Record {
    fn check(&self, now: Duration) -> Result<Footing, LeftOut> {
        if let Some(rest) = self.cooldown.rest(now) {
            return Err(LeftOut::Cooling(rest));
        }
        match self.breaker.standing(now) {
            Standing::Closed => Ok(Footing::Sound),
            Standing::HalfOpen => Ok(Footing::OnProbation),
            Standing::Open(rest) => Err(LeftOut::Tripped(rest)),
            Standing::Probed => Err(LeftOut::Probed),
        }
    }
}

impl InFlight {
    /// The attempt has yielded its first content.
    pub fn answered(&mut self) {
        if let Some(tracked) = &mut self.0 {
            tracked.endpoint.lock().breaker.answered(&mut tracked.pass);
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
    fn end(self, verdict: Verdict, failure: Option<&Error>) {
        let Self { endpoint, pass, policy, clock, metrics } = self;
        endpoint.in_flight.fetch_sub(1, Ordering::Relaxed);
        let mut record = endpoint.lock();
        let now = clock.now();
        record.windows.add(now.as_secs(), verdict);
        let change = record.breaker.end(pass, verdict, policy.breaker, now);
        let wait = failure.and_then(wish);
        let cools = wait.is_some_and(|wait| record.cooldown.ask(wait, policy.max_cooldown, now));
        drop(record);
        if cools {
            metrics.cooldowns.get_or_create(&endpoint.labels).inc();
            tracing::info!(endpoint = endpoint.id, ?wait, "the provider asks for a pause");
        }
        if let Some(change) = change {
            endpoint.tell(change, &metrics);
        }
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
    use crate::catalog::Provider;
    use plugway_engine::AuthScheme;

    fn provider() -> Arc<Provider> {
        Arc::new(Provider {
            name: "a".into(),
            display_name: "A".into(),
            adapter: "a".into(),
            base_url: http::Uri::from_static("http://localhost/v1"),
            auth: AuthScheme::None,
            credentials: Vec::new(),
            options: Vec::new(),
            tags: Vec::new(),
            headers: Vec::new(),
            relay: Vec::new(),
            models_url: None,
            facts: catalog::ProviderFacts::default(),
        })
    }

    fn unlisted(model: &str) -> catalog::Endpoint {
        catalog::Endpoint::passthrough(&provider(), model)
    }

    fn health() -> Health {
        Health::new(Clock::machine(), Arc::new(Metrics::new()))
    }

    fn policy() -> Policy {
        Policy::from(&RoutingConfig { breaker_failures: 1, ..RoutingConfig::default() })
    }

    #[test]
    fn attempts_under_way_are_counted_until_they_end() {
        let health = health();
        let first = health.begin("a/m", &unlisted("m"), policy(), false).ok().unwrap();
        let second = health.begin("a/m", &unlisted("m"), policy(), false).ok().unwrap();
        assert_eq!(health.reading("a/m").in_flight, 2);
        drop(first);
        second.ended(None);
        assert_eq!(health.reading("a/m").in_flight, 0);
        assert_eq!(health.reading("unknown").in_flight, 0);
    }

    #[test]
    fn what_clients_make_up_is_bounded_and_does_not_crowd_out_the_catalogue() {
        let health = health();
        let end = Error::new(Code::ProviderUnavailable, "down");
        for n in 0..=MAX_UNLISTED {
            let endpoint = unlisted(&n.to_string());
            health.begin(&endpoint.id, &endpoint, policy(), false).ok().unwrap().ended(Some(&end));
        }
        assert!(health.check("a/0").is_err());
        assert!(health.check(&format!("a/{MAX_UNLISTED}")).is_ok());
        let listed = catalog::Endpoint { is_listed: true, ..unlisted("listed") };
        health.begin(&listed.id, &listed, policy(), false).ok().unwrap().ended(Some(&end));
        assert!(health.check("a/listed").is_err());
        let metrics = health.metrics.render().unwrap();
        let gauges = metrics.lines().filter(|line| line.starts_with("plugway_breakers_open{"));
        let mut gauges: Vec<_> = gauges.collect();
        gauges.sort_unstable();
        assert_eq!(
            gauges,
            [
                format!("plugway_breakers_open{{endpoint=\"a/*\"}} {MAX_UNLISTED}"),
                "plugway_breakers_open{endpoint=\"a/listed\"} 1".to_owned(),
            ]
        );
    }

    #[test]
    fn only_a_provider_under_load_can_ask_for_a_pause() {
        let wait = Some(Duration::from_secs(7));
        for (code, expected) in [
            (Code::RateLimited, true),
            (Code::ProviderOverloaded, true),
            (Code::ProviderUnavailable, false),
            (Code::InvalidRequest, false),
        ] {
            let health = health();
            let patient = Policy::from(&RoutingConfig::default());
            let attempt = health.begin("a/m", &unlisted("m"), patient, false).ok().unwrap();
            attempt.ended(Some(&Error { retry_after: wait, ..Error::new(code, "later") }));
            let left_out = health.check("a/m");
            assert_eq!(matches!(left_out, Err(LeftOut::Cooling(_))), expected, "{code:?}");
            assert_eq!(
                health.begin("a/m", &unlisted("m"), patient, true).is_err(),
                expected,
                "{code:?}"
            );
        }
    }
}
