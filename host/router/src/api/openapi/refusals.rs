//! The errors that any route of the administration may answer with.

use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

/// What went wrong.
#[derive(Serialize, ToSchema)]
pub(super) struct ErrorAnswer {
    error: ErrorDetail,
}

#[derive(Serialize, ToSchema)]
struct ErrorDetail {
    /// The HTTP status.
    code: u16,
    /// One sentence, saying what to do where that is known.
    message: String,
    /// The kind of error as OpenAI's clients know it.
    #[serde(rename = "type")]
    kind: String,
    /// The field at fault.
    #[schema(required = true)]
    param: Option<String>,
    metadata: ErrorMetadata,
}

#[derive(Serialize, ToSchema)]
struct ErrorMetadata {
    /// The kind of error as OpenRouter's clients know it.
    error_type: String,
    /// A stable name for this very error.
    code: String,
}

/// All of them.
pub(in crate::api) struct Refusals;

impl IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let all = [
            ("400", "Something in it is wrong; `param` names it."),
            ("401", "There is no key, or none that is good."),
            ("403", "The key is not good for this, or the request comes from elsewhere."),
            ("404", "There is nothing of that name."),
            ("405", "The route takes other methods; `Allow` names them."),
            ("408", "The body did not arrive in time."),
            ("409", "It contradicts what is there."),
            ("413", "The body is too large."),
            ("415", "The body is compressed in a way that is not understood."),
            ("500", "The router failed; its log says how."),
            ("501", "The operator has not configured what it needs."),
            ("503", "The router is at one of its bounds; `Retry-After` says for how long."),
        ];
        let content = || {
            let schema = Ref::from_schema_name("ErrorAnswer");
            ContentBuilder::new().schema(Some(schema)).build()
        };
        let response = |(status, about): (&str, &str)| {
            let response = ResponseBuilder::new().description(about);
            (status.to_owned(), response.content("application/json", content()).build().into())
        };
        all.map(response).into_iter().collect()
    }
}
