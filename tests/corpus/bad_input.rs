//! What no provider should send, and some do: every adapter, in every format that it
//! reads, as the router frames it. Nothing of it is a trap or a silently wrong bill: an
//! answer is what it says, or it is a failure.
//!
//! The answer is the same in every format, see `tests/transcripts`; the cases spoil it.

mod bodies;
mod lanes;
mod nodes;
mod reading;
mod spoiled;
mod streams;
