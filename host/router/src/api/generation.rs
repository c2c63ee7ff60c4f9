//! `GET /v1/generation?id=`: what became of a request, what it cost, and why. A key is told
//! what was asked in its workspace; its id is as hard to guess as a key all the same.

use super::openapi::Refusals;
use super::{Body, respond};
use crate::account::{Key, caller};
use crate::error::{Code, Error};
use crate::usage::Known;
use crate::{Router, Settings};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use plugway_store::decisions::Record;
use plugway_store::ledger::Row;
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;

/// What became of a request.
#[derive(ToSchema)]
#[expect(dead_code, reason = "there to be described")]
pub(super) struct GenerationData {
    #[schema(value_type = Object)]
    data: (),
}

/// Show what became of a request
#[utoipa::path(
    get, path = "/v1/generation", tag = "usage", operation_id = "getGeneration",
    params(("id" = String, Query, description = "As the header `x-generation-id` names it.")),
    security(("api_key" = []), ("management_key" = [])),
    responses((status = 200, description = "The record.", body = GenerationData), Refusals),
)]
pub(super) async fn show(
    router: &Router,
    settings: &Settings,
    request: &Request<Incoming>,
) -> Response<Body> {
    let reader = match Reader::of(router, request) {
        Ok(reader) => reader,
        Err(error) => return respond::error(&error, None),
    };
    let found = find(router, settings, request.uri().query().unwrap_or_default()).await;
    // Of what another workspace asked, a key is told no more than of what nobody asked.
    let permitted = found.and_then(|known| match reader.may_read(&known) {
        true => Ok(known),
        false => Err(missing(settings)),
    });
    match permitted {
        Ok(known) => {
            let told = known.told(&settings.config.catalog);
            respond::json_text(StatusCode::OK, format!("{told}\n"))
        }
        Err(error) => respond::error(&error, None),
    }
}

/// Who wants to know.
enum Reader {
    /// No key was ever made, or it is a management key.
    Anyone,
    /// Has this one.
    Key(Arc<Key>),
    /// Has none, where none is asked for.
    Nobody,
}

impl Reader {
    fn of(router: &Router, request: &Request<Incoming>) -> Result<Self, Error> {
        caller::known(router, request.headers(), request.uri())?;
        if !router.accounts.now().has_keys {
            return Ok(Self::Anyone);
        }
        Ok(match caller::bearer(router, request.headers(), request.uri()) {
            Ok(key) if key.row.is_management => Self::Anyone,
            Ok(key) => Self::Key(key),
            Err(_) => Self::Nobody,
        })
    }

    /// What nobody knows the workspace of is no workspace's.
    fn may_read(&self, known: &Known) -> bool {
        match self {
            Self::Anyone => true,
            Self::Key(key) => known.workspace() == Some(key.workspace.row.id.as_str()),
            Self::Nobody => known.workspace().is_some() && known.key().is_none(),
        }
    }
}

async fn find(router: &Router, settings: &Settings, query: &str) -> Result<Known, Error> {
    // Ids have no letter that would have to be escaped.
    let id = query.split('&').find_map(|pair| pair.strip_prefix("id=")).unwrap_or_default();
    if id.is_empty() {
        let message = "Name a generation, as the header `x-generation-id` of its response does: \
                       GET /v1/generation?id=gen-...";
        return Err(Error::new(Code::InvalidRequest, message).param("id"));
    }
    let _turn = router.administration.turn().await?;
    let row = row(router, settings, id).await?;
    let record = match record(router, settings, id).await {
        // The ledger tells it without what the record would add.
        Err(_) if row.is_some() => None,
        record => record?,
    };
    Known::of(row, record).ok_or_else(|| missing(settings))
}

fn missing(settings: &Settings) -> Error {
    let message = match settings.config.decisions.enabled {
        true => "There is no such generation here, or it is too long ago.",
        false => {
            "There is no such generation here, or it was never sent to a provider: of such \
             requests nothing is remembered, for decisions.enabled is false."
        }
    };
    Error::new(Code::NotFound, message)
}

async fn row(router: &Router, settings: &Settings, id: &str) -> Result<Option<Row>, Error> {
    let found = router.store.generation(id).await.map_err(|error| {
        tracing::error!(%error, "a row of the ledger could not be read");
        Error::new(Code::Internal, "The ledger cannot be read; see the log.")
    })?;
    let since = since(router, settings.config.ledger.keep_for);
    Ok(found.filter(|row| row.came_ms >= since))
}

async fn record(router: &Router, settings: &Settings, id: &str) -> Result<Option<Record>, Error> {
    let found = router.journal.find(id).await.map_err(|error| {
        if let plugway_store::Error::Form(_) = error {
            let message = "This generation was recorded by another version of the router, \
                           which this one cannot read.";
            return Error::new(Code::NotFound, message);
        }
        tracing::error!(%error, "a record of a decision could not be read");
        Error::new(Code::Internal, "The records of generations cannot be read; see the log.")
    })?;
    let since = since(router, settings.config.decisions.keep_for);
    Ok(found.filter(|record| record.came_ms >= since))
}

/// What is to be forgotten is not told, even where nobody has got round to removing it.
fn since(router: &Router, keep_for: Duration) -> u64 {
    let age = u64::try_from(keep_for.as_millis()).unwrap_or(u64::MAX);
    router.clock.unix_ms().saturating_sub(age)
}
