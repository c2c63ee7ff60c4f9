//! Clients' own provider keys as they are sent and told.

use crate::Router;
use crate::account::byok::ByokSettings;
use crate::api::accounts::typed::{Moment, given, given_or_null};
use plugway_store::ByokRow;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use utoipa::ToSchema;
use zeroize::Zeroizing;

/// A text that is shown by nothing.
pub(in crate::api) struct Hidden(pub(super) Zeroizing<String>);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(..)")
    }
}

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|text| Self(Zeroizing::new(text)))
    }
}

/// A provider key to be kept.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct CreateByok {
    /// The provider, by its name here.
    #[schema(min_length = 1)]
    pub(super) provider: String,
    /// The key itself. It is encrypted, and never returned.
    #[schema(value_type = String, min_length = 1, max_length = 32_768)]
    pub(super) key: Hidden,
    #[serde(default)]
    #[schema(max_length = 255)]
    pub(super) name: Option<String>,
    /// The workspace that may use it, by its id or slug; null: all of them. The default one
    /// where it is left out.
    #[serde(default, deserialize_with = "given_or_null")]
    #[schema(value_type = Option<String>, required = false)]
    pub(super) workspace_id: Option<Option<String>>,
    /// The smaller, the earlier it is tried; behind all others of its provider where it is left
    /// out.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = i64, required = false, minimum = 0, maximum = 1_000_000)]
    pub(super) sort_order: Option<i64>,
    #[serde(default)]
    pub(super) disabled: bool,
    /// Whether it is used only after those that are none.
    #[serde(default)]
    pub(super) is_fallback: bool,
    /// Models that it may be used for; null: all.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 100)]
    pub(super) allowed_models: Option<Vec<String>>,
    /// Keys of this router that may use it, by their hashes; null: all of the workspace.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 100)]
    pub(super) allowed_api_key_hashes: Option<Vec<String>>,
    /// Users that may use it, as requests name them; null: all.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 100)]
    pub(super) allowed_user_ids: Option<Vec<String>>,
    /// Whether whoever may use it is never served with the router's own credentials of the
    /// provider.
    #[serde(default)]
    pub(super) always_use: bool,
}

/// What is to change of a provider key. What is left out stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct ChangeByok {
    /// Another key in place of the one before.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 32_768)]
    pub(super) key: Option<Hidden>,
    #[serde(default, deserialize_with = "given_or_null")]
    #[schema(value_type = Option<String>, required = false, max_length = 255)]
    pub(super) name: Option<Option<String>>,
    /// The smaller, the earlier it is tried.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = i64, required = false, minimum = 0, maximum = 1_000_000)]
    pub(super) sort_order: Option<i64>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = bool, required = false)]
    pub(super) disabled: Option<bool>,
    /// Whether it is used only after those that are none.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = bool, required = false)]
    pub(super) is_fallback: Option<bool>,
    /// Models that it may be used for; null: all.
    #[serde(default, deserialize_with = "given_or_null")]
    #[schema(value_type = Option<Vec<String>>, required = false, min_items = 1, max_items = 100)]
    pub(super) allowed_models: Option<Option<Vec<String>>>,
    /// Keys of this router that may use it, by their hashes; null: all of the workspace.
    #[serde(default, deserialize_with = "given_or_null")]
    #[schema(value_type = Option<Vec<String>>, required = false, min_items = 1, max_items = 100)]
    pub(super) allowed_api_key_hashes: Option<Option<Vec<String>>>,
    /// Users that may use it, as requests name them; null: all.
    #[serde(default, deserialize_with = "given_or_null")]
    #[schema(value_type = Option<Vec<String>>, required = false, min_items = 1, max_items = 100)]
    pub(super) allowed_user_ids: Option<Option<Vec<String>>>,
    /// Whether whoever may use it is never served with the router's own credentials of the
    /// provider.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = bool, required = false)]
    pub(super) always_use: Option<bool>,
}

/// A provider key, without itself.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct Byok {
    pub(super) id: String,
    pub(super) provider: String,
    #[schema(required = true)]
    pub(super) name: Option<String>,
    /// A few of its characters.
    pub(super) label: String,
    /// Null: of all workspaces.
    #[schema(required = true)]
    pub(super) workspace_id: Option<String>,
    /// The smaller, the earlier it is tried.
    pub(super) sort_order: i64,
    pub(super) disabled: bool,
    pub(super) is_fallback: bool,
    #[schema(required = true)]
    pub(super) allowed_models: Option<Vec<String>>,
    #[schema(required = true)]
    pub(super) allowed_api_key_hashes: Option<Vec<String>>,
    #[schema(required = true)]
    pub(super) allowed_user_ids: Option<Vec<String>>,
    /// Whoever may use it is never served with the router's own credentials of the provider.
    pub(super) always_use: bool,
    /// Why it is not used, though it is not disabled.
    #[schema(required = true)]
    pub(super) unusable: Option<String>,
    pub(super) created_at: Moment,
}

/// One provider key.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct ByokData {
    pub(super) data: Byok,
}

/// A page of provider keys.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct Byoks {
    pub(super) data: Vec<Byok>,
    /// Of all pages.
    pub(super) total_count: u64,
}

impl Byok {
    pub(super) fn new(router: &Router, row: &ByokRow) -> Self {
        let brought = router.accounts.brought();
        let unusable = brought.with_id(&row.id).and_then(|key| key.unusable());
        let settings = ByokSettings::of(row).unwrap_or_default();
        Self {
            id: row.id.clone(),
            provider: row.provider.clone(),
            name: Some(row.name.clone()).filter(|name| !name.is_empty()),
            label: row.label.clone(),
            workspace_id: row.workspace.clone(),
            sort_order: row.position,
            disabled: row.disabled,
            is_fallback: row.is_fallback,
            allowed_models: settings.allowed_models,
            allowed_api_key_hashes: settings.allowed_api_key_hashes,
            allowed_user_ids: settings.allowed_user_ids,
            always_use: settings.always_use,
            unusable: unusable.map(|why| why.to_string()),
            created_at: Moment(row.created_ms),
        }
    }
}
