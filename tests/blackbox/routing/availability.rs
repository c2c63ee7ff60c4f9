//! How a client is told that nothing is left.
