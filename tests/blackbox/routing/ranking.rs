//! Who puts endpoints in order, and what may choose that.
