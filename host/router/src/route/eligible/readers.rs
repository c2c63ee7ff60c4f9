//! Keeps a conversation that carries signatures or sealed reasoning to endpoints that can
//! read them, where there are some: elsewhere the model would go on without its thoughts.

use super::{Choice, Eligible};
use crate::route::{Cause, Excluded};
use std::collections::BTreeMap;

/// Leaves out endpoints whose adapter reads fewer of the formats than another's of the
/// same model. A later model of the client's stays what it is: a way on.
pub(super) fn keep_to(formats: &[String], eligible: &mut Eligible) {
    if formats.is_empty() {
        return;
    }
    let endpoints = std::mem::take(&mut eligible.endpoints);
    let counts: Vec<_> = endpoints.iter().map(|it| count(formats, it)).collect();
    let mut most: BTreeMap<String, usize> = BTreeMap::new();
    for (choice, count) in endpoints.iter().zip(&counts) {
        let most = most.entry(choice.endpoint.model_slug.clone()).or_default();
        *most = (*most).max(*count);
    }
    let reads_enough = |it: &Choice| {
        most.get(&it.endpoint.model_slug).is_none_or(|most| count(formats, it) >= *most)
    };
    eligible.reserve.retain(reads_enough);
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

fn count(formats: &[String], choice: &Choice) -> usize {
    let read = &choice.adapter.info().reasoning_formats;
    formats.iter().filter(|format| read.contains(format)).count()
}
