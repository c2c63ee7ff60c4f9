//! How one endpoint has lately fared: what came of its attempts, how fast it answered,
//! and whether it is to be left alone. Pure: whoever asks says what time it is, counted
//! from the Unix epoch, so that what was kept over a restart ages as it should.
//!
//! An endpoint's record takes 4 KiB; once it has answered streams, 10 to 30 KiB more as a
//! rule, and [66 KiB](timings) at most, where its latencies spread from a millisecond to
//! ten minutes.

mod counts;
mod reading;
mod record;
mod sketch;
mod snapshot;
mod timings;

pub use reading::{Figures, MinSamples, Percentiles, Reading};
pub use record::{Ended, Footing, LeftOut, Pass, Policy, Record};
pub use snapshot::Snapshot;
