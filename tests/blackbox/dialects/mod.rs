//! The client dialects beside chat completions, each through adapters of other formats
//! and, where there is one, of its own.

mod bad_input;
mod gemini;
mod messages;
mod ollama;
mod responses;
