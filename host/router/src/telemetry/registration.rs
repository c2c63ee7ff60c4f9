//! Under which name each metric is shown, and what it says of itself.

use super::Metrics;

impl Metrics {
    /// All of them, each once.
    pub(super) fn register(&mut self) {
        self.register_requests();
        self.register_attempts();
        self.register_health();
        self.register_costs();
        self.register_states();
    }

    fn register_requests(&mut self) {
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

    fn register_attempts(&mut self) {
        let Self { registry, .. } = self;
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
        registry.register(
            "ledger_written",
            "Rows of the ledger that were written, open ones included",
            self.ledger_written.clone(),
        );
        registry.register(
            "ledger_lost",
            "Rows of the ledger that could not be written, or had no room",
            self.ledger_lost.clone(),
        );
        registry.register(
            "ledger_interrupted",
            "Requests that a router died under, found open in the ledger",
            self.ledger_interrupted.clone(),
        );
        registry.register(
            "ledger_failing",
            "1 while the ledger cannot be written",
            self.ledger_failing.clone(),
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
}
