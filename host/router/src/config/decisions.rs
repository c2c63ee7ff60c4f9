//! `[decisions]`: what is kept of each request, how much of it and how long.

use std::time::Duration;

use super::field::{Field, Slot};
use super::units::MIB;

/// What is kept of decisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecisionsConfig {
    /// Anything at all.
    pub enabled: bool,
    /// Records that may wait to be written.
    pub queue: usize,
    /// For how long.
    pub keep_for: Duration,
    /// All records together.
    pub max_bytes: usize,
}

impl Default for DecisionsConfig {
    fn default() -> Self {
        DecisionsConfig {
            enabled: true,
            queue: 4096,
            keep_for: Duration::from_secs(7 * 24 * 60 * 60),
            max_bytes: 256 * MIB,
        }
    }
}

pub(super) const FIELDS: &[Field<DecisionsConfig>] = &[
    Field {
        key: "enabled",
        slot: Slot::Flag(|c| &mut c.enabled),
        about: "Whether each request leaves a record of its decision: what the strategy was asked, what it answered, what was tried and what came of it; never what was said. `GET /v1/generation` tells of it. Taken over at start.",
    },
    Field {
        key: "queue",
        slot: Slot::Items(|c| &mut c.queue),
        about: "Records that may wait to be written. No request waits for that: beyond this, records are dropped and counted. Taken over at start.",
    },
    Field {
        key: "keep_for",
        slot: Slot::Duration(|c| &mut c.keep_for),
        about: "How long a record is kept.",
    },
    Field {
        key: "max_size",
        slot: Slot::Size(|c| &mut c.max_bytes),
        about: "All records together, with the health that they refer to; beyond it the oldest go. The state file grows to about twice this and gives nothing back, but uses it again. Without a state file, at most 16 MiB are kept.",
    },
];
