//! What is kept of each decision, and how it is looked up.
