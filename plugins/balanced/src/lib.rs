//! Healthy endpoints first, and among them a draw: the cheaper an endpoint, the
//! likelier it comes first. So traffic spreads over providers, health is measured
//! everywhere, and most requests still are cheap. The others follow as fallbacks.
//!
//! What the client asked for comes before all that: its order of models and of
//! providers, its cutoffs for speed, and its objective, which replaces the draw by
//! an order. Endpoints whose circuit breaker is open come last.
//!
//! Options, from the configuration:
//!
//! | option | default | meaning |
//! |---|---|---|
//! | `min_uptime` | 0.95 | share of attempts of the last 30 seconds that must have succeeded for an endpoint to be healthy |
//! | `exponent` | 2 | an endpoint's weight is 1 / cost ^ exponent; 0 draws blindly |

mod draw;

use plugway_sdk::strategy::order::{self, Standing};
use plugway_sdk::strategy::{
    Candidate, Objective, Percentiles, Plan, Query, Refusal, Setup, Strategy, known_settings,
    setting,
};

/// The strategy as it is configured.
#[derive(Debug)]
pub struct Balanced {
    min_uptime: f64,
    exponent: f64,
}

impl Strategy for Balanced {
    fn open(setup: Setup) -> Result<Self, String> {
        known_settings(&setup.options, &["min_uptime", "exponent"])?;
        Ok(Self {
            min_uptime: in_range(&setup, "min_uptime", 0.0..=1.0, 0.95)?,
            exponent: in_range(&setup, "exponent", 0.0..=8.0, 2.0)?,
        })
    }

    fn route(&self, query: Query, candidates: Vec<Candidate>) -> Result<Plan, Refusal> {
        known_settings(&query.options, &[]).map_err(Refusal::InvalidOptions)?;
        Ok(match query.objective {
            Objective::Balanced => self.drawn(&query, &candidates),
            Objective::Price => sorted(&query, &candidates, "cost", |it| it.estimated_cost),
            Objective::Throughput => sorted(&query, &candidates, "throughput", |it| {
                -median(it.health.throughput.as_ref()).unwrap_or(f64::NEG_INFINITY)
            }),
            Objective::Latency => sorted(&query, &candidates, "latency", |it| {
                median(it.health.latency_ms.as_ref()).unwrap_or(f64::INFINITY)
            }),
            Objective::Quality => sorted(&query, &candidates, "quality", |it| -quality(it)),
        })
    }
}

impl Balanced {
    fn drawn(&self, query: &Query, candidates: &[Candidate]) -> Plan {
        let weights: Vec<f64> = candidates
            .iter()
            .map(|candidate| draw::weight(candidate.estimated_cost, self.exponent))
            .collect();
        let turns = draw::turns(query.seed, &weights);
        let mut ranked: Vec<usize> = (0..candidates.len()).collect();
        let group = |index: usize| {
            let candidate = &candidates[index];
            (Standing::of(candidate, query), !self.healthy(candidate))
        };
        ranked.sort_by(|a, b| group(*a).cmp(&group(*b)).then(turns[*a].total_cmp(&turns[*b])));

        let Some(first) = ranked.first().copied() else {
            return Plan::in_order(ranked, "there is no candidate");
        };
        let equals: Vec<usize> =
            ranked.iter().copied().filter(|index| group(*index) == group(first)).collect();
        let sum: f64 = equals.iter().map(|index| weights[*index]).sum();
        let reason = format!(
            "{} was drawn by price, with a chance of {:.0}%, from {} equally fit of {} candidates",
            candidates[first].id,
            100.0 * weights[first] / sum,
            equals.len(),
            candidates.len(),
        );
        Plan::in_order(ranked, reason)
    }

    /// An endpoint without measurements is taken for healthy: how else would it get
    /// any.
    fn healthy(&self, candidate: &Candidate) -> bool {
        let health = &candidate.health;
        let full = health.capacity.is_some_and(|capacity| health.in_flight >= capacity);
        !full && health.uptime_30s.is_none_or(|uptime| uptime >= self.min_uptime)
    }
}

fn sorted(
    query: &Query,
    candidates: &[Candidate],
    objective: &str,
    key: impl Fn(&Candidate) -> f64,
) -> Plan {
    let ranked = order::by_key(query, candidates, key);
    let first = ranked.first().map_or("none", |index| &candidates[*index].id);
    let reason = format!("{first} is the best by {objective}, which the client asked for");
    Plan::in_order(ranked, reason)
}

fn median(percentiles: Option<&Percentiles>) -> Option<f64> {
    percentiles.map(|percentiles| percentiles.p50)
}

/// Mean of the catalogue's scores; those without any come last.
fn quality(candidate: &Candidate) -> f64 {
    let scores: Vec<f64> = candidate.scores.iter().copied().flatten().collect();
    if scores.is_empty() {
        return f64::NEG_INFINITY;
    }
    scores.iter().sum::<f64>() / scores.len() as f64
}

fn in_range(
    setup: &Setup,
    name: &str,
    range: std::ops::RangeInclusive<f64>,
    default: f64,
) -> Result<f64, String> {
    let value = setting(&setup.options, name)?.unwrap_or(default);
    if range.contains(&value) {
        return Ok(value);
    }
    Err(format!("option {name:?} must be from {} to {}", range.start(), range.end()))
}

plugway_sdk::export!(strategy: Balanced);

#[cfg(test)]
mod tests;
