//! Keeps a conversation that carries signatures or sealed reasoning to endpoints that can
//! read them, where there are some: elsewhere the model would go on without its thoughts.

use super::{Choice, Eligible};
use crate::route::{Cause, Excluded};
use std::collections::BTreeMap;

/// Leaves out endpoints whose adapter reads fewer of the formats than another's of the
/// same model; one whose circuit breaker is open leaves out none that may be tried before
/// it. A later model of the client's stays what it is: a way on.
pub(super) fn keep_to(formats: &[String], eligible: &mut Eligible) {
    if formats.is_empty() {
        return;
    }
    let endpoints = std::mem::take(&mut eligible.endpoints);
    let counts: Vec<_> = endpoints.iter().map(|it| count(formats, it)).collect();
    let read = endpoints.iter().zip(&counts).map(|(it, count)| {
        let model = it.endpoint.model_slug.clone();
        (model, it.tripped.is_some(), *count)
    });
    let most = most(read);
    for (choice, count) in endpoints.into_iter().zip(counts) {
        if most.get(&choice.endpoint.model_slug).is_none_or(|most| count >= *most) {
            eligible.endpoints.push(choice);
            continue;
        }
        let formats = formats.join("`, `");
        let reason = format!(
            "others can read the conversation's signatures or sealed reasoning (`{formats}`), and it cannot"
        );
        eligible.excluded.push(Excluded::new(&choice.endpoint, Cause::ReasoningFormat, reason));
    }
}

/// How many formats the best of each model reads: of those that are not tripped, where
/// there is one.
fn most(read: impl Iterator<Item = (String, bool, usize)>) -> BTreeMap<String, usize> {
    let mut most: BTreeMap<String, (bool, usize)> = BTreeMap::new();
    for (model, is_tripped, count) in read {
        let most = most.entry(model).or_default();
        *most = (*most).max((!is_tripped, count));
    }
    most.into_iter().map(|(model, (_, count))| (model, count)).collect()
}

fn count(formats: &[String], choice: &Choice) -> usize {
    let read = &choice.adapter.info().reasoning_formats;
    formats.iter().filter(|format| read.contains(format)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_tripped_counts_only_where_all_are() {
        let (sound, tripped) = (false, true);
        let read = [("a", sound, 1), ("a", tripped, 2), ("b", tripped, 1), ("b", tripped, 2)];
        let most = most(read.into_iter().map(|(model, is, count)| (model.to_owned(), is, count)));
        assert_eq!(most, [("a".to_owned(), 1), ("b".to_owned(), 2)].into());
    }
}
