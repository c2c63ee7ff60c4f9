//! What the names in a request mean: models, aliases, suffixes, pins.
