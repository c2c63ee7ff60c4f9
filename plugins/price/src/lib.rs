//! The cheapest endpoint first, by the expected cost of this very request; the
//! others follow as fallbacks, dearer and dearer.
//!
//! What the client asked for comes before the price: its order of models and of
//! providers, its cutoffs for speed, and its `sort`, which replaces the price by an
//! order of that kind. An endpoint that lately failed all the time comes behind those
//! that did not; one whose circuit breaker is open comes last. A warm prompt cache
//! counts by what it saves: the expected cost knows of it.
//!
//! Options, from the configuration or with a request:
//!
//! | option | default | meaning |
//! |---|---|---|
//! | `fallback_uptime` | 0.8 | share of attempts of the last 30 seconds that must have succeeded, or the endpoint comes behind the others; 0: the price alone decides |
//! | `hedge_percentile` | `"p99"` | of streams, the next endpoint starts too, once this percentile of the endpoint's own time to first token has passed: `"p50"`, `"p75"`, `"p90"`, `"p99"` or `"never"` |
//! | `first_token_timeout_factor` | none | an endpoint is given up after so many times the 99th percentile of its time to first token, and after a second at least |

use plugway_sdk::strategy::{
    Bands, Candidate, Patience, Plan, Query, Refusal, Setting, Setup, Strategy, known_settings,
    objective, order,
};

const OPTIONS: [&str; 3] = ["fallback_uptime", "hedge_percentile", "first_token_timeout_factor"];

/// The strategy as it is configured.
pub struct Price {
    settings: Vec<Setting>,
    options: Options,
}

#[derive(Clone, Copy)]
struct Options {
    bands: Bands,
    patience: Patience,
}

impl Strategy for Price {
    fn open(setup: Setup) -> Result<Self, String> {
        let options = Options::read(&setup.options)?;
        Ok(Self { settings: setup.options, options })
    }

    fn route(&self, query: Query, candidates: Vec<Candidate>) -> Result<Plan, Refusal> {
        let Options { bands, patience } = match query.options.as_slice() {
            [] => self.options,
            asked => {
                Options::read(&[&self.settings, asked].concat()).map_err(Refusal::InvalidOptions)?
            }
        };
        let plan = objective::plan(&query, &candidates, &bands).unwrap_or_else(|| {
            let ranked = order::by_keys(&query, &candidates, |it| {
                [f64::from(u8::from(bands.is_failing(it))), it.estimated_cost]
            });
            let reason = reason(&candidates, &ranked);
            Plan::in_order(ranked, reason)
        });
        Ok(patience.applied(plan, &query, &candidates))
    }
}

impl Options {
    /// A request's own settings stand behind the configured ones, and beat them.
    fn read(settings: &[Setting]) -> Result<Self, String> {
        known_settings(settings, &OPTIONS)?;
        Ok(Self {
            bands: Bands::from_settings(settings)?,
            patience: Patience::from_settings(settings)?,
        })
    }
}

fn reason(candidates: &[Candidate], ranked: &[usize]) -> String {
    let Some(first) = ranked.first().and_then(|index| candidates.get(*index)) else {
        return "there is no candidate".into();
    };
    let cost = first.estimated_cost;
    if cost.is_nan() {
        return format!("{} comes first, and what it costs is not known", first.id);
    }
    let pool = if candidates.iter().any(|other| other.estimated_cost < cost) {
        "those that health and the client's preferences put first".into()
    } else {
        format!("{} candidates", candidates.len())
    };
    format!("{} has the lowest expected cost, ${cost:.6}, of {pool}", first.id)
}

plugway_sdk::export!(strategy: Price);

#[cfg(test)]
mod tests {
    use super::*;
    use plugway_sdk::testing::{candidate, query};

    fn price() -> Price {
        Price::open(Setup { options: Vec::new(), score_names: Vec::new(), state: None }).unwrap()
    }

    /// Checks the order of the candidates' ids, and what the reason tells.
    fn check(query: Query, candidates: Vec<Candidate>, expected: &[&str], reason: &str) {
        let ids: Vec<String> = candidates.iter().map(|candidate| candidate.id.clone()).collect();
        let plan = price().route(query, candidates).unwrap();
        let order: Vec<&str> =
            plan.steps.iter().map(|step| ids[step.candidate as usize].as_str()).collect();
        assert_eq!(order, expected);
        assert!(plan.reason.contains(reason), "{}", plan.reason);
    }

    #[test]
    fn cheapest_first_and_ties_by_id() {
        check(
            query(),
            vec![candidate("d/m", 0.3), candidate("c/m", 0.1), candidate("a/m", 0.3)],
            &["c/m", "a/m", "d/m"],
            "c/m has the lowest expected cost, $0.100000, of 3 candidates",
        );
        check(
            query(),
            vec![candidate("unknown/m", f64::NAN), candidate("free/m", 0.0)],
            &["free/m", "unknown/m"],
            "free/m",
        );
        check(
            query(),
            vec![candidate("unknown/m", f64::NAN)],
            &["unknown/m"],
            "what it costs is not known",
        );
    }

    #[test]
    fn preferences_come_before_the_price() {
        let providers = vec!["b".into()];
        check(
            Query { providers, ..query() },
            vec![candidate("a/m", 0.1), candidate("b/m", 0.9)],
            &["b/m", "a/m"],
            "those that health and the client's preferences put first",
        );
    }

    #[test]
    fn what_fails_all_the_time_comes_behind_unless_the_price_alone_is_to_decide() {
        let mut failing = candidate("cheap/m", 0.1);
        failing.health.uptime_30s = Some(0.5);
        let candidates = vec![failing, candidate("dear/m", 0.9)];
        check(query(), candidates.clone(), &["dear/m", "cheap/m"], "dear/m");
        let options = vec![("fallback_uptime".into(), "0".into())];
        check(Query { options, ..query() }, candidates, &["cheap/m", "dear/m"], "cheap/m");
    }

    #[test]
    fn options_are_refused_by_name() {
        let options = vec![("exponent".to_owned(), "2".to_owned())];
        let setup = Setup { options: options.clone(), score_names: Vec::new(), state: None };
        assert!(Price::open(setup).is_err_and(|error| error.contains("exponent")));
        let refusal = price().route(Query { options, ..query() }, vec![candidate("a/m", 0.1)]);
        assert!(
            matches!(refusal, Err(Refusal::InvalidOptions(error)) if error.contains("exponent"))
        );
    }
}
