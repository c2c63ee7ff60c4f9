//! What time it is for everything that routing remembers: the machine's, or one that
//! only moves when it is told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A clock. Its copies show the same time.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Source>);

#[derive(Debug)]
enum Source {
    Machine {
        started: Instant,
        /// Since the Unix epoch, when the clock was made.
        began: Duration,
    },
    Stopped {
        /// The same.
        began: Duration,
        /// Nanoseconds since then.
        elapsed: AtomicU64,
        /// Milliseconds by which the wall clock was stepped.
        stepped: AtomicI64,
    },
}

impl Clock {
    /// The machine's time.
    #[must_use]
    pub fn machine() -> Self {
        let began = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(Arc::new(Source::Machine { started: Instant::now(), began }))
    }

    /// A time that stands still at `began`, counted from the Unix epoch, until it is
    /// [advanced](Self::advance).
    #[must_use]
    pub fn stopped(began: Duration) -> Self {
        Self(Arc::new(Source::Stopped {
            began,
            elapsed: AtomicU64::new(0),
            stepped: AtomicI64::new(0),
        }))
    }

    /// Moves a stopped clock on. The machine's cannot be moved.
    pub fn advance(&self, by: Duration) {
        if let Source::Stopped { elapsed, .. } = &*self.0 {
            let by = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
            elapsed.fetch_add(by, Ordering::SeqCst);
        }
    }

    /// Steps what a stopped clock says of the date, forwards or backwards, as operators
    /// and time servers do: what has [elapsed](Self::now) stays as it is. The machine's
    /// cannot be stepped.
    pub fn step_wall(&self, by_ms: i64) {
        if let Source::Stopped { stepped, .. } = &*self.0 {
            stepped.fetch_add(by_ms, Ordering::SeqCst);
        }
    }

    /// How long the clock has run. Never less than before.
    #[must_use]
    pub fn now(&self) -> Duration {
        match &*self.0 {
            Source::Machine { started, .. } => started.elapsed(),
            Source::Stopped { elapsed, .. } => Duration::from_nanos(elapsed.load(Ordering::SeqCst)),
        }
    }

    /// Since the Unix epoch, counted on from what the machine's clock said when this one
    /// was made: never less than before, as the machine's may be, and it means something
    /// to the next process too.
    #[must_use]
    pub fn date(&self) -> Duration {
        let (Source::Machine { began, .. } | Source::Stopped { began, .. }) = &*self.0;
        began.saturating_add(self.now())
    }

    /// Milliseconds since the Unix epoch as the machine says now, which may be less than
    /// it said before; 0 where its clock is before the epoch.
    #[must_use]
    pub fn wall_ms(&self) -> u64 {
        let whole = |since: Duration| u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        match &*self.0 {
            Source::Machine { .. } => SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, whole),
            Source::Stopped { began, stepped, .. } => whole(began.saturating_add(self.now()))
                .saturating_add_signed(stepped.load(Ordering::SeqCst)),
        }
    }

    /// The same as [`wall_ms`](Self::wall_ms).
    #[must_use]
    pub fn unix_ms(&self) -> u64 {
        self.wall_ms()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_clock_moves_only_when_it_is_told_to() {
        let clock = Clock::stopped(Duration::from_secs(1_000));
        let copy = clock.clone();
        assert_eq!((clock.now(), clock.unix_ms()), (Duration::ZERO, 1_000_000));
        clock.advance(Duration::from_millis(1_500));
        assert_eq!((copy.now(), copy.unix_ms()), (Duration::from_millis(1_500), 1_001_500));
        assert_eq!(copy.date(), Duration::from_millis(1_001_500));
    }

    #[test]
    fn the_wall_clock_steps_and_what_has_elapsed_does_not() {
        let clock = Clock::stopped(Duration::from_secs(1_000));
        clock.advance(Duration::from_secs(5));
        clock.step_wall(-3_000);
        assert_eq!((clock.wall_ms(), clock.now()), (1_002_000, Duration::from_secs(5)));
        assert_eq!(clock.date(), Duration::from_secs(1_005));
        clock.step_wall(86_400_000);
        assert_eq!((clock.wall_ms(), clock.unix_ms()), (87_402_000, 87_402_000));
        clock.step_wall(i64::MIN / 2);
        assert_eq!(clock.wall_ms(), 0);
    }
}
