//! Walking a client's JSON without copying it.
//!
//! The body is checked once, whole; after that a value is a slice of it, split
//! when somebody asks, and each knows the path that leads to it, for errors. So a
//! megabyte of text is looked at, never moved.

mod node;
mod place;
mod scan;
mod unique;
mod writer;

use crate::BadRequest;

pub(crate) use node::{Fields, Node};
pub(crate) use scan::{check, unescape};
pub(crate) use writer::{Writer, inside, object, write_extra, write_joined};

/// The text of a client's body, and how many JSON values it holds.
///
/// # Errors
/// Where it is no JSON, or more than the bounds allow.
pub(crate) fn checked(body: &[u8]) -> Result<(&str, usize), BadRequest> {
    let fault = |at: usize, message: String| {
        BadRequest::at(place::way_to(body, at), "invalid_json", message)
    };
    let text = std::str::from_utf8(body)
        .map_err(|error| fault(error.valid_up_to(), "is not valid UTF-8".to_owned()))?;
    let values = scan::judge(text).map_err(|(flaw, at)| fault(at, flaw.to_string()))?;
    Ok((text, values))
}
