//! The record of a request as it is handed in to be kept, once.

use super::{Attempt, Record};
use crate::account::Caller;
use crate::decisions::Entry;
use crate::ledger::Receipt;
use plugway_engine::chat::FinishReason;
use plugway_store::decisions as kept;
use std::time::Duration;

/// What the record says of an answer for whose end the provider has no word.
const WORDLESS: &str = "complete";

impl Record {
    /// Hands in what is to be kept of the request, unless that is done: before the last of
    /// its answer leaves, so that whoever has read it to the end can ask for it. That last
    /// waits for the receipt.
    pub(crate) fn hand_in(&mut self) -> Receipt {
        if let Some(journal) = self.journal.take() {
            let record = self.kept();
            journal.hand_in(Entry { record, weighed: std::mem::take(&mut self.weighed) });
        }
        self.settle_account()
    }

    /// The provider's own word for the end, where it has one.
    pub(super) fn native_finish(&self) -> Option<&str> {
        Some(self.finish.as_str()).filter(|word| !word.is_empty() && *word != WORDLESS)
    }

    fn kept(&self) -> kept::Record {
        let caller = self.caller.as_ref();
        kept::Record {
            id: self.id.to_string(),
            came_ms: self.came_ms,
            request: kept::Request {
                route: self.route.to_owned(),
                service: None,
                models: self.model.clone(),
                streamed: self.streaming,
                session: self.session.clone(),
                user_agent: self.client.user_agent.clone(),
                referer: self.client.referer.clone(),
                title: self.client.title.clone(),
                workspace: caller.map(|it| it.workspace.row.id.clone()),
                key: caller.and_then(Caller::hash).map(str::to_owned),
            },
            excluded: Vec::new(),
            decision: None,
            attempts: self.attempts.all().iter().map(attempt).collect(),
            outcome: self.ended(),
        }
    }

    /// Whether the account that what served is paid with is the team's own.
    fn is_served_by_own(&self) -> bool {
        let attempts = self.attempts.all();
        let is_served =
            |it: &&Attempt| it.endpoint == self.endpoint && it.credential == self.credential;
        attempts.iter().rfind(is_served).is_some_and(|it| it.is_own)
    }

    fn ended(&self) -> kept::Outcome {
        let usage = self.usage.as_ref();
        let served = (!self.endpoint.is_empty()).then(|| kept::Served {
            endpoint: self.endpoint.clone(),
            is_own: self.is_served_by_own(),
            upstream_id: self.upstream_id.clone(),
            service_tier: self.service_tier.clone(),
            ..kept::Served::default()
        });
        kept::Outcome {
            kind: self.outcome().to_owned(),
            error: self.failure.as_ref().map(|(_, message)| message.clone()),
            status: self.status.map_or(499, |status| status.as_u16()),
            served,
            first_content_ms: self.first_content.map(milliseconds),
            duration_ms: milliseconds(self.started.elapsed()),
            finish: self.finish_reason.map(word).map(str::to_owned),
            native_finish: self.native_finish().map(str::to_owned),
            tokens: kept::Tokens {
                prompt: self.tokens.prompt,
                cached: usage.map_or(0, |usage| usage.cache_read_tokens),
                completion: self.tokens.completion,
                reasoning: usage.map_or(0, |usage| usage.reasoning_tokens),
                media: self.media,
                estimated: self.tokens.estimated,
            },
            cost: self.cost,
            upstream_cost: self.upstream_cost,
        }
    }
}

fn attempt(from: &Attempt) -> kept::Attempt {
    kept::Attempt {
        endpoint: from.endpoint.clone(),
        provider: from.provider_name.clone(),
        is_own: from.is_own,
        model: from.model.clone(),
        cause: (from.outcome != "ok").then(|| from.outcome.to_owned()),
        status: from.status,
        elapsed_ms: milliseconds(from.elapsed),
        tokens: from.tokens.filter(|_| !from.is_estimated),
        cost: from.upstream_cost,
    }
}

/// In the word of chat completions, which have none for a pause.
pub(super) fn word(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::Stop | FinishReason::Paused => "stop",
        FinishReason::Length => "length",
        FinishReason::ToolCalls => "tool_calls",
        FinishReason::ContentFilter => "content_filter",
        FinishReason::Error => "error",
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use plugway_routing::walk::Kind;

    #[test]
    fn tokens_that_nobody_counted_are_not_kept_as_the_providers() {
        let counted = Attempt {
            provider: "p".into(),
            provider_name: "P".into(),
            endpoint: "p/m".into(),
            credential: String::new(),
            is_own: false,
            model: "a/m".into(),
            kind: Kind::First,
            outcome: "cancelled",
            status: Some(200),
            elapsed: Duration::from_millis(5),
            first_content: None,
            tokens: Some((7, 3)),
            is_estimated: false,
            upstream_cost: Some(9),
        };
        assert_eq!(attempt(&counted).tokens, Some((7, 3)));
        let guessed = attempt(&Attempt { is_estimated: true, ..counted });
        assert_eq!((guessed.tokens, guessed.cost), (None, Some(9)));
    }
}
