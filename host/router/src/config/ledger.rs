//! `ledger`, `synchronous` and `[accounting]`: how surely each token is accounted, for how
//! long that is kept, and what it is sold at.

use std::time::Duration;

use plugway_store::Durability;

use super::field::{Field, Slot};
use super::typed::Typed;

/// How requests are accounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerConfig {
    /// The last of an answer waits until its row is committed.
    pub is_strict: bool,
    /// What a committed row survives.
    pub durability: Durability,
    /// Requests that may be under way or wait to be written.
    pub queue: usize,
    /// How long the last of an answer waits for its row.
    pub commit_timeout: Duration,
    /// While rows cannot be written, requests are refused; otherwise they are served, and
    /// their rows are lost where there is no room to keep them.
    pub refuses_when_failing: bool,
    /// For how long rows are kept. Sums by day are kept for good.
    pub keep_for: Duration,
    /// What is added to the provider's price, in millionths of it.
    pub markup_ppm: u64,
    /// Completion tokens that a budget sets aside where the request sets no limit.
    pub assumed_completion_tokens: u32,
}

impl Default for LedgerConfig {
    fn default() -> Self {
        LedgerConfig {
            is_strict: true,
            durability: Durability::Normal,
            queue: 16_384,
            commit_timeout: Duration::from_secs(5),
            refuses_when_failing: true,
            keep_for: Duration::from_secs(365 * 24 * 60 * 60),
            markup_ppm: 0,
            assumed_completion_tokens: 4096,
        }
    }
}

/// Stands outside all sections.
pub(super) const LEDGER: Field<Typed> = Field {
    key: "ledger",
    slot: Slot::Choice {
        names: &["strict", "relaxed"],
        set: |typed, name| typed.ledger.is_strict = name == "strict",
        get: |typed| if typed.ledger.is_strict { "strict" } else { "relaxed" },
    },
    about: "Whether the last of each answer waits until its row is in the ledger: of a stream the frame with the usage and what follows it, otherwise the whole answer; a few milliseconds. `\"relaxed\"` does not wait, and a process that is killed loses what it had not written. Stands above all sections.",
};

/// Stands outside all sections.
pub(super) const SYNCHRONOUS: Field<Typed> = Field {
    key: "synchronous",
    slot: Slot::Choice {
        names: &["NORMAL", "FULL"],
        set: |typed, name| {
            typed.ledger.durability =
                if name == "FULL" { Durability::Full } else { Durability::Normal };
        },
        get: |typed| match typed.ledger.durability {
            Durability::Normal => "NORMAL",
            Durability::Full => "FULL",
        },
    },
    about: "What a row in a state file survives: `\"NORMAL\"` the death of the process, `\"FULL\"` the loss of power too, at the price of waiting for the disk. A PostgreSQL server has a setting of its own. Taken over at start. Stands above all sections.",
};

/// `[accounting]`.
pub(super) const SECTION: Field<Typed> = Field {
    key: "accounting",
    slot: Slot::Nested {
        shape: "table",
        read: |entry, typed| {
            if let Some(section) = entry.table() {
                section.read(FIELDS, &mut typed.ledger);
            }
        },
    },
    about: "How requests are accounted, and what they are billed at.",
};

pub(super) const FIELDS: &[Field<LedgerConfig>] = &[
    Field {
        key: "queue",
        slot: Slot::Items(|c| &mut c.queue),
        about: "Requests that may be under way, or ended and not yet in the ledger; one more is answered with 503. Taken over at start.",
    },
    Field {
        key: "commit_timeout",
        slot: Slot::Duration(|c| &mut c.commit_timeout),
        about: "How long the last of an answer waits for its row at most. What then happens `when_failing` says.",
    },
    Field {
        key: "when_failing",
        slot: Slot::Choice {
            names: &["refuse", "continue"],
            set: |c, name| c.refuses_when_failing = name == "refuse",
            get: |c| if c.refuses_when_failing { "refuse" } else { "continue" },
        },
        about: "What happens while rows cannot be written, because the disk is full or the database is gone. `\"refuse\"`: new requests are answered with 503, and answers under way end in an error. `\"continue\"`: all are served; rows wait in memory, `queue` of them at most, and further ones are lost and counted.",
    },
    Field {
        key: "keep_for",
        slot: Slot::Duration(|c| &mut c.keep_for),
        about: "How long the row of each request is kept. Sums by day, key, model and endpoint are kept for good.",
    },
    Field {
        key: "markup_percent",
        slot: Slot::Percent(|c| &mut c.markup_ppm),
        about: "Added to what providers charge, for what keys are billed. At most four decimals; a cost is rounded up to a whole picodollar.",
    },
    Field {
        key: "assumed_completion",
        slot: Slot::Count(|c| &mut c.assumed_completion_tokens),
        about: "Completion tokens that a budget sets aside for a request that sets no limit itself. What is really used is what counts in the end.",
    },
];
