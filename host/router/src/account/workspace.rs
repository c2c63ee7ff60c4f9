//! What is said of a workspace beside its budgets, kept as JSON.

use plugway_accounts::RateSettings;
use plugway_store::WorkspaceRow;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// What is left out holds no one back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WorkspaceSettings {
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What is paid with clients' own provider keys counts towards its budgets.
    pub include_byok_in_budgets: bool,
    /// Requests that its keys may make per minute together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<NonZeroU32>,
    /// Tokens that they may use per minute together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<NonZeroU32>,
    /// Requests that they may have under way at the same time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrent_requests: Option<NonZeroU32>,
}

impl WorkspaceSettings {
    /// Those of a workspace; none where another version has written them, which is told.
    #[must_use]
    pub fn of(row: &WorkspaceRow) -> Option<Self> {
        let read = serde_json::from_str(&row.settings);
        read.inspect_err(|error| {
            tracing::error!(id = row.id, %error, "settings of a workspace cannot be read");
        })
        .ok()
    }

    /// As they are kept.
    pub(crate) fn written(&self) -> String {
        // Texts, numbers and flags can be written.
        serde_json::to_string(self).unwrap_or_else(|_| "{}".to_owned())
    }

    /// Its rate limits.
    #[must_use]
    pub const fn rates(&self) -> RateSettings {
        RateSettings {
            requests_per_minute: self.requests_per_minute,
            tokens_per_minute: self.tokens_per_minute,
            concurrent_requests: self.concurrent_requests,
        }
    }
}
