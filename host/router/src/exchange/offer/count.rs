//! Counting a prompt without running it.

use super::{Offer, Written};
use crate::exchange::attempt::tailored;
use crate::exchange::media::{self, Fill};
use crate::exchange::tailor;
use crate::route::{Asked, Service, Step};
use crate::{Router, Settings};
use plugway_engine::chat::{Failure, MediaKind, Usage};
use plugway_engine::{Adapter, CallContext, CallError, ResponseHead, TokenCountCall};
use plugway_wire::ChatCall;

/// A chat whose prompt is to be counted.
pub(crate) struct Counted(pub(super) ChatCall);

impl Offer for Counted {
    type Call = TokenCountCall;
    type Answer = u64;

    fn asked(&self) -> Asked<'_> {
        Asked { service: Service::TokenCount, streaming: false, ..Asked::chat(&self.0) }
    }

    fn user(&self) -> Option<&str> {
        self.0.user.as_deref()
    }

    fn named_media(&self) -> Vec<(MediaKind, &str)> {
        media::named(&self.0.request)
    }

    fn open(adapter: &Adapter, context: CallContext) -> Option<Result<Self::Call, CallError>> {
        adapter.token_count(context)
    }

    fn encode(
        &self,
        call: &mut Self::Call,
        router: &Router,
        _: &Settings,
        step: &Step,
        fills: &[Fill],
    ) -> Result<Result<Written, Failure>, CallError> {
        let (request, seals, sealed) = tailored(router, &self.0, step, fills);
        let encoded = call.encode(&request, &tailor::facts(step))?;
        Ok(encoded.map(|request| Written { request, seals, sealed }))
    }

    fn decode(
        call: Self::Call,
        head: ResponseHead,
        body: Vec<u8>,
        memo: &str,
    ) -> Result<Result<u64, Failure>, CallError> {
        call.decode(head, body, memo)
    }

    fn verify(&self, _: &u64) -> Result<(), &'static str> {
        Ok(())
    }

    fn counted(_: &u64) -> Option<Usage> {
        None
    }

    /// Nobody charges for it.
    fn estimate(&self) -> Option<Usage> {
        None
    }
}
