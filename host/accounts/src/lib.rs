//! Who may spend what: keys, limits, budgets, sealed secrets. Nothing here does I/O, and
//! everything takes its time from a [`plugway_routing::Clock`].
