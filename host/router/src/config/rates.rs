//! How much is sent at most to an endpoint, or to all endpoints of a provider, whoever asks.

use super::field::{Field, Slot};
use plugway_accounts::RateSettings;
use plugway_accounts::settings::MAX_RATE;
use std::num::NonZeroU32;

/// As typed; none: as much as is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RateTable {
    pub(super) requests_per_minute: Option<u32>,
    pub(super) tokens_per_minute: Option<u32>,
    pub(super) concurrent_requests: Option<u32>,
}

impl RateTable {
    /// As used.
    pub(super) fn settings(self) -> RateSettings {
        // What is more needs no limit.
        let limit = |limit: Option<u32>| limit.and_then(|it| NonZeroU32::new(it.min(MAX_RATE)));
        RateSettings {
            requests_per_minute: limit(self.requests_per_minute),
            tokens_per_minute: limit(self.tokens_per_minute),
            concurrent_requests: limit(self.concurrent_requests),
        }
    }
}

/// Something that such limits are written for.
pub(super) trait Rated {
    /// They.
    fn rates(&mut self) -> &mut RateTable;
}

/// The keys of a section that has them.
pub(super) const fn requests_per_minute<T: Rated>() -> Field<T> {
    Field {
        key: "requests_per_minute",
        slot: Slot::Tokens(|c| &mut c.rates().requests_per_minute),
        about: "Attempts per minute that are made there at most, with whichever credential: after a pause so many at once, else steadily. At a limit it is left out, and others are tried; no attempt waits. Default: no limit.",
    }
}

/// The same of tokens.
pub(super) const fn tokens_per_minute<T: Rated>() -> Field<T> {
    Field {
        key: "tokens_per_minute",
        slot: Slot::Tokens(|c| &mut c.rates().tokens_per_minute),
        about: "The same of tokens, prompt and answer together; the prompt is estimated until it is counted.",
    }
}

/// The same at a time.
pub(super) const fn concurrent_requests<T: Rated>() -> Field<T> {
    Field {
        key: "concurrent_requests",
        slot: Slot::Tokens(|c| &mut c.rates().concurrent_requests),
        about: "Attempts that are under way there at the same time, at most.",
    }
}
