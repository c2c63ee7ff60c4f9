//! One store with one instance in it: the smallest thing that can be trapped,
//! thrown away and not missed. Every call into a plugin goes through here.

use std::sync::Arc;

use wasmtime::Store;
use wasmtime::component::HasData;

use crate::error::{CallError, CallErrorKind};
use crate::limits::{Limits, Meter};
use crate::log::Log;
use crate::plugin::Identity;
use crate::wasi::Senses;

/// What the inert clocks and the randomness of one instance answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallContext {
    /// Seeds all randomness that is drawn from now on: same seed, same behaviour.
    /// The hash keys of a guest's runtime are drawn once, when its instance first
    /// needs them, so in a warm instance they come from an earlier seed.
    pub seed: u64,
    /// Milliseconds since the Unix epoch; stands still.
    pub now_ms: u64,
}

/// What the host keeps beside an instance.
pub(crate) struct State {
    pub(crate) meter: Meter,
    pub(crate) senses: Senses,
    pub(crate) log: Log,
}

/// Tells generated code how to reach a host trait: `State` implements them itself.
pub(crate) struct Hosts;

impl HasData for Hosts {
    type Data<'a> = &'a mut State;
}

/// A store, its plugin's name for errors, and the way to call into it.
pub(crate) struct Sandbox {
    store: Store<State>,
    identity: Arc<Identity>,
    limits: Arc<Limits>,
}

impl Sandbox {
    pub(crate) fn new(
        engine: &wasmtime::Engine,
        identity: Arc<Identity>,
        limits: Arc<Limits>,
        context: CallContext,
    ) -> Self {
        let state = State {
            meter: Meter::new(Arc::clone(&limits)),
            senses: Senses::new(context.seed, context.now_ms),
            log: Log::new(Arc::clone(&identity), Arc::clone(&limits)),
        };
        let mut store = Store::new(engine, state);
        store.limiter(|state| &mut state.meter);
        store.set_hostcall_fuel(limits.max_output_bytes);
        store.set_max_component_handles(limits.max_handles);
        store.epoch_deadline_callback(|mut store| store.data_mut().meter.tick());
        Self { store, identity, limits }
    }

    /// Lets the clocks and the randomness of the next calls answer `context`.
    pub(crate) fn set_context(&mut self, context: CallContext) {
        self.store.data_mut().senses = Senses::new(context.seed, context.now_ms);
    }

    /// Makes one call with a fresh budget. After an error the sandbox is not to
    /// be used again: wasmtime refuses to enter an instance that trapped.
    pub(crate) fn call<R>(
        &mut self,
        export: &'static str,
        call: impl FnOnce(&mut Store<State>) -> wasmtime::Result<R>,
    ) -> Result<R, CallError> {
        let state = self.store.data_mut();
        state.meter.begin_call();
        state.log.begin_call();
        self.store.set_epoch_deadline(1);
        let result = call(&mut self.store);
        self.store.data_mut().log.end_call();
        result.map_err(|error| {
            let exceeded = self.store.data().meter.exceeded();
            CallError::from_engine(&self.identity, export, &self.limits, exceeded, &error)
        })
    }

    /// Refuses a result with too many items in it.
    pub(crate) fn bound<T>(
        &self,
        export: &'static str,
        events: Vec<T>,
    ) -> Result<Vec<T>, CallError> {
        let limit = self.limits.max_events_per_call;
        if events.len() > limit {
            let cause = CallErrorKind::TooManyEvents { limit };
            return Err(CallError::new(&self.identity, export, cause));
        }
        Ok(events)
    }
}
