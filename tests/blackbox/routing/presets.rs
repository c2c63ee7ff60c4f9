//! Stored settings: made, versioned, named by requests.
