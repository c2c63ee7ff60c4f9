//! The shims between the generated bindings and the SDK's traits, and the macro
//! that turns a type into a component's exports.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::sync::Once;

use crate::bindings::provider::exports::plugway::provider::provider as provider_exports;
use crate::bindings::strategy::exports::plugway::strategy::strategy as strategy_exports;
use crate::chat::{Event, Failure, Request};
use crate::log;
use crate::provider::{
    Endpoint, Frame, Info, Provider, ResponseHead, StreamDecoder, UpstreamRequest, UpstreamResponse,
};
use crate::strategy::{Candidate, Plan, Query, Refusal, Setup, Strategy};

/// Makes the named type this component's implementation of an interface:
/// `export!(provider: T)` for a [`Provider`], `export!(strategy: T)` for a
/// [`Strategy`]. What an adapter offers beside chat is exported each by itself:
/// `export!(embeddings: T)`, `export!(rerank: T)`, `export!(token_count: T)`,
/// `export!(models: T)`. Call it at the root of the crate. On other targets than
/// WebAssembly it only checks the type.
#[macro_export]
macro_rules! export {
    (provider: $offered:ty) => {
        #[cfg(target_family = "wasm")]
        #[allow(unsafe_code, reason = "exports of a component are unmangled symbols")]
        const _: () = {
            type Component = $crate::provider::Exported<$offered>;
            $crate::bindings::provider::export_provider!(
                Component with_types_in $crate::bindings::provider
            );
        };
        #[cfg(not(target_family = "wasm"))]
        const _: () = $crate::provider::exportable::<$offered>();
    };
    (embeddings: $offered:ty) => {
        #[cfg(target_family = "wasm")]
        #[allow(unsafe_code, reason = "exports of a component are unmangled symbols")]
        const _: () = {
            type Component = $crate::embeddings::Exported<$offered>;
            $crate::bindings::embeddings::export_embeddings!(
                Component with_types_in $crate::bindings::embeddings
            );
        };
        #[cfg(not(target_family = "wasm"))]
        const _: () = $crate::embeddings::exportable::<$offered>();
    };
    (rerank: $offered:ty) => {
        #[cfg(target_family = "wasm")]
        #[allow(unsafe_code, reason = "exports of a component are unmangled symbols")]
        const _: () = {
            type Component = $crate::rerank::Exported<$offered>;
            $crate::bindings::rerank::export_rerank!(
                Component with_types_in $crate::bindings::rerank
            );
        };
        #[cfg(not(target_family = "wasm"))]
        const _: () = $crate::rerank::exportable::<$offered>();
    };
    (token_count: $offered:ty) => {
        #[cfg(target_family = "wasm")]
        #[allow(unsafe_code, reason = "exports of a component are unmangled symbols")]
        const _: () = {
            type Component = $crate::token_count::Exported<$offered>;
            $crate::bindings::token_count::export_token_count!(
                Component with_types_in $crate::bindings::token_count
            );
        };
        #[cfg(not(target_family = "wasm"))]
        const _: () = $crate::token_count::exportable::<$offered>();
    };
    (models: $offered:ty) => {
        #[cfg(target_family = "wasm")]
        #[allow(unsafe_code, reason = "exports of a component are unmangled symbols")]
        const _: () = {
            type Component = $crate::models::Exported<$offered>;
            $crate::bindings::models::export_models!(
                Component with_types_in $crate::bindings::models
            );
        };
        #[cfg(not(target_family = "wasm"))]
        const _: () = $crate::models::exportable::<$offered>();
    };
    (strategy: $offered:ty) => {
        #[cfg(target_family = "wasm")]
        #[allow(unsafe_code, reason = "exports of a component are unmangled symbols")]
        const _: () = {
            type Component = $crate::strategy::Exported<$offered>;
            $crate::bindings::strategy::export_strategy!(
                Component with_types_in $crate::bindings::strategy
            );
        };
        #[cfg(not(target_family = "wasm"))]
        const _: () = $crate::strategy::exportable::<$offered>();
    };
}

/// Proves that a type can be exported.
#[doc(hidden)]
pub const fn exportable_provider<P: Provider + 'static>() {}

/// Proves that a type can be exported.
#[doc(hidden)]
pub const fn exportable_strategy<S: Strategy>() {}

/// A [`Provider`] as the generated bindings want it.
#[doc(hidden)]
pub struct ExportedProvider<P>(PhantomData<P>);

impl<P: Provider + 'static> provider_exports::Guest for ExportedProvider<P> {
    type StreamDecoder = ExportedDecoder<P::Decoder>;

    fn describe() -> Info {
        log_panics();
        P::describe()
    }

    fn encode(request: Request, endpoint: Endpoint) -> Result<UpstreamRequest, Failure> {
        log_panics();
        P::encode(request, endpoint)
    }

    fn decode(response: UpstreamResponse, memo: String) -> Vec<Event> {
        log_panics();
        P::decode(response, memo)
    }

    fn explain(response: UpstreamResponse) -> Failure {
        log_panics();
        P::explain(response)
    }
}

/// A [`StreamDecoder`] behind the shared reference that a resource is called with.
#[doc(hidden)]
pub struct ExportedDecoder<D>(RefCell<D>);

impl<D: StreamDecoder> provider_exports::GuestStreamDecoder for ExportedDecoder<D> {
    fn new(head: ResponseHead, memo: String) -> Self {
        log_panics();
        Self(RefCell::new(D::new(head, memo)))
    }

    fn push(&self, frames: Vec<Frame>) -> Vec<Event> {
        push_all(&mut *self.0.borrow_mut(), frames)
    }

    fn end(&self) -> Vec<Event> {
        let mut events = Vec::new();
        self.0.borrow_mut().end(&mut events);
        events
    }
}

/// Feeds frames until one of them ends the response with a failure.
pub(crate) fn push_all<D: StreamDecoder>(decoder: &mut D, frames: Vec<Frame>) -> Vec<Event> {
    let mut events = Vec::with_capacity(frames.len());
    for frame in frames {
        decoder.push(frame, &mut events);
        if matches!(events.last(), Some(Event::Failed(_))) {
            break;
        }
    }
    events
}

/// A [`Strategy`] as the generated bindings want it.
#[doc(hidden)]
pub struct ExportedStrategy<S>(PhantomData<S>);

impl<S: Strategy> strategy_exports::Guest for ExportedStrategy<S> {
    type Policy = ExportedPolicy<S>;

    fn open(setup: Setup) -> Result<strategy_exports::Policy, String> {
        log_panics();
        S::open(setup).map(|strategy| strategy_exports::Policy::new(ExportedPolicy(strategy)))
    }
}

/// An opened [`Strategy`].
#[doc(hidden)]
pub struct ExportedPolicy<S>(S);

impl<S: Strategy> strategy_exports::GuestPolicy for ExportedPolicy<S> {
    fn route(&self, query: Query, candidates: Vec<Candidate>) -> Result<Plan, Refusal> {
        self.0.route(query, candidates)
    }
}

/// A panic traps, and a trap does not say where: the place goes to the log first.
/// The message does not, because it may quote what the plugin was looking at: an
/// adapter a prompt, a strategy a client's metadata.
pub(crate) fn log_panics() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        std::panic::set_hook(Box::new(|panic| match panic.location() {
            Some(place) => log::error(&format!("panicked at {place}")),
            None => log::error("panicked"),
        }));
    });
}
