//! For whoever runs this router, from its own machine: what otherwise happens by
//! itself, at once and with an answer.

use super::openapi::Refusals;
use super::{Body, respond};
use crate::Router;
use crate::error::{Code, Error};
use crate::reload::{ConfigReload, Reload};
use http::{Response, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;
use utoipa::ToSchema;

/// What became of a reload.
#[derive(ToSchema)]
#[expect(dead_code, reason = "there to be described")]
pub(super) struct Reloaded {
    /// Whether all of it succeeded.
    ok: bool,
    #[schema(value_type = Object)]
    config: (),
    #[schema(value_type = Object)]
    plugins: (),
}

/// Read configuration and plugins again
#[utoipa::path(
    post, path = "/admin/reload", tag = "operation", operation_id = "reload",
    security(("management_key" = [])),
    responses((status = 200, description = "What became of it.", body = Reloaded), Refusals),
)]
// The configuration is read again, the plugins directory looked through, and what was refused
// tried again. Answers when all of that is done.
pub(super) async fn reload(router: Arc<Router>) -> Response<Body> {
    let Ok(turn) = router.reload_turn.clone().try_acquire_owned() else {
        let error = Error::overloaded("A reload is under way; its outcome is in /readyz.");
        return respond::error(&error, None);
    };
    // A client that leaves does not end it.
    let reloading = tokio::task::spawn_blocking(move || {
        let reload = router.reload();
        drop(turn);
        (reload, router)
    });
    match reloading.await {
        Ok((reload, router)) => tell(&router, &reload),
        Err(_) => {
            respond::error(&Error::new(Code::Internal, "The reload failed; see the log."), None)
        }
    }
}

fn tell(router: &Router, reload: &Reload) -> Response<Body> {
    let Reload { config, plugins } = reload;
    let failed: Vec<Value> =
        plugins.failed.iter().map(|(id, reason)| json!({"id": id, "reason": reason})).collect();
    let (outcome, error) = match config {
        ConfigReload::Unchanged => ("unchanged", None),
        ConfigReload::Unsettled => ("unsettled", None),
        ConfigReload::Applied => ("applied", None),
        ConfigReload::Refused(reason) => ("refused", Some(reason)),
    };
    let status = router.config_status();
    let ok = error.is_none()
        && *config != ConfigReload::Unsettled
        && failed.is_empty()
        && plugins.unsettled.is_empty()
        && plugins.trouble.is_none();
    let body = json!({
        "ok": ok,
        "config": {
            "outcome": outcome,
            "error": error,
            "generation": status.generation,
            "restart_needed": status.restart_needed,
        },
        "plugins": {
            "loaded": plugins.loaded,
            "failed": failed,
            "removed": plugins.removed,
            "unsettled": plugins.unsettled,
            "trouble": plugins.trouble,
        },
    });
    respond::json_text(StatusCode::OK, format!("{body:#}\n"))
}
