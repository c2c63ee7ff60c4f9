//! What a provider says with a status that is no success: held within bounds, without
//! the credential that some of them quote.

use super::Called;
use crate::Router;
use crate::buffer::{Bounds, hold};
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use http::response::Parts;
use hyper::body::Incoming;
use std::time::Duration;

/// The largest that is held, in bytes.
const MAX_REFUSAL_BYTES: usize = 256 * 1024;

/// The status of an answer to a credential that is not accepted.
const UNAUTHORIZED: u16 = 401;

/// The text; none where it is packed, and so cannot be masked, or does not come whole
/// within `patience`: the status still says enough. Where that says that the credential
/// was not accepted, it is taken note of.
pub(crate) async fn refusal(
    router: &Router,
    called: Called<'_>,
    (head, body): (&Parts, Incoming),
    idle: Duration,
    patience: Duration,
) -> Option<Bytes> {
    let bounds = Bounds { limit: MAX_REFUSAL_BYTES, room: &router.buffers, patience, idle };
    let held = match is_packed(&head.headers) {
        true => None,
        false => hold(body, bounds).await.ok(),
    };
    let text = held.map(|held| {
        let mut text = Vec::from(held.bytes);
        router.credentials.mask(called, &mut text);
        text.into()
    });
    // Not before the text was masked: what was refused is still to be.
    if head.status.as_u16() == UNAUTHORIZED
        && let (provider, Some(credential)) = called
    {
        router.credentials.refused(provider, credential);
    }
    text
}

/// Whether a body is in any coding.
pub(crate) fn is_packed(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(CONTENT_ENCODING).iter();
    codings.any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
}
