//! Which endpoint holds a conversation's prompt cache. Bounded, forgets by itself, and
//! keeps no content: a conversation is known by a digest. Pure: whoever asks says what
//! time it is.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// A conversation with one model, as it is known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Conversation {
    /// Of what names the conversation, or of what it begins with, and of the model.
    pub digest: u128,
    /// The client named it: it stays where it is at once, before a cache was seen.
    pub is_named: bool,
}

/// For how long, and for how many.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// After the last answer that warmed it.
    pub lasts: Duration,
    /// Conversations; of more, the least recently warmed are forgotten.
    pub most: usize,
}

/// Where a prompt cache is warm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The endpoint's id.
    pub endpoint: Arc<str>,
    /// Tokens that the provider had in its cache at the last answer; 0 where it was
    /// only the client that named the conversation.
    pub cached_tokens: u64,
}

/// Where all conversations are warm. Times count from the router's start.
#[derive(Debug, Default)]
pub struct Warmth {
    places: HashMap<u128, Entry>,
    /// By when they were warmed, the oldest first.
    turns: BTreeMap<u64, u128>,
    next_turn: u64,
}

#[derive(Debug)]
struct Entry {
    place: Place,
    warmed: Duration,
    turn: u64,
}

impl Warmth {
    /// Where the conversation is warm now, if anywhere.
    #[must_use]
    pub fn find(&self, conversation: Conversation, policy: Policy, now: Duration) -> Option<Place> {
        let entry = self.places.get(&conversation.digest)?;
        let is_warm = now.saturating_sub(entry.warmed) < policy.lasts;
        is_warm.then(|| entry.place.clone())
    }

    /// An endpoint whose cache is worth staying for has answered, and so many tokens of
    /// the prompt were read from its cache or written to it.
    ///
    /// A conversation is kept where a cache was seen at work, or where its client named
    /// it. One that was warm elsewhere has moved: its last turn is only here.
    pub fn answered(
        &mut self,
        conversation: Conversation,
        endpoint: &str,
        cached_tokens: u64,
        policy: Policy,
        now: Duration,
    ) {
        let known = self.find(conversation, policy, now);
        let has_moved = known.is_some_and(|place| *place.endpoint != *endpoint);
        if cached_tokens == 0 && !conversation.is_named && !has_moved {
            return;
        }
        let turn = self.next_turn;
        self.next_turn += 1;
        let place = Place { endpoint: endpoint.into(), cached_tokens };
        let entry = Entry { place, warmed: now, turn };
        if let Some(former) = self.places.insert(conversation.digest, entry) {
            self.turns.remove(&former.turn);
        }
        self.turns.insert(turn, conversation.digest);
        self.forget(policy, now);
    }

    /// The oldest go, while there are too many or they have cooled.
    fn forget(&mut self, policy: Policy, now: Duration) {
        while let Some((&turn, &digest)) = self.turns.first_key_value() {
            let warmed = self.places.get(&digest).map(|entry| entry.warmed);
            let is_cold = warmed.is_none_or(|at| now.saturating_sub(at) >= policy.lasts);
            if !is_cold && self.places.len() <= policy.most {
                break;
            }
            self.turns.remove(&turn);
            self.places.remove(&digest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: Policy = Policy { lasts: Duration::from_secs(600), most: 3 };

    const fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn unnamed(digest: u128) -> Conversation {
        Conversation { digest, is_named: false }
    }

    /// Where the conversation is, and how much of it.
    fn place(warmth: &Warmth, digest: u128, now: u64) -> Option<(String, u64)> {
        let place = warmth.find(unnamed(digest), POLICY, seconds(now))?;
        Some((place.endpoint.to_string(), place.cached_tokens))
    }

    fn at(endpoint: &str, tokens: u64) -> Option<(String, u64)> {
        Some((endpoint.to_owned(), tokens))
    }

    #[test]
    fn a_cache_that_was_seen_at_work_keeps_a_conversation_for_ten_sliding_minutes() {
        let mut warmth = Warmth::default();
        warmth.answered(unnamed(1), "a/m", 0, POLICY, seconds(0));
        assert_eq!(place(&warmth, 1, 0), None);
        warmth.answered(unnamed(1), "a/m", 900, POLICY, seconds(10));
        assert_eq!(place(&warmth, 1, 609), at("a/m", 900));
        warmth.answered(unnamed(1), "a/m", 1000, POLICY, seconds(500));
        assert_eq!(place(&warmth, 1, 1099), at("a/m", 1000));
        assert_eq!(place(&warmth, 1, 1100), None);
        assert_eq!(place(&warmth, 2, 500), None);
    }

    #[test]
    fn what_its_client_names_is_kept_at_once() {
        let mut warmth = Warmth::default();
        let named = Conversation { digest: 1, is_named: true };
        warmth.answered(named, "a/m", 0, POLICY, seconds(0));
        assert_eq!(place(&warmth, 1, 1), at("a/m", 0));
    }

    #[test]
    fn a_conversation_that_was_served_elsewhere_has_moved() {
        let mut warmth = Warmth::default();
        warmth.answered(unnamed(1), "a/m", 900, POLICY, seconds(0));
        // No cache at work where it was: it may have been lost there.
        warmth.answered(unnamed(1), "a/m", 0, POLICY, seconds(100));
        assert_eq!(place(&warmth, 1, 600), None);
        warmth.answered(unnamed(1), "a/m", 900, POLICY, seconds(600));
        warmth.answered(unnamed(1), "b/m", 0, POLICY, seconds(700));
        assert_eq!(place(&warmth, 1, 1250), at("b/m", 0));
    }

    #[test]
    fn the_least_recently_warmed_is_forgotten_first() {
        let mut warmth = Warmth::default();
        for digest in [1, 2, 3, 1, 4] {
            warmth.answered(unnamed(digest), "a/m", 9, POLICY, seconds(0));
        }
        let left: Vec<u128> = (1..5).filter(|it| place(&warmth, *it, 0).is_some()).collect();
        assert_eq!(left, [1, 3, 4]);
        warmth.answered(unnamed(5), "a/m", 9, POLICY, seconds(1000));
        assert_eq!((warmth.places.len(), warmth.turns.len()), (1, 1));
    }
}
