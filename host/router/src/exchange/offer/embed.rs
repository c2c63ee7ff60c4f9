//! Embeddings.

use super::{Offer, Written, read_alone, says_something};
use crate::exchange::media::{self, Fill};
use crate::exchange::tailor;
use crate::route::{Asked, Service, Step};
use crate::{Router, Settings};
use plugway_engine::chat::{Failure, Media, MediaKind, ResultBody, Usage};
use plugway_engine::{
    Adapter, CallContext, CallError, EmbedInput, EmbedRequest, EmbedResponse, EmbeddingsCall,
    ResponseHead,
};
use plugway_wire::EmbedCall;
use plugway_wire::seal::Seals;

impl Offer for EmbedCall {
    type Call = EmbeddingsCall;
    type Answer = EmbedResponse;

    fn asked(&self) -> Asked<'_> {
        Asked {
            dialect: &self.request.dialect,
            native: self.native,
            ..Asked::beside(Service::Embeddings, &self.routing, self.approx_bytes, self.media)
        }
    }

    fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    fn named_media(&self) -> Vec<(MediaKind, &str)> {
        let parts = self.request.input.iter().flat_map(|input| match input {
            EmbedInput::Parts(parts) => parts.as_slice(),
            EmbedInput::Text(_) | EmbedInput::Tokens(_) => &[],
        });
        let media = parts.filter_map(|part| match &part.body {
            ResultBody::Media(media) => Some(media),
            _ => None,
        });
        media.filter_map(media::source).collect()
    }

    fn open(adapter: &Adapter, context: CallContext) -> Option<Result<Self::Call, CallError>> {
        adapter.embeddings(context)
    }

    fn encode(
        &self,
        call: &mut Self::Call,
        _: &Router,
        settings: &Settings,
        step: &Step,
        fills: &[Fill],
    ) -> Result<Result<Written, Failure>, CallError> {
        let mut request = self.request.clone();
        step.endpoint.upstream_model.clone_into(&mut request.model);
        request.user = self.user.as_deref().map(tailor::pseudonym);
        if !step.adapter.info().dialects.contains(&request.dialect) {
            drop_native(&mut request);
        }
        for_each(&mut request, |media| {
            media::fill_one(media, fills, |file| file.content.text());
        });
        let sealed = !step.adapter.grants().content;
        let seals = match sealed {
            true => Seals::of_inputs(&mut request, settings.config.routing.seal_min_bytes),
            false => Seals::default(),
        };
        let encoded = call.encode(&request, &tailor::facts(step))?;
        Ok(encoded.map(|request| Written { request, seals, sealed }))
    }

    fn decode(
        call: Self::Call,
        head: ResponseHead,
        body: Vec<u8>,
        memo: &str,
    ) -> Result<Result<EmbedResponse, Failure>, CallError> {
        call.decode(head, body, memo)
    }

    fn verify(&self, answer: &EmbedResponse) -> Result<(), &'static str> {
        if answer.vectors.len() != self.request.input.len() {
            return Err("sent another number of vectors than was asked for");
        }
        let is_vector = |vector: &Vec<f32>| {
            !vector.is_empty() && vector.iter().all(|number| number.is_finite())
        };
        match answer.vectors.iter().all(is_vector) {
            true => Ok(()),
            false => Err("sent a vector that is none"),
        }
    }

    fn counted(answer: &EmbedResponse) -> Option<Usage> {
        answer.usage.clone().filter(says_something)
    }

    fn estimate(&self) -> Option<Usage> {
        Some(read_alone(self.approx_tokens()))
    }
}

/// Takes out what only a speaker of the client's dialect could read.
fn drop_native(request: &mut EmbedRequest) {
    request.extra.clear();
    for input in &mut request.input {
        if let EmbedInput::Parts(parts) = input {
            parts.iter_mut().for_each(|part| part.extra.clear());
        }
    }
}

fn for_each(request: &mut EmbedRequest, mut change: impl FnMut(&mut Media)) {
    for input in &mut request.input {
        let EmbedInput::Parts(parts) = input else { continue };
        for part in parts {
            if let ResultBody::Media(media) = &mut part.body {
                change(media);
            }
        }
    }
}
