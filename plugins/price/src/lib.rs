//! The cheapest endpoint first, by the expected cost of this very request; the
//! others follow as fallbacks, dearer and dearer.
//!
//! What the client asked for comes before the price: its order of models and of
//! providers, and its cutoffs for speed. Endpoints whose circuit breaker is open
//! come last. There are no options.

use plugway_sdk::strategy::{
    Candidate, Plan, Query, Refusal, Setup, Strategy, known_settings, order,
};

/// The strategy; it has nothing to remember.
pub struct Price;

impl Strategy for Price {
    fn open(setup: Setup) -> Result<Self, String> {
        known_settings(&setup.options, &[])?;
        Ok(Self)
    }

    fn route(&self, query: Query, candidates: Vec<Candidate>) -> Result<Plan, Refusal> {
        known_settings(&query.options, &[]).map_err(Refusal::InvalidOptions)?;
        let ranked = order::by_key(&query, &candidates, |candidate| candidate.estimated_cost);
        let reason = reason(&candidates, &ranked);
        Ok(Plan::in_order(ranked, reason))
    }
}

fn reason(candidates: &[Candidate], ranked: &[usize]) -> String {
    let Some(first) = ranked.first().and_then(|index| candidates.get(*index)) else {
        return "there is no candidate".into();
    };
    let cost = first.estimated_cost;
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

    /// Checks the order of the candidates' ids, and what the reason tells.
    fn check(query: Query, candidates: Vec<Candidate>, expected: &[&str], reason: &str) {
        let ids: Vec<String> = candidates.iter().map(|candidate| candidate.id.clone()).collect();
        let plan = Price.route(query, candidates).unwrap();
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
    fn options_are_refused_by_name() {
        let options = vec![("exponent".to_owned(), "2".to_owned())];
        let setup = Setup { options: options.clone(), score_names: Vec::new(), state: None };
        assert!(Price::open(setup).is_err_and(|error| error.contains("exponent")));
        let refusal = Price.route(Query { options, ..query() }, vec![candidate("a/m", 0.1)]);
        assert!(
            matches!(refusal, Err(Refusal::InvalidOptions(error)) if error.contains("exponent"))
        );
    }
}
