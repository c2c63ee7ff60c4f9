//! How long a plan waits at each of its steps, by how long its endpoint usually takes.

use super::{Candidate, Percentile, Plan, Setting, number, setting};

/// Milliseconds: no step is given less time than this to begin. One measurement of a
/// fast endpoint is no promise.
const LEAST_TIMEOUT_MS: f64 = 1000.0;

/// Milliseconds: nobody is hedged against earlier than this.
const LEAST_HEDGE_MS: f64 = 20.0;

/// What a strategy is told about waiting. By default nothing: the router's own bounds
/// hold, and no request is sent twice.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Patience {
    /// The next step starts too, once this percentile of the endpoint's own time to
    /// first token has passed.
    pub hedge: Option<Percentile>,
    /// A step is given up after so many times the 99th percentile.
    pub timeout_factor: Option<f64>,
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
        Ok(Self {
            hedge: Percentile::from_settings(settings, hedge)?,
            timeout_factor: timeout_factor.transpose()?,
        })
    }

    /// The same plan, with times at each step whose endpoint was measured. The last step
    /// has nothing to hedge with.
    #[must_use]
    pub fn applied(&self, mut plan: Plan, candidates: &[Candidate]) -> Plan {
        let last = plan.steps.len().saturating_sub(1);
        for (place, step) in plan.steps.iter_mut().enumerate() {
            let candidate = candidates.get(step.candidate as usize);
            let latency = candidate.and_then(|it| it.health.latency_ms.as_ref());
            let hedge = self.hedge.filter(|_| place < last).and_then(|it| it.of(latency));
            step.hedge_after_ms = hedge.map(|ms| milliseconds(ms.max(LEAST_HEDGE_MS)));
            let timeout = self.timeout_factor.zip(Percentile::P99.of(latency));
            let timeout = timeout.map(|(factor, ms)| factor * ms);
            step.first_token_timeout_ms = timeout.map(|ms| milliseconds(ms.max(LEAST_TIMEOUT_MS)));
        }
        plan
    }
}

/// Whole milliseconds; what is too much becomes the greatest number.
fn milliseconds(ms: f64) -> u32 {
    ms.ceil() as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::{Health, Percentiles};
    use crate::testing::candidate;

    fn measured(id: &str, p90: f64, p99: f64) -> Candidate {
        let latency = Percentiles { p50: 1.0, p75: 2.0, p90, p99, samples: 100 };
        let health = Health { latency_ms: Some(latency), ..Health::default() };
        Candidate { health, ..candidate(id, 1.0) }
    }

    fn times(settings: &[(&str, &str)]) -> Vec<(Option<u32>, Option<u32>)> {
        let own = |(name, json): &(&str, &str)| ((*name).into(), (*json).into());
        let settings: Vec<Setting> = settings.iter().map(own).collect();
        let patience = Patience::from_settings(&settings).unwrap();
        let candidates =
            [measured("a/m", 300.2, 800.0), candidate("b/m", 1.0), measured("c/m", 5.0, 10.0)];
        let plan = patience.applied(Plan::in_order(0..3, "as given"), &candidates);
        plan.steps.iter().map(|it| (it.hedge_after_ms, it.first_token_timeout_ms)).collect()
    }

    #[test]
    fn nothing_is_hedged_unless_it_is_asked_for() {
        assert_eq!(times(&[]), [(None, None); 3]);
    }

    #[test]
    fn a_step_waits_as_long_as_its_own_endpoint_usually_takes() {
        let times = times(&[("hedge_percentile", r#""p90""#), ("first_token_timeout_factor", "2")]);
        assert_eq!(times, [(Some(301), Some(1600)), (None, None), (None, Some(1000))]);
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
