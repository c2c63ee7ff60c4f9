//! `plugway route`: what would happen to a request.
