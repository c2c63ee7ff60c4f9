//! `openrouter_metadata`: what a client that asks for it is told of where its request
//! could go, where it went, and why.

use super::{Attempt, Record};
use crate::error::Error;
use crate::route::{Decision, Reached};
use http::HeaderMap;
use plugway_engine::Candidate;
use serde_json::{Value, json};

/// Asks for it, by the name of today and by the first one.
const HEADERS: [&str; 2] = ["x-openrouter-metadata", "x-openrouter-experimental-metadata"];

/// What else than this a header says, it does not ask.
const ENABLED: &str = "enabled";

/// The status of an attempt that was given up before its provider answered.
const CLIENT_CLOSED: u16 = 499;

/// A request that wants to know how it was routed, and what is known of that so far.
#[derive(Debug)]
pub(crate) struct Routed {
    /// The models' names as the client wrote them.
    requested: Vec<String>,
    /// By what kind of name the first model is reached.
    reached: Reached,
    considered: Vec<Considered>,
    /// JSON objects.
    excluded: Vec<Value>,
}

/// An endpoint among which the strategy chose.
#[derive(Debug)]
struct Considered {
    endpoint: String,
    provider: String,
    model: String,
    /// Where it computes; none: not known.
    region: Option<String>,
}

impl Routed {
    /// Whether a request with these headers wants to know.
    pub(crate) fn is_wanted(headers: &HeaderMap) -> bool {
        let said = HEADERS.iter().find_map(|name| headers.get(*name));
        said.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(ENABLED.as_bytes()))
    }

    /// By OpenRouter's words for how a model is found.
    fn strategy(&self) -> &'static str {
        match &self.requested[..] {
            [_, _, ..] => Reached::Fallback.name(),
            _ => self.reached.name(),
        }
    }
}

impl Record {
    /// The client wants to know how the request is routed.
    pub(crate) fn tell_routing(&mut self, requested: &[String]) {
        self.routed = Some(Box::new(Routed {
            requested: requested.to_vec(),
            reached: Reached::Direct,
            considered: Vec::new(),
            excluded: Vec::new(),
        }));
    }

    /// It was decided where the request may go.
    pub(crate) fn decided(&mut self, decision: &Decision) {
        let Some(routed) = &mut self.routed else { return };
        let considered = decision.candidates.iter().map(|candidate| Considered {
            endpoint: candidate.id.clone(),
            provider: display_name(decision, candidate),
            model: candidate.model.clone(),
            region: candidate.region.clone(),
        });
        routed.considered = considered.collect();
        if let Some((_, reached)) = decision.resolved_by.first() {
            routed.reached = *reached;
        }
        let excluded = decision.excluded.iter();
        let excluded = excluded.map(
            |it| json!({"provider": it.provider, "model": it.model, "endpoint": it.endpoint, "reason": it.reason}),
        );
        routed.excluded = excluded.collect();
    }

    /// There is nowhere that the request may go.
    pub(crate) fn undecided(&mut self, error: &Error) {
        let Some(routed) = &mut self.routed else { return };
        let excluded = error.reasons.all().iter().map(|it| {
            json!({"provider": it.provider, "model": it.model, "endpoint": it.endpoint, "reason": it.text})
        });
        routed.excluded = excluded.collect();
    }

    /// The object, as things stand; none where the client did not ask for it.
    pub(crate) fn metadata(&self) -> Option<String> {
        let routed = self.routed.as_ref()?;
        let attempts = self.attempts.all();
        let served = attempts.iter().rposition(|attempt| attempt.endpoint == self.endpoint);
        let selected = routed.considered.iter().find(|it| it.endpoint == self.endpoint);
        let available: Vec<Value> = routed
            .considered
            .iter()
            .map(|it| {
                let selected = it.endpoint == self.endpoint;
                json!({"provider": it.provider, "model": it.model, "selected": selected})
            })
            .collect();
        let summary = format!(
            "available={}, selected={}",
            available.len(),
            selected.map_or("none", |it| it.provider.as_str()),
        );
        let total = routed.considered.len() + routed.excluded.len();
        let told = json!({
            "requested": routed.requested.first().map_or("", String::as_str),
            "strategy": routed.strategy(),
            "region": selected.and_then(|it| it.region.as_deref()),
            "summary": summary,
            "attempt": served.map_or(attempts.len(), |place| place + 1),
            "is_byok": served.is_some_and(|place| attempts[place].is_own),
            "endpoints": {"total": total, "available": available},
            "attempts": attempts.iter().map(tell).collect::<Vec<_>>(),
            "excluded": routed.excluded,
            "plugway": {"strategy": self.strategy, "reason": self.reason},
        });
        Some(told.to_string())
    }
}

/// The provider's name for people, where the candidate is part of the plan.
fn display_name(decision: &Decision, candidate: &Candidate) -> String {
    let step = decision.steps.iter().find(|step| step.endpoint.id == candidate.id);
    step.map_or_else(
        || candidate.provider.clone(),
        |step| step.endpoint.provider.display_name.clone(),
    )
}

fn tell(attempt: &Attempt) -> Value {
    let is_good = attempt.outcome == "ok";
    let presumed = match attempt.outcome {
        "ok" => 200,
        "hedged" | "cancelled" => CLIENT_CLOSED,
        "timeout" => 504,
        _ => 502,
    };
    json!({
        "provider": attempt.provider_name,
        "model": attempt.model,
        "status": attempt.status.unwrap_or(presumed),
        "endpoint": attempt.endpoint,
        "kind": format!("{:?}", attempt.kind).to_lowercase(),
        "latency_ms": attempt.first_content.unwrap_or(attempt.elapsed).as_millis() as u64,
        "cause": (!is_good).then_some(attempt.outcome),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_word_enabled_asks_for_it() {
        let check = |name: &'static str, value: &str, wanted| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            assert_eq!(Routed::is_wanted(&headers), wanted, "{name}: {value}");
        };
        check("x-openrouter-metadata", "enabled", true);
        check("x-openrouter-metadata", "Enabled", true);
        check("x-openrouter-metadata", "disabled", false);
        check("x-openrouter-metadata", "true", false);
        check("x-openrouter-experimental-metadata", "enabled", true);
        assert!(!Routed::is_wanted(&HeaderMap::new()));
    }
}
