//! What is read of an endpoint's record, coarse enough that two looks at the same health
//! see the same: shares in thousandths, percentiles in three digits of a sketch that is
//! right to 2 %.

use serde::{Deserialize, Serialize};
use std::hash::{Hash, Hasher};

/// A measured distribution.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    /// Median.
    #[serde(with = "bits")]
    pub p50: f64,
    /// 75th percentile.
    #[serde(with = "bits")]
    pub p75: f64,
    /// 90th percentile.
    #[serde(with = "bits")]
    pub p90: f64,
    /// 99th percentile.
    #[serde(with = "bits")]
    pub p99: f64,
    /// Values in the window.
    pub samples: u32,
}

/// An endpoint's health as strategies are told it. Shares are 0 to 1, and none of too
/// few attempts. Serialized with the bits of its floats.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// Share of attempts that succeeded, last 30 seconds. Those answered 429 are in
    /// neither part, and those that failed by the client's own fault neither.
    #[serde(with = "bits::optional")]
    pub uptime_30s: Option<f64>,
    /// The same over 5 minutes.
    #[serde(with = "bits::optional")]
    pub uptime_5m: Option<f64>,
    /// The same over 30 minutes.
    #[serde(with = "bits::optional")]
    pub uptime_30m: Option<f64>,
    /// Share of attempts answered 429, last 5 minutes.
    #[serde(with = "bits::optional")]
    pub rate_limited_5m: Option<f64>,
    /// Share of answers with tool calls of which one was unusable, last 30 minutes.
    #[serde(with = "bits::optional")]
    pub bad_tool_calls: Option<f64>,
    /// The circuit breaker is open.
    pub tripped: bool,
    /// Attempts under way.
    pub in_flight: u32,
    /// Attempts in flight that it lately bore before refusing.
    pub capacity: Option<u32>,
    /// Milliseconds to the first token of streamed answers, last 5 minutes.
    pub latency_ms: Option<Percentiles>,
    /// Completion tokens per second after the first, last 5 minutes. A long answer that
    /// came whole is in it with the time that all of it took: a lower bound.
    pub throughput: Option<Percentiles>,
}

/// What is shown of an endpoint to people.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// As strategies would be told it now.
    pub now: Reading,
    /// Share of attempts that succeeded, last 24 hours.
    pub uptime_1d: Option<f64>,
    /// Milliseconds to the first token, last 30 minutes.
    pub latency_30m: Option<Percentiles>,
    /// Completion tokens per second, last 30 minutes.
    pub throughput_30m: Option<Percentiles>,
}

/// Of how many samples at least something is said.
#[derive(Clone, Copy, Debug)]
pub struct MinSamples {
    /// A share.
    pub shares: u32,
    /// Percentiles.
    pub percentiles: u32,
}

/// `part` of `part` and `rest` in thousandths; none of fewer than `least` together.
pub(super) fn share(part: u32, rest: u32, least: u32) -> Option<f64> {
    let whole = part.saturating_add(rest);
    let share = || (1000.0 * f64::from(part) / f64::from(whole)).round() / 1000.0;
    (whole > 0 && whole >= least).then(share)
}

/// In three digits.
pub(super) fn rounded(value: f64) -> f64 {
    let mut step = 1.0;
    while value / step >= 1000.0 {
        step *= 10.0;
    }
    let mut scale = 1.0;
    while value > 0.0 && value * scale < 100.0 {
        scale *= 10.0;
    }
    (value * scale / step).round() * step / scale
}

impl Hash for Reading {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let shares = [
            self.uptime_30s,
            self.uptime_5m,
            self.uptime_30m,
            self.rate_limited_5m,
            self.bad_tool_calls,
        ];
        shares.map(|share| share.map(f64::to_bits)).hash(hasher);
        (self.tripped, self.in_flight, self.capacity).hash(hasher);
        (self.latency_ms, self.throughput).hash(hasher);
    }
}

impl Hash for Percentiles {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        [self.p50, self.p75, self.p90, self.p99].map(f64::to_bits).hash(hasher);
        self.samples.hash(hasher);
    }
}

/// Floats as their bits: not every format writes all of their digits.
mod bits {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over like that")]
    pub(super) fn serialize<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
        value.to_bits().serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        Ok(f64::from_bits(u64::deserialize(from)?))
    }

    pub(super) mod optional {
        use serde::{Deserialize, Deserializer, Serialize, Serializer};

        #[expect(clippy::ref_option, reason = "serde hands fields over like that")]
        pub(in super::super) fn serialize<S: Serializer>(
            value: &Option<f64>,
            to: S,
        ) -> Result<S::Ok, S::Error> {
            value.map(f64::to_bits).serialize(to)
        }

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
            from: D,
        ) -> Result<Option<f64>, D::Error> {
            Ok(Option::<u64>::deserialize(from)?.map(f64::from_bits))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_thousandths_and_need_samples() {
        assert_eq!(share(1, 2, 3), Some(0.333));
        assert_eq!(share(1, 2, 4), None);
        assert_eq!(share(0, 0, 0), None);
        assert_eq!(share(u32::MAX, 0, 5), Some(1.0));
    }

    #[test]
    fn percentiles_have_three_digits() {
        for (value, expected) in [
            (0.0, 0.0),
            (1.2345, 1.23),
            (98.765, 98.8),
            (123.4, 123.0),
            (99_950.0, 100_000.0),
            (523_456.0, 523_000.0),
        ] {
            assert_eq!(rounded(value).to_bits(), f64::to_bits(expected), "{value}");
        }
    }
}
