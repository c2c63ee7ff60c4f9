//! How far an endpoint is to be trusted with a request, by how its attempts have lately
//! ended. Softer than a circuit breaker: nobody is left out, some come later.

use super::{Candidate, Query, Setting, number};

/// How sound an endpoint is; the lesser comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Band {
    /// Nothing speaks against it, or nothing is known of it: how else would anything
    /// become known?
    Normal,
    /// It fails more often than it should, or asks many to wait.
    Degraded,
    /// It fails often, or has as much in flight as it bears: only where the rest failed.
    Fallback,
}

/// Where the bands end: shares of attempts that succeeded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bands {
    /// At least so many of a normal endpoint's attempts succeed.
    pub min_uptime: f64,
    /// Fewer than these make a fallback of an endpoint.
    pub fallback_uptime: f64,
}

impl Default for Bands {
    fn default() -> Self {
        Self { min_uptime: 0.95, fallback_uptime: 0.8 }
    }
}

impl Bands {
    /// The names of the settings.
    pub const SETTINGS: [&'static str; 2] = ["min_uptime", "fallback_uptime"];

    /// As the settings `min_uptime` and `fallback_uptime` say.
    ///
    /// # Errors
    /// A sentence naming the setting, where its value is no share.
    pub fn from_settings(settings: &[Setting]) -> Result<Self, String> {
        let default = Self::default();
        let [min, fallback] = Self::SETTINGS;
        Ok(Self {
            min_uptime: number(settings, min, 0.0..=1.0, default.min_uptime)?,
            fallback_uptime: number(settings, fallback, 0.0..=1.0, default.fallback_uptime)?,
        })
    }

    /// The worst of what is known decides: successes of the last 30 seconds and of the
    /// last 5 minutes and, where the request has tools, how many of the endpoint's own
    /// calls were usable. To be asked to wait is no failure, and degrades at most.
    #[must_use]
    pub fn band(&self, candidate: &Candidate, query: &Query) -> Band {
        let health = &candidate.health;
        if health.capacity.is_some_and(|capacity| health.in_flight >= capacity) {
            return Band::Fallback;
        }
        let has_tools = query.needs.iter().any(|need| need == "tools");
        let usable = health.bad_tool_calls.filter(|_| has_tools).map(|bad| 1.0 - bad);
        let shares = [health.uptime_30s, health.uptime_5m, usable];
        let worst = shares.into_iter().flatten().fold(1.0, f64::min);
        let patient = health.rate_limited_5m.map_or(1.0, |limited| 1.0 - limited);
        if worst < self.fallback_uptime {
            Band::Fallback
        } else if worst < self.min_uptime || patient < self.fallback_uptime {
            Band::Degraded
        } else {
            Band::Normal
        }
    }

    /// Whether the endpoint failed so often within the last 30 seconds that even an
    /// order of another kind, as by price, should put it behind the others.
    #[must_use]
    pub fn is_failing(&self, candidate: &Candidate) -> bool {
        candidate.health.uptime_30s.is_some_and(|share| share < self.fallback_uptime)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::Health;
    use crate::testing::{candidate, query};

    fn check(health: Health, needs: &[&str], expected: Band) {
        let needs = needs.iter().map(|&need| need.into()).collect();
        let query = Query { needs, ..query() };
        let told = format!("{health:?}");
        let candidate = Candidate { health, ..candidate("a/m", 1.0) };
        assert_eq!(Bands::default().band(&candidate, &query), expected, "{told}");
    }

    #[test]
    fn the_worst_share_decides() {
        let none = Health::default();
        check(none, &[], Band::Normal);
        check(Health { uptime_30s: Some(0.95), ..none }, &[], Band::Normal);
        check(Health { uptime_30s: Some(0.94), ..none }, &[], Band::Degraded);
        check(Health { uptime_30s: Some(1.0), uptime_5m: Some(0.8), ..none }, &[], Band::Degraded);
        check(Health { uptime_5m: Some(0.79), ..none }, &[], Band::Fallback);
        // The last half hour is shown, and does not count: it would hold on for too long.
        check(Health { uptime_30m: Some(0.1), ..none }, &[], Band::Normal);
    }

    #[test]
    fn an_endpoint_that_bears_no_more_is_a_fallback() {
        let full = Health { in_flight: 4, capacity: Some(4), ..Health::default() };
        check(full, &[], Band::Fallback);
        check(Health { in_flight: 3, ..full }, &[], Band::Normal);
    }

    #[test]
    fn to_ask_for_patience_degrades_at_most() {
        check(Health { rate_limited_5m: Some(0.2), ..Health::default() }, &[], Band::Normal);
        check(Health { rate_limited_5m: Some(1.0), ..Health::default() }, &[], Band::Degraded);
    }

    #[test]
    fn unusable_calls_count_where_there_are_tools() {
        let clumsy = Health { bad_tool_calls: Some(0.3), ..Health::default() };
        check(clumsy, &["images"], Band::Normal);
        check(clumsy, &["tools"], Band::Fallback);
    }
}
