//! The router as clients and providers see it.

mod chat;
mod failover;
mod input;
mod leaving;
mod local_model;
mod official;
mod ops;
mod plugins;
mod seals;
mod setup;
mod tidy;
