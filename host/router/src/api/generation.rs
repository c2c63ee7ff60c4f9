//! `GET /v1/generation?id=`: what became of a request, what it cost, and why. A key is told
//! what was asked in its workspace; its id is as hard to guess as a key all the same.

use super::{Body, respond};
use crate::account::{Key, caller};
use crate::error::{Code, Error};
use crate::usage::Known;
use crate::{Router, Settings};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use plugway_store::decisions::Record;
use plugway_store::ledger::Row;
use std::time::Duration;

pub(super) async fn show(
    router: &Router,
    settings: &Settings,
    request: &Request<Incoming>,
) -> Response<Body> {
    if let Err(error) = caller::known(router, request.headers(), request.uri()) {
        return respond::error(&error, None);
    }
    let found = find(router, settings, request.uri().query().unwrap_or_default()).await;
    let key = caller::bearer(router, request.headers(), request.uri()).ok();
    match found.and_then(|known| permitted(known, key.as_deref(), settings)) {
        Ok(known) => {
            let told = known.told(&settings.config.catalog);
            respond::json_text(StatusCode::OK, format!("{told}\n"))
        }
        Err(error) => respond::error(&error, None),
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
    let row = row(router, settings, id).await?;
    let record = match record(router, settings, id).await {
        // The ledger tells it without what the record would add.
        Err(_) if row.is_some() => None,
        record => record?,
    };
    Known::of(row, record).ok_or_else(|| missing(settings))
}

/// Of what another workspace asked, a key is told no more than of what nobody asked.
fn permitted(known: Known, key: Option<&Key>, settings: &Settings) -> Result<Known, Error> {
    let is_foreign = |key: &Key| {
        let own = key.workspace.row.id.as_str();
        !key.row.is_management && known.workspace().is_some_and(|of| of != own)
    };
    if key.is_some_and(is_foreign) { Err(missing(settings)) } else { Ok(known) }
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
