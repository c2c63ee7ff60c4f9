//! Shares of success over two sliding windows. Pure: whoever asks says what time
//! it is.

use plugway_engine::Health as Reading;
use plugway_routing::Verdict;

/// Fewer attempts than this say nothing about an endpoint.
const MIN_SAMPLES: u32 = 5;

/// Slots per window; a slot is a thirtieth of it.
const SLOTS: usize = 30;

/// What came of an endpoint's attempts, lately and a little longer ago.
#[derive(Default)]
pub(super) struct Windows {
    half_minute: Window<1>,
    five_minutes: Window<10>,
}

/// A ring of slots, each `SECONDS` long.
#[derive(Default)]
struct Window<const SECONDS: u64> {
    slots: [Slot; SLOTS],
}

#[derive(Clone, Copy, Default)]
struct Slot {
    /// Which stretch of time this slot was last used for.
    number: u64,
    good: u32,
    bad: u32,
    limited: u32,
}

impl Windows {
    /// An attempt ended in second `now`.
    pub(super) fn add(&mut self, now: u64, verdict: Verdict) {
        self.half_minute.add(now, verdict);
        self.five_minutes.add(now, verdict);
    }

    /// The shares of success as of second `now`.
    pub(super) fn reading(&self, now: u64, in_flight: u32) -> Reading {
        let (short, long) = (self.half_minute.sum(now), self.five_minutes.sum(now));
        Reading {
            uptime_30s: share(short.good, short.bad),
            uptime_5m: share(long.good, long.bad),
            rate_limited_5m: share(long.limited, long.good.saturating_add(long.bad)),
            in_flight,
            ..Reading::default()
        }
    }
}

impl<const SECONDS: u64> Window<SECONDS> {
    fn add(&mut self, now: u64, verdict: Verdict) {
        let number = now / SECONDS;
        let slot = &mut self.slots[index(number)];
        if slot.number != number {
            *slot = Slot { number, ..Slot::default() };
        }
        let count = match verdict {
            Verdict::Good => &mut slot.good,
            Verdict::Bad => &mut slot.bad,
            Verdict::Limited => &mut slot.limited,
            Verdict::Blameless => return,
        };
        *count = count.saturating_add(1);
    }

    fn sum(&self, now: u64) -> Slot {
        let number = now / SECONDS;
        let recent = self.slots.iter().filter(|slot| slot.number + SLOTS as u64 > number);
        recent.fold(Slot::default(), |sum, slot| Slot {
            number,
            good: sum.good.saturating_add(slot.good),
            bad: sum.bad.saturating_add(slot.bad),
            limited: sum.limited.saturating_add(slot.limited),
        })
    }
}

fn index(number: u64) -> usize {
    usize::try_from(number % SLOTS as u64).unwrap_or(0)
}

fn share(part: u32, rest: u32) -> Option<f64> {
    let whole = part.saturating_add(rest);
    (whole >= MIN_SAMPLES).then(|| f64::from(part) / f64::from(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        attempts: &[(u64, Verdict)],
        now: u64,
        half_minute: Option<f64>,
        five_minutes: Option<f64>,
    ) {
        let mut windows = Windows::default();
        for (at, verdict) in attempts {
            windows.add(*at, *verdict);
        }
        let reading = windows.reading(now, 0);
        assert_eq!(
            (reading.uptime_30s, reading.uptime_5m),
            (half_minute, five_minutes),
            "at {now}"
        );
    }

    #[test]
    fn shares_need_samples_and_age_out() {
        use Verdict::{Bad, Blameless, Good, Limited};
        let few = [(100, Good), (100, Bad)];
        check(&few, 100, None, None);
        let mixed = [(100, Good), (101, Good), (102, Good), (103, Bad), (104, Good)];
        check(&mixed, 110, Some(0.8), Some(0.8));
        check(&mixed, 140, None, Some(0.8));
        check(&mixed, 500, None, None);
        let blameless =
            [(100, Good); 5].iter().chain(&[(100, Blameless); 5]).copied().collect::<Vec<_>>();
        check(&blameless, 100, Some(1.0), Some(1.0));
        let limited =
            [(100, Good); 5].iter().chain(&[(100, Limited); 5]).copied().collect::<Vec<_>>();
        check(&limited, 100, Some(1.0), Some(1.0));
    }
}
