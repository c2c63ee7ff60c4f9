//! Why a request got no response: whose fault that was, and what to tell.

use crate::error::{Code, Error};
use hyper_util::client::legacy;
use plugway_engine::machine;
use std::error::Error as _;

/// What kept a provider from answering with a head.
pub(crate) fn unsent(provider: &str, error: &legacy::Error) -> Error {
    if lacks_descriptors(error) {
        tracing::warn!(provider, "no descriptor is left for a connection");
        return Error::overloaded(
            "The router has as many files and sockets open as it may; try again soon.",
        );
    }
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    tracing::warn!(provider, %error, cause, "request failed");
    let hyper: Option<&hyper::Error> = error.source().and_then(|it| it.downcast_ref());
    let what = match hyper {
        _ if error.is_connect() => "could not be reached",
        Some(cause) if cause.is_parse_too_large() => {
            "sent a larger head than upstream.max_header allows"
        }
        Some(cause) if cause.is_parse() => "answered with something that is not HTTP",
        _ => "broke the connection",
    };
    let message = format!("The provider `{provider}` {what}.");
    Error::upstream(Code::ProviderUnavailable, provider, message)
}

/// Whether it was not the provider that could not be reached, but this process
/// that may open no further socket.
fn lacks_descriptors(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref().is_some_and(machine::lacks_descriptors) {
            return true;
        }
        cause = error.source();
    }
    false
}
