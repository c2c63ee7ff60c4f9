//! `[routing]`: who decides, how often a request may be tried, and when an
//! endpoint is left alone.

use std::time::Duration;

use super::field::{Field, Slot};
use super::units::KIB;

/// How a request finds its endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoutingConfig {
    /// Ids of strategies in order of preference: the first that is loaded decides.
    pub strategies: Vec<String>,
    /// Attempts for one request, the first included.
    pub max_attempts: u32,
    /// Further attempts of all requests together, per hundred requests.
    pub retry_percent: u32,
    /// Further attempts that are allowed besides, per second.
    pub retry_reserve: u32,
    /// How long a provider's wish for a pause is kept at most.
    pub max_cooldown: Duration,
    /// Failures in a row that open an endpoint's circuit breaker.
    pub breaker_failures: u32,
    /// How long an open breaker waits for its next probe at most.
    pub breaker_max_pause: Duration,
    /// How long a conversation stays where its prompt cache is, after the last answer.
    pub sticky_for: Duration,
    /// Conversations of which that is known.
    pub sticky_max: usize,
    /// Texts of at least this many bytes cross the sandbox as seals.
    pub seal_min_bytes: usize,
}

impl Default for RoutingConfig {
    fn default() -> Self {
        RoutingConfig {
            strategies: vec!["balanced".to_owned()],
            max_attempts: 4,
            retry_percent: 50,
            retry_reserve: 10,
            max_cooldown: Duration::from_secs(60),
            breaker_failures: 5,
            breaker_max_pause: Duration::from_secs(30),
            sticky_for: Duration::from_secs(600),
            sticky_max: 100_000,
            seal_min_bytes: 64,
        }
    }
}

/// Longest text that may cross the sandbox in the open without a grant.
const MAX_UNSEALED: usize = KIB;

/// The time of each of these failures is kept, for every endpoint.
const MAX_BREAKER_FAILURES: u32 = 1000;

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
        key: "retry_percent",
        slot: Slot::Count(|c| &mut c.retry_percent),
        about: "Further attempts that all requests together may make, per hundred requests of the last ten seconds: while many fail, trying each of them again would only add to the load. Beyond it a failure is answered as it is. First attempts are never refused.",
    },
    Field {
        key: "retry_reserve",
        slot: Slot::Count(|c| &mut c.retry_reserve),
        about: "Further attempts that are allowed besides, per second on the average of ten seconds, so that a router with little traffic fails over too.",
    },
    Field {
        key: "max_cooldown",
        slot: Slot::Duration(|c| &mut c.max_cooldown),
        about: "An endpoint whose provider answers that it is busy, and names in `retry-after` how long, is left out for that time, and at most for this one.",
    },
    Field {
        key: "breaker_failures",
        slot: Slot::Count(|c| &mut c.breaker_failures),
        about: "So many failures in a row within 30 seconds, each the endpoint's own, open its circuit breaker: requests that have another endpoint leave it out. After a pause of a second, one request at a time tries it again.",
    },
    Field {
        key: "breaker_max_pause",
        slot: Slot::Duration(|c| &mut c.breaker_max_pause),
        about: "Each time that such a trial fails, the pause doubles, up to this.",
    },
    Field {
        key: "sticky_for",
        slot: Slot::Duration(|c| &mut c.sticky_for),
        about: "A conversation whose prompt cache was seen at work, or whose client names it by `session_id` or `prompt_cache_key`, stays with its endpoint for so long after its last answer: strategies are told that it is warm there. Only where reading from the cache is cheaper, and never over a client's own `order` or `sort`.",
    },
    Field {
        key: "sticky_max",
        slot: Slot::Items(|c| &mut c.sticky_max),
        about: "Conversations of which that is remembered, by a digest; of more, those are forgotten that were answered longest ago.",
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
    if routing.breaker_failures > MAX_BREAKER_FAILURES {
        section.error(
            "breaker_failures",
            "is more than a breaker can count",
            format!("choose at most {MAX_BREAKER_FAILURES}"),
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
