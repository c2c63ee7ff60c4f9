//! What a request sets aside of its budgets before anything is sent: what it may cost, as
//! far as that can be told. What it really costs is settled with its row.

use super::Exchange;
use super::Tariff;
use super::failover::Ask;
use crate::error::Error;
use crate::route::Step;
use crate::route::credentials::Means;
use plugway_accounts as accounts;
use plugway_engine::chat::Usage;

/// Charges the limits of tokens with the prompt, and sets aside what the attempts that may
/// run together cost. Where that does not fit and one of them alone does, the request goes
/// on without hedging.
///
/// # Errors
/// When a limit is used up, or a budget has too little left.
pub(super) fn reserve<C: Ask>(exchange: &mut Exchange<C>) -> Result<(), Error> {
    if C::presumed(exchange).is_some() {
        exchange.record.weigh(exchange.decision.query.prompt_tokens)?;
    }
    let steps = &exchange.decision.steps;
    // Which of them serves nobody knows: where one may be billed, so may all.
    let is_billed = steps.iter().any(|step| !is_free(step) && !is_own(exchange, step));
    let mut asks: Vec<_> = steps.iter().map(|step| most(exchange, step, is_billed)).collect();
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
fn most<C: Ask>(exchange: &Exchange<C>, step: &Step, is_billed: bool) -> accounts::Ask {
    let Some(presumed) = C::presumed(exchange) else { return accounts::Ask::free() };
    let assumed = exchange.settings.config.ledger.assumed_completion_tokens;
    let longest = exchange.decision.query.max_tokens.unwrap_or(assumed);
    let longest = longest.min(step.endpoint.max_output_tokens.unwrap_or(u32::MAX));
    let completion_tokens = u64::from(longest) * u64::from(exchange.call.choices().max(1));
    let usage = Usage { completion_tokens, ..presumed };
    // With whose credential it is made is decided when it is.
    let tariff = Tariff::new(exchange.settings.clone(), step.endpoint.clone(), None);
    let bill = tariff.bill(usage.clone(), std::slice::from_ref(&usage));
    match (is_free(step), is_billed) {
        (true, _) => accounts::Ask::free(),
        (false, true) => accounts::Ask::billed(bill.cost.unwrap_or(0)),
        (false, false) => accounts::Ask::byok(bill.upstream_cost.unwrap_or(0)),
    }
}

/// Whatever it is asked for costs nothing.
fn is_free(step: &Step) -> bool {
    step.endpoint.price.as_ref().is_some_and(|price| price.is_nothing())
}

/// Whoever it is called for, an account of the team's own or of the caller's pays.
fn is_own<C>(exchange: &Exchange<C>, step: &Step) -> bool {
    Means::at(Some(&exchange.caller), &step.endpoint).are_all_own()
}
