//! What a running server knows: its script, its log and what it has counted.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::fault::Failure;
use crate::kind::Kind;
use crate::log::Log;
use crate::prompt::{Prompt, text_tokens};
use crate::reply::Usage;
use crate::script::{Behaviour, Script};

/// Prompt prefixes whose caching is remembered.
const MAX_CACHED_PREFIXES: usize = 4096;

/// A simulated provider, shared by the connections that serve it and by those
/// who script and watch it.
#[derive(Debug)]
pub struct State {
    kind: Kind,
    act: RwLock<Arc<Act>>,
    log: Log,
    /// Digests of the prompt prefixes that are in the simulated cache.
    cached: Mutex<HashSet<u64>>,
}

impl State {
    /// A provider of this kind that follows this script.
    #[must_use]
    pub fn new(kind: Kind, script: impl Into<Script>) -> Arc<State> {
        Arc::new(State {
            kind,
            act: RwLock::new(Arc::new(Act::new(script.into()))),
            log: Log::default(),
            cached: Mutex::default(),
        })
    }

    /// Replaces the script from the next request on. The counting of requests
    /// begins anew.
    pub fn set(&self, script: impl Into<Script>) {
        let act = Arc::new(Act::new(script.into()));
        *self.act.write().unwrap_or_else(PoisonError::into_inner) = act;
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) fn act(&self) -> Arc<Act> {
        let act = self.act.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&act)
    }

    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    /// Counts a marked prefix as written to the cache the first time that it
    /// is seen, and as read from it from then on.
    pub(crate) fn count_cached(&self, prompt: &Prompt, usage: &mut Usage) {
        let Some(prefix) = prompt.cache_prefix() else {
            return;
        };
        let tokens = text_tokens(prefix.text_bytes)
            .min(usage.prompt - usage.cache_read - usage.cache_written);
        let mut cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        if cached.contains(&prefix.digest) {
            usage.cache_read += tokens;
        } else {
            if cached.len() >= MAX_CACHED_PREFIXES {
                cached.clear();
            }
            cached.insert(prefix.digest);
            usage.cache_written += tokens;
        }
    }
}

/// A script in force, with the requests that it has counted.
#[derive(Debug)]
pub(crate) struct Act {
    pub(crate) script: Script,
    /// Requests for models without a behaviour of their own.
    others: AtomicU64,
    /// Requests for each of the others.
    models: BTreeMap<String, AtomicU64>,
    /// Requests with each of the credentials that have one of their own.
    keys: BTreeMap<String, AtomicU64>,
}

impl Act {
    fn new(script: Script) -> Act {
        let counters = |behaviours: &BTreeMap<String, Behaviour>| {
            behaviours.keys().map(|name| (name.clone(), AtomicU64::new(0))).collect()
        };
        Act {
            models: counters(&script.models),
            keys: counters(&script.keys),
            others: AtomicU64::new(0),
            script,
        }
    }

    /// Counts a request for this model, with this credential, and says how it is to be
    /// answered.
    pub(crate) fn next(&self, model: &str, key: &str) -> (&Behaviour, Option<&Failure>) {
        let script = &self.script;
        let own = script.keys.get(key).or_else(|| script.models.get(model));
        let behaviour = own.unwrap_or(&script.behaviour);
        let counter = self.keys.get(key).or_else(|| self.models.get(model));
        let counter = counter.unwrap_or(&self.others);
        let number = counter.fetch_add(1, Ordering::Relaxed) + 1;
        let strikes = |when: crate::When| when.strikes(number, self.script.seed);
        let fault = behaviour.faults.iter().find(|fault| strikes(fault.when));
        (behaviour, fault.map(|fault| &fault.failure))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::When;
    use crate::prompt::{Item, Role};

    #[test]
    fn requests_are_counted_for_each_behaviour_until_it_is_replaced() {
        let flaky = Behaviour::new().fault(When::Every(2), Failure::Close);
        let script = Script::new().model("flaky", flaky);
        let state = State::new(Kind::OpenAi, script.clone());
        let fails = |model: &str| state.act().next(model, "any").1.is_some();
        assert_eq!([fails("other"), fails("other")], [false, false]);
        assert_eq!([fails("flaky"), fails("flaky"), fails("flaky")], [false, true, false]);
        state.set(script);
        assert_eq!([fails("flaky"), fails("flaky")], [false, true]);
    }

    #[test]
    fn a_credential_has_a_behaviour_of_its_own_before_the_model() {
        let flaky = Behaviour::new().fault(When::First(1), Failure::Close);
        let script = Script::new().model("m", Behaviour::new()).for_key("k", flaky);
        let state = State::new(Kind::OpenAi, script);
        let fails = |key: &str| state.act().next("m", key).1.is_some();
        assert_eq!([fails("other"), fails("k"), fails("k")], [false, true, false]);
    }

    #[test]
    fn a_prefix_is_written_once_and_then_read() {
        let state = State::new(Kind::Anthropic, Script::new());
        let mut prompt = Prompt::default();
        let marked = Item { breakpoint: true, ..Item::text("x".repeat(40)) };
        prompt.add(Role::System, vec![marked, Item::text("y".repeat(40))]);
        let mut seen = Vec::new();
        for _ in 0..2 {
            let mut usage = Usage { prompt: 20, ..Usage::default() };
            state.count_cached(&prompt, &mut usage);
            seen.push((usage.cache_written, usage.cache_read));
        }
        assert_eq!(seen, [(10, 0), (0, 10)]);
    }
}
