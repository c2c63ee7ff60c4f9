//! Durations and sizes as people write them: a whole number and its unit.

use std::time::Duration;

pub(super) const KIB: usize = 1 << 10;
pub(super) const MIB: usize = 1 << 20;
pub(super) const GIB: usize = 1 << 30;

/// Largest first, so that printing picks the coarsest unit that is exact.
const DURATIONS: &[(&str, u64)] = &[("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

const SIZES: &[(&str, u64)] =
    &[("GiB", GIB as u64), ("MiB", MIB as u64), ("KiB", KIB as u64), ("B", 1)];

/// Reads `250ms`, `10s`, `2m`, `1h`; None for anything else, zero included:
/// a bound of zero would let nothing through.
pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    parse(text, DURATIONS).map(Duration::from_millis)
}

/// Reads `512B`, `64KiB`, `32MiB`, `1GiB`; None for anything else, zero included.
pub(super) fn parse_size(text: &str) -> Option<usize> {
    parse(text, SIZES).and_then(|bytes| usize::try_from(bytes).ok())
}

/// As [`parse_duration`] reads it. Parts of a millisecond are cut off.
pub(super) fn show_duration(duration: Duration) -> String {
    show(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX), DURATIONS)
}

/// As [`parse_size`] reads it.
pub(super) fn show_size(bytes: usize) -> String {
    show(bytes as u64, SIZES)
}

fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    let number: u64 = number.parse().ok().filter(|n| *n > 0)?;
    number.checked_mul(*factor)
}

fn show(value: u64, units: &[(&str, u64)]) -> String {
    units
        .iter()
        .find(|(_, factor)| value.is_multiple_of(*factor))
        .map_or_else(String::new, |(unit, factor)| format!("{}{unit}", value / factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_survive_a_round_trip() {
        for text in ["250ms", "10s", "2m", "1h", "90s"] {
            assert_eq!(parse_duration(text).map(show_duration).as_deref(), Some(text));
        }
        for text in ["512B", "64KiB", "32MiB", "1GiB"] {
            assert_eq!(parse_size(text).map(show_size).as_deref(), Some(text));
        }
        assert_eq!(parse_duration("120s"), parse_duration("2m"));
    }

    #[test]
    fn what_is_unclear_is_refused() {
        for text in
            ["", "10", "s", "0s", "-1s", "1.5s", "10 s", "1d", "10S", "18446744073709551615h"]
        {
            assert_eq!(parse_duration(text), None, "{text}");
        }
        for text in ["", "32", "0MiB", "32MB", "32mib", "1.5GiB", "MiB"] {
            assert_eq!(parse_size(text), None, "{text}");
        }
    }
}
