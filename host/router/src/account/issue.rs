//! A new key: its row for the database, and the secret that is shown once.

use plugway_accounts::key::NoRandomness;
use plugway_accounts::{KeySettings, Secret};
use plugway_store::{Interval, KeyRow};

/// What is asked for.
#[derive(Debug, Default)]
pub struct NewKey {
    /// For people.
    pub name: String,
    /// Id of the workspace.
    pub workspace: String,
    /// For the administration, and nothing else.
    pub is_management: bool,
    /// From then on it is refused.
    pub expires_ms: Option<u64>,
    /// Picodollars.
    pub limit: Option<u128>,
    /// When spending is counted anew; none: never.
    pub reset: Option<Interval>,
    /// What is paid with clients' own provider keys counts too.
    pub include_byok: bool,
    /// Checked before.
    pub settings: KeySettings,
    /// Who asks.
    pub creator: Option<String>,
}

impl NewKey {
    /// Makes it.
    ///
    /// # Errors
    /// When the system has no random numbers to give.
    pub fn issue(self, now_ms: u64) -> Result<(KeyRow, Secret), NoRandomness> {
        let secret = Secret::random()?;
        let row = KeyRow {
            hash: secret.hash(),
            name: self.name,
            label: secret.label(),
            workspace: self.workspace,
            is_management: self.is_management,
            created_ms: now_ms,
            updated_ms: now_ms,
            expires_ms: self.expires_ms,
            disabled: false,
            deleted_ms: None,
            limit: self.limit,
            reset: self.reset,
            include_byok: self.include_byok,
            settings: written(&self.settings),
            creator: self.creator,
        };
        Ok((row, secret))
    }
}

/// Settings as they are kept.
pub(crate) fn written(settings: &KeySettings) -> String {
    // Texts, numbers and what was JSON before can be written.
    serde_json::to_string(settings).unwrap_or_else(|_| "{}".to_owned())
}
