//! What a client names by URL and an endpoint's provider cannot fetch: the adapter
//! says so, the router fetches it, and the adapter is asked once more.

use super::Exchange;
use super::failover::Ask;
use crate::error::{Code, Error};
use crate::upstream::{FetchError, Fetched};
use plugway_engine::chat::{
    Failure, FailureKind, Media, MediaKind, MediaSource, PartBody, Request, ResultBody,
};
use plugway_wire::seal::Seals;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::time::Instant;

/// By this code an adapter says that its provider cannot fetch `param`.
const FETCH: &str = "fetch";

/// What was fetched for one request of a client's, by URL: once for all its attempts.
#[derive(Default)]
pub(super) struct Fetches {
    done: Mutex<HashMap<String, Result<Arc<Fetched>, FetchError>>>,
}

/// A file in the place of its URL.
pub(crate) struct Fill {
    url: String,
    file: Arc<Fetched>,
}

/// The URL that an adapter wants fetched, if that is what it says.
pub(super) fn wanted(failure: &Failure) -> Option<&str> {
    let is_wanted =
        failure.kind == FailureKind::Unsupported && failure.code.as_deref() == Some(FETCH);
    failure.param.as_deref().filter(|_| is_wanted)
}

/// Fetches what an adapter wants. None where that is not to be: the adapter's failure
/// stands. `filled` is what it was given already.
///
/// # Errors
/// Why the file cannot be had. Another endpoint's provider may fetch it by itself.
pub(super) async fn fetch<C: Ask>(
    exchange: &Exchange<C>,
    provider: &str,
    url: &str,
    filled: &[Fill],
    deadline: Instant,
) -> Result<Option<Fill>, Error> {
    let Some(fetcher) = &exchange.settings.media else { return Ok(None) };
    let media = exchange.call.named_media();
    let Some(kind) = media.into_iter().find(|(_, known)| *known == url).map(|(kind, _)| kind)
    else {
        return Ok(None);
    };
    if filled.iter().any(|fill| fill.url == url) {
        return Ok(None);
    }
    let done = match exchange.media.of(url) {
        Some(done) => done,
        None if exchange.media.len() >= exchange.settings.config.media.max_per_request => {
            let message = "The request names more files than media.max_per_request allows.";
            return Err(Error::upstream(Code::Unsupported, provider, message));
        }
        None => {
            let room = &exchange.router.buffers;
            let fetched = fetcher.fetch(url, kind, room, deadline).await.map(Arc::new);
            exchange.media.keep(url, fetched.clone());
            fetched
        }
    };
    match done {
        Ok(file) => Ok(Some(Fill { url: url.to_owned(), file })),
        Err(error) => Err(told(provider, kind, error)),
    }
}

/// Puts files in the place of their URLs, as seals if the adapter is shown those.
/// What the seals of the request are then.
pub(super) fn fill(request: &mut Request, seals: &Seals, sealed: bool, fills: &[Fill]) -> Seals {
    let mut seals = seals.clone();
    for_each(request, |media| {
        let text = |file: &Fetched| match sealed {
            true => {
                let (with, token) = seals.with(&file.content);
                seals = with;
                token
            }
            false => file.content.text(),
        };
        fill_one(media, fills, text);
    });
    seals
}

/// The same of one medium, which crosses as the text that `text` gives.
pub(super) fn fill_one(media: &mut Media, fills: &[Fill], text: impl FnOnce(&Fetched) -> String) {
    let MediaSource::Uri(url) = &media.source else { return };
    let Some(fill) = fills.iter().find(|fill| fill.url == *url) else { return };
    media.source = MediaSource::Base64(text(&fill.file));
    media.mime = Some(fill.file.mime.clone());
}

impl Fetches {
    fn of(&self, url: &str) -> Option<Result<Arc<Fetched>, FetchError>> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).get(url).cloned()
    }

    fn len(&self) -> usize {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn keep(&self, url: &str, outcome: Result<Arc<Fetched>, FetchError>) {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.insert(url.to_owned(), outcome);
    }
}

fn told(provider: &str, kind: MediaKind, error: FetchError) -> Error {
    let what = match kind {
        MediaKind::Image => "An image",
        MediaKind::Audio => "An audio file",
        MediaKind::Video => "A video",
        MediaKind::Document => "A document",
    };
    if error == FetchError::NoRoom {
        return Error::overloaded(
            "The router holds as many bodies as server.max_buffered allows; try again soon.",
        );
    }
    let message = format!("{what} that the request names could not be fetched: {error}.");
    Error::upstream(Code::Unsupported, provider, message)
}

/// What the request names by URL.
pub(super) fn named(request: &Request) -> Vec<(MediaKind, &str)> {
    let mut named = Vec::new();
    for part in request.messages.iter().flat_map(|message| &message.parts) {
        match &part.body {
            PartBody::Media(media) => named.extend(source(media)),
            PartBody::ToolResult(result) => {
                named.extend(result.content.iter().filter_map(|part| match &part.body {
                    ResultBody::Media(media) => source(media),
                    _ => None,
                }));
            }
            _ => {}
        }
    }
    named
}

/// The same of one medium.
pub(super) fn source(media: &Media) -> Option<(MediaKind, &str)> {
    match &media.source {
        MediaSource::Uri(url) => Some((media.kind, url)),
        _ => None,
    }
}

fn for_each(request: &mut Request, mut change: impl FnMut(&mut Media)) {
    for part in request.messages.iter_mut().flat_map(|message| &mut message.parts) {
        match &mut part.body {
            PartBody::Media(media) => change(media),
            PartBody::ToolResult(result) => {
                for part in &mut result.content {
                    if let ResultBody::Media(media) = &mut part.body {
                        change(media);
                    }
                }
            }
            _ => {}
        }
    }
}
