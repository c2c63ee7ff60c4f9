//! `GET /v1/generation?id=`: what became of a request, and why.

use super::{Body, respond};
use crate::decisions::told;
use crate::error::{Code, Error};
use crate::{Router, Settings};
use http::{Response, StatusCode};
use plugway_store::decisions::Record;

pub(super) async fn show(
    router: &Router,
    settings: &Settings,
    query: Option<&str>,
) -> Response<Body> {
    match find(router, settings, query.unwrap_or_default()).await {
        Ok(record) => {
            respond::json_text(StatusCode::OK, format!("{}\n", told::generation(&record)))
        }
        Err(error) => respond::error(&error, None),
    }
}

async fn find(router: &Router, settings: &Settings, query: &str) -> Result<Record, Error> {
    // Ids have no letter that would have to be escaped.
    let id = query.split('&').find_map(|pair| pair.strip_prefix("id=")).unwrap_or_default();
    if id.is_empty() {
        let message = "Name a generation, as the header `x-generation-id` of its response does: \
                       GET /v1/generation?id=gen-...";
        return Err(Error::new(Code::InvalidRequest, message).param("id"));
    }
    let found = router.journal.find(id).await.map_err(|error| {
        if let plugway_store::Error::Form(_) = error {
            let message = "This generation was recorded by another version of the router, \
                           which this one cannot read.";
            return Error::new(Code::NotFound, message);
        }
        tracing::error!(%error, "a record of a decision could not be read");
        Error::new(Code::Internal, "The records of generations cannot be read; see the log.")
    })?;
    let decisions = &settings.config.decisions;
    let age = u64::try_from(decisions.keep_for.as_millis()).unwrap_or(u64::MAX);
    let since = router.clock.unix_ms().saturating_sub(age);
    // What is to be forgotten is not told, even where nobody has got round to removing it.
    found.filter(|record| record.came_ms >= since).ok_or_else(|| {
        let message = match decisions.enabled {
            true => "There is no such generation here, or it is too long ago.",
            false => "No generation is remembered here: decisions.enabled is false.",
        };
        Error::new(Code::NotFound, message)
    })
}
