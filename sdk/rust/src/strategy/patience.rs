//! How long a plan waits at each of its steps, by how long its endpoint usually takes.

use super::{Candidate, Percentile, Plan, Query, Setting, number, setting};

/// Milliseconds: no step is given less time than this to begin. One measurement of a
/// fast endpoint is no promise.
const LEAST_TIMEOUT_MS: f64 = 1000.0;

/// Instead of a percentile.
const NEVER: &str = "never";

/// Milliseconds: nobody is hedged against earlier than this.
const LEAST_HEDGE_MS: f64 = 20.0;

/// How long a strategy waits for streams to begin. Whole answers begin when they are
/// complete: nothing is known of how long that usually takes, and the router's own bounds
/// hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Patience {
    /// The next step starts too, once this percentile of the endpoint's own time to
    /// first token has passed. By default the 99th: it costs one request in a hundred, and
    /// an endpoint that hangs keeps nobody waiting for long.
    pub hedge: Option<Percentile>,
    /// A step is given up after so many times the 99th percentile.
    pub timeout_factor: Option<f64>,
}

impl Default for Patience {
    fn default() -> Self {
        Self { hedge: Some(Percentile::P99), timeout_factor: None }
    }
}

impl Patience {
    /// The names of the settings.
    pub const SETTINGS: [&'static str; 2] = ["hedge_percentile", "first_token_timeout_factor"];

    /// As the settings `hedge_percentile` and `first_token_timeout_factor` say.
    ///
    /// # Errors
    /// A sentence naming the setting that is wrong.
    pub fn from_settings(settings: &[Setting]) -> Result<Self, String> {
        let [hedge, factor] = Self::SETTINGS;
        let is_set = setting::<f64>(settings, factor)?.is_some();
        let timeout_factor = is_set.then(|| number(settings, factor, 1.0..=100.0, 1.0));
        let hedge = match setting::<String>(settings, hedge)?.as_deref() {
            Some(NEVER) => None,
            _ => Percentile::from_settings(settings, hedge)
                .map_err(|error| format!("{error}, or {NEVER:?}"))?
                .or(Self::default().hedge),
        };
        Ok(Self { hedge, timeout_factor: timeout_factor.transpose()? })
    }

    /// The same plan, with times at each step. An endpoint that was not measured gets the
    /// time of the slowest that was: it may hang as well as any other. The last step has
    /// nothing to hedge with.
    #[must_use]
    pub fn applied(&self, mut plan: Plan, query: &Query, candidates: &[Candidate]) -> Plan {
        if !query.streaming {
            return plan;
        }
        let last = plan.steps.len().saturating_sub(1);
        for (place, step) in plan.steps.iter_mut().enumerate() {
            let candidate = candidates.get(step.candidate as usize);
            let latency = |percentile| usual(percentile, candidate, candidates);
            let hedge = self.hedge.filter(|_| place < last).and_then(latency);
            step.hedge_after_ms = hedge.map(|ms| milliseconds(ms.max(LEAST_HEDGE_MS)));
            let timeout = self.timeout_factor.zip(latency(Percentile::P99));
            let timeout = timeout.map(|(factor, ms)| factor * ms);
            step.first_token_timeout_ms = timeout.map(|ms| milliseconds(ms.max(LEAST_TIMEOUT_MS)));
        }
        plan
    }
}

/// This percentile of a candidate's time to first token, or of the slowest of all.
fn usual(
    percentile: Percentile,
    candidate: Option<&Candidate>,
    candidates: &[Candidate],
) -> Option<f64> {
    let of = |candidate: &Candidate| percentile.of(candidate.health.latency_ms.as_ref());
    let slowest = || candidates.iter().filter_map(of).max_by(f64::total_cmp);
    candidate.and_then(of).or_else(slowest)
}

/// Whole milliseconds; what is too much becomes the greatest number.
fn milliseconds(ms: f64) -> u32 {
    ms.ceil() as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::{Health, Percentiles};
    use crate::testing::{candidate, query};

    fn measured(id: &str, p90: f64, p99: f64) -> Candidate {
        let latency = Percentiles { p50: 1.0, p75: 2.0, p90, p99, samples: 100 };
        let health = Health { latency_ms: Some(latency), ..Health::default() };
        Candidate { health, ..candidate(id, 1.0) }
    }

    fn times(settings: &[(&str, &str)], streaming: bool) -> Vec<(Option<u32>, Option<u32>)> {
        let own = |(name, json): &(&str, &str)| ((*name).into(), (*json).into());
        let settings: Vec<Setting> = settings.iter().map(own).collect();
        let patience = Patience::from_settings(&settings).unwrap();
        let candidates =
            [measured("a/m", 300.2, 800.0), candidate("b/m", 1.0), measured("c/m", 5.0, 10.0)];
        let plan = Plan::in_order(0..3, "as given");
        let plan = patience.applied(plan, &Query { streaming, ..query() }, &candidates);
        plan.steps.iter().map(|it| (it.hedge_after_ms, it.first_token_timeout_ms)).collect()
    }

    #[test]
    fn what_takes_longer_than_99_of_100_is_hedged_unless_that_is_forbidden() {
        assert_eq!(times(&[], true), [(Some(800), None), (Some(800), None), (None, None)]);
        assert_eq!(times(&[("hedge_percentile", r#""never""#)], true), [(None, None); 3]);
    }

    #[test]
    fn a_step_waits_as_long_as_its_own_endpoint_usually_takes_or_the_slowest_that_was_measured() {
        let settings = [("hedge_percentile", r#""p90""#), ("first_token_timeout_factor", "2")];
        assert_eq!(
            times(&settings, true),
            [(Some(301), Some(1600)), (Some(301), Some(1600)), (None, Some(1000))]
        );
    }

    #[test]
    fn of_whole_answers_nothing_is_known() {
        assert_eq!(times(&[("first_token_timeout_factor", "2")], false), [(None, None); 3]);
    }

    #[test]
    fn wrong_settings_are_named() {
        for (name, json) in [
            ("hedge_percentile", r#""p95""#),
            ("hedge_percentile", "90"),
            ("first_token_timeout_factor", "0.5"),
        ] {
            let error = Patience::from_settings(&[(name.into(), json.into())]).unwrap_err();
            assert!(error.contains(name), "{error}");
        }
    }
}
