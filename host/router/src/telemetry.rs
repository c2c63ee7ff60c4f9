//! Every metric name of the router, in one place.

mod labels;
mod registration;

pub use labels::*;

use crate::reload::ConfigStatus;
use plugway_engine::{PluginStatus, RefusedFile};
use plugway_routing::health::Reading;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};

/// A gauge of what is no whole number.
type Fraction = Gauge<f64, AtomicU64>;

/// The router's metrics. Cheap to update from every request.
pub struct Metrics {
    registry: Registry,
    /// One at a time shows states and renders: what is shown anew is not there for a moment.
    rendering: Mutex<()>,
    /// Requests answered, by route and status.
    pub requests: Family<RequestLabels, Counter>,
    /// Requests under way.
    pub in_flight: Gauge,
    /// Requests for which there was no room.
    pub requests_shed: Family<ShedLabels, Counter>,
    /// How much fits at once, by resource.
    pub capacity: Family<ResourceLabels, Gauge>,
    /// How much of that is taken.
    pub in_use: Family<ResourceLabels, Gauge>,
    /// Attempts made, by provider and outcome.
    pub attempts: Family<AttemptLabels, Counter>,
    /// The same, by the credential that each was made with.
    pub credential_attempts: Family<CredentialAttemptLabels, Counter>,
    /// Pauses of credentials that their provider refused.
    pub credential_cooldowns: Family<CredentialLabels, Counter>,
    /// Requests that were sent once more because the connection was stale.
    pub requests_resent: Family<ProviderLabels, Counter>,
    /// Tuning parameters that an endpoint does not take, left out of requests.
    pub parameters_left_out: Family<ParameterLabels, Counter>,
    /// Further attempts that the retry budget did not allow.
    pub retries_refused: Counter,
    /// Attempts beside slow ones that their budget did not allow.
    pub hedges_refused: Counter,
    /// What attempts cost at their providers, billed to somebody or not.
    pub upstream_cost: Family<AttemptLabels, Counter>,
    /// Answers that no key was billed for, because they came to nothing.
    pub answers_insured: Counter,
    /// Circuit breakers that are not closed now.
    pub breakers_open: Family<EndpointLabels, Gauge>,
    /// Circuit breakers that opened; failed probes are not counted again.
    pub breaker_trips: Family<EndpointLabels, Counter>,
    /// Pauses that providers asked for.
    pub cooldowns: Family<EndpointLabels, Counter>,
    /// Attempts under way.
    pub endpoint_in_flight: Family<EndpointLabels, Gauge>,
    /// Seconds from a streamed attempt to its first content.
    pub endpoint_first_token: Family<EndpointLabels, Histogram, fn() -> Histogram>,
    /// Answers that called tools.
    pub tool_call_answers: Family<ToolCallLabels, Counter>,
    endpoint_uptime: Family<EndpointLabels, Fraction>,
    endpoint_rate_limited: Family<EndpointLabels, Fraction>,
    endpoint_throughput: Family<EndpointLabels, Fraction>,
    endpoint_capacity: Family<EndpointLabels, Gauge>,
    /// Tokens, as providers count them.
    pub tokens: Family<TokenLabels, Counter>,
    /// Records of decisions that were written.
    pub decisions_kept: Counter,
    /// Records of decisions for which there was no room, or no database.
    pub decisions_dropped: Counter,
    /// Rows of the ledger that were written, open ones included.
    pub ledger_written: Counter,
    /// Rows of the ledger that could not be written, or had no room.
    pub ledger_lost: Counter,
    /// Requests that a router died under.
    pub ledger_interrupted: Counter,
    /// 1 while the ledger cannot be written.
    pub ledger_failing: Gauge,
    /// Calls into plugins that trapped or broke their contract.
    pub plugin_failures: Family<PluginLabels, Counter>,
    /// Requests routed by the built-in order because their strategy failed.
    pub strategy_fallbacks: Family<PluginLabels, Counter>,
    plugin_generation: Family<ServingLabels, Gauge>,
    plugin_skipped: Family<ServingLabels, Counter>,
    plugin_refused: Family<RefusedLabels, Gauge>,
    plugins_directory_trouble: Gauge,
    config_generation: Gauge,
    config_refused: Gauge,
    /// Seconds from the request to its first content.
    pub first_token: Histogram,
    /// Seconds from the request to its last byte.
    pub duration: Histogram,
}

impl Metrics {
    /// All metrics at zero.
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("plugway"),
            rendering: Mutex::default(),
            requests: Family::default(),
            in_flight: Gauge::default(),
            requests_shed: Family::default(),
            capacity: Family::default(),
            in_use: Family::default(),
            attempts: Family::default(),
            credential_attempts: Family::default(),
            credential_cooldowns: Family::default(),
            requests_resent: Family::default(),
            parameters_left_out: Family::default(),
            retries_refused: Counter::default(),
            hedges_refused: Counter::default(),
            upstream_cost: Family::default(),
            answers_insured: Counter::default(),
            breakers_open: Family::default(),
            breaker_trips: Family::default(),
            cooldowns: Family::default(),
            endpoint_in_flight: Family::default(),
            endpoint_first_token: Family::new_with_constructor(seconds),
            tool_call_answers: Family::default(),
            endpoint_uptime: Family::default(),
            endpoint_rate_limited: Family::default(),
            endpoint_throughput: Family::default(),
            endpoint_capacity: Family::default(),
            tokens: Family::default(),
            decisions_kept: Counter::default(),
            decisions_dropped: Counter::default(),
            ledger_written: Counter::default(),
            ledger_lost: Counter::default(),
            ledger_interrupted: Counter::default(),
            ledger_failing: Gauge::default(),
            plugin_failures: Family::default(),
            strategy_fallbacks: Family::default(),
            plugin_generation: Family::default(),
            plugin_skipped: Family::default(),
            plugin_refused: Family::default(),
            plugins_directory_trouble: Gauge::default(),
            config_generation: Gauge::default(),
            config_refused: Gauge::default(),
            first_token: seconds(),
            duration: seconds(),
        };
        metrics.register();
        metrics
    }

    /// Takes over how the plugins are.
    pub fn show_plugins(&self, plugins: &[PluginStatus], trouble: bool) {
        self.plugin_generation.clear();
        self.plugin_skipped.clear();
        self.plugin_refused.clear();
        for status in plugins {
            let plugin = status.id.clone();
            if status.kind.is_some() {
                let digest = status.digest.clone();
                let labels = ServingLabels { plugin: plugin.clone(), digest };
                let generation = i64::try_from(status.generation).unwrap_or(i64::MAX);
                self.plugin_generation.get_or_create(&labels).set(generation);
                self.plugin_skipped.get_or_create(&labels).inc_by(status.skipped);
            }
            if let Some(RefusedFile { file, digest, reason, .. }) = status.refused.clone() {
                let (file, digest) = (file.display().to_string(), digest.unwrap_or_default());
                let labels = RefusedLabels { plugin, file, digest, reason };
                self.plugin_refused.get_or_create(&labels).set(1);
            }
        }
        self.plugins_directory_trouble.set(trouble.into());
    }

    /// Takes over how endpoints have lately fared, each as far as it is known.
    pub fn show_health(&self, endpoints: impl Iterator<Item = (EndpointLabels, Reading)>) {
        self.endpoint_uptime.clear();
        self.endpoint_rate_limited.clear();
        self.endpoint_throughput.clear();
        self.endpoint_capacity.clear();
        for (labels, reading) in endpoints {
            let median = reading.throughput.map(|it| it.p50);
            for (family, value) in [
                (&self.endpoint_uptime, reading.uptime_5m),
                (&self.endpoint_rate_limited, reading.rate_limited_5m),
                (&self.endpoint_throughput, median),
            ] {
                if let Some(value) = value {
                    family.get_or_create(&labels).set(value);
                }
            }
            if let Some(capacity) = reading.capacity {
                self.endpoint_capacity.get_or_create(&labels).set(capacity.into());
            }
        }
    }

    /// Takes over which configuration holds.
    pub fn show_config(&self, status: &ConfigStatus) {
        self.config_generation.set(i64::try_from(status.generation).unwrap_or(i64::MAX));
        self.config_refused.set(status.last_error.is_some().into());
    }

    /// Notes how much there is of a resource, and how much of it is taken.
    pub fn note_use(&self, resource: &'static str, capacity: u64, in_use: u64) {
        let labels = ResourceLabels { resource };
        self.capacity.get_or_create(&labels).set(i64::try_from(capacity).unwrap_or(i64::MAX));
        self.in_use.get_or_create(&labels).set(i64::try_from(in_use).unwrap_or(i64::MAX));
    }

    /// The text that Prometheus scrapes, once `show` has brought the states up to date.
    pub fn render_after(&self, show: impl FnOnce(&Self)) -> Result<String, fmt::Error> {
        let _one_at_a_time = self.rendering.lock().unwrap_or_else(PoisonError::into_inner);
        show(self);
        self.render()
    }

    /// The text as things were shown last.
    pub fn render(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.0, 18))
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
