//! Whether events come in the order, and within the bounds, that the contract
//! sets: what indexes into the host's tables is never taken on a plugin's word.

use plugway_engine::chat::{self, Event};

use super::check::{MalformedEvent, check};

/// Parts of one choice. Beyond it no answer has ever been; each costs the host
/// a few hundred bytes.
const MAX_PARTS: u32 = 4096;

/// Models that one answer reports usage of.
const MAX_MODELS: usize = 16;

/// What one record of usage counts by names of the adapter's own.
const MAX_METERS: usize = 64;

/// Holds the events of one answer against the contract, one after the other. What
/// folds, counts and encodes relies on it: parts are appended, never inserted.
///
/// A choice may be told of again after its finish: providers send citations and
/// the finish itself once more, and the contract does not forbid it. A failure ends
/// the answer; whoever reads the events stops there.
#[derive(Clone, Debug)]
pub struct Order {
    /// Parts begun, for each choice that was asked for.
    begun: Vec<u32>,
    /// Whether each of them has finished.
    finished: Vec<bool>,
    models: Vec<Option<String>>,
}

impl Order {
    /// For an answer of at most this many choices.
    pub fn new(choices: u32) -> Self {
        // A dialect refuses requests for more.
        let choices = choices.clamp(1, 1024) as usize;
        Self { begun: vec![0; choices], finished: vec![false; choices], models: Vec::new() }
    }

    /// Every choice that was asked for has finished: what may still come, says
    /// nothing more.
    pub fn is_complete(&self) -> bool {
        self.finished.iter().all(|finished| *finished)
    }

    /// Checks the next event: its JSON parses, its choice was asked for, its part
    /// goes on or is the next one.
    ///
    /// # Errors
    /// Naming the rule, not the content.
    pub fn check(&mut self, event: &Event) -> Result<(), MalformedEvent> {
        match event {
            Event::Piece(piece) => {
                let begun = self.choice(piece.choice)?;
                if piece.index > *begun {
                    return Err(MalformedEvent::new("piece", "begins before the one ahead of it"));
                }
                if piece.index == *begun {
                    *begun += 1;
                }
                if *begun > MAX_PARTS {
                    return Err(MalformedEvent::new("answer", "has more than 4096 parts"));
                }
            }
            Event::Finish(finish) => {
                self.choice(finish.choice)?;
                if let Some(finished) = self.finished.get_mut(finish.choice as usize) {
                    *finished = true;
                }
            }
            Event::Usage(usage) => self.usage(usage)?,
            Event::Origin(_) | Event::Failed(_) => {}
        }
        check(event)
    }

    fn choice(&mut self, index: u32) -> Result<&mut u32, MalformedEvent> {
        let flaw = MalformedEvent::new("answer", "has a choice that was not asked for");
        self.begun.get_mut(index as usize).ok_or(flaw)
    }

    fn usage(&mut self, usage: &chat::Usage) -> Result<(), MalformedEvent> {
        if usage.meters.len() > MAX_METERS {
            return Err(MalformedEvent::new("usage", "has more than 64 meters"));
        }
        if self.models.contains(&usage.model) {
            return Ok(());
        }
        if self.models.len() == MAX_MODELS {
            return Err(MalformedEvent::new("usage", "is of more than 16 models"));
        }
        self.models.push(usage.model.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::{finish, piece, usage_of};

    fn text(choice: u32, index: u32) -> Event {
        piece(choice, index, chat::PartBody::Text("x".into()))
    }

    fn verdict(choices: u32, events: &[Event]) -> Result<(), String> {
        let mut order = Order::new(choices);
        events.iter().try_for_each(|event| order.check(event)).map_err(|flaw| flaw.to_string())
    }

    #[test]
    fn parts_begin_in_order_and_may_grow_on() {
        assert_eq!(verdict(1, &[text(0, 0), text(0, 1), text(0, 0), text(0, 2)]), Ok(()));
        assert_eq!(verdict(2, &[text(1, 0), text(0, 0)]), Ok(()));
        assert!(verdict(1, &[text(0, 1)]).unwrap_err().contains("ahead"));
        assert!(verdict(1, &[text(0, 0), text(0, 2)]).unwrap_err().contains("ahead"));
    }

    #[test]
    fn complete_once_every_choice_has_finished() {
        let mut order = Order::new(2);
        for (event, complete) in [
            (text(0, 0), false),
            (finish(0, chat::FinishReason::Stop), false),
            (finish(0, chat::FinishReason::Stop), false),
            (finish(1, chat::FinishReason::Stop), true),
            (Event::Usage(usage_of(1, 1)), true),
        ] {
            assert_eq!(order.check(&event), Ok(()));
            assert_eq!(order.is_complete(), complete);
        }
    }

    #[test]
    fn only_choices_that_were_asked_for() {
        assert!(verdict(1, &[text(1, 0)]).unwrap_err().contains("not asked for"));
        assert!(verdict(1, &[text(u32::MAX, 0)]).unwrap_err().contains("not asked for"));
    }

    #[test]
    fn parts_and_models_are_bounded() {
        let parts: Vec<Event> = (0..=MAX_PARTS).map(|index| text(0, index)).collect();
        assert!(verdict(1, &parts).unwrap_err().contains("4096"));
        let usages: Vec<Event> = (0..=MAX_MODELS)
            .map(|n| Event::Usage(chat::Usage { model: Some(n.to_string()), ..usage_of(1, 1) }))
            .collect();
        assert!(verdict(1, &usages).unwrap_err().contains("16"));
        let meters = |n: usize| (0..n).map(|n| (n.to_string(), 1)).collect();
        let metered = |n| Event::Usage(chat::Usage { meters: meters(n), ..usage_of(1, 1) });
        assert_eq!(verdict(1, &[metered(MAX_METERS)]), Ok(()));
        assert!(verdict(1, &[metered(MAX_METERS + 1)]).unwrap_err().contains("64"));
        let again: Vec<Event> = (0..100).map(|n| Event::Usage(usage_of(n, n))).collect();
        assert_eq!(verdict(1, &again), Ok(()));
    }
}
