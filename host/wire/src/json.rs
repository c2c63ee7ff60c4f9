//! Walking a client's JSON without copying it.
//!
//! The body is checked once, whole; after that a value is a slice of it, split
//! when somebody asks, and each knows the path that leads to it, for errors. So a
//! megabyte of text is looked at, never moved.

mod node;
mod scan;
mod unique;
mod writer;

pub(crate) use node::{Fields, Node};
pub(crate) use scan::{check, unescape};
pub(crate) use writer::{Writer, dollars};
