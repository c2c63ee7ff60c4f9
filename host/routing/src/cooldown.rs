//! A pause that a provider asked for: until it is over, its endpoint is left out.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// One endpoint's pause. Times count from where its owner likes, always the same.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Cooldown {
    until: Duration,
}

impl Cooldown {
    /// The provider asks for a pause; of it no more than `most` is kept. Requests
    /// under way hear different things at different times, so none of them
    /// shortens the pause. Whether one has begun that was not there before.
    pub fn ask(&mut self, wait: Duration, most: Duration, now: Duration) -> bool {
        let was_over = self.rest(now).is_none();
        self.until = self.until.max(now.saturating_add(wait.min(most)));
        was_over && self.rest(now).is_some()
    }

    /// What is left of the pause; none when it is over.
    pub fn rest(&self, now: Duration) -> Option<Duration> {
        self.until.checked_sub(now).filter(|rest| !rest.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn a_pause_ends_by_itself_and_is_not_shortened() {
        let mut cooldown = Cooldown::default();
        assert_eq!(cooldown.rest(seconds(0)), None);
        assert!(cooldown.ask(seconds(10), seconds(60), seconds(100)));
        assert!(!cooldown.ask(seconds(2), seconds(60), seconds(101)));
        assert_eq!(cooldown.rest(seconds(101)), Some(seconds(9)));
        assert!(!cooldown.ask(seconds(20), seconds(60), seconds(105)));
        assert_eq!(cooldown.rest(seconds(105)), Some(seconds(20)));
        assert_eq!(cooldown.rest(seconds(125)), None);
    }

    #[test]
    fn no_provider_can_ask_for_more_than_the_bound() {
        let mut cooldown = Cooldown::default();
        assert!(cooldown.ask(Duration::MAX, seconds(60), seconds(5)));
        assert_eq!(cooldown.rest(seconds(5)), Some(seconds(60)));
        let mut nothing = Cooldown::default();
        assert!(!nothing.ask(Duration::ZERO, seconds(60), seconds(5)));
    }
}
