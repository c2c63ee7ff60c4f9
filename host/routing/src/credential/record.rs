//! What is remembered of one credential: as a whole, and for each model that it was
//! refused for. A provider that limits one model serves the others all the same.

use super::CredentialFooting;
use crate::breaker::{self, Breaker, Pass, Standing};
use crate::{Cooldown, Verdict};
use std::collections::HashMap;
use std::time::Duration;

/// One refusal is enough: another credential can be tried at once.
const REFUSALS: u32 = 1;

/// Models for which a credential is left alone, or on trial, at once; of more nothing is
/// kept. Clients may make models up, and each takes some 200 bytes.
const MAX_MODELS: usize = 1_000;

/// What is remembered of one credential. Times count from the router's start.
#[derive(Debug, Default)]
pub struct CredentialRecord {
    seed: u64,
    whole: Part,
    /// By the provider's names for them; of the others nothing bad is known.
    models: HashMap<String, Part>,
    /// The last term of the models that were forgotten, whose attempts may still be under
    /// way.
    term: u64,
}

/// What a refusal is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Whatever is asked for.
    Whole,
    /// The model that was asked for.
    Model,
}

/// For how long a credential is left alone at most.
#[derive(Clone, Copy, Debug)]
pub struct CredentialBounds {
    /// Where the provider says how long.
    pub max_cooldown: Duration,
    /// Where it does not, and the pause doubles with each trial that fails.
    pub max_pause: Duration,
}

/// An attempt's part in it, from its beginning to its end.
#[derive(Debug)]
pub struct CredentialPass {
    model: String,
    of_whole: Pass,
    of_model: Pass,
}

/// Of the whole, or of one model.
#[derive(Debug, Default)]
struct Part {
    cooldown: Cooldown,
    breaker: Breaker,
}

impl CredentialRecord {
    /// Of nothing yet. The same seed draws the same pauses.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self { seed, whole: Part::following(seed, 0), models: HashMap::new(), term: 0 }
    }

    /// How it stands to an attempt that would begin now, at this model or at none.
    #[must_use]
    pub fn footing(&self, model: Option<&str>, now: Duration) -> CredentialFooting {
        let of_model = model.and_then(|model| self.models.get(model));
        let of_model = of_model.map_or(CredentialFooting::Sound, |part| part.footing(now));
        self.whole.footing(now).and(of_model)
    }

    /// For how many models it is left alone.
    #[must_use]
    pub fn cooling_models(&self, now: Duration) -> usize {
        let is_cooling = |part: &&Part| matches!(part.footing(now), CredentialFooting::Cooling(_));
        self.models.values().filter(is_cooling).count()
    }

    /// An attempt at this model is made with it.
    pub fn begin(&mut self, model: &str, now: Duration) -> CredentialPass {
        let of_model = match self.models.get_mut(model) {
            Some(part) => part.breaker.begin(now),
            None => Breaker::following(self.seed, self.term).begin(now),
        };
        CredentialPass {
            model: model.to_owned(),
            of_whole: self.whole.breaker.begin(now),
            of_model,
        }
    }

    /// The provider took it.
    pub fn accepted(&mut self, pass: CredentialPass, bounds: CredentialBounds, now: Duration) {
        self.end(pass, Verdict::Good, bounds, now);
    }

    /// The provider did not say what it thinks of it.
    pub fn passed_over(&mut self, pass: CredentialPass, bounds: CredentialBounds, now: Duration) {
        self.end(pass, Verdict::Blameless, bounds, now);
    }

    /// The provider did not take it, or not so often: `wait` is how long it asks for.
    /// Whether a pause begins that was not there before.
    pub fn refused(
        &mut self,
        pass: CredentialPass,
        refusal: Refusal,
        wait: Option<Duration>,
        bounds: CredentialBounds,
        now: Duration,
    ) -> bool {
        let CredentialPass { model, of_whole, of_model } = pass;
        let is_cooling = |record: &Self| {
            matches!(record.footing(Some(&model), now), CredentialFooting::Cooling(_))
        };
        let was_free = !is_cooling(self);
        match refusal {
            Refusal::Whole => {
                if let Some(part) = self.models.get_mut(&model) {
                    part.breaker.end(of_model, Verdict::Blameless, bounds.policy(), now);
                }
                self.whole.refused(of_whole, wait, bounds, now);
            }
            Refusal::Model => {
                self.whole.breaker.end(of_whole, Verdict::Blameless, bounds.policy(), now);
                if let Some(part) = self.part(&model, now) {
                    part.refused(of_model, wait, bounds, now);
                }
            }
        }
        was_free && is_cooling(self)
    }

    fn end(
        &mut self,
        pass: CredentialPass,
        verdict: Verdict,
        bounds: CredentialBounds,
        now: Duration,
    ) {
        self.whole.breaker.end(pass.of_whole, verdict, bounds.policy(), now);
        let Some(part) = self.models.get_mut(&pass.model) else { return };
        part.breaker.end(pass.of_model, verdict, bounds.policy(), now);
        if part.is_past(now) {
            self.term = self.term.max(part.breaker.term());
            self.models.remove(&pass.model);
        }
    }

    /// What is kept of a model, from now on if need be; none where there are too many.
    fn part(&mut self, model: &str, now: Duration) -> Option<&mut Part> {
        if !self.models.contains_key(model) && self.models.len() >= MAX_MODELS {
            self.models.retain(|_, part| {
                let is_kept = part.footing(now) != CredentialFooting::Sound;
                if !is_kept {
                    self.term = self.term.max(part.breaker.term());
                }
                is_kept
            });
            if self.models.len() >= MAX_MODELS {
                return None;
            }
        }
        // Other pauses than the last time, though nothing is left of that.
        let drawn = self.seed.wrapping_add(u64::try_from(now.as_millis()).unwrap_or(u64::MAX));
        let new = || Part::following(drawn, self.term);
        Some(self.models.entry(model.to_owned()).or_insert_with(new))
    }
}

impl Part {
    fn following(seed: u64, term: u64) -> Self {
        Self { cooldown: Cooldown::default(), breaker: Breaker::following(seed, term) }
    }

    fn footing(&self, now: Duration) -> CredentialFooting {
        if let Some(rest) = self.cooldown.rest(now) {
            return CredentialFooting::Cooling(rest);
        }
        match self.breaker.standing(now) {
            Standing::Closed | Standing::HalfOpen => CredentialFooting::Sound,
            Standing::Open(rest) => CredentialFooting::Cooling(rest),
            Standing::Probed => CredentialFooting::Probed,
        }
    }

    fn refused(
        &mut self,
        pass: Pass,
        wait: Option<Duration>,
        bounds: CredentialBounds,
        now: Duration,
    ) {
        if let Some(wait) = wait {
            self.cooldown.ask(wait, bounds.max_cooldown, now);
        }
        // What the provider wishes needs no guess of ours.
        let verdict = match self.cooldown.rest(now) {
            Some(_) => Verdict::Limited,
            None => Verdict::Bad,
        };
        self.breaker.end(pass, verdict, bounds.policy(), now);
    }

    /// It says nothing that a new one would not.
    fn is_past(&self, now: Duration) -> bool {
        self.cooldown.rest(now).is_none() && self.breaker.standing(now) == Standing::Closed
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

    /// How long it is left alone: half of the pause is certain, the rest is drawn.
    fn rest_of(
        record: &CredentialRecord,
        model: Option<&str>,
        pause: u64,
        now: Duration,
    ) -> Duration {
        let Cooling(rest) = record.footing(model, now) else { panic!("it is not left alone") };
        assert!(rest >= seconds(pause) / 2 && rest <= seconds(pause), "{rest:?} of {pause} s");
        rest
    }

    #[test]
    fn a_refused_one_is_left_alone_for_ever_longer_and_then_tried_by_one_at_a_time() {
        let mut record = CredentialRecord::default();
        let mut now = seconds(100);
        for pause in [1, 2, 4, 8, 8] {
            let pass = record.begin("m", now);
            assert!(record.refused(pass, Refusal::Whole, None, BOUNDS, now));
            now += rest_of(&record, None, pause, now);
            assert_eq!(record.footing(None, now), Sound);
        }
        let pass = record.begin("m", now);
        assert_eq!(record.footing(None, now), Probed);
        record.accepted(pass, BOUNDS, now);
        let pass = record.begin("m", now);
        assert_eq!(record.footing(None, now), Sound, "it works again, for everybody");
        assert!(record.refused(pass, Refusal::Whole, None, BOUNDS, now));
        rest_of(&record, None, 1, now);
    }

    #[test]
    fn a_probe_that_says_nothing_leaves_its_place_to_the_next() {
        let mut record = CredentialRecord::default();
        let pass = record.begin("m", seconds(0));
        record.refused(pass, Refusal::Whole, None, BOUNDS, seconds(0));
        let pass = record.begin("m", seconds(1));
        assert_eq!(record.footing(None, seconds(1)), Probed);
        record.passed_over(pass, BOUNDS, seconds(1));
        assert_eq!(record.footing(None, seconds(1)), Sound);
    }

    #[test]
    fn the_providers_wish_counts_within_its_bound() {
        let refused = |wait: u64| {
            let mut record = CredentialRecord::default();
            let pass = record.begin("m", seconds(5));
            assert!(record.refused(pass, Refusal::Whole, Some(seconds(wait)), BOUNDS, seconds(5)));
            record
        };
        assert_eq!(refused(40).footing(None, seconds(5)), Cooling(seconds(40)));
        assert_eq!(refused(3600).footing(None, seconds(5)), Cooling(seconds(60)));
        rest_of(&refused(0), None, 1, seconds(5));
    }

    #[test]
    fn what_was_under_way_when_it_was_refused_says_nothing_more() {
        let mut record = CredentialRecord::default();
        let (first, second, third) = (
            record.begin("m", seconds(0)),
            record.begin("m", seconds(0)),
            record.begin("m", seconds(0)),
        );
        assert!(record.refused(first, Refusal::Whole, None, BOUNDS, seconds(0)));
        assert!(!record.refused(second, Refusal::Whole, None, BOUNDS, seconds(0)));
        record.accepted(third, BOUNDS, seconds(0));
        rest_of(&record, None, 1, seconds(0));
    }

    #[test]
    fn a_model_that_it_is_refused_for_leaves_it_to_the_others() {
        let mut record = CredentialRecord::seeded(7);
        let pass = record.begin("limited", seconds(0));
        assert!(record.refused(pass, Refusal::Model, Some(seconds(9)), BOUNDS, seconds(0)));
        assert_eq!(record.footing(Some("limited"), seconds(0)), Cooling(seconds(9)));
        assert_eq!(record.footing(Some("other"), seconds(0)), Sound);
        assert_eq!(record.footing(None, seconds(0)), Sound);
        assert_eq!(record.cooling_models(seconds(0)), 1);
        // Whatever else happens to it is of the whole.
        let pass = record.begin("other", seconds(1));
        assert!(record.refused(pass, Refusal::Whole, Some(seconds(20)), BOUNDS, seconds(1)));
        assert_eq!(record.footing(Some("limited"), seconds(1)), Cooling(seconds(20)));
        assert_eq!(record.footing(Some("any"), seconds(1)), Cooling(seconds(20)));
    }

    #[test]
    fn a_model_is_tried_again_by_one_at_a_time_and_forgotten_when_it_serves() {
        let mut record = CredentialRecord::seeded(7);
        let mut now = seconds(100);
        for pause in [1, 2, 4] {
            let pass = record.begin("m", now);
            assert!(record.refused(pass, Refusal::Model, None, BOUNDS, now));
            let Cooling(rest) = record.footing(Some("m"), now) else { panic!("{record:?}") };
            assert!(rest >= seconds(pause) / 2 && rest <= seconds(pause), "{rest:?}");
            now += rest;
        }
        let pass = record.begin("m", now);
        assert_eq!(record.footing(Some("m"), now), Probed);
        assert_eq!(record.footing(None, now), Sound);
        record.accepted(pass, BOUNDS, now);
        assert_eq!(record.footing(Some("m"), now), Sound);
        assert!(record.models.is_empty());
    }

    #[test]
    fn what_was_under_way_before_a_model_was_forgotten_ends_no_later_pause() {
        let mut record = CredentialRecord::seeded(7);
        let pass = record.begin("m", seconds(0));
        record.refused(pass, Refusal::Model, None, BOUNDS, seconds(0));
        let (probe, old) = (record.begin("m", seconds(1)), record.begin("m", seconds(1)));
        record.accepted(probe, BOUNDS, seconds(1));
        assert!(record.models.is_empty());
        let pass = record.begin("m", seconds(2));
        assert!(record.refused(pass, Refusal::Model, None, BOUNDS, seconds(2)));
        record.accepted(old, BOUNDS, seconds(2));
        rest_of(&record, Some("m"), 1, seconds(2));
    }

    #[test]
    fn no_more_models_are_kept_than_the_bound_and_those_at_rest_make_room() {
        let mut record = CredentialRecord::seeded(7);
        let mut refuse = |model: usize, now: Duration| {
            let pass = record.begin(&model.to_string(), now);
            let begins = record.refused(pass, Refusal::Model, Some(seconds(9)), BOUNDS, now);
            (begins, record.models.len())
        };
        for model in 0..MAX_MODELS {
            assert_eq!(refuse(model, seconds(0)), (true, model + 1));
        }
        assert_eq!(refuse(MAX_MODELS, seconds(8)), (false, MAX_MODELS));
        assert_eq!(refuse(MAX_MODELS, seconds(9)), (true, 1));
    }

    #[test]
    fn two_credentials_do_not_cool_down_equally_long() {
        let rest = |seed: u64, refusal: Refusal| {
            let mut record = CredentialRecord::seeded(seed);
            let pass = record.begin("m", seconds(0));
            record.refused(pass, refusal, None, BOUNDS, seconds(0));
            rest_of(&record, Some("m"), 1, seconds(0))
        };
        for refusal in [Refusal::Whole, Refusal::Model] {
            assert_ne!(rest(1, refusal), rest(2, refusal));
            assert_eq!(rest(1, refusal), rest(1, refusal));
        }
    }
}
