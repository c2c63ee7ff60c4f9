//! Clients' own provider keys, as they are said to be used: kept as JSON beside what is
//! sealed.

use plugway_store::ByokRow;
use serde::{Deserialize, Serialize};

/// Who may use one, and for what; none: no restriction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ByokSettings {
    /// Models, by their slugs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_models: Option<Vec<String>>,
    /// Keys of this router, by their hashes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_api_key_hashes: Option<Vec<String>>,
    /// Users, as requests name them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_user_ids: Option<Vec<String>>,
}

impl ByokSettings {
    /// Those of a row; none where another version has written them, for then nobody can
    /// tell who may use it.
    #[must_use]
    pub fn of(row: &ByokRow) -> Option<Self> {
        serde_json::from_str(&row.settings).ok()
    }

    /// As they are kept.
    pub(crate) fn written(&self) -> String {
        // Texts can be written.
        serde_json::to_string(self).unwrap_or_else(|_| "{}".to_owned())
    }
}
