//! `[routing]`: who decides, and how often a request may be tried.

use super::field::{Field, Slot};
use super::units::KIB;

/// How a request finds its endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoutingConfig {
    /// Ids of strategies in order of preference: the first that is loaded decides.
    pub strategies: Vec<String>,
    /// Attempts for one request, the first included.
    pub max_attempts: u32,
    /// Texts of at least this many bytes cross the sandbox as seals.
    pub seal_min_bytes: usize,
}

impl Default for RoutingConfig {
    fn default() -> Self {
        RoutingConfig {
            strategies: vec!["balanced".to_owned()],
            max_attempts: 4,
            seal_min_bytes: 64,
        }
    }
}

/// Longest text that may cross the sandbox in the open without a grant.
const MAX_UNSEALED: usize = KIB;

pub(super) const FIELDS: &[Field<RoutingConfig>] = &[
    Field {
        key: "strategies",
        slot: Slot::Words(|c| &mut c.strategies),
        about: "Strategy plugins in order of preference: the first that is loaded decides. So a strategy named here takes over when its file is dropped into the plugins directory.",
    },
    Field {
        key: "max_attempts",
        slot: Slot::Count(|c| &mut c.max_attempts),
        about: "Endpoints that one request may try.",
    },
    Field {
        key: "seal_min",
        slot: Slot::Size(|c| &mut c.seal_min_bytes),
        about: "Texts at least this long are hidden from plugins that were not granted content.",
    },
];

/// What holds between keys.
pub(super) fn check(section: &super::reader::Section<'_>, routing: &RoutingConfig) {
    if routing.strategies.is_empty() {
        section.error(
            "strategies",
            "names no strategy",
            "name at least one, e.g. `[\"balanced\"]`",
        );
    }
    if routing.seal_min_bytes > MAX_UNSEALED {
        section.error(
            "seal_min",
            "would show prompts to plugins that were not granted them",
            "choose at most 1KiB",
        );
    }
}
