//! `GET /v1/credits`: what the operator has budgeted, and what was spent.

use super::typed::Dollars;
use super::{Answer, failed};
use crate::Router;
use crate::account::Snapshot;
use crate::api::openapi::Refusals;
use crate::error::Error;
use plugway_store::Interval;
use serde::Serialize;
use utoipa::ToSchema;

/// Nobody buys credits of this router. They are what its operator has budgeted.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct Credits {
    data: CreditSums,
}

#[derive(Serialize, ToSchema)]
pub(in crate::api) struct CreditSums {
    /// All lifetime budgets of workspaces; where no workspace has one, all limits of keys
    /// that never begin anew.
    total_credits: Dollars,
    /// All that was billed since the beginning.
    total_usage: Dollars,
}

/// Show what is budgeted and spent
#[utoipa::path(
    get, path = "/v1/credits", tag = "keys", operation_id = "getCredits",
    security(("management_key" = [])),
    responses((status = 200, description = "Both sums.", body = Credits), Refusals),
)]
pub(super) async fn show(router: &Router) -> Result<Answer, Error> {
    let spent = router.store.spend().await.map_err(failed)?;
    let total_usage =
        Dollars(spent.iter().fold(0, |sum: u128, spent| sum.saturating_add(spent.cost)));
    let total_credits = Dollars(budgeted(&router.accounts.now()));
    Answer::ok(&Credits { data: CreditSums { total_credits, total_usage } })
}

fn budgeted(accounts: &Snapshot) -> u128 {
    let budgets = accounts.workspaces.iter().flat_map(|it| &it.row.budgets);
    let mut lifetimes =
        budgets.filter(|(interval, _)| *interval == Interval::Lifetime).map(|(_, amount)| *amount);
    let Some(first) = lifetimes.next() else {
        let limits = accounts.keys_by_age.iter().filter(|key| key.row.reset.is_none());
        return limits.filter_map(|key| key.row.limit).fold(0, u128::saturating_add);
    };
    lifetimes.fold(first, u128::saturating_add)
}
