//! Chance that a seed determines: the same request, replayed, draws the same.

/// US dollars: an endpoint that costs nothing is weighed as if it cost this.
const LEAST_COST: f64 = 1e-9;

/// US dollars: no request costs more; unknown costs are weighed as this.
const GREATEST_COST: f64 = 1e4;

/// The weight of an endpoint: the inverse of its cost, to the power.
#[must_use]
pub fn weight(cost: f64, exponent: f64) -> f64 {
    let cost = if cost.is_nan() { GREATEST_COST } else { cost };
    cost.clamp(LEAST_COST, GREATEST_COST).powf(-exponent)
}

/// What is drawn for one request, number by number.
#[derive(Clone, Debug)]
pub struct Draw(u64);

impl Draw {
    /// Everything that it yields follows from the seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Above 0, up to and with 1, in steps of 2^-53.
    pub fn fraction(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }

    /// One of the items, each as likely as the other; none of none.
    pub fn one_of<T: Copy>(&mut self, items: &[T]) -> Option<T> {
        let place = (1.0 - self.fraction()) * items.len() as f64;
        items.get(place as usize).copied()
    }

    /// When each weight has its turn, the least first: exponential waiting times, whose
    /// order is that of drawing one after the other in proportion to the weights.
    pub fn turns(&mut self, weights: &[f64]) -> Vec<f64> {
        weights.iter().map(|weight| -self.fraction().ln() / weight).collect()
    }

    /// Steele, Lea and Flood's generator: small, and good enough for shuffling.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers() {
        // The first numbers of the published generator for the seed 1234567.
        let mut draw = Draw::new(1_234_567);
        assert_eq!(draw.next(), 6_457_827_717_110_365_317);
        assert_eq!(draw.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn weights_are_finite_whatever_the_cost() {
        for cost in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-300] {
            for exponent in [0.0, 2.0, 8.0] {
                let weight = weight(cost, exponent);
                assert!(weight.is_finite() && weight > 0.0, "{cost} {exponent}");
            }
        }
    }

    #[test]
    fn each_item_is_as_likely_as_the_other() {
        let mut counts = [0_u32; 3];
        for seed in 0..9000 {
            counts[Draw::new(seed).one_of(&[0_usize, 1, 2]).unwrap()] += 1;
        }
        assert!(counts.iter().all(|count| count.abs_diff(3000) < 150), "{counts:?}");
        assert_eq!(Draw::new(1).one_of::<u8>(&[]), None);
    }
}
