//! Opens clients' own provider keys, each once: what is opened is held in memory alone, for
//! as long as its row is there, and is wiped when the last request that uses it has ended.
//! The master key is looked for when something is to be opened, and forgotten then.
//!
//! What cannot be opened is left out and told once, unless it could be before and may be
//! again; it is tried again now and then, for the master key may come back.

use super::brought::{BroughtKey, BroughtKeys, State, Unusable};
use super::master;
use crate::catalog::{Brought, Credential, KeyMaterial};
use crate::config::SecretsConfig;
use crate::upstream::Environment;
use arc_swap::ArcSwap;
use plugway_accounts::Keyring;
use plugway_accounts::seal::OpenError;
use plugway_routing::{Clock, CredentialRecord};
use plugway_store::ByokRow;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::timeout;

/// How often what could not be opened is tried again.
const RETRY_INTERVAL: Duration = Duration::from_secs(30);

/// Keys that clients have brought, opened. One per router.
pub(super) struct Vault {
    secrets: ArcSwap<SecretsConfig>,
    env: Arc<Environment>,
    clock: Clock,
    now: ArcSwap<BroughtKeys>,
    /// Held while another state is put together, never while anything waits.
    changing: Mutex<()>,
    /// Held while keys are opened: one looks for the master key at a time.
    opening: tokio::sync::Mutex<()>,
    /// There is something to open.
    wanted: Notify,
    /// The master key is to be found in another way than when it was missing.
    is_news: AtomicBool,
}

/// A key that was tried, and what came of it.
type Tried = (Arc<BroughtKey>, State);

impl Vault {
    /// Of nothing yet.
    pub(super) fn new(secrets: SecretsConfig, env: Arc<Environment>, clock: Clock) -> Self {
        Self {
            secrets: ArcSwap::from_pointee(secrets),
            env,
            clock,
            now: ArcSwap::default(),
            changing: Mutex::default(),
            opening: tokio::sync::Mutex::default(),
            wanted: Notify::new(),
            is_news: AtomicBool::new(false),
        }
    }

    pub(super) fn now(&self) -> Arc<BroughtKeys> {
        self.now.load_full()
    }

    /// The master key is to be found so.
    pub(super) fn find_by(&self, secrets: &SecretsConfig) {
        if **self.secrets.load() != *secrets {
            self.secrets.store(Arc::new(secrets.clone()));
            self.is_news.store(true, Ordering::Relaxed);
            self.wanted.notify_one();
        }
    }

    /// Rows as they are now. What was opened stays so; the rest waits to be.
    pub(super) fn follow(&self, rows: &[Arc<ByokRow>]) {
        let _turn = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.now.load();
        let before: HashMap<&str, &Arc<BroughtKey>> =
            now.all().iter().map(|key| (&*key.row.id, key)).collect();
        let key = |row: &Arc<ByokRow>| match before.get(&*row.id) {
            Some(before) if before.row == *row => (*before).clone(),
            before => Arc::new(BroughtKey::following(row, before.map(|it| &***it))),
        };
        let after = BroughtKeys::new(rows.iter().map(key).collect());
        if after.all().iter().any(|key| waits(key, false)) {
            self.wanted.notify_one();
        }
        self.now.store(Arc::new(after));
    }

    /// Opens what was not tried yet. Returns once that is done.
    pub(super) async fn open_new(&self) {
        self.open(false).await;
    }

    /// Opens what comes, for as long as it is polled, and tries again what could not be.
    pub(super) async fn keep_open(&self) {
        loop {
            let is_time = timeout(RETRY_INTERVAL, self.wanted.notified()).await.is_err();
            let is_news = self.is_news.swap(false, Ordering::Relaxed);
            self.open(is_time || is_news).await;
        }
    }

    async fn open(&self, again: bool) {
        let _turn = self.opening.lock().await;
        let now = self.now.load();
        let waiting = now.all().iter().filter(|key| waits(key, again));
        let waiting: Vec<_> = waiting.cloned().collect();
        if waiting.is_empty() {
            return;
        }
        let (secrets, env) = (self.secrets.load_full(), self.env.clone());
        let clock = self.clock.clone();
        let tried = move || -> (Vec<Tried>, Option<String>) {
            match master::ring(&secrets, |name| env(name)) {
                Ok(ring) => {
                    let opened = waiting.into_iter().map(|key| {
                        let state = opened(&ring, &key, &clock);
                        (key, state)
                    });
                    (opened.collect(), None)
                }
                Err(error) => {
                    let missed = waiting.into_iter().map(|key| {
                        let state = key.state.failing(Unusable::NoMasterKey);
                        (key, state)
                    });
                    (missed.collect(), Some(error.to_string()))
                }
            }
        };
        // A program that is asked for it may take its time.
        let Ok((tried, trouble)) = tokio::task::spawn_blocking(tried).await else { return };
        tell(&tried, trouble.as_deref());
        self.put(tried);
    }

    /// Puts in what came of trying, as far as that is still what is wanted.
    fn put(&self, tried: Vec<Tried>) {
        let _turn = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.now.load();
        let tried: HashMap<_, _> = tried
            .into_iter()
            .map(|(key, state)| (Arc::as_ptr(&key).addr(), (key, state)))
            .collect();
        let key = |key: &Arc<BroughtKey>| match tried.get(&Arc::as_ptr(key).addr()) {
            Some((_, state)) => Arc::new(key.in_state(state.clone())),
            None => key.clone(),
        };
        self.now.store(Arc::new(BroughtKeys::new(now.all().iter().map(key).collect())));
    }
}

/// Whether a key is to be opened; `again` even where that failed before.
fn waits(key: &BroughtKey, again: bool) -> bool {
    match key.state {
        _ if key.row.disabled => false,
        State::Sealed | State::Outdated(_, None) => true,
        State::Unusable(why) | State::Outdated(_, Some(why)) => again && why.is_passing(),
        State::Open(_) => false,
    }
}

fn opened(ring: &Keyring, key: &BroughtKey, clock: &Clock) -> State {
    let row = &key.row;
    let text = match ring.open(&row.id, &row.sealed) {
        Ok(text) => text,
        Err(OpenError::OtherKey(_)) => return key.state.failing(Unusable::OtherMasterKey),
        Err(OpenError::Damaged | OpenError::Version(_) | OpenError::Tampered) => {
            return State::Unusable(Unusable::Damaged);
        }
    };
    let Some(material) = KeyMaterial::read(&text) else { return State::Unusable(Unusable::Form) };
    // Sealed anew, it is the same key, and what is remembered of it holds.
    let before = key.credential().filter(|credential| {
        credential.as_brought().is_some_and(|brought| brought.key.is_same(&material))
    });
    let fresh = || {
        // Draws its pauses: others than those of the keys beside it.
        let mut hasher = DefaultHasher::new();
        (&row.provider, &row.id, clock.date()).hash(&mut hasher);
        let record = Arc::new(Mutex::new(CredentialRecord::seeded(hasher.finish())));
        Arc::new(Credential::brought(&row.id, Brought { key: material, record }))
    };
    State::Open(before.cloned().unwrap_or_else(fresh))
}

/// What could be used before and cannot be now, or never could: once for each cause, with
/// how many and one of them.
fn tell(tried: &[Tried], trouble: Option<&str>) {
    let mut news: Vec<(Unusable, usize, &str)> = Vec::new();
    for (key, state) in tried {
        let Some(why) = state.unusable() else { continue };
        if key.unusable() == Some(why) {
            continue;
        }
        match news.iter_mut().find(|(known, ..)| *known == why) {
            Some((_, keys, _)) => *keys += 1,
            None => news.push((why, 1, &key.row.id)),
        }
    }
    for (why, keys, first) in news {
        let why = why.to_string();
        let reason = trouble.unwrap_or(&why);
        tracing::error!(keys, first, reason, "clients' own provider keys cannot be opened");
    }
}
