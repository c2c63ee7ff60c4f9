//! A weighted draw without replacement that a seed determines.

/// US dollars: an endpoint that costs nothing is weighed as if it cost this.
const LEAST_COST: f64 = 1e-9;

/// US dollars: no request costs more; unknown costs are weighed as this.
const GREATEST_COST: f64 = 1e4;

/// The weight of an endpoint: the inverse of its cost, to the power.
pub(crate) fn weight(cost: f64, exponent: f64) -> f64 {
    let cost = if cost.is_nan() { GREATEST_COST } else { cost };
    cost.clamp(LEAST_COST, GREATEST_COST).powf(-exponent)
}

/// When each weight has its turn, the least first: exponential waiting times, whose
/// order is that of drawing one after the other in proportion to the weights.
pub(crate) fn turns(seed: u64, weights: &[f64]) -> Vec<f64> {
    let mut random = SplitMix64(seed);
    weights.iter().map(|weight| -random.fraction().ln() / weight).collect()
}

/// Steele, Lea and Flood's generator: small, and good enough for shuffling.
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Above 0, up to and with 1, in steps of 2^-53.
    fn fraction(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers() {
        // The first numbers of the published generator for the seed 1234567.
        let mut random = SplitMix64(1_234_567);
        assert_eq!(random.next(), 6_457_827_717_110_365_317);
        assert_eq!(random.next(), 3_203_168_211_198_807_973);
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
}
