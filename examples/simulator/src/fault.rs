//! What goes wrong, and for which requests.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

/// One way of failing, and the requests that fail so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Which requests fail.
    pub when: When,
    /// How they fail.
    pub failure: Failure,
}

/// Which requests a fault strikes. Requests are numbered from one, for each
/// behaviour apart, and only well-formed ones are counted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Every request.
    Always,
    /// The first `n` requests.
    First(u64),
    /// Requests `n`, `2n`, `3n` and so on; zero strikes none.
    Every(u64),
    /// This share of the requests (0 to 1), chosen by the script's seed and the
    /// request's number alone: the same requests fail in every run.
    Rate(f64),
}

impl When {
    /// Whether the request of this number is struck.
    pub(crate) fn strikes(self, number: u64, seed: u64) -> bool {
        match self {
            When::Always => true,
            When::First(n) => number <= n,
            When::Every(n) => n != 0 && number.is_multiple_of(n),
            When::Rate(rate) => {
                StdRng::seed_from_u64(seed ^ number).random_bool(rate.clamp(0.0, 1.0))
            }
        }
    }
}

/// How a request fails.
///
/// `after_chunks` counts content: pieces of text, reasoning or tool arguments.
/// Zero means that the head and the opening frames are sent but no token; more
/// than the answer has means all of its content and nothing after it. An answer
/// that is not streamed is struck in the middle of its body instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Failure {
    /// An error status with the provider's own body for it.
    Status {
        /// HTTP status code.
        code: u16,
        /// Value of the `retry-after` header, in seconds.
        #[serde(default)]
        retry_after: Option<u64>,
        /// Message in place of the provider's usual one.
        #[serde(default)]
        message: Option<String>,
    },
    /// The connection is closed instead of a response head.
    Close,
    /// The connection is closed in the middle of the body.
    Cut {
        /// Content chunks that are sent before.
        #[serde(default)]
        after_chunks: u32,
    },
    /// One frame that is not JSON, after which the stream goes on.
    Malformed {
        /// Content chunks that are sent before.
        #[serde(default)]
        after_chunks: u32,
    },
    /// An error event inside a stream that began with status 200, and its end.
    StreamError {
        /// Content chunks that are sent before.
        #[serde(default)]
        after_chunks: u32,
        /// The status code whose error is reported.
        code: u16,
    },
    /// Silence, after which the stream goes on.
    Stall {
        /// Content chunks that are sent before.
        #[serde(default)]
        after_chunks: u32,
        /// Length of the silence, in milliseconds.
        milliseconds: u64,
    },
    /// A completion that says nothing.
    Empty,
}

impl Failure {
    /// An error status with the provider's usual body.
    #[must_use]
    pub fn status(code: u16) -> Failure {
        Failure::Status { code, retry_after: None, message: None }
    }

    /// Status 429 with a `retry-after` header of this many seconds.
    #[must_use]
    pub fn rate_limited(retry_after: u64) -> Failure {
        Failure::Status { code: 429, retry_after: Some(retry_after), message: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn struck(when: When) -> Vec<u64> {
        (1..=6).filter(|number| when.strikes(*number, 7)).collect()
    }

    #[test]
    fn each_selection_strikes_its_requests() {
        let cases: [(When, &[u64]); 6] = [
            (When::Always, &[1, 2, 3, 4, 5, 6]),
            (When::First(2), &[1, 2]),
            (When::Every(2), &[2, 4, 6]),
            (When::Every(0), &[]),
            (When::Rate(1.0), &[1, 2, 3, 4, 5, 6]),
            (When::Rate(0.0), &[]),
        ];
        for (when, expected) in cases {
            assert_eq!(struck(when), expected, "{when:?}");
        }
    }

    #[test]
    fn a_rate_strikes_its_share_and_the_same_requests_each_time() {
        let count = |seed| (1..=1000).filter(|n| When::Rate(0.2).strikes(*n, seed)).count();
        assert!((150..=250).contains(&count(1)), "{}", count(1));
        assert_eq!(count(1), count(1));
    }
}
