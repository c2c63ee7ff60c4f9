//! What a routing decision rests on, apart from the catalogue and the request: how
//! endpoints have lately fared, and what time it is. Does no I/O and knows no plugin,
//! so that all of it can be run in a time of one's own making.

pub mod breaker;
pub mod capacity;
mod clock;
mod cooldown;
pub mod credential;
pub mod estimate;
pub mod health;
mod verdict;
pub mod walk;
pub mod warmth;

pub use breaker::Breaker;
pub use capacity::Capacity;
pub use clock::Clock;
pub use cooldown::Cooldown;
pub use credential::{CredentialBounds, CredentialFooting, CredentialRecord, Refusal};
pub use verdict::Verdict;
pub use walk::Walk;
pub use warmth::Warmth;
