//! How fast an endpoint answered, as percentiles over two sliding windows: five minutes
//! in five sketches, half an hour in six, for each of two measures, of 3 KiB each at most.

use super::reading::Percentiles;
use super::sketch::Sketch;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::time::Duration;

/// What is measured of answers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Timings {
    /// Milliseconds to the first token, of those that were streamed.
    pub(super) latency: Measure,
    /// Completion tokens per second after the first; of whole answers, at least so many.
    pub(super) throughput: Measure,
}

/// One measure over both windows.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Measure {
    five_minutes: Ring<60, 5>,
    half_hour: Ring<300, 6>,
}

/// The sketches of the last `SLOTS` stretches of `SECONDS` in which there were values,
/// the newest last.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Ring<const SECONDS: u64, const SLOTS: u64> {
    slots: VecDeque<(u64, Sketch)>,
}

impl Measure {
    pub(super) fn add(&mut self, value: f64, now: Duration) {
        self.five_minutes.add(value, now);
        self.half_hour.add(value, now);
    }

    /// Over five minutes; none of fewer than `least` values.
    pub(super) fn five_minutes(&self, least: u32, now: Duration) -> Option<Percentiles> {
        self.five_minutes.percentiles(least, now)
    }

    /// Over half an hour.
    pub(super) fn half_hour(&self, least: u32, now: Duration) -> Option<Percentiles> {
        self.half_hour.percentiles(least, now)
    }
}

impl Timings {
    /// Whether all of it has left the windows.
    pub(super) fn is_past(&self, now: Duration) -> bool {
        [&self.latency, &self.throughput].iter().all(|it| it.half_hour.merged(now).is_none())
    }
}

impl<const SECONDS: u64, const SLOTS: u64> Ring<SECONDS, SLOTS> {
    fn add(&mut self, value: f64, now: Duration) {
        let number = now.as_secs() / SECONDS;
        while self.slots.pop_front_if(|(it, _)| *it + SLOTS <= number).is_some() {}
        match self.slots.back_mut() {
            Some((newest, sketch)) if *newest >= number => sketch.add(value),
            _ => {
                let mut sketch = Sketch::default();
                sketch.add(value);
                self.slots.push_back((number, sketch));
            }
        }
    }

    fn percentiles(&self, least: u32, now: Duration) -> Option<Percentiles> {
        let merged = self.merged(now)?;
        merged.percentiles().filter(|it| it.samples >= least)
    }

    fn merged(&self, now: Duration) -> Option<Sketch> {
        let number = now.as_secs() / SECONDS;
        let recent = self.slots.iter().filter(|(it, _)| *it + SLOTS > number);
        let mut sketches = recent.map(|(_, sketch)| sketch);
        let mut merged = sketches.next()?.clone();
        sketches.for_each(|sketch| merged.merge(sketch));
        Some(merged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn minutes(n: u64) -> Duration {
        Duration::from_secs(60 * n)
    }

    #[test]
    fn values_leave_the_windows_and_few_of_them_say_nothing() {
        let mut measure = Measure::default();
        for minute in 100..110 {
            measure.add(100.0, minutes(minute));
        }
        let samples = |percentiles: Option<Percentiles>| percentiles.map(|it| it.samples);
        let now = minutes(109);
        assert_eq!(samples(measure.five_minutes(1, now)), Some(5));
        assert_eq!(samples(measure.half_hour(1, now)), Some(10));
        assert_eq!(measure.five_minutes(6, now), None);
        assert_eq!(samples(measure.five_minutes(1, minutes(112))), Some(2));
        assert_eq!(measure.five_minutes(1, minutes(114)), None);
        assert_eq!(samples(measure.half_hour(1, minutes(130))), Some(5));
        assert_eq!(measure.half_hour(1, minutes(135)), None);
    }

    #[test]
    fn no_more_slots_are_held_than_a_window_has() {
        let mut measure = Measure::default();
        for minute in 0..1000 {
            measure.add(1.0, minutes(minute));
            assert!(measure.five_minutes.slots.len() <= 5);
            assert!(measure.half_hour.slots.len() <= 6);
        }
    }

    #[test]
    fn a_clock_that_was_set_back_loses_nothing() {
        let mut measure = Measure::default();
        measure.add(1.0, minutes(100));
        measure.add(1.0, minutes(90));
        assert_eq!(measure.five_minutes(2, minutes(100)).unwrap().samples, 2);
    }
}
