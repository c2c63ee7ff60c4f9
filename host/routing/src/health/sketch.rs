//! A distribution in little room: how many of the values that were seen lie in each of
//! some hundred ranges. Sketches of neighbouring stretches of time add up to that of
//! both.

use super::reading::{Percentiles, rounded};
use serde::{Deserialize, Serialize};
use sketches_ddsketch::{Config, DDSketch, DecodeError};

/// A percentile is right to this share of its value.
const ACCURACY: f64 = 0.02;

/// What is less or more counts as this, so that a sketch has at most 333 ranges: 3 KiB,
/// and 1 KiB where all lie within a factor of 160.
const LEAST: f64 = 1.0;
const MOST: f64 = 600_000.0;

/// The library's own bounds, which those above keep it from reaching. What it reads back
/// has them too, and only sketches with equal bounds can be merged.
const MAX_RANGES: u32 = 2048;
const SMALLEST: f64 = 1e-9;

/// Values that were seen.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Vec<u8>", into = "Vec<u8>")]
pub(super) struct Sketch(DDSketch);

impl Sketch {
    pub(super) fn add(&mut self, value: f64) {
        self.0.add(value.clamp(LEAST, MOST));
    }

    pub(super) fn merge(&mut self, other: &Self) {
        // All have the same bounds.
        let _ = self.0.merge(&other.0);
    }

    pub(super) fn samples(&self) -> u32 {
        u32::try_from(self.0.count()).unwrap_or(u32::MAX)
    }

    /// None of nothing.
    pub(super) fn percentiles(&self) -> Option<Percentiles> {
        let at = |share| self.0.quantile(share).ok().flatten().map(rounded);
        let samples = self.samples();
        Some(Percentiles { p50: at(0.5)?, p75: at(0.75)?, p90: at(0.9)?, p99: at(0.99)?, samples })
    }
}

impl Default for Sketch {
    fn default() -> Self {
        Self(DDSketch::new(Config::new(ACCURACY, MAX_RANGES, SMALLEST)))
    }
}

impl std::fmt::Debug for Sketch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sketch({:?})", self.percentiles())
    }
}

impl From<Sketch> for Vec<u8> {
    fn from(sketch: Sketch) -> Self {
        sketch.0.to_java_bytes()
    }
}

impl TryFrom<Vec<u8>> for Sketch {
    type Error = DecodeError;

    fn try_from(bytes: Vec<u8>) -> Result<Self, DecodeError> {
        let read = DDSketch::from_java_bytes(&bytes)?;
        let mut sketch = Self::default();
        let merged = sketch.0.merge(&read);
        merged.map_err(|error| DecodeError::InvalidData(error.to_string()))?;
        Ok(sketch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    fn of(values: &[f64]) -> Sketch {
        let mut sketch = Sketch::default();
        values.iter().for_each(|value| sketch.add(*value));
        sketch
    }

    #[test]
    fn parts_add_up_to_percentiles_that_are_right_to_two_in_a_hundred() {
        for seed in 0..50 {
            let mut random = StdRng::seed_from_u64(seed);
            let mut value = || random.random_range(0.0_f64..13.0).exp();
            let mut values: Vec<f64> = (0..997).map(|_| value()).collect();
            let mut sum = Sketch::default();
            values.chunks(100).for_each(|part| sum.merge(&of(part)));
            values.sort_by(f64::total_cmp);
            let percentiles = sum.percentiles().unwrap();
            assert_eq!(percentiles.samples, 997);
            let Percentiles { p50, p75, p90, p99, .. } = percentiles;
            // Rounding to three digits adds up to half a percent.
            for (index, shown) in [(498, p50), (747, p75), (896, p90), (986, p99)] {
                let off = (shown / values[index] - 1.0).abs();
                assert!(off <= ACCURACY + 0.006, "seed {seed}: {shown} for {}", values[index]);
            }
        }
    }

    #[test]
    fn its_room_is_bounded_whatever_is_seen() {
        let mut sketch = Sketch::default();
        for exponent in -300..300 {
            sketch.add(10_f64.powi(exponent));
        }
        assert!(sketch.0.length() * 8 <= 3 * 1024, "{} ranges", sketch.0.length());
        assert!(of(&[50.0, 5_000.0]).0.length() * 8 <= 1024);
    }

    #[test]
    fn what_is_written_down_is_read_back_and_adds_up_as_before() {
        let (first, second) = (of(&[3.0, 70.5, 1e5]), of(&[12.0, 0.2]));
        let mut read = Sketch::try_from(Vec::from(first.clone())).unwrap();
        assert_eq!(read.percentiles(), first.percentiles());
        read.merge(&second);
        let mut expected = first;
        expected.merge(&second);
        assert_eq!(read.percentiles(), expected.percentiles());
        assert!(Sketch::try_from(b"nonsense".to_vec()).is_err());
        assert_eq!(Sketch::default().percentiles(), None);
    }
}
