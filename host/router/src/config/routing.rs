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
    /// Attempts beside slow ones, of all requests together, per hundred requests; 0: none.
    pub hedge_percent: u32,
    /// Attempts beside slow ones besides, per second.
    pub hedge_reserve: u32,
    /// How long a provider's wish for a pause is kept at most.
    pub max_cooldown: Duration,
    /// Failures in a row that open an endpoint's circuit breaker.
    pub breaker_failures: u32,
    /// How long an open breaker waits for its next probe at most.
    pub breaker_max_pause: Duration,
    /// How long a snapshot of endpoints' health is good for.
    pub health_interval: Duration,
    /// Attempts of which at least a share is said.
    pub min_samples: u32,
    /// Timed answers of which at least percentiles are said.
    pub min_timed_samples: u32,
    /// How long a conversation stays where its prompt cache is, after the last answer.
    pub sticky_for: Duration,
    /// Conversations of which that is known.
    pub sticky_max: usize,
    /// Texts of at least this many bytes cross the sandbox as seals.
    pub seal_min_bytes: usize,
    /// What no request may go beyond.
    pub ceiling: Ceiling,
}

/// What the operator allows at most: a request can only ask for less.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ceiling {
    /// Models, or starts of their slugs before an asterisk; empty: any.
    pub allow_models: Vec<String>,
    /// Models that are not served.
    pub ignore_models: Vec<String>,
    /// Providers, or their variants; empty: any.
    pub allow_providers: Vec<String>,
    /// Providers that are not used.
    pub ignore_providers: Vec<String>,
    /// Where endpoints may be; empty: anywhere.
    pub regions: Vec<String>,
    /// Only endpoints that retain nothing.
    pub zdr: bool,
    /// Only endpoints that keep nothing for training.
    pub deny_data_collection: bool,
}

impl Default for RoutingConfig {
    fn default() -> Self {
        RoutingConfig {
            strategies: vec!["balanced".to_owned()],
            max_attempts: 4,
            retry_percent: 50,
            retry_reserve: 10,
            hedge_percent: 5,
            hedge_reserve: 1,
            max_cooldown: Duration::from_secs(60),
            breaker_failures: 5,
            breaker_max_pause: Duration::from_secs(30),
            health_interval: Duration::from_millis(250),
            min_samples: 5,
            min_timed_samples: 20,
            sticky_for: Duration::from_secs(600),
            sticky_max: 100_000,
            seal_min_bytes: 64,
            ceiling: Ceiling::default(),
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
        about: "Attempts that one request may make, each at another endpoint or with another of its provider's credentials. The last one is another endpoint's, if there is one.",
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
        key: "hedge_percent",
        slot: Slot::CountOrNone(|c| &mut c.hedge_percent),
        about: "Where a strategy's plan says so, a request that has waited long for its first content is sent to the next endpoint too, and whichever answers first serves. So many of these further attempts all requests together may make, per hundred requests of the last ten seconds, besides `hedge_reserve`; 0: none ever. What the slower one cost is the operator's.",
    },
    Field {
        key: "hedge_reserve",
        slot: Slot::CountOrNone(|c| &mut c.hedge_reserve),
        about: "Such further attempts that are allowed besides, per second on the average of ten seconds: so that a router with little traffic makes any, and few wait where a busy endpoint hangs.",
    },
    Field {
        key: "max_cooldown",
        slot: Slot::Duration(|c| &mut c.max_cooldown),
        about: "An endpoint whose provider answers that it is busy, and names in `retry-after` how long, is left out for that time, and at most for this one.",
    },
    Field {
        key: "breaker_failures",
        slot: Slot::Count(|c| &mut c.breaker_failures),
        about: "So many failures in a row within 30 seconds, each the endpoint's own, open its circuit breaker: requests that have another endpoint leave it out. After a pause of half a second to a second, one request at a time tries it again.",
    },
    Field {
        key: "breaker_max_pause",
        slot: Slot::Duration(|c| &mut c.breaker_max_pause),
        about: "Each time that such a trial fails, the pause doubles, up to this; half of each pause is drawn by lot, so that what failed together is not tried together.",
    },
    Field {
        key: "health_interval",
        slot: Slot::Duration(|c| &mut c.health_interval),
        about: "Strategies see endpoints' health as it was at most this long ago, so that many decisions rest on the same. Whether an endpoint may be tried at all is looked up each time.",
    },
    Field {
        key: "min_samples",
        slot: Slot::Count(|c| &mut c.min_samples),
        about: "Of fewer attempts, or answers with tool calls, no share is said: the endpoint counts as one of which nothing is known.",
    },
    Field {
        key: "min_timed_samples",
        slot: Slot::Count(|c| &mut c.min_timed_samples),
        about: "Of fewer streamed answers no latency is said. Of fewer no throughput, where those count too that came whole and have at least 256 tokens: by the time that all of it took, which makes an endpoint no faster than it is.",
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
    Field {
        key: "allow_models",
        slot: Slot::Words(|c| &mut c.ceiling.allow_models),
        about: "Models that requests may use, by slug, or by its start as in `author/*`. Empty: all. This and the keys below are a ceiling: a request can ask for less, never for more.",
    },
    Field {
        key: "ignore_models",
        slot: Slot::Words(|c| &mut c.ceiling.ignore_models),
        about: "Models that requests may not use, written the same way.",
    },
    Field {
        key: "allow_providers",
        slot: Slot::Words(|c| &mut c.ceiling.allow_providers),
        about: "Providers that requests may go to, written as in a request's `provider.only`: `deepinfra`, or one variant such as `deepinfra/turbo`. Empty: all.",
    },
    Field {
        key: "ignore_providers",
        slot: Slot::Words(|c| &mut c.ceiling.ignore_providers),
        about: "Providers that requests may not go to, written the same way.",
    },
    Field {
        key: "regions",
        slot: Slot::Words(|c| &mut c.ceiling.regions),
        about: "Regions that endpoints must be in; `eu` holds `eu-west-1`. An endpoint whose `region` is unknown is left out. Empty: anywhere.",
    },
    Field {
        key: "zdr",
        slot: Slot::Flag(|c| &mut c.ceiling.zdr),
        about: "Only endpoints whose provider is known to retain nothing (`retains_prompts = false`).",
    },
    Field {
        key: "data_collection",
        slot: Slot::Choice {
            names: &["allow", "deny"],
            set: |c, name| c.ceiling.deny_data_collection = name == "deny",
            get: |c| if c.ceiling.deny_data_collection { "deny" } else { "allow" },
        },
        about: "`\"deny\"`: only endpoints whose provider is known not to train on prompts (`trains_on_prompts = false`).",
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
