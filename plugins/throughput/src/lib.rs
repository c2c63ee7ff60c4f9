//! The endpoint that writes fastest first; the others follow as fallbacks.
//!
//! What the client asked for comes first: its order of models and of providers, its
//! cutoffs, and its `sort`, which replaces the throughput by an order of that kind and is
//! kept strictly. Then come endpoints that lately succeeded, then one that holds the
//! conversation's prompt cache, then the throughput, and where that is equal the cost. An
//! endpoint whose circuit breaker is open comes last.
//!
//! An endpoint that was not measured yet, or not lately, gets a bounded share of the
//! requests, drawn from the request's seed. So each is measured, and comes back when it
//! has become better.
//!
//! Options, from the configuration or with a request:
//!
//! | option | default | meaning |
//! |---|---|---|
//! | `percentile` | `"p50"` | which percentile of the throughput decides: `"p50"`, `"p75"`, `"p90"` or `"p99"` |
//! | `exploration` | 0.05 | share of requests that go first to an unmeasured endpoint, where there is one that stands no worse for the client; never away from a warm prompt cache |
//! | `min_uptime` | 0.95 | share of attempts that must have succeeded for an endpoint to be sound; below it comes later |
//! | `fallback_uptime` | 0.8 | below this it comes only behind all others |
//! | `hedge_percentile` | `"p99"` | of streams, the next endpoint starts too, once this percentile of the endpoint's own time to first token has passed: `"p50"`, `"p75"`, `"p90"`, `"p99"` or `"never"` |
//! | `first_token_timeout_factor` | none | an endpoint is given up after so many times the 99th percentile of its time to first token, and after a second at least |

use plugway_sdk::strategy::measured::{Measure, Measured};
use plugway_sdk::strategy::{Health, Percentiles};

/// The strategy.
pub type Throughput = Measured<TokensPerSecond>;

/// Completion tokens per second after the first.
pub struct TokensPerSecond;

impl Measure for TokensPerSecond {
    const NAME: &'static str = "throughput";

    fn of(health: &Health) -> Option<&Percentiles> {
        health.throughput.as_ref()
    }

    fn worth(figure: f64) -> f64 {
        -figure
    }

    fn told(figure: f64) -> String {
        format!("{figure:.0} tokens per second")
    }
}

plugway_sdk::export!(strategy: Throughput);

#[cfg(test)]
mod tests {
    use super::*;
    use plugway_sdk::strategy::{Candidate, Setup, Strategy};
    use plugway_sdk::testing::{candidate, query};

    fn measured(id: &str, p50: f64) -> Candidate {
        let figure = Percentiles { p50, p75: p50, p90: p50, p99: p50, samples: 100 };
        let health = Health { throughput: Some(figure), ..Health::default() };
        Candidate { health, ..candidate(id, 1.0) }
    }

    #[test]
    fn the_best_figure_comes_first_and_the_reason_tells_it() {
        let options = vec![("exploration".to_owned(), "0".to_owned())];
        let setup = Setup { options, score_names: Vec::new(), state: None };
        let strategy = Throughput::open(setup).unwrap();
        let candidates = vec![measured("worse/m", 30.0), measured("better/m", 90.0)];
        let plan = strategy.route(query(), candidates).unwrap();
        let order: Vec<u32> = plan.steps.iter().map(|step| step.candidate).collect();
        assert_eq!(order, [1, 0]);
        assert!(plan.reason.starts_with("better/m has the best throughput, "), "{}", plan.reason);
    }
}
