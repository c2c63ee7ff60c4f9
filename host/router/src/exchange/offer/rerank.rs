//! Documents in the order of their relevance.

use super::{Offer, Written, read_alone, says_something};
use crate::exchange::media::Fill;
use crate::exchange::tailor;
use crate::route::{Asked, Service, Step};
use crate::{Router, Settings};
use plugway_engine::chat::{Failure, Usage};
use plugway_engine::{
    Adapter, CallContext, CallError, RerankCall as Call, RerankResponse, ResponseHead,
};
use plugway_wire::RerankCall;
use plugway_wire::seal::Seals;
use std::collections::HashSet;

impl Offer for RerankCall {
    type Call = Call;
    type Answer = RerankResponse;

    fn asked(&self) -> Asked<'_> {
        Asked {
            dialect: self.dialect,
            native: !self.request.extra.is_empty(),
            native_at: self.request.extra.first().map(|(name, _)| name.as_str()),
            ..Asked::beside(Service::Rerank, &self.routing, self.approx_bytes(), 0)
        }
    }

    fn open(adapter: &Adapter, context: CallContext) -> Option<Result<Call, CallError>> {
        adapter.rerank(context)
    }

    fn encode(
        &self,
        call: &mut Call,
        _: &Router,
        settings: &Settings,
        step: &Step,
        _: &[Fill],
    ) -> Result<Result<Written, Failure>, CallError> {
        let mut request = self.request.clone();
        step.endpoint.upstream_model.clone_into(&mut request.model);
        let sealed = !step.adapter.grants().content;
        let seals = match sealed {
            true => Seals::of_documents(&mut request, settings.config.routing.seal_min_bytes),
            false => Seals::default(),
        };
        let encoded = call.encode(&request, &tailor::facts(step))?;
        Ok(encoded.map(|request| Written { request, seals, sealed }))
    }

    fn decode(
        call: Call,
        head: ResponseHead,
        body: Vec<u8>,
        memo: &str,
    ) -> Result<Result<RerankResponse, Failure>, CallError> {
        call.decode(head, body, memo)
    }

    fn verify(&self, answer: &RerankResponse) -> Result<(), &'static str> {
        let documents = self.request.documents.len();
        let mut seen = HashSet::new();
        let is_fit = answer.rankings.iter().all(|ranking| {
            (ranking.document as usize) < documents
                && ranking.score.is_finite()
                && seen.insert(ranking.document)
        });
        match is_fit && !seen.is_empty() {
            true => Ok(()),
            false => Err("sent a ranking of other documents than it was given"),
        }
    }

    fn counted(answer: &RerankResponse) -> Option<Usage> {
        answer.usage.clone().filter(says_something)
    }

    fn estimate(&self) -> Option<Usage> {
        Some(read_alone((self.approx_bytes() / 4).max(1) as u64))
    }
}
