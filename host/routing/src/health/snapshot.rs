//! The health of all endpoints at one moment. Decisions refer to it by its id, so that it
//! is kept once for all that rest on it.

use super::Reading;
use serde::{Deserialize, Serialize};
use std::hash::{DefaultHasher, Hash, Hasher};

/// What is known of endpoints at one moment. It is kept with decisions: a change of it or
/// of [`Reading`] is another form there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Made from what it says: two that say the same have the same.
    pub id: u64,
    /// When it was first seen so, milliseconds since the Unix epoch.
    pub taken_ms: u64,
    /// By endpoint, in the order of their names; without those of which nothing is known.
    pub readings: Vec<(String, Reading)>,
}

impl Snapshot {
    /// Of these readings.
    #[must_use]
    pub fn new(taken_ms: u64, mut readings: Vec<(String, Reading)>) -> Self {
        readings.retain(|(_, reading)| *reading != Reading::default());
        readings.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let mut hasher = DefaultHasher::new();
        readings.hash(&mut hasher);
        Self { id: hasher.finish(), taken_ms, readings }
    }

    /// What it says of an endpoint; none where nothing was known.
    #[must_use]
    pub fn reading(&self, endpoint: &str) -> Option<&Reading> {
        let found = self.readings.binary_search_by(|(it, _)| it.as_str().cmp(endpoint));
        found.ok().and_then(|index| self.readings.get(index)).map(|(_, reading)| reading)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn busy(in_flight: u32) -> Reading {
        Reading { in_flight, ..Reading::default() }
    }

    #[test]
    fn its_id_is_what_it_says() {
        let all = |a, b| vec![("b/m".to_owned(), busy(b)), ("a/m".to_owned(), busy(a))];
        let snapshot = Snapshot::new(5, all(1, 2));
        assert_eq!(snapshot.id, Snapshot::new(6, all(1, 2)).id);
        assert_ne!(snapshot.id, Snapshot::new(5, all(2, 1)).id);
        assert_eq!(snapshot.reading("b/m"), Some(&busy(2)));
        assert_eq!(snapshot.reading("c/m"), None);
        assert_eq!(Snapshot::new(5, all(0, 0)).readings, []);
    }
}
