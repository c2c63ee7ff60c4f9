//! What each attempt sent its provider, for a client that asks to see it: the debugging
//! of how a request was translated needs no access to the router's machine.

use super::Exchange;
use crate::buffer::Held;
use crate::route::Step;
use crate::upstream::{Outgoing, OutgoingBody};
use bytes::Bytes;
use plugway_wire::{ChatCall, StreamEncoder};
use serde_json::json;
use serde_json::value::RawValue;
use std::sync::{Mutex, PoisonError};
use tokio::sync::OwnedSemaphorePermit;

/// Bytes of the bodies that one request is shown, over all its attempts. A body that goes
/// beyond it is told by its size.
const MAX_ECHOED_BYTES: usize = 1024 * 1024;

/// The bodies that were sent, in the order of the attempts.
#[derive(Default)]
pub(super) struct Echoes(Mutex<Vec<Echo>>);

/// One body, a JSON object.
pub(super) struct Echo {
    body: String,
    /// Its share of the common bound on buffered bodies, held until the answer has ended.
    _room: Option<OwnedSemaphorePermit>,
}

/// Keeps what is about to be sent, if its client wants to see it. Headers are no part of
/// it, and a credential in it is masked.
pub(super) fn keep(exchange: &Exchange<ChatCall>, step: &Step, outgoing: &Outgoing) {
    let OutgoingBody::Spliced(body) = &outgoing.body else { return };
    if !exchange.call.echo {
        return;
    }
    let mut echoes = exchange.echoes.0.lock().unwrap_or_else(PoisonError::into_inner);
    let shown: usize = echoes.iter().map(|echo| echo.body.len()).sum();
    let bytes: usize = body.chunks().map(<[u8]>::len).sum();
    let mut held = Held { bytes: Bytes::new(), room: None };
    let fits =
        shown + bytes <= MAX_ECHOED_BYTES && held.grow(&exchange.router.buffers, 0, bytes).is_ok();
    let body = fits.then(|| {
        let mut whole = Vec::with_capacity(bytes);
        body.chunks().for_each(|chunk| whole.extend_from_slice(chunk));
        exchange.router.credentials.mask(step.called(), &mut whole);
        object(whole)
    });
    let body = body.flatten().unwrap_or_else(|| json!({"omitted_bytes": bytes}).to_string());
    echoes.push(Echo { body, _room: held.room });
}

/// The text of an object; none where it is no such thing.
fn object(bytes: Vec<u8>) -> Option<String> {
    let text = String::from_utf8(bytes).ok()?;
    let is_json = serde_json::from_str::<&RawValue>(&text).is_ok();
    (is_json && text.trim_start().starts_with('{')).then_some(text)
}

impl Echoes {
    /// All of them, once the attempts are over.
    pub(super) fn into_inner(self) -> Vec<Echo> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Echo {
    /// Tells what was sent, and lets go of the text.
    pub(super) fn tell(&mut self, encoder: &mut dyn StreamEncoder, out: &mut bytes::BytesMut) {
        encoder.echo(&std::mem::take(&mut self.body), out);
    }
}

#[cfg(test)]
mod tests {
    use super::object;

    #[test]
    fn only_an_object_is_shown() {
        let check = |bytes: &[u8], shown| assert_eq!(object(bytes.to_vec()).is_some(), shown);
        check(b"{\"a\": [1]}", true);
        check(b" {}\n", true);
        check(b"[]", false);
        check(b"{\"a\"", false);
        check(b"", false);
        check(b"{\"a\":\"\xff\"}", false);
    }
}
