//! What is remembered of the router's credentials, and of those that clients have brought.

use crate::catalog::{Catalog, Credential, CredentialSource, Provider};
use crate::telemetry::Metrics;
use plugway_routing::{Clock, CredentialFooting, CredentialRecord};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

/// What is remembered of credentials. One per router, shared by all requests. Where a
/// provider has one alone, its endpoints' health says it all, and nothing is kept here. What
/// is remembered of a client's own key is kept with that.
pub struct CredentialHealth {
    pub(super) clock: Clock,
    pub(super) metrics: Arc<Metrics>,
    /// By provider; never more than are configured, and what requests still use that
    /// began before the last reload.
    known: RwLock<HashMap<String, Vec<Known>>>,
}

struct Known {
    name: String,
    /// Another secret under the same name is another credential.
    source: CredentialSource,
    record: Kept,
}

/// What is remembered of one.
pub(super) type Kept = Arc<Mutex<CredentialRecord>>;

impl CredentialHealth {
    /// Of nothing yet.
    pub fn new(clock: Clock, metrics: Arc<Metrics>) -> Self {
        Self { clock, metrics, known: RwLock::default() }
    }

    /// Forgets what is configured no longer, or otherwise.
    pub(crate) fn keep(&self, catalog: &Catalog) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.retain(|provider, credentials| {
            let configured = catalog.providers.get(provider).map(|it| &it.credentials[..]);
            let configured = configured.unwrap_or_default();
            credentials.retain(|known| configured.iter().any(|it| known.is(it)));
            !credentials.is_empty()
        });
    }

    /// How long the credential is left alone, whatever it is for; none where it may be
    /// used.
    pub fn rest(&self, provider: &Provider, credential: &Credential) -> Option<Duration> {
        match self.footing(provider, credential, None) {
            CredentialFooting::Cooling(rest) => Some(rest),
            CredentialFooting::Sound | CredentialFooting::Probed => None,
        }
    }

    /// For how many models it is left alone.
    pub fn cooling_models(&self, provider: &Provider, credential: &Credential) -> usize {
        let known = self.find(provider, credential);
        known.map_or(0, |it| locked(&it).cooling_models(self.clock.now()))
    }

    /// How it stands to an attempt at this model, or at none.
    pub(super) fn footing(
        &self,
        provider: &Provider,
        credential: &Credential,
        model: Option<&str>,
    ) -> CredentialFooting {
        let known = self.find(provider, credential);
        let now = self.clock.now();
        known.map_or(CredentialFooting::Sound, |it| locked(&it).footing(model, now))
    }

    fn find(&self, provider: &Provider, credential: &Credential) -> Option<Kept> {
        if let Some(brought) = credential.as_brought() {
            return Some(brought.record.clone());
        }
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let known = known.get(&provider.name)?.iter().find(|it| it.is(credential));
        known.map(|it| it.record.clone())
    }

    /// What is remembered of it, nothing yet if need be.
    pub(super) fn remember(&self, provider: &Provider, credential: &Credential) -> Kept {
        if let Some(known) = self.find(provider, credential) {
            return known;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let credentials = known.entry(provider.name.clone()).or_default();
        if let Some(known) = credentials.iter().find(|it| it.is(credential)) {
            return known.record.clone();
        }
        let Credential { name, source, .. } = credential.clone();
        let record = CredentialRecord::seeded(self.seed(&provider.name, &name));
        let record = Arc::new(Mutex::new(record));
        credentials.push(Known { name, source, record: record.clone() });
        record
    }

    /// Draws a credential's pauses: others than those of the credentials beside it.
    fn seed(&self, provider: &str, credential: &str) -> u64 {
        let mut hasher = DefaultHasher::new();
        (provider, credential, self.clock.date()).hash(&mut hasher);
        hasher.finish()
    }
}

impl Known {
    fn is(&self, credential: &Credential) -> bool {
        self.name == credential.name && self.source == credential.source
    }
}

/// Held for a few assignments at a time.
pub(super) fn locked(record: &Kept) -> MutexGuard<'_, CredentialRecord> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}
