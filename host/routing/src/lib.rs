//! What a routing decision rests on, apart from the catalogue and the request: how
//! endpoints have lately fared, and what time it is. Does no I/O and knows no plugin,
//! so that all of it can be run in a time of one's own making.

pub mod breaker;
mod clock;
mod cooldown;
mod verdict;
pub mod warmth;

pub use breaker::Breaker;
pub use clock::Clock;
pub use cooldown::Cooldown;
pub use verdict::Verdict;
pub use warmth::Warmth;
