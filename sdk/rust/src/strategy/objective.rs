//! What the client asked for by `sort`: an order that is not a strategy's to choose.

use super::{Bands, Candidate, Objective, Plan, Query, order};

/// The plan that the client's `sort` asks for; none where it leaves that to the
/// strategy.
///
/// By price, cost decides; by throughput and by latency, the median; by quality, the
/// mean of the catalogue's scores. What is unknown comes last. An endpoint that fails
/// all the time is not what anybody asks for, and comes behind those that do not.
#[must_use]
pub fn plan(query: &Query, candidates: &[Candidate], bands: &Bands) -> Option<Plan> {
    let name = match query.objective {
        Objective::Balanced => return None,
        Objective::Price => "price",
        Objective::Throughput => "throughput",
        Objective::Latency => "latency",
        Objective::Quality => "quality",
    };
    let ranked = order::by_keys(query, candidates, |candidate| {
        let is_failing = f64::from(u8::from(bands.is_failing(candidate)));
        [is_failing, worth(query.objective, candidate), candidate.estimated_cost]
    });
    let first = ranked.first().map_or("none", |index| &candidates[*index].id);
    let reason = format!("{first} is the best by {name}, which the client asked for");
    Some(Plan::in_order(ranked, reason))
}

/// The less the better.
fn worth(objective: Objective, candidate: &Candidate) -> f64 {
    let health = &candidate.health;
    match objective {
        Objective::Balanced | Objective::Price => candidate.estimated_cost,
        Objective::Throughput => -health.throughput.map_or(f64::NEG_INFINITY, |it| it.p50),
        Objective::Latency => health.latency_ms.map_or(f64::INFINITY, |it| it.p50),
        Objective::Quality => -quality(candidate),
    }
}

fn quality(candidate: &Candidate) -> f64 {
    let scores: Vec<f64> = candidate.scores.iter().copied().flatten().collect();
    if scores.is_empty() {
        return f64::NEG_INFINITY;
    }
    scores.iter().sum::<f64>() / scores.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::{Health, Percentiles};
    use crate::testing::{candidate, query};

    fn percentiles(p50: f64) -> Percentiles {
        Percentiles { p50, p75: p50, p90: p50, p99: p50, samples: 100 }
    }

    fn measured(id: &str, throughput: f64, latency: f64, scores: &[Option<f64>]) -> Candidate {
        let health = Health {
            throughput: Some(percentiles(throughput)),
            latency_ms: Some(percentiles(latency)),
            ..Health::default()
        };
        Candidate { health, scores: scores.to_vec(), ..candidate(id, 1.0) }
    }

    fn check(objective: Objective, candidates: &[Candidate], expected: &[&str]) {
        let query = Query { objective, ..query() };
        let plan = plan(&query, candidates, &Bands::default()).unwrap();
        let ids = plan.steps.iter().map(|step| candidates[step.candidate as usize].id.as_str());
        assert_eq!(ids.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn each_sort_has_its_order_and_the_unknown_come_last() {
        let candidates = [
            measured("one/m", 10.0, 100.0, &[Some(0.2), Some(0.4)]),
            measured("two/m", 90.0, 900.0, &[Some(0.9), None]),
            candidate("unmeasured/m", 0.5),
        ];
        check(Objective::Price, &candidates, &["unmeasured/m", "one/m", "two/m"]);
        check(Objective::Throughput, &candidates, &["two/m", "one/m", "unmeasured/m"]);
        check(Objective::Latency, &candidates, &["one/m", "two/m", "unmeasured/m"]);
        check(Objective::Quality, &candidates, &["two/m", "one/m", "unmeasured/m"]);
        assert!(plan(&query(), &candidates, &Bands::default()).is_none());
    }

    #[test]
    fn what_fails_all_the_time_comes_behind() {
        let mut cheap = candidate("cheap/m", 0.1);
        cheap.health.uptime_30s = Some(0.5);
        check(Objective::Price, &[cheap, candidate("dear/m", 9.0)], &["dear/m", "cheap/m"]);
    }
}
