//! The workspace that a client names, by its id or its slug.

use super::given::{Query, shown};
use crate::Router;
use crate::account::Workspace;
use crate::error::{Code, Error};
use plugway_store::DEFAULT_WORKSPACE;
use std::sync::Arc;

/// The field that names it, in bodies and queries.
const FIELD: &str = "workspace_id";

/// The one that is named; the default one where none is.
///
/// # Errors
/// When there is none of that name.
pub(super) fn workspace(router: &Router, named: Option<&str>) -> Result<Arc<Workspace>, Error> {
    let named = named.unwrap_or(DEFAULT_WORKSPACE);
    router.accounts.now().workspace(named).cloned().ok_or_else(|| missing(named))
}

/// The id of the one that a query asks for; none where it asks for all.
///
/// # Errors
/// When there is none of that name.
pub(super) fn asked_for(router: &Router, query: &Query<'_>) -> Result<Option<String>, Error> {
    let named = query.text(FIELD);
    named.map(|named| Ok(workspace(router, Some(named))?.row.id.clone())).transpose()
}

/// The same of one that may be gone, and whose books are still there.
pub(in crate::api) fn ever_asked_for(router: &Router, query: &Query<'_>) -> Option<String> {
    let named = query.text(FIELD)?;
    let known = router.accounts.now().workspace(named).map(|it| it.row.id.clone());
    Some(known.unwrap_or_else(|| named.to_owned()))
}

/// There is none of that name.
pub(super) fn missing(named: &str) -> Error {
    let message = format!("There is no workspace `{}` here.", shown(named));
    Error::new(Code::NotFound, message).param(FIELD)
}
