//! Every metric name of the router, in one place.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use std::fmt;

/// Who asked what, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// Route pattern, never the raw path.
    pub route: &'static str,
    /// HTTP status.
    pub status: u16,
}

/// Where an attempt went, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct AttemptLabels {
    /// Provider slug.
    pub provider: String,
    /// `ok`, `cancelled`, or the error's type.
    pub outcome: &'static str,
}

/// What left no room.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ShedLabels {
    /// `requests` or `connections`.
    pub bound: &'static str,
}

/// What there is only so much of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ResourceLabels {
    /// `connections`, `requests`, `instances`, `descriptors` or `buffered_bytes`.
    pub resource: &'static str,
}

/// Which plugin.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct PluginLabels {
    /// Plugin id.
    pub plugin: String,
}

/// Tokens of one kind at one provider.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct TokenLabels {
    /// Provider slug.
    pub provider: String,
    /// `prompt` or `completion`.
    pub kind: &'static str,
}

/// The router's metrics. Cheap to update from every request.
pub struct Metrics {
    registry: Registry,
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
    /// Tokens, as providers count them.
    pub tokens: Family<TokenLabels, Counter>,
    /// Calls into plugins that trapped or broke their contract.
    pub plugin_failures: Family<PluginLabels, Counter>,
    /// Requests routed by the built-in order because their strategy failed.
    pub strategy_fallbacks: Family<PluginLabels, Counter>,
    /// Seconds from the request to its first content.
    pub first_token: Histogram,
    /// Seconds from the request to its last byte.
    pub duration: Histogram,
}

impl Metrics {
    /// All metrics at zero.
    pub fn new() -> Self {
        let seconds = || Histogram::new(exponential_buckets(0.001, 2.0, 18));
        let mut metrics = Self {
            registry: Registry::with_prefix("plugway"),
            requests: Family::default(),
            in_flight: Gauge::default(),
            requests_shed: Family::default(),
            capacity: Family::default(),
            in_use: Family::default(),
            attempts: Family::default(),
            tokens: Family::default(),
            plugin_failures: Family::default(),
            strategy_fallbacks: Family::default(),
            first_token: seconds(),
            duration: seconds(),
        };
        metrics.register();
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
        registry.register("tokens", "Tokens as providers count them", self.tokens.clone());
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

    /// Notes how much there is of a resource, and how much of it is taken.
    pub fn note_use(&self, resource: &'static str, capacity: u64, in_use: u64) {
        let labels = ResourceLabels { resource };
        self.capacity.get_or_create(&labels).set(i64::try_from(capacity).unwrap_or(i64::MAX));
        self.in_use.get_or_create(&labels).set(i64::try_from(in_use).unwrap_or(i64::MAX));
    }

    /// The text that Prometheus scrapes.
    pub fn render(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
