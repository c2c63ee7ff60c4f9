//! From step to step of a plan: failover, stalls, what is not billed.
