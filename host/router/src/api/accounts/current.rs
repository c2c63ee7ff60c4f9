//! `GET /v1/key`: a key, told to whoever holds it.

use super::Answer;
use super::shape::KeyMoney;
use super::typed::Moment;
use crate::Router;
use crate::account::caller;
use crate::api::openapi::Refusals;
use crate::error::Error;
use http::{HeaderMap, Uri};
use serde::Serialize;
use utoipa::ToSchema;

/// The key that asks.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct CurrentKey {
    data: CurrentKeyInfo,
}

#[derive(Serialize, ToSchema)]
pub(in crate::api) struct CurrentKeyInfo {
    /// Its first and last characters.
    label: String,
    /// Never: nothing is free here.
    is_free_tier: bool,
    is_management_key: bool,
    /// The same by its older name.
    is_provisioning_key: bool,
    #[schema(required = true)]
    expires_at: Option<Moment>,
    #[schema(required = true)]
    creator_user_id: Option<String>,
    #[serde(flatten)]
    money: KeyMoney,
    rate_limit: RateLimit,
}

/// What older clients look for.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct RateLimit {
    /// Requests in the interval; -1: no limit.
    requests: i64,
    interval: &'static str,
    note: &'static str,
}

/// Show the key that asks
#[utoipa::path(
    get, path = "/v1/key", tag = "keys", operation_id = "getCurrentKey",
    security(("api_key" = []), ("management_key" = [])),
    responses((status = 200, description = "The key.", body = CurrentKey), Refusals),
)]
pub(super) fn show(router: &Router, headers: &HeaderMap, uri: &Uri) -> Result<Answer, Error> {
    let key = caller::bearer(router, headers, uri)?;
    let row = &key.row;
    let limit = key.settings.requests_per_minute;
    let data = CurrentKeyInfo {
        label: row.label.clone(),
        is_free_tier: false,
        is_management_key: row.is_management,
        is_provisioning_key: row.is_management,
        expires_at: row.expires_ms.map(Moment),
        creator_user_id: row.creator.clone(),
        money: KeyMoney::new(&key, router.clock.unix_ms()),
        rate_limit: RateLimit {
            requests: limit.map_or(-1, |limit| limit.get().into()),
            interval: "1m",
            note: "The limit of requests in a minute; what it refuses is told when there is room again.",
        },
    };
    Answer::ok(&CurrentKey { data })
}

/// Show the key that asks, by its older path
#[utoipa::path(
    get, path = "/v1/auth/key", tag = "keys", operation_id = "getCurrentKeyByOlderPath",
    security(("api_key" = []), ("management_key" = [])),
    responses((status = 200, description = "The key.", body = CurrentKey), Refusals),
)]
#[expect(dead_code, reason = "there to be described: the route is the one above")]
fn show_by_older_path() {}
