//! Which of a provider's credentials an attempt is made with: the team's own before
//! shared ones, by weight among equals, and none that was lately refused. Pure: whoever
//! asks says what time it is, and draws the seed.

use crate::breaker::{self, Breaker, Pass, Standing};
use crate::{Cooldown, Verdict};
use std::time::Duration;

/// One refusal is enough: another credential can be tried at once.
const REFUSALS: u32 = 1;

/// One credential as it may be chosen now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Of the team's own account: before any that is shared.
    pub own: bool,
    /// Its share among equals.
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

/// Where the choice falls, as an index into `choices`. The same seed chooses the same.
///
/// # Errors
/// When all of them are cooling down: how long until the first is over it. None where
/// there are no choices.
pub fn choose(choices: &[Choice], seed: u64) -> Result<usize, Option<Duration>> {
    use CredentialFooting::{Cooling, Probed, Sound};
    for (own, footing) in [(true, Sound), (false, Sound), (true, Probed), (false, Probed)] {
        let weight = |choice: &Choice| match choice.own == own && choice.footing == footing {
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

/// What is remembered of one credential. Times count from the router's start.
#[derive(Debug, Default)]
pub struct CredentialRecord {
    cooldown: Cooldown,
    breaker: Breaker,
}

/// For how long a credential is left alone at most.
#[derive(Clone, Copy, Debug)]
pub struct CredentialBounds {
    /// Where the provider says how long.
    pub max_cooldown: Duration,
    /// Where it does not, and the pause doubles with each trial that fails.
    pub max_pause: Duration,
}

impl CredentialRecord {
    /// How it stands to an attempt that would begin now.
    #[must_use]
    pub fn footing(&self, now: Duration) -> CredentialFooting {
        if let Some(rest) = self.cooldown.rest(now) {
            return CredentialFooting::Cooling(rest);
        }
        match self.breaker.standing(now) {
            Standing::Closed | Standing::HalfOpen => CredentialFooting::Sound,
            Standing::Open(rest) => CredentialFooting::Cooling(rest),
            Standing::Probed => CredentialFooting::Probed,
        }
    }

    /// An attempt is made with it.
    pub fn begin(&mut self, now: Duration) -> Pass {
        self.breaker.begin(now)
    }

    /// The provider took it.
    pub fn accepted(&mut self, pass: Pass, bounds: CredentialBounds, now: Duration) {
        self.breaker.end(pass, Verdict::Good, bounds.policy(), now);
    }

    /// The provider did not say what it thinks of it.
    pub fn passed_over(&mut self, pass: Pass, bounds: CredentialBounds, now: Duration) {
        self.breaker.end(pass, Verdict::Blameless, bounds.policy(), now);
    }

    /// The provider did not take it, or not so often: `wait` is how long it asks for.
    /// Whether a pause begins that was not there before.
    pub fn refused(
        &mut self,
        pass: Pass,
        wait: Option<Duration>,
        bounds: CredentialBounds,
        now: Duration,
    ) -> bool {
        let was_free = !matches!(self.footing(now), CredentialFooting::Cooling(_));
        if let Some(wait) = wait {
            self.cooldown.ask(wait, bounds.max_cooldown, now);
        }
        // What the provider wishes needs no guess of ours.
        let verdict = match self.cooldown.rest(now) {
            Some(_) => Verdict::Limited,
            None => Verdict::Bad,
        };
        self.breaker.end(pass, verdict, bounds.policy(), now);
        was_free && matches!(self.footing(now), CredentialFooting::Cooling(_))
    }
}

impl CredentialBounds {
    fn policy(self) -> breaker::Policy {
        breaker::Policy { failures: REFUSALS, max_pause: self.max_pause }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use CredentialFooting::{Cooling, Probed, Sound};

    const BOUNDS: CredentialBounds = CredentialBounds {
        max_cooldown: Duration::from_secs(60),
        max_pause: Duration::from_secs(8),
    };

    const fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    const fn shared(weight: u32, footing: CredentialFooting) -> Choice {
        Choice { own: false, weight, footing }
    }

    const fn own(weight: u32, footing: CredentialFooting) -> Choice {
        Choice { own: true, weight, footing }
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
    fn own_ones_come_before_shared_ones_and_sound_ones_before_both() {
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
    }

    #[test]
    fn when_all_cool_down_the_first_to_recover_says_when() {
        let all = [shared(1, Cooling(seconds(9))), own(1, Cooling(seconds(40)))];
        assert_eq!(choose(&all, 1), Err(Some(seconds(9))));
        assert_eq!(choose(&[], 1), Err(None));
    }

    /// How long it is left alone: half of the pause is certain, the rest is drawn.
    fn rest_of(record: &CredentialRecord, pause: u64, now: Duration) -> Duration {
        let Cooling(rest) = record.footing(now) else { panic!("it is not left alone") };
        assert!(rest >= seconds(pause) / 2 && rest <= seconds(pause), "{rest:?} of {pause} s");
        rest
    }

    #[test]
    fn a_refused_one_is_left_alone_for_ever_longer_and_then_tried_by_one_at_a_time() {
        let mut record = CredentialRecord::default();
        let mut now = seconds(100);
        for pause in [1, 2, 4, 8, 8] {
            let pass = record.begin(now);
            assert!(record.refused(pass, None, BOUNDS, now));
            now += rest_of(&record, pause, now);
            assert_eq!(record.footing(now), Sound);
        }
        let pass = record.begin(now);
        assert_eq!(record.footing(now), Probed);
        record.accepted(pass, BOUNDS, now);
        let pass = record.begin(now);
        assert_eq!(record.footing(now), Sound, "it works again, for everybody");
        assert!(record.refused(pass, None, BOUNDS, now));
        rest_of(&record, 1, now);
    }

    #[test]
    fn a_probe_that_says_nothing_leaves_its_place_to_the_next() {
        let mut record = CredentialRecord::default();
        let pass = record.begin(seconds(0));
        record.refused(pass, None, BOUNDS, seconds(0));
        let pass = record.begin(seconds(1));
        assert_eq!(record.footing(seconds(1)), Probed);
        record.passed_over(pass, BOUNDS, seconds(1));
        assert_eq!(record.footing(seconds(1)), Sound);
    }

    #[test]
    fn the_providers_wish_counts_within_its_bound() {
        let refused = |wait: u64| {
            let mut record = CredentialRecord::default();
            let pass = record.begin(seconds(5));
            assert!(record.refused(pass, Some(seconds(wait)), BOUNDS, seconds(5)));
            record
        };
        assert_eq!(refused(40).footing(seconds(5)), Cooling(seconds(40)));
        assert_eq!(refused(3600).footing(seconds(5)), Cooling(seconds(60)));
        rest_of(&refused(0), 1, seconds(5));
    }

    #[test]
    fn what_was_under_way_when_it_was_refused_says_nothing_more() {
        let mut record = CredentialRecord::default();
        let (first, second, third) =
            (record.begin(seconds(0)), record.begin(seconds(0)), record.begin(seconds(0)));
        assert!(record.refused(first, None, BOUNDS, seconds(0)));
        assert!(!record.refused(second, None, BOUNDS, seconds(0)));
        record.accepted(third, BOUNDS, seconds(0));
        rest_of(&record, 1, seconds(0));
    }
}
