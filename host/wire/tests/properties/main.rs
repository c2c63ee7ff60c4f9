//! What holds for every text and every stream, shown on many drawn ones: drawn from
//! a fixed seed, so that what fails once fails always, and made of few pieces, so
//! that what fails is small enough to be read.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod events;
mod frames;
mod plugins;
mod requests;
mod texts;

use rand::SeedableRng;
use rand::rngs::StdRng;

/// The same draws in every run; another `salt`, other draws.
fn draws(salt: u64) -> StdRng {
    StdRng::seed_from_u64(0x706c_7567_7761_7900 ^ salt)
}
