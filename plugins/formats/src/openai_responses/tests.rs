//! The format on hand-written requests and transcripts.
