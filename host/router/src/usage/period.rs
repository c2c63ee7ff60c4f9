//! Which days are looked at: whole UTC days, both ends included.

use plugway_accounts::calendar::{DAY_MS, Day};

/// From one day to another; no end is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Period {
    pub(crate) from: Option<Day>,
    pub(crate) to: Option<Day>,
}

impl Period {
    /// The first moment.
    pub(crate) fn begin_ms(self) -> Option<u64> {
        self.from.map(start_ms)
    }

    /// The first moment after it.
    pub(crate) fn end_ms(self) -> Option<u64> {
        self.to.map(|day| start_ms(day.saturating_add(1)))
    }

    /// Whether the day is one of them.
    pub(crate) fn has(self, day: Day) -> bool {
        self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day <= to)
    }
}

fn start_ms(day: Day) -> u64 {
    u64::try_from(day).unwrap_or(0).saturating_mul(DAY_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_has_both_of_its_ends() {
        let period = Period { from: Some(2), to: Some(3) };
        assert_eq!(period.begin_ms().zip(period.end_ms()), Some((2 * DAY_MS, 4 * DAY_MS)));
        let days: Vec<Day> = (0..6).filter(|day| period.has(*day)).collect();
        assert_eq!(days, [2, 3]);
        assert!(Period::default().has(Day::MIN) && Period::default().begin_ms().is_none());
    }
}
