//! One bucket of requests or tokens, by the generic cell rate algorithm. `governor`
//! decides; the state stays here, where it can be copied, owe more than a bucket holds,
//! and be given back to. Pure: whoever asks says what time it is.

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{NotKeyed, StateStore};
use governor::{Quota, RateLimiter};
use std::cell::Cell;
use std::num::NonZeroU32;
use std::time::Duration;

/// What fills an empty bucket.
const MINUTE_NANOS: u64 = 60_000_000_000;

/// How far ahead a bucket can be in debt: a slip in a limit locks nobody out for longer.
const MOST_DEBT: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bucket {
    limit: NonZeroU32,
    /// How long one of them takes to come back: rounded up, so that no minute brings more
    /// than the limit.
    each: Duration,
    /// When the bucket is full again, on the clock of whoever asks.
    full_at: Duration,
}

impl Bucket {
    pub(super) const fn full(limit: NonZeroU32) -> Self {
        let each = Duration::from_nanos(MINUTE_NANOS.div_ceil(limit.get() as u64));
        Self { limit, each, full_at: Duration::ZERO }
    }

    /// Another limit, of which as much is used as of this.
    pub(super) fn changed(self, limit: NonZeroU32, now: Duration) -> Self {
        let mut changed = Self::full(limit);
        changed.owe(self.used(now), now);
        changed
    }

    /// Takes so many out, at least one. More than the bucket holds are taken where it is
    /// full, and what is missing is owed.
    ///
    /// # Errors
    /// When there are not as many: how long until there are.
    pub(super) fn charge(&mut self, count: u64, now: Duration) -> Result<(), Duration> {
        let within = u32::try_from(count).unwrap_or(u32::MAX).clamp(1, self.limit.get());
        let within = NonZeroU32::new(within).unwrap_or(NonZeroU32::MIN);
        let level = Level(Cell::new(self.full_in(now).into()));
        let limiter: RateLimiter<_, _, _, NoOpMiddleware<Duration>> =
            RateLimiter::new(self.quota(), level, Still);
        match limiter.check_n(within) {
            Ok(Ok(())) => {}
            Ok(Err(not_until)) => return Err(not_until.wait_time_from(Duration::ZERO)),
            // Never, for it is no more than the limit.
            Err(_) => return Err(Duration::from_nanos(MINUTE_NANOS)),
        }
        self.full_at = now.saturating_add(limiter.into_state_store().0.get().into());
        self.owe(count.saturating_sub(within.get().into()), now);
        Ok(())
    }

    /// Takes so many out, whether they are there or not.
    pub(super) fn owe(&mut self, count: u64, now: Duration) {
        let owed = self.full_in(now).saturating_add(self.time_of(count));
        self.full_at = now.saturating_add(owed.min(MOST_DEBT));
    }

    /// Puts so many back that were taken out at a time since. Those that time has put
    /// back already are left out, for the bucket may have been full and lost them.
    pub(super) fn give_back(&mut self, count: u64, since: Duration, now: Duration) {
        let left = self.time_of(count).saturating_sub(now.saturating_sub(since));
        self.full_at = self.full_at.saturating_sub(left);
    }

    pub(super) const fn limit(&self) -> NonZeroU32 {
        self.limit
    }

    /// How many could be taken out now.
    pub(super) fn remaining(&self, now: Duration) -> u32 {
        let used = u32::try_from(self.used(now)).unwrap_or(u32::MAX);
        self.limit.get().saturating_sub(used)
    }

    pub(super) const fn full_in(&self, now: Duration) -> Duration {
        self.full_at.saturating_sub(now)
    }

    fn used(&self, now: Duration) -> u64 {
        let used = self.full_in(now).as_nanos().div_ceil(self.each.as_nanos());
        u64::try_from(used).unwrap_or(u64::MAX)
    }

    /// No longer than the longest debt.
    fn time_of(&self, count: u64) -> Duration {
        let nanos = self.each.as_nanos().saturating_mul(count.into()).min(MOST_DEBT.as_nanos());
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    fn quota(&self) -> Quota {
        // `each` is never zero.
        let quota = Quota::with_period(self.each).unwrap_or(Quota::per_minute(self.limit));
        quota.allow_burst(self.limit)
    }
}

/// How long until the bucket is full, between two decisions.
struct Level(Cell<Nanos>);

impl StateStore for Level {
    type Key = NotKeyed;

    fn measure_and_replace<T, F, E>(&self, _: &NotKeyed, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let (outcome, next) = decide(Some(self.0.get()))?;
        self.0.set(next);
        Ok(outcome)
    }
}

/// Every decision is made at time zero: levels are counted from when it is made.
struct Still;

impl Clock for Still {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    const fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    fn bucket(limit: u32) -> Bucket {
        Bucket::full(NonZeroU32::new(limit).unwrap())
    }

    #[test]
    fn a_full_bucket_holds_a_minute_and_refills_steadily() {
        let mut bucket = bucket(60);
        for left in (0..60).rev() {
            assert_eq!(bucket.charge(1, ms(5_000)), Ok(()));
            assert_eq!(bucket.remaining(ms(5_000)), left);
        }
        assert_eq!(bucket.charge(1, ms(5_000)), Err(ms(1_000)));
        assert_eq!(bucket.charge(1, ms(5_999)), Err(ms(1)));
        assert_eq!(bucket.charge(1, ms(6_000)), Ok(()));
        assert_eq!(bucket.full_in(ms(6_000)), ms(60_000));
        assert_eq!(bucket.charge(10, ms(6_000)), Err(ms(10_000)));
        assert_eq!(bucket.remaining(ms(16_000)), 10);
        assert_eq!(bucket.charge(10, ms(16_000)), Ok(()));
        assert_eq!(bucket.remaining(ms(1_000_000)), 60);
    }

    #[test]
    fn more_than_it_holds_is_taken_out_of_a_full_bucket_and_owed() {
        let mut bucket = bucket(60);
        assert_eq!(bucket.charge(1, ms(0)), Ok(()));
        assert_eq!(bucket.charge(100, ms(0)), Err(ms(1_000)));
        assert_eq!(bucket.charge(100, ms(1_000)), Ok(()));
        assert_eq!((bucket.remaining(ms(1_000)), bucket.full_in(ms(1_000))), (0, ms(100_000)));
        assert_eq!(bucket.charge(1, ms(1_000)), Err(ms(41_000)));
        assert_eq!(bucket.charge(1, ms(42_000)), Ok(()));
    }

    #[test]
    fn a_debt_is_paid_off_before_anything_is_let_in() {
        let mut bucket = bucket(60);
        bucket.owe(90, ms(0));
        assert_eq!(bucket.charge(1, ms(0)), Err(ms(31_000)));
        assert_eq!(bucket.charge(0, ms(30_999)), Err(ms(1)));
        assert_eq!(bucket.charge(0, ms(31_000)), Ok(()));
        bucket.owe(u64::MAX, ms(31_000));
        bucket.owe(u64::MAX, ms(31_000));
        assert_eq!(bucket.full_in(ms(31_000)), MOST_DEBT);
    }

    #[test]
    fn what_is_given_back_is_never_more_than_was_taken() {
        let mut bucket = bucket(60);
        bucket.charge(30, ms(0)).unwrap();
        bucket.give_back(20, ms(0), ms(0));
        assert_eq!(bucket.remaining(ms(0)), 50);
        // Time has given back the first; nothing is left of it when others have come.
        bucket.charge(50, ms(20_000)).unwrap();
        bucket.give_back(10, ms(0), ms(20_000));
        assert_eq!(bucket.remaining(ms(20_000)), 10);
    }

    #[test]
    fn another_limit_keeps_what_is_used() {
        let mut bucket = bucket(60);
        bucket.charge(40, ms(0)).unwrap();
        let of = |limit: u32| bucket.changed(NonZeroU32::new(limit).unwrap(), ms(0));
        assert_eq!(of(100).remaining(ms(0)), 60);
        assert_eq!(of(41).remaining(ms(0)), 1);
        assert_eq!(of(10).remaining(ms(0)), 0);
        assert_eq!(of(10).charge(1, ms(0)), Err(ms(186_000)));
        assert_eq!(of(60), bucket);
    }

    #[test]
    fn no_minute_brings_more_than_the_limit_and_what_was_full() {
        let mut random = StdRng::seed_from_u64(11);
        for _ in 0..100 {
            let limit = random.random_range(1..5_000_u32);
            let mut bucket = bucket(limit);
            let mut taken: Vec<(u64, u64)> = Vec::new();
            let mut now = 0;
            for _ in 0..500 {
                now += random.random_range(0..3_000);
                let count = random.random_range(1..=u64::from(limit));
                if bucket.charge(count, ms(now)).is_ok() {
                    taken.push((now, count));
                }
            }
            for (start, _) in &taken {
                let minute = taken.iter().filter(|(at, _)| (*start..start + 60_000).contains(at));
                let sum: u64 = minute.map(|(_, count)| count).sum();
                assert!(sum <= 2 * u64::from(limit), "{sum} of {limit}");
            }
            let (total, minutes): (u64, u64) = (taken.iter().map(|(_, n)| n).sum(), now / 60_000);
            assert!(total <= u64::from(limit) * (minutes + 2), "{total} in {minutes}");
            // As much as that is let in, too.
            assert!(total >= u64::from(limit) * minutes / 3, "{total} in {minutes}");
        }
    }

    #[test]
    fn the_wait_that_is_told_is_enough_and_no_less_is() {
        let mut random = StdRng::seed_from_u64(12);
        for _ in 0..2_000 {
            let mut bucket = bucket(random.random_range(1..=u32::MAX));
            bucket.owe(random.random(), ms(7));
            let count = random.random();
            if let Err(wait) = bucket.charge(count, ms(7)) {
                let almost = wait.saturating_sub(Duration::from_nanos(1));
                assert!(bucket.charge(count, ms(7) + almost).is_err());
                assert_eq!(bucket.charge(count, ms(7) + wait), Ok(()));
            }
        }
    }
}
