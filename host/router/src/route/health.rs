//! What is known of each endpoint's health, for all requests at once: who may be tried
//! now, what strategies are told, and what outlasts the process.

mod in_flight;
mod saved;

pub use in_flight::{InFlight, Watch};
pub(crate) use saved::{restore, save_all, save_now_and_then};

use super::Service;
use crate::catalog;
use crate::config::RoutingConfig;
use crate::telemetry::{EndpointLabels, Metrics};
use arc_swap::ArcSwap;
use in_flight::Tracked;
use plugway_engine::Health as HealthTold;
use plugway_routing::Clock;
use plugway_routing::breaker::{self, Change};
use plugway_routing::health::{
    Ended, Figures, Footing, LeftOut, MinSamples, Policy, Reading, Record, Snapshot,
};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, TryLockError};
use std::time::Duration;

/// Endpoints outside the catalogue that are remembered. Clients name those as they
/// like; those of which nothing matters any more make room, and what comes beyond this is
/// served and not remembered. Their records take 70 MiB at most.
const MAX_UNLISTED: usize = 1_000;

/// How often room is made: to look at each of them takes a while, and others wait for it.
const MAKES_ROOM: Duration = Duration::from_secs(60);

/// The endpoints' records. One per router, shared by all requests.
pub struct Health {
    clock: Clock,
    metrics: Arc<Metrics>,
    endpoints: RwLock<HashMap<String, Arc<Endpoint>>>,
    /// Not before then room is made again.
    full_until: Mutex<Duration>,
    shown: ArcSwap<Shown>,
    /// One request takes the next snapshot; the others go by the last one meanwhile.
    taking: Mutex<()>,
}

/// The snapshot of the moment.
struct Shown {
    snapshot: Arc<Snapshot>,
    fresh_until: Duration,
}

struct Endpoint {
    id: String,
    labels: EndpointLabels,
    record: Mutex<Record>,
}

/// How snapshots are taken, as configured.
#[derive(Clone, Copy, Debug)]
pub struct SnapshotPolicy {
    least: MinSamples,
    /// How long one is good for.
    interval: Duration,
}

impl From<&RoutingConfig> for SnapshotPolicy {
    fn from(routing: &RoutingConfig) -> Self {
        let least =
            MinSamples { shares: routing.min_samples, percentiles: routing.min_timed_samples };
        Self { least, interval: routing.health_interval }
    }
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

/// What outlasts the process of one endpoint.
type Lasting = (EndpointLabels, Record);

impl Health {
    /// Records of nothing yet.
    pub fn new(clock: Clock, metrics: Arc<Metrics>) -> Self {
        let snapshot = Arc::new(Snapshot::new(clock.unix_ms(), Vec::new()));
        Self {
            clock,
            metrics,
            endpoints: RwLock::default(),
            full_until: Mutex::default(),
            shown: ArcSwap::from_pointee(Shown { snapshot, fresh_until: Duration::ZERO }),
            taking: Mutex::default(),
        }
    }

    /// Whether an endpoint may be tried now.
    ///
    /// # Errors
    /// Saying why it should not be.
    pub fn check(&self, id: &str) -> Result<Footing, LeftOut> {
        self.check_as(id, false)
    }

    /// The same; `brought`: with a client's own key, so that limits of the router's own
    /// account do not matter.
    ///
    /// # Errors
    /// Saying why it should not be.
    pub fn check_as(&self, id: &str, brought: bool) -> Result<Footing, LeftOut> {
        let Some(endpoint) = self.known(id) else { return Ok(Footing::Sound) };
        endpoint.check(self.clock.date(), brought)
    }

    /// How much longer the router's own account is at a limit at an endpoint.
    pub fn limited(&self, id: &str) -> Option<Duration> {
        self.known(id)?.lock().limited(self.clock.date())
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
        self.begin_as(id, endpoint, policy, last_resort, false)
    }

    /// The same; `brought`: with a client's own key.
    ///
    /// # Errors
    /// When the endpoint should not be tried.
    pub fn begin_as(
        &self,
        id: &str,
        endpoint: &catalog::Endpoint,
        policy: Policy,
        last_resort: bool,
        brought: bool,
    ) -> Result<InFlight, LeftOut> {
        let Some(endpoint) = self.remember(id, endpoint) else { return Ok(InFlight::untracked()) };
        let mut record = endpoint.lock();
        let now = self.clock.date();
        if let Err(left_out) = check(&record, now, brought) {
            let is_merely_tripped = !matches!(left_out, LeftOut::Cooling(_));
            if !(is_merely_tripped && last_resort) {
                return Err(left_out);
            }
        }
        let pass = record.begin(now);
        // A probe comes when hardly anything was measured for a while.
        let of_old = || pass.is_probe().then(|| record.usual(now)).flatten();
        let usual = self.usual(id).or_else(of_old);
        drop(record);
        self.metrics.endpoint_in_flight.get_or_create(&endpoint.labels).inc();
        let (clock, metrics) = (self.clock.clone(), self.metrics.clone());
        Ok(InFlight::new(Tracked { endpoint, pass, policy, usual, clock, metrics }))
    }

    /// What strategies are told of all endpoints: the same for all requests of an
    /// interval, so that decisions can refer to it.
    pub fn snapshot(&self, policy: SnapshotPolicy) -> Arc<Snapshot> {
        let now = self.clock.date();
        let shown = self.shown.load();
        if now < shown.fresh_until {
            return shown.snapshot.clone();
        }
        let _turn = match self.taking.try_lock() {
            Ok(turn) => turn,
            Err(TryLockError::Poisoned(turn)) => turn.into_inner(),
            Err(TryLockError::WouldBlock) => return shown.snapshot.clone(),
        };
        // Whoever had the turn before may have stored one in the meantime.
        let shown = self.shown.load();
        if now < shown.fresh_until {
            return shown.snapshot.clone();
        }
        let reading = |endpoint: &Endpoint| endpoint.lock().reading(policy.least, now);
        let readings = self.all().into_iter().map(|it| (it.id.clone(), reading(&it)));
        let taken = Arc::new(Snapshot::new(self.clock.unix_ms(), readings.collect()));
        // What says the same is the same.
        let is_news = taken.id != shown.snapshot.id;
        let snapshot = if is_news { taken } else { shown.snapshot.clone() };
        let fresh_until = now.saturating_add(policy.interval);
        self.shown.store(Arc::new(Shown { snapshot: snapshot.clone(), fresh_until }));
        snapshot
    }

    /// In how long 99 of 100 of an endpoint's streams begin, by the last snapshot.
    fn usual(&self, id: &str) -> Option<Duration> {
        let shown = self.shown.load();
        let latency_ms = shown.snapshot.reading(id)?.latency_ms?;
        Duration::try_from_secs_f64(latency_ms.p99 / 1000.0).ok()
    }

    /// What people are shown of an endpoint, as of now.
    pub fn figures(&self, id: &str, policy: SnapshotPolicy) -> Figures {
        let Some(endpoint) = self.known(id) else { return Figures::default() };
        endpoint.lock().figures(policy.least, self.clock.date())
    }

    /// Brings the metrics of what is read of endpoints up to date; of those that clients
    /// made up only what all of them add up to is counted.
    pub(crate) fn show(&self, policy: SnapshotPolicy, metrics: &Metrics) {
        let now = self.clock.date();
        let listed = self.all().into_iter().filter(|it| it.labels.endpoint == it.id);
        let reading = |it: Arc<Endpoint>| {
            let reading = it.lock().reading(policy.least, now);
            (it.labels.clone(), reading)
        };
        metrics.show_health(listed.map(reading));
    }

    /// What there is to save: all records that say something, or those of them that have
    /// changed since this was asked last.
    fn lasting(&self, all: bool) -> Vec<(String, Lasting)> {
        let now = self.clock.date();
        let lasting = self.all().into_iter().filter_map(|endpoint| {
            let mut record = endpoint.lock();
            let is_news = record.take_changed(now);
            let lasting = ((all || is_news) && !record.is_past(now)).then(|| record.clone())?;
            drop(record);
            Some((endpoint.id.clone(), (endpoint.labels.clone(), lasting)))
        });
        lasting.collect()
    }

    /// Takes over what an earlier process knew of an endpoint.
    fn restore(&self, id: String, (labels, record): Lasting) {
        let now = self.clock.date();
        if record.is_past(now) {
            return;
        }
        if !record.is_closed(now) {
            self.metrics.breakers_open.get_or_create(&labels).inc();
        }
        let mut known = self.endpoints.write().unwrap_or_else(PoisonError::into_inner);
        let record = Mutex::new(record);
        known.insert(id.clone(), Arc::new(Endpoint { id, labels, record }));
    }

    fn known(&self, id: &str) -> Option<Arc<Endpoint>> {
        let known = self.endpoints.read().unwrap_or_else(PoisonError::into_inner);
        known.get(id).cloned()
    }

    fn all(&self) -> Vec<Arc<Endpoint>> {
        let known = self.endpoints.read().unwrap_or_else(PoisonError::into_inner);
        known.values().cloned().collect()
    }

    /// The endpoint's record, a new one if need be; none where there are too many.
    fn remember(&self, id: &str, endpoint: &catalog::Endpoint) -> Option<Arc<Endpoint>> {
        if let Some(known) = self.known(id) {
            return Some(known);
        }
        let mut known = self.endpoints.write().unwrap_or_else(PoisonError::into_inner);
        if !endpoint.is_listed && !self.has_room(&mut known) {
            return None;
        }
        let new = || {
            let (labels, seed) = (EndpointLabels::of(endpoint), self.seed(id));
            let record = Mutex::new(Record::seeded(seed));
            Arc::new(Endpoint { id: id.to_owned(), labels, record })
        };
        Some(known.entry(id.to_owned()).or_insert_with(new).clone())
    }

    /// Whether one more is remembered that the catalogue does not list, once those are
    /// forgotten of which nothing matters any more.
    fn has_room(&self, known: &mut HashMap<String, Arc<Endpoint>>) -> bool {
        let unlisted = |known: &HashMap<_, Arc<Endpoint>>| {
            known.values().filter(|it| it.labels.is_unlisted()).count()
        };
        if unlisted(known) < MAX_UNLISTED {
            return true;
        }
        let now = self.clock.date();
        let mut full_until = self.full_until.lock().unwrap_or_else(PoisonError::into_inner);
        if now < *full_until {
            return false;
        }
        *full_until = now.saturating_add(MAKES_ROOM);
        known.retain(|_, it| !it.labels.is_unlisted() || !it.lock().is_past(now));
        unlisted(known) < MAX_UNLISTED
    }

    /// Draws an endpoint's pauses: others than its neighbours', and than those of another
    /// router.
    fn seed(&self, id: &str) -> u64 {
        let mut hasher = DefaultHasher::new();
        (id, self.clock.date()).hash(&mut hasher);
        hasher.finish()
    }
}

/// Whether one with this record may be tried now; `brought`: with a client's own key.
fn check(record: &Record, now: Duration, brought: bool) -> Result<Footing, LeftOut> {
    match brought {
        true => record.check_for_others(now),
        false => record.check(now),
    }
}

impl Endpoint {
    fn check(&self, now: Duration, brought: bool) -> Result<Footing, LeftOut> {
        check(&self.lock(), now, brought)
    }

    /// Held for a few assignments at a time, or for adding up a few windows.
    fn lock(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An attempt is no longer under way.
    fn left(&self, ended: Ended, metrics: &Metrics) {
        metrics.endpoint_in_flight.get_or_create(&self.labels).dec();
        if let Some(change) = ended.change {
            self.tell(change, metrics);
        }
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

/// What strategies are told of an endpoint by a snapshot: the same in a replay.
pub(crate) fn told(snapshot: &Snapshot, service: Service, endpoint: &str) -> HealthTold {
    let reading = snapshot.reading(&service.health_id(endpoint));
    reading.map(for_strategies).unwrap_or_default()
}

/// A reading as strategies know it.
fn for_strategies(reading: &Reading) -> HealthTold {
    let percentiles = |it: plugway_routing::health::Percentiles| plugway_engine::Percentiles {
        p50: it.p50,
        p75: it.p75,
        p90: it.p90,
        p99: it.p99,
        samples: it.samples,
    };
    HealthTold {
        uptime_30s: reading.uptime_30s,
        uptime_5m: reading.uptime_5m,
        uptime_30m: reading.uptime_30m,
        rate_limited_5m: reading.rate_limited_5m,
        bad_tool_calls: reading.bad_tool_calls,
        tripped: reading.tripped,
        in_flight: reading.in_flight,
        capacity: reading.capacity,
        latency_ms: reading.latency_ms.map(percentiles),
        throughput: reading.throughput.map(percentiles),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Provider;
    use crate::error::{Code, Error};
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
            rates: plugway_accounts::RateSettings::default(),
            facts: catalog::ProviderFacts::default(),
        })
    }

    fn unlisted(model: &str) -> catalog::Endpoint {
        catalog::Endpoint::passthrough(&provider(), model)
    }

    const ALWAYS: SnapshotPolicy = SnapshotPolicy {
        least: MinSamples { shares: 1, percentiles: 1 },
        interval: Duration::ZERO,
    };

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
        assert_eq!(health.figures("a/m", ALWAYS).now.in_flight, 2);
        drop(first);
        second.ended(None);
        assert_eq!(health.figures("a/m", ALWAYS).now.in_flight, 0);
        assert_eq!(health.figures("unknown", ALWAYS), Figures::default());
    }

    #[test]
    fn an_answer_that_ends_in_an_error_is_a_failure() {
        let health = health();
        let attempt = health.begin("a/m", &unlisted("m"), policy(), false).ok().unwrap();
        attempt.ended_in_error();
        assert_eq!(health.figures("a/m", ALWAYS).now.uptime_5m, Some(0.0));
        assert!(matches!(health.check("a/m"), Err(LeftOut::Tripped(_))));
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
    fn what_is_listed_takes_no_room_and_what_is_past_makes_some() {
        let clock = Clock::stopped(Duration::from_secs(1_000_000));
        let health = Health::new(clock.clone(), Arc::new(Metrics::new()));
        let served = |endpoint: &catalog::Endpoint| {
            health.begin(&endpoint.id, endpoint, policy(), false).ok().unwrap().ended(None);
            health.known(&endpoint.id).is_some()
        };
        let named = |n: usize| unlisted(&n.to_string());
        for n in 0..10 {
            let listed = catalog::Endpoint { is_listed: true, ..unlisted(&format!("listed-{n}")) };
            assert!(served(&listed));
            // Its prompts are counted too.
            let id = Service::TokenCount.health_id(&listed.id);
            health.begin(&id, &listed, policy(), false).ok().unwrap().ended(None);
        }
        assert!((0..MAX_UNLISTED).all(|n| served(&named(n))));
        assert!(!served(&named(MAX_UNLISTED)));
        clock.advance(Duration::from_secs(2 * 24 * 60 * 60));
        assert!(served(&named(MAX_UNLISTED)));
        assert!(health.known("a/0").is_none() && health.known("a/listed-0").is_some());
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

    #[test]
    fn a_snapshot_is_good_for_an_interval_and_known_by_what_it_says() {
        let clock = Clock::stopped(Duration::from_secs(1_000));
        let health = Health::new(clock.clone(), Arc::new(Metrics::new()));
        let policy = SnapshotPolicy { interval: Duration::from_millis(250), ..ALWAYS };
        let empty = health.snapshot(policy);
        let begin = || health.begin("a/m", &unlisted("m"), self::policy(), false).ok().unwrap();
        let attempt = begin();
        clock.advance(Duration::from_millis(249));
        assert!(Arc::ptr_eq(&health.snapshot(policy), &empty));
        clock.advance(Duration::from_millis(1));
        let busy = health.snapshot(policy);
        assert_eq!(busy.reading("a/m").unwrap().in_flight, 1);
        assert_ne!(busy.id, empty.id);
        // Nothing that shows has happened since.
        clock.advance(Duration::from_millis(250));
        assert!(Arc::ptr_eq(&health.snapshot(policy), &busy));
        drop(attempt);
        clock.advance(Duration::from_millis(250));
        assert_eq!(health.snapshot(policy).id, empty.id);
    }

    #[test]
    fn a_snapshots_floats_keep_their_bits_in_any_format() {
        let p = 0.1 + 0.2;
        let latency = plugway_routing::health::Percentiles {
            p50: p,
            p75: 1.0 / 3.0,
            p90: 1e-300,
            p99: f64::MAX,
            samples: 3,
        };
        let reading =
            Reading { uptime_5m: Some(2.0 / 3.0), latency_ms: Some(latency), ..Reading::default() };
        let snapshot = Snapshot::new(5, vec![("a/m".to_owned(), reading)]);
        let json = serde_json::to_string(&snapshot).unwrap();
        assert_eq!(serde_json::from_str::<Snapshot>(&json).unwrap(), snapshot);
    }
}
