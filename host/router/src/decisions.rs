//! What is remembered of decisions. A request hands in what it was when it ends; one task
//! writes that down; whoever asks finds it from that moment on. Nothing of it is on a
//! request's way: a record for which there is no room is dropped and counted. What was not
//! written when the process died is lost.

mod entry;
mod journal;
mod moment;
mod replay;
pub(crate) mod told;
mod writer;

pub(crate) use entry::{Entry, Weighed};
pub use journal::Journal;
pub(crate) use moment::rfc3339;
pub use replay::{Replay, ReplayError, replay};
pub(crate) use writer::Writer;

/// The form in which [`plugway_routing::health::Snapshot`] is kept, to be counted up with
/// each change of it or of what it holds.
const SNAPSHOT_FORMAT: u32 = 1;
