//! Answers with a choice that nobody asked for.

use plugway_sdk::chat::{Event, Part, Piece};
use plugway_test_guests::{Adapter, Misbehave};

/// Says more than it was asked.
pub struct ForeignChoice;

impl Misbehave for ForeignChoice {
    fn push() -> Vec<Event> {
        vec![Piece::new(7, 0, Part::text("seventh")).into()]
    }
}

plugway_sdk::export!(provider: Adapter<ForeignChoice>);
