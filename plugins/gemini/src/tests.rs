//! Requests and answers, written by hand in the format's shapes.
