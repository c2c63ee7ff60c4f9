//! What is measured of endpoints, shown and handed to strategies.
