//! `GET /openapi.json`: what the administration takes and answers, in OpenAPI's words,
//! made from the types that it reads and writes. Chats and what else clients ask models
//! for are described by whose formats they are.

mod refusals;

pub(super) use refusals::Refusals;

use super::accounts::{budgets, byok, credits, current, keys, workspaces};
use super::{Body, activity, admin, generation, ops, presets, respond};
use bytes::Bytes;
use http::{Response, StatusCode};
use refusals::ErrorAnswer;
use std::sync::LazyLock;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi, openapi};

/// The whole description. Made once, when somebody first asks.
static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| {
    let written = Description::openapi().to_pretty_json();
    // Names and texts can be written.
    Bytes::from(written.unwrap_or_default())
});

/// Show this description
#[utoipa::path(
    get, path = "/openapi.json", tag = "operation", operation_id = "description",
    responses((status = 200, description = "OpenAPI 3.1.", body = Object), Refusals),
)]
pub(super) fn show() -> Response<Body> {
    respond::json_text(StatusCode::OK, DOCUMENT.clone())
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Plugway's administration",
        description = "Keys, budgets, presets and the router's state. Amounts are exact decimal \
                       numbers of US dollars; days, weeks and months are those of UTC. Until a \
                       first key is made, all of it is for the router's own machine, without a \
                       key; from then on it is for management keys, and presets may be read with any key \
                       on that machine.",
    ),
    paths(
        current::show,
        current::show_by_older_path,
        credits::show,
        keys::create,
        keys::list,
        keys::one,
        keys::change,
        keys::delete,
        workspaces::create,
        workspaces::list,
        workspaces::one,
        workspaces::change,
        workspaces::delete,
        budgets::list,
        budgets::one,
        budgets::set,
        budgets::delete,
        byok::create,
        byok::list,
        byok::one,
        byok::change,
        byok::delete,
        presets::list,
        presets::one,
        presets::delete,
        presets::versions,
        presets::one_version,
        presets::save_chat,
        presets::save_response,
        presets::save_message,
        generation::show,
        activity::show,
        activity::export,
        admin::reload,
        ops::healthz,
        ops::readyz,
        ops::metrics,
        show,
    ),
    components(schemas(ErrorAnswer, budgets::BudgetInterval)),
    modifiers(&Keys),
)]
struct Description;

/// How those who ask say who they are.
struct Keys;

impl Modify for Keys {
    fn modify(&self, description: &mut openapi::OpenApi) {
        let components = description.components.get_or_insert_default();
        for (name, about) in [
            ("management_key", "A key that was made with `is_management_key`."),
            ("api_key", "Any other key."),
        ] {
            let mut scheme = Http::new(HttpAuthScheme::Bearer);
            scheme.description = Some(about.to_owned());
            components.add_security_scheme(name, SecurityScheme::Http(scheme));
        }
    }
}

#[cfg(test)]
mod tests;
