//! What is done to a plan whatever strategy made it: endpoints whose circuit breaker is open
//! come last, variants in the order that the client gives them, endpoints first that take
//! what the request cannot well do without, and of those that a request is pinned to, one
//! stays.

use super::Asked;
use super::builtin::misses_cutoff;
use super::eligible::{Choice, missing, names};
use super::pin::Pins;
use plugway_engine::{Candidate, Query, Step};
use std::collections::BTreeMap;

/// Parameters that an endpoint may lack and still be tried.
const SOFT: [&str; 3] = ["tools", "response_format", "verbosity"];

/// A plan's steps as they are walked, and what of that is to be told.
pub(super) struct Arranged {
    pub(super) steps: Vec<Step>,
    /// The client's order of variants moved some.
    pub(super) in_order: bool,
    /// So did what they take.
    pub(super) takers_first: bool,
}

/// Arranges the steps of a plan of these endpoints, which the strategy knew as these
/// candidates.
pub(super) fn arrange(
    steps: &[Step],
    (endpoints, candidates): (&[Choice], &[Candidate]),
    query: &Query,
    asked: &Asked<'_>,
    pins: &Pins,
) -> Arranged {
    let mut steps = steps.to_vec();
    put_tripped_last(&mut steps, endpoints);
    let order = &asked.routing.order;
    let in_order = put_in_order(&mut steps, (endpoints, candidates), query, order);
    let takers_first = put_takers_first(&mut steps, endpoints, asked.parameters);
    if pins.are_ranked {
        keep_to_pins(&mut steps, endpoints, pins);
    }
    Arranged { steps, in_order, takers_first }
}

/// A strategy may not know yet that a circuit breaker has opened, or may not care.
fn put_tripped_last(steps: &mut [Step], endpoints: &[Choice]) {
    let at = |step: &Step| endpoints.get(step.candidate as usize);
    steps.sort_by_key(|step| at(step).is_some_and(|it| it.tripped.is_some()));
}

/// Puts the steps in the order of the client's entries where these tell endpoints of one
/// provider apart: a strategy knows the order of providers alone. What the client wants
/// more than that order stays ahead. Says whether that changed anything.
fn put_in_order(
    steps: &mut [Step],
    (endpoints, candidates): (&[Choice], &[Candidate]),
    query: &Query,
    order: &[String],
) -> bool {
    let place = |choice: &Choice| {
        let place = order.iter().position(|entry| names(entry, &choice.endpoint));
        place.unwrap_or(order.len())
    };
    let mut places = BTreeMap::new();
    let tells_apart = endpoints.iter().any(|it| {
        let own = place(it);
        *places.entry(it.endpoint.provider.name.as_str()).or_insert(own) != own
    });
    if !tells_apart {
        return false;
    }
    let of = |step: &Step| {
        let at = step.candidate as usize;
        let (choice, candidate) = (endpoints.get(at)?, candidates.get(at)?);
        let model = query.keep_model_order.then_some(choice.endpoint.model_slug.as_str());
        let class = (choice.tripped.is_some(), model, misses_cutoff(candidate, query));
        Some((class, place(choice)))
    };
    let marks: Vec<_> = steps.iter().map(of).collect();
    put_first(steps, &marks)
}

/// Puts the steps of each model so that those come first whose endpoint takes the soft
/// parameters that are set; what is tripped stays last. Says whether that changed anything.
fn put_takers_first(steps: &mut [Step], endpoints: &[Choice], parameters: &[&'static str]) -> bool {
    let set: Vec<_> = SOFT.into_iter().filter(|it| parameters.contains(it)).collect();
    if set.is_empty() {
        return false;
    }
    let of = |step: &Step| {
        let choice = endpoints.get(step.candidate as usize)?;
        let endpoint = &choice.endpoint;
        let lacks = missing(&set, choice.adapter.info(), endpoint).is_some();
        Some(((choice.tripped.is_some(), endpoint.model_slug.as_str()), lacks))
    };
    let marks: Vec<_> = steps.iter().map(of).collect();
    put_first(steps, &marks)
}

/// Takes out what is behind the first endpoint of a pin.
fn keep_to_pins(steps: &mut Vec<Step>, endpoints: &[Choice], pins: &Pins) {
    let of = |step: &Step| endpoints.get(step.candidate as usize).map(|it| &*it.endpoint);
    let planned: Vec<_> = steps.iter().filter_map(of).collect();
    let others = pins.others(planned.into_iter());
    steps.retain(|step| of(step).is_none_or(|it| !others.contains(it.id.as_str())));
}

/// Sorts the steps of each class by their keys. They keep the places of their class, so
/// that none comes before one of another class that it did not come before.
fn put_first<C: Copy + Ord, K: Copy + Ord>(steps: &mut [Step], marks: &[Option<(C, K)>]) -> bool {
    let before: Vec<u32> = steps.iter().map(|step| step.candidate).collect();
    let mut classes: Vec<C> = marks.iter().flatten().map(|(class, _)| *class).collect();
    classes.sort_unstable();
    classes.dedup();
    for class in classes {
        let key = |place: &usize| match marks.get(*place) {
            Some(Some((other, key))) if *other == class => Some(*key),
            _ => None,
        };
        let places: Vec<usize> = (0..steps.len()).filter(|place| key(place).is_some()).collect();
        let mut sorted = places.clone();
        sorted.sort_by_key(key);
        let moved: Vec<_> = sorted.iter().filter_map(|it| steps.get(*it).cloned()).collect();
        for (place, step) in places.into_iter().zip(moved) {
            if let Some(slot) = steps.get_mut(place) {
                *slot = step;
            }
        }
    }
    steps.iter().map(|step| step.candidate).ne(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(marks: &[(&str, bool)], expected: &[u32]) {
        let steps = (0..).take(marks.len());
        let mut steps: Vec<_> =
            steps.map(|candidate| Step { candidate, ..Step::default() }).collect();
        let marks: Vec<_> = marks.iter().copied().map(Some).collect();
        let is_changed = put_first(&mut steps, &marks);
        let order: Vec<_> = steps.iter().map(|step| step.candidate).collect();
        assert_eq!(order, expected);
        assert_eq!(is_changed, !order.is_sorted());
    }

    #[test]
    fn takers_come_first_within_their_model() {
        check(&[("a", true), ("a", false), ("a", true), ("a", false)], &[1, 3, 0, 2]);
        check(&[("a", true), ("b", false), ("a", true)], &[0, 1, 2]);
        check(&[("a", true), ("b", true), ("a", false), ("b", false)], &[2, 3, 0, 1]);
        check(&[], &[]);
    }
}
