//! What would happen to a request, without sending it: the command `plugway route`. It
//! asks what a request asks, so that it cannot say anything else.

use crate::Router;
use crate::api::{bad_request, chat_route};
use crate::decisions::{Entry, Weighed, told};
use crate::error::{Code, Error};
use crate::presets;
use crate::route::{self, Asked};
use bytes::Bytes;
use plugway_routing::health::{Reading, Snapshot};
use plugway_store::decisions::{Candidate, Decision, Outcome, Record, Request, Step};
use plugway_wire::DecodeOptions;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::sync::Arc;

/// What would happen to one request.
pub struct Explanation {
    /// As it would be kept, before anything was tried.
    record: Record,
    /// What its decision rests on; none where nothing was decided.
    snapshot: Option<Arc<Snapshot>>,
}

/// Decides about a body that would be posted to `path`, with this seed or one of its own,
/// by the presets and the health that the state file holds.
///
/// # Errors
/// When the body cannot be read, or nothing there chats.
pub async fn explain(
    router: &Router,
    path: &str,
    body: Bytes,
    seed: Option<u64>,
) -> Result<Explanation, Error> {
    let settings = router.settings();
    let Some(at) = chat_route(path) else {
        let message = format!("No chat is asked for at `{path}`; try /v1/chat/completions.");
        return Err(Error::new(Code::NotFound, message));
    };
    let head = http::Request::post(path).body(()).map_err(|error| {
        Error::new(Code::InvalidRequest, format!("`{path}` is no path: {error}."))
    })?;
    let options = DecodeOptions { seal_min_bytes: settings.config.routing.seal_min_bytes };
    let call = at.dialect.decode(&head.into_parts().0, body, &options);
    let mut call = call.map_err(bad_request)?;
    presets::apply(router, &router.accounts.nobody(), &mut call).await?;
    route::restore(router).await;
    let asked = Asked { seed, ..Asked::chat(&call) };
    let (weighed, error) = match route::decide(router, &settings, &asked) {
        Ok(decision) => (Weighed::Decided(Arc::new(decision)), None),
        Err(undecided) => {
            let error = undecided.error.message.clone();
            (Weighed::Undecided(undecided), Some(error))
        }
    };
    let record = Record {
        id: String::new(),
        came_ms: router.clock.unix_ms(),
        request: Request {
            route: at.route.to_owned(),
            models: call.routing.models.join(","),
            streamed: call.request.streaming,
            ..Request::default()
        },
        excluded: Vec::new(),
        decision: None,
        attempts: Vec::new(),
        outcome: Outcome { error, ..Outcome::default() },
    };
    let entry = Entry { record, weighed };
    Ok(Explanation { record: entry.record(), snapshot: entry.snapshot().cloned() })
}

impl Explanation {
    /// There is somewhere to go.
    pub fn is_routed(&self) -> bool {
        self.tried() > 0
    }

    /// Steps that would be tried, if each of them failed.
    fn tried(&self) -> usize {
        self.record.decision.as_ref().map_or(0, |it| it.steps.len())
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let Record { request, outcome, decision, excluded, .. } = &self.record;
        json!({
            "route": request.route,
            "models": request.models,
            "error": outcome.error,
            "tried": self.tried(),
            "decision": decision.as_ref().map(told::decided),
            "excluded": excluded.iter().map(told::excluded).collect::<Vec<_>>(),
        })
    }

    /// For people.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        let Record { request, outcome, decision, excluded, .. } = &self.record;
        line(out, "request", &format!("{} at {}", request.models, request.route))?;
        if let Some(decision) = decision {
            self.print_decision(decision, out)?;
        }
        for it in excluded {
            line(out, "excluded", &format!("{:<40} {}: {}", it.endpoint, it.cause, it.reason))?;
        }
        match &outcome.error {
            Some(error) => line(out, "refused", error),
            None => Ok(()),
        }
    }

    fn print_decision(&self, decision: &Decision, out: &mut dyn Write) -> io::Result<()> {
        let query = &decision.query;
        let asked = format!("about {} tokens, seed {}", query.prompt_tokens, query.seed);
        line(out, "", &asked)?;
        let strategy = decision.strategy.as_ref();
        let strategy = strategy.map(|it| format!("{}@{}", it.id, it.digest));
        line(out, "strategy", strategy.as_deref().unwrap_or("built-in"))?;
        let Some(plan) = decision.plan() else {
            return decision.candidates.iter().try_for_each(|it| line(out, "eligible", &it.id));
        };
        line(out, "reason", &decision.reason)?;
        let has = |steps: &[Step], it: u32| steps.iter().any(|step| step.candidate == it);
        for (step, number) in decision.steps.iter().zip(1..) {
            self.print_step(decision, step, &format!("{number}."), out)?;
        }
        let beyond = |step: &&Step| !has(&decision.steps, step.candidate);
        for step in plan.steps.iter().filter(beyond) {
            self.print_step(decision, step, "not tried", out)?;
        }
        for (place, candidate) in (0..).zip(&decision.candidates) {
            if !has(&plan.steps, place) {
                line(out, "left out", &candidate.id)?;
            }
        }
        Ok(())
    }

    fn print_step(
        &self,
        decision: &Decision,
        step: &Step,
        title: &str,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let Some(candidate) = decision.candidates.get(step.candidate as usize) else {
            return Ok(());
        };
        let reading = self.snapshot.as_ref().and_then(|it| it.reading(&candidate.id));
        let health = reading.map_or_else(String::new, shown);
        line(out, title, &format!("{}{health}", offer(candidate)))
    }
}

fn line(out: &mut dyn Write, title: &str, text: &str) -> io::Result<()> {
    writeln!(out, "{title:<12}{text}")
}

fn offer(candidate: &Candidate) -> String {
    let Candidate { id, model, estimated_cost, .. } = candidate;
    let warm = if candidate.warm { ", warm" } else { "" };
    let cost = match estimated_cost.is_nan() {
        true => "at an unknown cost".to_owned(),
        false => format!("about ${estimated_cost:.6}"),
    };
    format!("{id:<40} {model:<32} {cost}{warm}")
}

/// What is known of an endpoint's health; nothing is, before it was used.
fn shown(health: &Reading) -> String {
    let mut text = String::new();
    if let Some(share) = health.uptime_5m {
        text += &format!(", up {:.1} %", share * 100.0);
    }
    if let Some(latency) = &health.latency_ms {
        text += &format!(", {:.0} ms to the first token", latency.p50);
    }
    if health.tripped {
        text += ", tripped";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use plugway_store::decisions::{Exclusion, Plan, Query, Ruling};

    fn explanation(ruling: Ruling, steps: &[u32]) -> Explanation {
        let candidate = |id: &str| Candidate {
            id: id.into(),
            model: "a/m".into(),
            estimated_cost: 0.001,
            ..Candidate::default()
        };
        let health = Reading { uptime_5m: Some(0.995), tripped: true, ..Reading::default() };
        let snapshot = Snapshot::new(0, vec![("x/m".into(), health)]);
        let record = Record {
            id: String::new(),
            came_ms: 0,
            request: Request { route: "/r".into(), models: "a/m".into(), ..Request::default() },
            excluded: vec![Exclusion {
                endpoint: "z/m".into(),
                provider: "z".into(),
                model: "a/m".into(),
                cause: "price".into(),
                reason: "too dear".into(),
            }],
            decision: Some(Decision {
                strategy: None,
                query: Query { prompt_tokens: 7, seed: 9, ..Query::default() },
                candidates: vec![candidate("x/m"), candidate("y/m"), candidate("w/m")],
                snapshot: snapshot.id,
                imports: Vec::new(),
                read_prompts: false,
                ruling,
                steps: steps.iter().copied().map(step).collect(),
                reason: "Pinned. Cheap.".into(),
            }),
            attempts: Vec::new(),
            outcome: Outcome::default(),
        };
        Explanation { record, snapshot: Some(Arc::new(snapshot)) }
    }

    fn step(candidate: u32) -> Step {
        Step { candidate, ..Step::default() }
    }

    fn text(explanation: &Explanation) -> Vec<String> {
        let mut out = Vec::new();
        explanation.print(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        text.lines().map(words).collect()
    }

    #[test]
    fn a_plan_is_told_step_by_step_and_so_is_what_is_not_in_it() {
        let plan =
            Plan { steps: vec![step(0), step(1)], reason: "Cheap.".into(), ..Plan::default() };
        // What the router puts first, and what is too many for it.
        let explanation = explanation(Ruling::Plan(plan), &[1]);
        assert!(explanation.is_routed());
        assert_eq!(
            text(&explanation),
            [
                "request a/m at /r",
                "about 7 tokens, seed 9",
                "strategy built-in",
                "reason Pinned. Cheap.",
                "1. y/m a/m about $0.001000",
                "not tried x/m a/m about $0.001000, up 99.5 %, tripped",
                "left out w/m",
                "excluded z/m price: too dear",
            ]
        );
        let told = explanation.json();
        let planned = told["decision"]["planned"].as_array().unwrap();
        assert_eq!((planned.len(), &planned[0]["endpoint"]), (1, &json!("y/m")));
        assert_eq!(told["decision"]["reason"], "Pinned. Cheap.");
    }

    #[test]
    fn a_refusal_is_told_with_what_there_was_to_choose_from() {
        let mut explanation = explanation(Ruling::NoRoute("None will do.".into()), &[]);
        explanation.record.outcome.error = Some("None will do.".into());
        assert!(!explanation.is_routed());
        let text = text(&explanation);
        assert!(text.contains(&"eligible x/m".to_owned()), "{text:?}");
        assert_eq!(text.last().unwrap(), "refused None will do.");
    }
}
