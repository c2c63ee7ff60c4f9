//! A conversation stays where its prompt cache is warm.
