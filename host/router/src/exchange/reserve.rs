//! What a request sets aside of its budgets before anything is sent: what it may cost, as
//! far as that can be told. What it really costs is settled with its row.

use super::Exchange;
use super::failover::{Ask, bill};
use crate::error::Error;
use crate::route::Step;
use plugway_accounts as accounts;
use plugway_engine::chat::Usage;

/// Sets aside what the attempts that may run together cost. Where that does not fit and one
/// of them alone does, the request goes on without hedging.
///
/// # Errors
/// When a budget has too little left.
pub(super) fn reserve<C: Ask>(exchange: &mut Exchange<C>) -> Result<(), Error> {
    let mut asks: Vec<_> = exchange.decision.steps.iter().map(|step| most(exchange, step)).collect();
    // The dearest first.
    asks.sort_by_key(|ask| std::cmp::Reverse((ask.billed.is_some(), ask.billed.max(ask.byok))));
    let sum = |count: usize| {
        let first = asks.iter().take(count).copied();
        first.reduce(accounts::Ask::plus).unwrap_or(accounts::Ask::free())
    };
    let (alone, together) = (sum(1), sum(width(exchange)));
    let (caller, day) = (&exchange.caller, exchange.record.day());
    let reserved = match caller.reserve(together, day) {
        Err(_) if together != alone => {
            exchange.hedges = false;
            caller.reserve(alone, day)
        }
        reserved => reserved,
    };
    exchange.record.reserved(reserved?);
    Ok(())
}

/// Attempts that may be under way at once.
fn width<C>(exchange: &Exchange<C>) -> usize {
    let routing = &exchange.settings.config.routing;
    let hedging = exchange.decision.steps.iter().filter(|step| step.hedge_after_ms.is_some());
    if routing.hedge_percent > 0 { 1 + hedging.count() } else { 1 }
}

/// What one attempt costs at most, as far as that can be told: its prompt, and as long an
/// answer as the request and the endpoint allow.
fn most<C: Ask>(exchange: &Exchange<C>, step: &Step) -> accounts::Ask {
    let Some(presumed) = C::presumed(exchange) else { return accounts::Ask::free() };
    let assumed = exchange.settings.config.ledger.assumed_completion_tokens;
    let longest = exchange.decision.query.max_tokens.unwrap_or(assumed);
    let longest = longest.min(step.endpoint.max_output_tokens.unwrap_or(u32::MAX));
    let completion_tokens = u64::from(longest) * u64::from(exchange.call.choices().max(1));
    let usage = Usage { completion_tokens, ..presumed };
    // With whose credential it is made is decided when it is.
    let shared = Step { credential: None, ..step.clone() };
    let bill = bill(exchange, &shared, &usage);
    let credentials = &step.endpoint.provider.credentials;
    let is_own = !credentials.is_empty() && credentials.iter().all(|it| it.own);
    match is_own {
        true => accounts::Ask::byok(bill.upstream_cost.unwrap_or(0)),
        false if step.endpoint.price.as_ref().is_some_and(|price| price.is_nothing()) => {
            accounts::Ask::free()
        }
        false => accounts::Ask::billed(bill.cost.unwrap_or(0)),
    }
}
