//! `[aliases]`: the operator's own names for models.

use super::options::read_pairs;
use super::reader::{Entry, Section};
use crate::route::name::split_preset;

/// A name, and what it stands for.
pub(super) type Alias = (String, String);

/// Bytes that a name may have, as in a request.
const MAX_NAME_BYTES: usize = 256;

pub(super) fn read(entry: &Entry<'_>) -> Vec<Alias> {
    read_pairs(entry)
}

/// What holds between them: each stands for a model, and none for another alias.
pub(super) fn check(section: &Section<'_>, aliases: &[Alias]) {
    for (name, target) in aliases {
        let is_name = |text: &str| {
            !text.is_empty() && text.len() <= MAX_NAME_BYTES && !text.contains(char::is_control)
        };
        if !is_name(name) || !is_name(target) {
            let remedy = format!("write names of 1 to {MAX_NAME_BYTES} bytes");
            section.error(name, "is no name of a model", remedy);
        } else if [name, target].into_iter().any(|text| split_preset(text).1.is_some()) {
            section.error(name, "names a preset", "name a model; requests add presets");
        } else if aliases.iter().any(|(other, _)| is_reached(other, target)) {
            let problem = format!("`{target}` is an alias itself");
            section.error(name, problem, "name the model that it stands for");
        }
    }
}

/// Whether the target is the alias, with or without suffixes and a pin.
fn is_reached(alias: &str, target: &str) -> bool {
    let rest = target.strip_prefix(alias);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '@']))
}
