//! Keys as they are told: OpenRouter's fields, and what this router adds.

use super::typed::{Dollars, Moment, Options, Reset};
use crate::account::Key;
use crate::error::{Code, Error};
use plugway_accounts::account::{Periods, Usage};
use plugway_accounts::calendar::day_of;
use plugway_accounts::settings::SettingsError;
use serde::Serialize;
use std::num::NonZeroU32;
use utoipa::ToSchema;

/// A key, without itself.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct KeyInfo {
    /// What it goes by: the SHA-256 of the key.
    hash: String,
    /// What people call it.
    name: String,
    /// Its first and last characters.
    label: String,
    /// Whether it is refused until further notice.
    disabled: bool,
    /// The workspace that it belongs to.
    workspace_id: String,
    /// Whether it is for this administration alone.
    is_management_key: bool,
    created_at: Moment,
    #[schema(required = true)]
    updated_at: Option<Moment>,
    #[schema(required = true)]
    expires_at: Option<Moment>,
    #[schema(required = true)]
    creator_user_id: Option<String>,
    #[serde(flatten)]
    money: KeyMoney,
    tags: Vec<String>,
    #[schema(value_type = Option<u32>, required = true)]
    requests_per_minute: Option<NonZeroU32>,
    #[schema(value_type = Option<u32>, required = true)]
    tokens_per_minute: Option<NonZeroU32>,
    #[schema(value_type = Option<u32>, required = true)]
    concurrent_requests: Option<NonZeroU32>,
    #[schema(required = true)]
    allowed_models: Option<Vec<String>>,
    ignored_models: Vec<String>,
    #[schema(required = true)]
    allowed_providers: Option<Vec<String>>,
    #[schema(required = true)]
    preset: Option<String>,
    #[schema(required = true)]
    strategy: Option<String>,
    #[schema(required = true)]
    options: Option<Options>,
}

/// What a key may spend and has spent.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct KeyMoney {
    /// US dollars that it may spend; null: no limit of its own.
    #[schema(required = true)]
    limit: Option<Dollars>,
    /// What is left of that. What is under way may use it up meanwhile.
    #[schema(required = true)]
    limit_remaining: Option<Dollars>,
    /// When its spending is counted anew; null: never.
    #[schema(required = true)]
    limit_reset: Option<Reset>,
    /// Whether what is paid with clients' own provider keys counts too.
    include_byok_in_limit: bool,
    /// All that it was billed.
    usage: Dollars,
    /// On this UTC day.
    usage_daily: Dollars,
    /// Since Monday.
    usage_weekly: Dollars,
    /// In this calendar month.
    usage_monthly: Dollars,
    /// All that was paid with clients' own provider keys.
    byok_usage: Dollars,
    /// On this UTC day.
    byok_usage_daily: Dollars,
    /// Since Monday.
    byok_usage_weekly: Dollars,
    /// In this calendar month.
    byok_usage_monthly: Dollars,
}

/// One key.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct KeyData {
    pub(super) data: KeyInfo,
}

/// A page of keys.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct Keys {
    pub(super) data: Vec<KeyInfo>,
    /// Of all pages.
    pub(super) total_count: u64,
}

/// That something is gone.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct Deleted {
    pub(super) deleted: bool,
}

impl KeyInfo {
    pub(super) fn new(key: &Key, now_ms: u64) -> Self {
        let (row, settings) = (&key.row, key.settings.clone());
        Self {
            hash: row.hash.clone(),
            name: row.name.clone(),
            label: row.label.clone(),
            disabled: row.disabled,
            workspace_id: row.workspace.clone(),
            is_management_key: row.is_management,
            created_at: Moment(row.created_ms),
            updated_at: (row.updated_ms > row.created_ms).then_some(Moment(row.updated_ms)),
            expires_at: row.expires_ms.map(Moment),
            creator_user_id: row.creator.clone(),
            money: KeyMoney::new(key, now_ms),
            tags: settings.tags,
            requests_per_minute: settings.requests_per_minute,
            tokens_per_minute: settings.tokens_per_minute,
            concurrent_requests: settings.concurrent_requests,
            allowed_models: settings.allowed_models,
            ignored_models: settings.ignored_models,
            allowed_providers: settings.allowed_providers,
            preset: settings.preset,
            strategy: settings.strategy,
            options: settings.options.map(Options),
        }
    }
}

impl KeyMoney {
    pub(super) fn new(key: &Key, now_ms: u64) -> Self {
        let Usage { spent, byok, limits, .. } = key.budget.usage(day_of(now_ms));
        let Periods { daily, weekly, monthly, lifetime } = spent;
        Self {
            limit: key.row.limit.map(Dollars),
            // A key has one limit at most.
            limit_remaining: limits.first().map(|limit| Dollars(limit.remaining())),
            limit_reset: key.row.reset.and_then(Reset::of),
            include_byok_in_limit: key.row.include_byok,
            usage: Dollars(lifetime),
            usage_daily: Dollars(daily),
            usage_weekly: Dollars(weekly),
            usage_monthly: Dollars(monthly),
            byok_usage: Dollars(byok.lifetime),
            byok_usage_daily: Dollars(byok.daily),
            byok_usage_weekly: Dollars(byok.weekly),
            byok_usage_monthly: Dollars(byok.monthly),
        }
    }
}

/// A setting of a key that cannot hold.
pub(super) fn settings_error(error: SettingsError) -> Error {
    Error::new(Code::InvalidRequest, format!("{error}.")).param(error.field)
}
