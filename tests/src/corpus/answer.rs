//! Events joined into the answer that they stand for, as JSON.

use plugway_engine::chat::Event;
use plugway_wire::answer::{Answer, Order};
use serde_json::{Value, json};

use super::Outcome;

/// Choices that a recorded answer may have.
const MAX_CHOICES: u32 = 16;

/// Joins the events of one response, and notes where they break the contract.
pub(super) fn tell(events: Vec<Event>, outcome: &mut Outcome) {
    outcome.events = events.len();
    outcome.breach = breach(&events);
    outcome.answer = Some(joined(events));
}

/// The same for the whole and the streamed form of one answer.
pub fn joined(events: Vec<Event>) -> Value {
    let answer = Answer::from_events(events);
    let tally = answer.tally();
    let mut parts = Vec::new();
    let mut finishes = Vec::new();
    for choice in answer.choices() {
        for (index, part) in choice.parts.iter().enumerate() {
            parts.push(json!({ "choice": choice.index, "index": index, "part": part }));
        }
        finishes.extend(choice.finish.iter().map(|finish| json!(finish)));
    }
    let logprobs: Vec<Value> = answer
        .choices()
        .iter()
        .map(|choice| {
            json!({
                "choice": choice.index,
                "text": choice.logprobs,
                "reasoning": choice.reasoning_logprobs,
            })
        })
        .collect();
    json!({
        "origin": {
            "id": tally.upstream_id,
            "model": tally.upstream_model,
            "service_tier": tally.service_tier,
            "extra": answer.extra(),
        },
        "parts": parts,
        "logprobs": logprobs,
        "usage": tally.usage,
        "finishes": finishes,
        "failure": tally.failure,
    })
}

/// The first rule that the events break, if any.
fn breach(events: &[Event]) -> Option<String> {
    let mut order = Order::new(MAX_CHOICES);
    let mut failed = false;
    let mut used = (0, 0);
    for (number, event) in events.iter().enumerate() {
        if failed {
            return Some(format!("event {number} follows a failure"));
        }
        if let Err(error) = order.check(event) {
            return Some(format!("event {number}: {error}"));
        }
        match event {
            Event::Failed(_) => failed = true,
            Event::Usage(usage) if usage.model.is_none() => {
                let now = (usage.prompt_tokens, usage.completion_tokens);
                if now.0 < used.0 || now.1 < used.1 {
                    return Some(format!("event {number}: the usage shrinks"));
                }
                used = now;
            }
            _ => {}
        }
    }
    let finished = events.iter().any(|event| matches!(event, Event::Finish(_)));
    (!failed && !finished).then(|| "the answer neither finishes nor fails".to_owned())
}
