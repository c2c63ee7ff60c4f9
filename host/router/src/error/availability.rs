//! Whether what a client asked for can be had at all, as OpenRouter's clients read it.

use super::{Code, Error};
use crate::route::Cause;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What an error says of the availability of what was asked for: the JSON of the object
/// that OpenRouter names `availability`. None where the error is about something else.
pub(super) fn of(error: &Error) -> Option<Value> {
    let reasons = &error.reasons;
    let code = code(error)?;
    let mut fields = json!({
        "code": code,
        "retryable": matches!(code, "capacity_exhausted" | "temporarily_unavailable"),
        "requested_models": reasons.models(),
    });
    if let Some(wait) = error.retry_seconds() {
        fields["retry_after"] = wait.into();
    }
    let providers = each_once(reasons.all().iter().map(|reason| reason.provider.as_str()));
    if !providers.is_empty() {
        fields["affected_providers"] = providers.into();
    }
    let rules = each_once(reasons.causes().filter_map(Cause::rule));
    if !rules.is_empty() {
        fields["excluded_by"] = rules.into();
    }
    if !reasons.instead().is_empty() {
        fields["fallback_models"] = reasons.instead().into();
    }
    if let Some(constraint) = constraint(error) {
        fields["constraint"] = constraint;
    }
    Some(fields)
}

/// OpenRouter's code.
fn code(error: &Error) -> Option<&'static str> {
    let reasons = &error.reasons;
    let all_failed_as = |wanted| reasons.failures().all(|(_, code)| code == wanted);
    match error.code {
        Code::ModelNotFound => Some("model_not_found"),
        Code::TemporarilyUnavailable => Some("temporarily_unavailable"),
        Code::RateLimited if all_failed_as(error.code) => Some("capacity_exhausted"),
        Code::ProviderModelNotFound if all_failed_as(error.code) => {
            Some("model_unavailable_upstream")
        }
        Code::Unsupported if has_only(error, |cause| cause == Cause::Offer) => {
            Some("wrong_endpoint")
        }
        Code::NoEndpoint | Code::ContextLength | Code::Unsupported => {
            // An adapter or a provider said so of the request.
            if reasons.failures().next().is_some() {
                return None;
            }
            Some(match reasons.causes().next() {
                None if error.code == Code::NoEndpoint => "no_endpoints",
                None => return None,
                Some(_) if has_only(error, Cause::is_privacy) => "privacy_restricted",
                Some(_) => "constraint_filtered",
            })
        }
        _ => None,
    }
}

/// Whether a rule of this kind, and nothing else, kept each endpoint from serving.
fn has_only(error: &Error, is_such: impl Fn(Cause) -> bool) -> bool {
    let reasons = &error.reasons;
    !reasons.is_empty() && reasons.failures().next().is_none() && reasons.causes().all(is_such)
}

/// The field at fault, where it is one field for all endpoints.
fn constraint(error: &Error) -> Option<Value> {
    let reasons = &error.reasons;
    let fields: BTreeSet<_> = reasons.causes().map(Cause::field).collect();
    let mut fields = fields.into_iter();
    let (Some(Some(field)), None) = (fields.next(), fields.next()) else { return None };
    Some(json!({"field": field, "detail": reasons.all().first()?.text}))
}

/// In the order in which they first come.
fn each_once<'t>(names: impl Iterator<Item = &'t str>) -> Vec<&'t str> {
    let mut seen = BTreeSet::new();
    names.filter(|name| seen.insert(*name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Reason, Why};
    use std::time::Duration;

    fn reason(provider: &str, why: Why) -> Reason {
        Reason {
            endpoint: format!("{provider}/m"),
            provider: provider.into(),
            model: "a/m".into(),
            why,
            text: "it is so".into(),
        }
    }

    fn error(code: Code, whys: &[Why]) -> Error {
        let reasons = whys.iter().zip(["one", "two"]).map(|(why, name)| reason(name, *why));
        let error = Error { reasons: reasons.collect(), ..Error::new(code, "No.") };
        error.asked_for(&["m".into()], false)
    }

    fn check(code: Code, whys: &[Why], expected: Option<&str>) {
        let said = of(&error(code, whys));
        let said = said.as_ref().map(|it| it["code"].as_str().unwrap_or_default());
        assert_eq!(said, expected, "{code:?} {whys:?}");
    }

    #[test]
    fn each_way_of_finding_nothing_has_its_code() {
        use Why::{Excluded, Failed};
        let (price, zdr) = (Excluded(Cause::Price), Excluded(Cause::Retention));
        let (busy, gone) = (Failed(Code::RateLimited), Failed(Code::ProviderModelNotFound));
        check(Code::ModelNotFound, &[], Some("model_not_found"));
        check(Code::NoEndpoint, &[], Some("no_endpoints"));
        check(Code::NoEndpoint, &[price, zdr], Some("constraint_filtered"));
        check(Code::NoEndpoint, &[zdr, Excluded(Cause::Training)], Some("privacy_restricted"));
        check(Code::TemporarilyUnavailable, &[price], Some("temporarily_unavailable"));
        check(Code::RateLimited, &[busy, busy], Some("capacity_exhausted"));
        check(Code::RateLimited, &[busy, gone], None);
        check(Code::ProviderModelNotFound, &[gone, price], Some("model_unavailable_upstream"));
        check(Code::Unsupported, &[Excluded(Cause::Offer)], Some("wrong_endpoint"));
        check(Code::Unsupported, &[Failed(Code::Unsupported)], None);
        check(Code::Unsupported, &[], None);
        check(Code::ContextLength, &[Failed(Code::ContextLength)], None);
        check(Code::ProviderUnavailable, &[Failed(Code::ProviderUnavailable)], None);
        check(Code::InvalidRequest, &[price], None);
    }

    #[test]
    fn it_says_what_shut_endpoints_out_and_when_to_come_back() {
        let price = Why::Excluded(Cause::Price);
        let told = of(&error(Code::NoEndpoint, &[price, price]));
        let expected = json!({
            "code": "constraint_filtered",
            "retryable": false,
            "requested_models": ["m"],
            "affected_providers": ["one", "two"],
            "excluded_by": ["max_price"],
            "constraint": {"field": "provider.max_price", "detail": "it is so"},
        });
        assert_eq!(told, Some(expected));
        let cooling = Why::Excluded(Cause::Cooling);
        let error = Error {
            retry_after: Some(Duration::from_millis(1500)),
            ..error(Code::TemporarilyUnavailable, &[cooling, price])
        };
        let told = of(&error).unwrap_or_default();
        assert_eq!((&told["retryable"], &told["retry_after"]), (&json!(true), &json!(2)));
        assert_eq!(told.get("constraint"), None, "there are two");
        assert_eq!(told.get("fallback_models"), None);
        let told = of(&error.or_instead(vec!["a/n".into()])).unwrap_or_default();
        assert_eq!(told["fallback_models"], json!(["a/n"]));
    }
}
