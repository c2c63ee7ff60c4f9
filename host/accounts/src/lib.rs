//! Who may spend what: keys, limits, budgets, sealed secrets. Nothing here does I/O, and
//! everything takes its time from a [`plugway_routing::Clock`] or from its caller.

pub mod account;
pub mod budget;
pub mod calendar;
pub mod invoice;
pub mod key;
pub mod limits;
pub mod money;
pub mod reconcile;
pub mod seal;
pub mod settings;
pub mod spend;

pub use account::Account;
pub use budget::{Ask, Exceeded, Reservation, reserve};
pub use calendar::{Day, Interval, day_of};
pub use key::Secret;
pub use limits::{Limited, Limits, Pass, RateSettings, enter};
pub use money::with_markup;
pub use seal::{Keyring, MasterKey};
pub use settings::KeySettings;
pub use spend::Spend;
