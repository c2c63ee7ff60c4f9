//! What is wrong with a client's body, said so that the client can mend it.

use std::borrow::Cow;

/// A body that cannot be served: status 400. The message names fields and kinds
/// of values, never the values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BadRequest {
    /// One sentence.
    pub message: String,
    /// The field at fault, e.g. `messages[3].content[1].image_url`; none where the
    /// body as a whole is.
    pub param: Option<String>,
    /// Stable, e.g. `invalid_type`.
    pub code: &'static str,
}

impl BadRequest {
    /// The field at `param` is wrong for the reason that `message` gives.
    pub(crate) fn at(
        param: String,
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        let message = message.into();
        let message = if param.is_empty() {
            format!("the body {message}")
        } else {
            format!("`{param}` {message}")
        };
        Self { message, param: Some(param).filter(|param| !param.is_empty()), code }
    }
}
