//! Simulated providers: servers that speak the true wire formats of the providers'
//! chat APIs, answer deterministically and misbehave on command.
//!
//! They let a router be tried, tested and loaded without a key, a network or a
//! bill. As a library, [`Simulator::start`] gives a server on a loopback port
//! that lives until it is dropped; as a binary, `plugway-simulator serve` does
//! the same on chosen ports. What a server does is a [`Script`], which can be
//! replaced while it runs; what it was asked is a list of [`Exchange`]s.
//!
//! ```
//! use plugway_simulator::{Behaviour, Failure, Kind, Simulator, When};
//!
//! let overloaded = Behaviour::new().fault(When::Every(2), Failure::status(503));
//! let simulator = Simulator::start(Kind::OpenAi, overloaded)?;
//! assert!(simulator.base_url().ends_with("/v1"));
//! assert!(simulator.requests().is_empty());
//! # Ok::<(), std::io::Error>(())
//! ```

mod anthropic;
mod bedrock;
pub mod ceiling;
mod cohere;
mod demo;
mod dialect;
mod fault;
mod gemini;
mod ids;
mod kind;
mod log;
mod ollama;
mod openai;
mod playback;
mod prompt;
mod reply;
mod responses;
mod schema;
mod script;
mod server;
mod simulator;
mod speech;
mod sse;
mod state;
mod strict;
mod timeline;
mod vectors;

pub use demo::DemoProvider;
pub use fault::{Failure, Fault, When};
pub use kind::Kind;
pub use log::{Exchange, Outcome};
pub use prompt::{
    Body, Called, Format, Item, Media, Prompt, Returned, Role, Source, Tool, ToolChoice, Turn,
};
pub use script::{Behaviour, Call, Script, ToolUse};
pub use server::serve;
pub use simulator::Simulator;
pub use speech::{Cite, Ending, Say, Speech, Unsupported};
pub use state::State;
