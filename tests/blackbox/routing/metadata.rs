//! `openrouter_metadata`: what the router says of its own decision.
