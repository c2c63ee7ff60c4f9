//! How long a prompt is, estimated; counted only where that decides.

use crate::route::{Asked, Estimate};
use plugway_routing::estimate::Vocabulary;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Bytes of text that are counted at most. It takes a tenth of a second, on the thread
/// that waits for it.
const MAX_COUNTED: usize = 1024 * 1024;

/// By so much the estimate may be wrong in either direction, in percent of the limit,
/// without a count. What is within is worth one.
const NEAR: u64 = 35;

/// Where nobody can count, the estimate alone shuts an endpoint out only beyond so much
/// of its limit, in percent: providers count for themselves, and a refusal is no harm
/// beside a request that would have been served.
const BEYOND: u64 = 200;

/// A prompt, measured as closely as a limit needs.
pub(super) struct Length<'a> {
    asked: &'a Asked<'a>,
    estimate: u32,
    counted: RefCell<BTreeMap<Vocabulary, u32>>,
}

impl<'a> Length<'a> {
    pub(super) fn of(asked: &'a Asked<'a>) -> Self {
        let estimate = Estimate::of(asked).prompt_tokens;
        Self { asked, estimate, counted: RefCell::default() }
    }

    /// Tokens, about.
    pub(super) fn estimate(&self) -> u32 {
        self.estimate
    }

    /// How many tokens the prompt has, where that is more than `limit` for all that can
    /// be known.
    pub(super) fn beyond(&self, limit: u32, vocabulary: Option<Vocabulary>) -> Option<u32> {
        let (share, limit_share) = (u64::from(self.estimate) * 100, u64::from(limit));
        if share < (100 - NEAR) * limit_share {
            return None;
        }
        let is_near = share <= BEYOND * limit_share;
        let known = match vocabulary {
            Some(vocabulary) if is_near => self.count(vocabulary),
            _ => None,
        };
        match known {
            Some(tokens) => (tokens > limit).then_some(tokens),
            None => (!is_near).then_some(self.estimate),
        }
    }

    /// Tokens of the texts in this vocabulary, with an estimate of what is no text.
    fn count(&self, vocabulary: Vocabulary) -> Option<u32> {
        let call = self.asked.call?;
        if call.size.text_bytes.saturating_add(call.size.tool_bytes) > MAX_COUNTED {
            return None;
        }
        let mut counted = self.counted.borrow_mut();
        let tokens = counted.entry(vocabulary).or_insert_with(|| {
            let mut tokens = 0;
            call.each_text(|text| tokens += vocabulary.count(text));
            u32::try_from(tokens).unwrap_or(u32::MAX)
        });
        Some(tokens.saturating_add(self.asked.prompt().beside_text()))
    }
}
