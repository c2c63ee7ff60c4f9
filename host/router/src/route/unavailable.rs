//! What a client is told where no endpoint is left: which way of finding nothing it is,
//! and what to do.

use super::eligible::Eligible;
use super::{Asked, Cause};
use crate::error::{Code, Error, Reason};

/// Nothing is left of what the request may go to.
pub(super) fn nothing_left(asked: &Asked<'_>, eligible: Eligible) -> Error {
    let Eligible { excluded, recovery, .. } = eligible;
    let models = asked.routing.models.join("`, `");
    let all_for = |cause| excluded.iter().all(|it| it.cause == cause);
    let (code, message) = if all_for(Cause::Offer) {
        (Code::Unsupported, format!("No endpoint of `{models}` {}", asked.service.activity()))
    } else if all_for(Cause::NativeFormat) {
        let field = asked.native_at.map_or(String::new(), |way| format!(" at `{way}`"));
        (Code::Unsupported, format!("No endpoint of `{models}` reads what is native{field}"))
    } else if all_for(Cause::ContextLength) {
        let message = "shorten it, or name a model that reads more";
        let message = format!("The prompt is too long for every endpoint of `{models}`: {message}");
        (Code::ContextLength, message)
    } else if excluded.iter().any(|it| it.cause.is_passing()) {
        let when = if recovery.is_some() { "later" } else { "once what is missing is there" };
        let message = format!("No endpoint of `{models}` can be used now: try again {when}");
        (Code::TemporarilyUnavailable, message)
    } else {
        let message = "ask for less of it, or name another model";
        let message = format!("No endpoint of `{models}` is all that is asked of it: {message}");
        (Code::NoEndpoint, message)
    };
    let pinned = match asked.routing.is_pinned() {
        true => " The request is pinned to the providers that it names, so no other is tried.",
        false => "",
    };
    let mut texts: Vec<&str> = excluded.iter().map(|it| it.reason.as_str()).collect();
    texts.dedup();
    let reason = match texts.as_slice() {
        [reason] if excluded.len() == 1 => format!("of its one endpoint, {reason}"),
        [reason] => format!("of each of them, {reason}"),
        _ => "the error's metadata has the reason for each".to_owned(),
    };
    let message = format!("{message}; {reason}.{pinned}");
    let native_at = asked.native_at.filter(|_| all_for(Cause::NativeFormat));
    let reasons = excluded.into_iter().map(Reason::from).collect();
    let error = Error { reasons, retry_after: recovery, ..Error::new(code, message) };
    match native_at {
        Some(way) => error.param(way),
        None => error,
    }
}
