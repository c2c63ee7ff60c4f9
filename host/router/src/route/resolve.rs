//! What the names in a request mean: models, and the endpoints that serve them.

use crate::catalog::{Catalog, Endpoint, Resolution};
use crate::error::{Code, Error};
use plugway_wire::Routing;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Models that one request may name.
const MAX_MODELS: usize = 32;

/// The longest name of a model, bytes.
const MAX_NAME_BYTES: usize = 256;

/// What a request turned out to ask for.
pub(super) struct Resolved {
    /// The client's wishes, with what follows from the names that it used.
    pub(super) routing: Routing,
    /// Of all models that are named, in their order, each once.
    pub(super) endpoints: Vec<Arc<Endpoint>>,
}

/// Looks up what the request names.
///
/// # Errors
/// When no model is named, or none of those named exists here.
pub(super) fn resolve(catalog: &Catalog, routing: &Routing) -> Result<Resolved, Error> {
    let mut endpoints = endpoints(catalog, &routing.models)?;
    let mut seen = BTreeSet::new();
    endpoints.retain(|endpoint| seen.insert(endpoint.id.clone()));
    Ok(Resolved { routing: routing.clone(), endpoints })
}

/// The endpoints of all models of these names.
///
/// # Errors
/// Where there are none, with what was probably meant.
pub(crate) fn endpoints(catalog: &Catalog, names: &[String]) -> Result<Vec<Arc<Endpoint>>, Error> {
    if names.is_empty() {
        let message = "No model is named; GET /v1/models lists what there is.";
        return Err(Error::new(Code::InvalidRequest, message).param("model"));
    }
    if names.len() > MAX_MODELS || names.iter().any(|name| name.len() > MAX_NAME_BYTES) {
        let message = format!(
            "At most {MAX_MODELS} models may be named, by at most {MAX_NAME_BYTES} bytes each."
        );
        return Err(Error::new(Code::InvalidRequest, message).param("models"));
    }
    let mut found = Vec::new();
    let mut refusal = None;
    for name in names {
        match catalog.resolve(name) {
            Resolution::Known(model) => found.extend(model.endpoints.iter().cloned()),
            Resolution::Passthrough { provider, upstream_model } => {
                found.push(Arc::new(Endpoint::passthrough(&provider, &upstream_model)));
            }
            Resolution::Inactive { provider, remedy } => {
                refusal.get_or_insert(format!(
                    "The provider `{provider}` is not turned on; {remedy}, where the router runs."
                ));
            }
            Resolution::Unknown { near } => {
                refusal.get_or_insert(unknown(name, &near));
            }
        }
    }
    match (found.is_empty(), refusal) {
        (true, Some(message)) => Err(Error::new(Code::ModelNotFound, message).param("model")),
        _ => Ok(found),
    }
}

fn unknown(name: &str, near: &[String]) -> String {
    let name: String = name.chars().filter(|c| !c.is_control()).take(128).collect();
    match near {
        [] => format!("There is no model `{name}` here; GET /v1/models lists what there is."),
        near => format!("There is no model `{name}` here; did you mean `{}`?", near.join("` or `")),
    }
}
