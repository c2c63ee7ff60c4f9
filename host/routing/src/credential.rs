//! Which of a provider's credentials an attempt is made with: by rank, by weight among
//! those of equal rank, and none that was lately refused. Pure: whoever asks says what time
//! it is, and draws the seed.

mod record;

pub use record::{CredentialBounds, CredentialPass, CredentialRecord, Refusal};

use std::time::Duration;

/// One credential as it may be chosen now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The lower, the earlier.
    pub rank: u32,
    /// Its share among those of the same rank; at least 1.
    pub weight: u32,
    /// How it stands to another attempt.
    pub footing: CredentialFooting,
}

/// How a credential stands to another attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialFooting {
    /// Nothing speaks against one.
    Sound,
    /// It was refused, and another attempt is finding out whether it still is: a last
    /// resort.
    Probed,
    /// It is left alone for so much longer.
    Cooling(Duration),
}

impl CredentialFooting {
    /// How it stands where both have to bear the attempt.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        use CredentialFooting::{Cooling, Probed, Sound};
        match (self, other) {
            (Cooling(one), Cooling(other)) => Cooling(one.max(other)),
            (Cooling(rest), _) | (_, Cooling(rest)) => Cooling(rest),
            (Probed, _) | (_, Probed) => Probed,
            (Sound, Sound) => Sound,
        }
    }
}

/// Where the choice falls, as an index into `choices`. The same seed chooses the same.
///
/// # Errors
/// When all of them are cooling down: how long until the first is over it. None where
/// there are no choices.
pub fn choose(choices: &[Choice], seed: u64) -> Result<usize, Option<Duration>> {
    use CredentialFooting::{Cooling, Probed, Sound};
    for footing in [Sound, Probed] {
        let on_it = choices.iter().filter(|choice| choice.footing == footing);
        let first = on_it.map(|choice| choice.rank).min();
        let weight = |choice: &Choice| match Some(choice.rank) == first && choice.footing == footing
        {
            true => u64::from(choice.weight),
            false => 0,
        };
        if let Some(chosen) = draw(choices.iter().map(weight), seed) {
            return Ok(chosen);
        }
    }
    let rests = choices.iter().filter_map(|choice| match choice.footing {
        Cooling(rest) => Some(rest),
        Sound | Probed => None,
    });
    Err(rests.min())
}

/// The seed of one of the draws that a request makes.
#[must_use]
pub fn seed_of(request: u64, attempt: u64) -> u64 {
    // SplitMix64: a sequence of its own for each request, any member of it at once.
    let mut mixed = request.wrapping_add(attempt.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// An index, as often as its weight says; none where all weights are zero.
fn draw(weights: impl Iterator<Item = u64> + Clone, seed: u64) -> Option<usize> {
    let total = u128::from(weights.clone().sum::<u64>());
    let mut left = (total * u128::from(seed)) >> u64::BITS;
    for (index, weight) in weights.enumerate() {
        let weight = u128::from(weight);
        if left < weight {
            return Some(index);
        }
        left -= weight;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use CredentialFooting::{Cooling, Probed, Sound};

    const fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    const fn shared(weight: u32, footing: CredentialFooting) -> Choice {
        Choice { rank: 1, weight, footing }
    }

    const fn own(weight: u32, footing: CredentialFooting) -> Choice {
        Choice { rank: 0, weight, footing }
    }

    const fn last(weight: u32, footing: CredentialFooting) -> Choice {
        Choice { rank: 7, weight, footing }
    }

    /// How often each of them is chosen in so many draws.
    fn shares(choices: &[Choice], draws: u64) -> Vec<u64> {
        let mut counts = vec![0; choices.len()];
        for request in 0..draws {
            counts[choose(choices, seed_of(request, 1)).unwrap()] += 1;
        }
        counts
    }

    #[test]
    fn weights_are_shares_of_the_draws() {
        let counts = shares(&[shared(1, Sound), shared(2, Sound), shared(7, Sound)], 10_000);
        for (count, expected) in counts.iter().zip([1_000, 2_000, 7_000]) {
            assert!(count.abs_diff(expected) < 250, "{counts:?}");
        }
        let counts = shares(&[shared(u32::MAX, Sound), shared(u32::MAX, Sound)], 10_000);
        assert!(counts[0].abs_diff(5_000) < 250, "{counts:?}");
    }

    #[test]
    fn the_same_seed_chooses_the_same_and_each_attempt_draws_anew() {
        let choices = [shared(1, Sound); 4];
        let chosen = |request, attempt| choose(&choices, seed_of(request, attempt)).unwrap();
        let one: Vec<_> = (0..20).map(|attempt| chosen(7, attempt)).collect();
        let again: Vec<_> = (0..20).map(|attempt| chosen(7, attempt)).collect();
        assert_eq!(one, again);
        assert!(one.iter().any(|index| *index != one[0]), "{one:?}");
    }

    #[test]
    fn lower_ranks_come_first_and_sound_ones_before_all() {
        let check = |choices: &[Choice], expected: &[usize]| {
            for request in 0..100 {
                let chosen = choose(choices, seed_of(request, 1)).unwrap();
                assert!(expected.contains(&chosen), "{choices:?}: {chosen}");
            }
        };
        check(&[shared(1_000, Sound), own(1, Sound)], &[1]);
        check(&[shared(1, Sound), own(1, Sound), own(1, Sound)], &[1, 2]);
        check(&[shared(1, Sound), own(1, Cooling(seconds(1)))], &[0]);
        check(&[shared(1, Sound), own(1, Probed)], &[0]);
        check(&[shared(1, Probed), own(1, Probed)], &[1]);
        check(&[shared(1, Probed), own(1, Cooling(seconds(1)))], &[0]);
        check(&[last(9, Sound), shared(1, Sound), own(1, Cooling(seconds(1)))], &[1]);
        check(&[last(1, Sound), shared(1, Probed), own(1, Probed)], &[0]);
    }

    #[test]
    fn when_all_cool_down_the_first_to_recover_says_when() {
        let all = [shared(1, Cooling(seconds(9))), own(1, Cooling(seconds(40)))];
        assert_eq!(choose(&all, 1), Err(Some(seconds(9))));
        assert_eq!(choose(&[], 1), Err(None));
    }
}
