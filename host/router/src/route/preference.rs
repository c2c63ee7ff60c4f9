//! What is done to a plan whatever strategy made it: endpoints that take what the request
//! cannot well do without come first, and of those that a request is pinned to, one stays.

use super::eligible::{Choice, missing};
use super::pin::Pins;
use plugway_engine::Step;

/// Parameters that an endpoint may lack and still be tried.
const SOFT: [&str; 3] = ["tools", "response_format", "verbosity"];

/// Puts the steps of each model so that those come first whose endpoint takes the soft
/// parameters that are set. They keep the places of their model, so that no model comes
/// before another that it did not come before. Says whether that changed anything.
pub(super) fn put_takers_first(
    steps: &mut [Step],
    endpoints: &[Choice],
    parameters: &[&'static str],
) -> bool {
    let set: Vec<_> = SOFT.into_iter().filter(|it| parameters.contains(it)).collect();
    if set.is_empty() {
        return false;
    }
    let of = |step: &Step| {
        let choice = endpoints.get(step.candidate as usize)?;
        let endpoint = &choice.endpoint;
        let lacks = missing(&set, choice.adapter.info(), endpoint).is_some();
        Some((endpoint.model_slug.as_str(), lacks))
    };
    let marks: Vec<_> = steps.iter().map(of).collect();
    put_first(steps, &marks)
}

/// Takes out what is behind the first endpoint of a pin.
pub(super) fn keep_to_pins(steps: &mut Vec<Step>, endpoints: &[Choice], pins: &Pins) {
    let of = |step: &Step| endpoints.get(step.candidate as usize).map(|it| &*it.endpoint);
    let planned: Vec<_> = steps.iter().filter_map(of).collect();
    let others = pins.others(planned.into_iter());
    steps.retain(|step| of(step).is_none_or(|it| !others.contains(it.id.as_str())));
}

/// By the mark of each: its model, and whether it is to come later.
fn put_first(steps: &mut [Step], marks: &[Option<(&str, bool)>]) -> bool {
    let before: Vec<u32> = steps.iter().map(|step| step.candidate).collect();
    let mut models: Vec<_> = marks.iter().flatten().map(|(model, _)| *model).collect();
    models.sort_unstable();
    models.dedup();
    for model in models {
        let is_later = |place: &usize| match marks.get(*place) {
            Some(Some((other, is_later))) if *other == model => Some(*is_later),
            _ => None,
        };
        let places: Vec<usize> =
            (0..steps.len()).filter(|place| is_later(place).is_some()).collect();
        let mut sorted = places.clone();
        sorted.sort_by_key(is_later);
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
