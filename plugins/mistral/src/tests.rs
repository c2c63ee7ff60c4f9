//! The adapter on hand-written requests and transcripts.
