//! The adapter on hand-written requests and transcripts.

mod decode;
mod encode;
mod explain;
