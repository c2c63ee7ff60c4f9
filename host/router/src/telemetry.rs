//! Every metric name of the router, in one place.

mod labels;

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
        metrics.register_health();
        metrics.register_costs();
        metrics.register_states();
        metrics
    }

    fn register(&mut self) {
        let Self { registry, .. } = self;
        registry.register("requests", "Requests answered", self.requests.clone());
        registry.register("requests_in_flight", "Requests under way", self.in_flight.clone());
        registry.register(
            "requests_shed",
            "Requests turned away because there was no room for them",
            self.requests_shed.clone(),
        );
        registry.register("capacity", "How much fits at once", self.capacity.clone());
        registry.register("in_use", "How much of the capacity is taken", self.in_use.clone());
        registry.register("attempts", "Attempts at providers", self.attempts.clone());
        registry.register(
            "credential_attempts",
            "Attempts at providers, by credential",
            self.credential_attempts.clone(),
        );
        registry.register(
            "credential_cooldowns",
            "Pauses of credentials that their provider refused",
            self.credential_cooldowns.clone(),
        );
        registry.register(
            "requests_resent",
            "Requests sent once more because their connection had been closed",
            self.requests_resent.clone(),
        );
        registry.register(
            "parameters_left_out",
            "Tuning parameters left out of requests because the endpoint does not take them",
            self.parameters_left_out.clone(),
        );
        registry.register(
            "retries_refused",
            "Further attempts that the retry budget did not allow",
            self.retries_refused.clone(),
        );
        registry.register(
            "breakers_open",
            "Circuit breakers that are not closed",
            self.breakers_open.clone(),
        );
        registry.register(
            "breaker_trips",
            "Circuit breakers that opened",
            self.breaker_trips.clone(),
        );
        registry.register("cooldowns", "Pauses that providers asked for", self.cooldowns.clone());
        registry.register("tokens", "Tokens as providers count them", self.tokens.clone());
        registry.register(
            "decisions_kept",
            "Records of decisions that were written",
            self.decisions_kept.clone(),
        );
        registry.register(
            "decisions_dropped",
            "Records of decisions for which there was no room, or no database",
            self.decisions_dropped.clone(),
        );
        registry.register(
            "plugin_failures",
            "Plugin calls that trapped or broke their contract",
            self.plugin_failures.clone(),
        );
        registry.register(
            "strategy_fallbacks",
            "Requests routed by the built-in order because their strategy failed",
            self.strategy_fallbacks.clone(),
        );
        registry.register(
            "time_to_first_token_seconds",
            "From the request to its first content",
            self.first_token.clone(),
        );
        registry.register(
            "request_duration_seconds",
            "From the request to its last byte",
            self.duration.clone(),
        );
    }

    fn register_health(&mut self) {
        let Self { registry, .. } = self;
        registry.register(
            "endpoint_in_flight",
            "Attempts under way",
            self.endpoint_in_flight.clone(),
        );
        registry.register(
            "endpoint_time_to_first_token_seconds",
            "From a streamed attempt to its first content",
            self.endpoint_first_token.clone(),
        );
        registry.register(
            "tool_call_answers",
            "Answers that called tools, in a way that the client can use or not",
            self.tool_call_answers.clone(),
        );
        registry.register(
            "endpoint_uptime_ratio",
            "Share of attempts that succeeded, last 5 minutes",
            self.endpoint_uptime.clone(),
        );
        registry.register(
            "endpoint_rate_limited_ratio",
            "Share of attempts that were answered 429, last 5 minutes",
            self.endpoint_rate_limited.clone(),
        );
        registry.register(
            "endpoint_throughput_tokens_per_second",
            "Median of completion tokens per second after the first, last 5 minutes",
            self.endpoint_throughput.clone(),
        );
        registry.register(
            "endpoint_capacity",
            "Attempts at a time that it is believed to bear, learned from 429s",
            self.endpoint_capacity.clone(),
        );
    }

    /// What further attempts take.
    fn register_costs(&mut self) {
        let Self { registry, .. } = self;
        registry.register(
            "hedges_refused",
            "Attempts beside slow ones that the budget for them did not allow",
            self.hedges_refused.clone(),
        );
        registry.register(
            "upstream_cost_picodollars",
            "What attempts cost at their providers, where that is known or can be guessed",
            self.upstream_cost.clone(),
        );
        registry.register(
            "answers_insured",
            "Answers that came to nothing, which no key was billed for",
            self.answers_insured.clone(),
        );
    }

    /// What is set when somebody looks, see [`Metrics::show_plugins`].
    fn register_states(&mut self) {
        let Self { registry, .. } = self;
        registry.register(
            "plugin_generation",
            "Counts what has served under a plugin's id",
            self.plugin_generation.clone(),
        );
        registry.register(
            "plugin_skipped",
            "What a plugin passed over in answers because it did not know it",
            self.plugin_skipped.clone(),
        );
        registry.register(
            "plugin_refused",
            "1 for each file that was put in a plugin's place and does not serve",
            self.plugin_refused.clone(),
        );
        registry.register(
            "plugins_directory_trouble",
            "1 while the plugins directory cannot be looked through, or not whole",
            self.plugins_directory_trouble.clone(),
        );
        registry.register(
            "config_generation",
            "Counts the configurations that have held",
            self.config_generation.clone(),
        );
        registry.register(
            "config_refused",
            "1 while the newest text of the configuration does not hold",
            self.config_refused.clone(),
        );
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
