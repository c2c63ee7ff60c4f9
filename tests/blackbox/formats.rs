//! Every adapter against a provider that speaks its own format and no other: what the
//! client asked for arrives, and what the provider says comes back, whole and streamed.

mod answers;
mod errors;
mod fleet;
mod requests;
mod said;
