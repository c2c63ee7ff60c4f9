//! Begins its second part before its first.

use plugway_sdk::chat::{Event, Part, Piece};
use plugway_test_guests::{Adapter, Misbehave};

/// Ahead of itself.
pub struct IndexGap;

impl Misbehave for IndexGap {
    fn push() -> Vec<Event> {
        vec![Piece::new(0, 1, Part::text("second")).into()]
    }
}

plugway_sdk::export!(provider: Adapter<IndexGap>);
