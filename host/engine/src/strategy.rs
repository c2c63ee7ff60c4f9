//! Strategies and the policies that they open. A policy keeps a few instances
//! warm: it may not remember anything, so any of them can answer any question.

use std::sync::{Arc, Mutex, PoisonError};

use wasmtime::component::{InstancePre, ResourceAny};

use crate::bindings::strategy::exports::plugway::strategy::strategy as wit;
use crate::bindings::strategy::{Strategy as Instance, StrategyPre};
use crate::engine::{Code, Engine};
use crate::error::{CallError, CallErrorKind, OpenError};
use crate::plugin::Identity;
use crate::question;
use crate::sandbox::{CallContext, Sandbox, State};
use crate::spoken;
use crate::types::{Candidate, Plan, Query, Refusal, Setup};

/// A loaded strategy. Holds no instance of its own; its policies do.
pub struct Strategy {
    engine: Engine,
    identity: Arc<Identity>,
    instance: StrategyPre<State>,
    code: Arc<Code>,
}

impl Strategy {
    pub(crate) fn new(
        engine: Engine,
        identity: Arc<Identity>,
        code: Arc<Code>,
        instance: InstancePre<State>,
    ) -> wasmtime::Result<Self> {
        let instance = StrategyPre::new(instance)?;
        Ok(Self { engine, identity, instance, code })
    }

    /// The plugin's id.
    pub fn id(&self) -> &str {
        &self.identity.id
    }

    /// SHA-256 of the component in hexadecimal.
    pub fn digest(&self) -> &str {
        &self.identity.digest
    }

    /// What it was made from.
    pub(crate) fn code(&self) -> &Arc<Code> {
        &self.code
    }

    /// Opens a policy and tries it on a question of two candidates, both of the
    /// provider `self-check`.
    ///
    /// # Errors
    /// When the plugin fails, refuses its options, or answers nonsense.
    pub fn open(self: &Arc<Self>, setup: Setup) -> Result<Policy, OpenError> {
        let first = self.instantiate(&setup)?;
        let policy = Policy { strategy: Arc::clone(self), setup, idle: Mutex::default() };
        policy.put_back(first);
        let candidates = question::trial_candidates();
        let answer = policy.route(&question::trial_query(), &candidates)?;
        let steps = answer.map(|plan| plan.steps).unwrap_or_default();
        match steps.iter().find(|step| step.candidate as usize >= candidates.len()) {
            None => Ok(policy),
            Some(step) => {
                Err(OpenError::Nonsense { plugin: self.id().to_owned(), candidate: step.candidate })
            }
        }
    }

    /// A fresh instance with an open policy in it.
    fn instantiate(&self, setup: &Setup) -> Result<Warm, OpenError> {
        let limits = Arc::clone(self.engine.limits());
        let identity = Arc::clone(&self.identity);
        let context = CallContext::default();
        let mut sandbox = Sandbox::new(self.engine.wasmtime(), identity, limits, context);
        let instance = sandbox.call("instantiate", |store| self.instance.instantiate(store))?;
        let strategy = instance.plugway_strategy_strategy();
        let opened = sandbox.call("open", |store| {
            let score_names: Vec<&str> = setup.score_names.iter().map(String::as_str).collect();
            let options = question::pairs(&setup.options);
            let state = setup.state.as_deref();
            let setup = wit::Setup { options: &options, score_names: &score_names, state };
            strategy.call_open(store, setup)
        })?;
        match opened {
            Ok(resource) => Ok(Warm { sandbox, instance, resource, calls: 0 }),
            Err(reason) => Err(OpenError::Refused {
                plugin: self.id().to_owned(),
                reason: spoken::sentence(&reason),
            }),
        }
    }
}

impl std::fmt::Debug for Strategy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Strategy")
            .field("id", &self.id())
            .field("digest", &self.identity.short_digest())
            .finish_non_exhaustive()
    }
}

/// An opened strategy. Shared by all requests: each question takes an idle
/// instance or makes one, and puts it back unless it failed.
pub struct Policy {
    strategy: Arc<Strategy>,
    setup: Setup,
    /// At most `Limits::max_warm_instances`. Locked to take and to put back, never
    /// during a call.
    idle: Mutex<Vec<Warm>>,
}

impl Policy {
    /// Asks for a plan. `candidates` must not be empty. The plan is unchecked.
    ///
    /// # Errors
    /// Outer: the plugin failed. Inner: it has no plan.
    pub fn route(
        &self,
        query: &Query,
        candidates: &[Candidate],
    ) -> Result<Result<Plan, Refusal>, CallError> {
        let idle = self.lock().pop();
        let mut warm = match idle {
            Some(warm) => warm,
            None => self.reopen()?,
        };
        warm.sandbox.set_context(CallContext { seed: query.seed, now_ms: query.now_ms });
        let answer = warm.route(query, candidates)?;
        self.put_back(warm);
        Ok(answer)
    }

    /// What was opened.
    pub fn strategy(&self) -> &Strategy {
        &self.strategy
    }

    /// What it was opened with.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Another instance. That it refuses what the first one took is a failure.
    fn reopen(&self) -> Result<Warm, CallError> {
        self.strategy.instantiate(&self.setup).map_err(|error| match error {
            OpenError::Call(error) => error,
            other => {
                let cause = CallErrorKind::Host(other.to_string());
                CallError::new(&self.strategy.identity, "open", cause)
            }
        })
    }

    fn put_back(&self, warm: Warm) {
        let limits = self.strategy.engine.limits();
        let mut idle = self.lock();
        if warm.calls < limits.calls_per_instance && idle.len() < limits.max_warm_instances {
            idle.push(warm);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Warm>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Policy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Policy").field("strategy", &self.strategy).finish_non_exhaustive()
    }
}

/// An instance with an open policy in it.
struct Warm {
    sandbox: Sandbox,
    instance: Instance,
    resource: ResourceAny,
    /// Questions answered.
    calls: u32,
}

impl Warm {
    fn route(
        &mut self,
        query: &Query,
        candidates: &[Candidate],
    ) -> Result<Result<Plan, Refusal>, CallError> {
        self.calls += 1;
        let policy = self.instance.plugway_strategy_strategy().policy();
        let answer = self.sandbox.call("policy.route", |store| {
            question::ask(query, candidates, |query, candidates| {
                policy.call_route(store, self.resource, query, candidates)
            })
        })?;
        Ok(answer.map(Into::into).map_err(Into::into))
    }
}
