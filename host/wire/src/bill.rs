//! What an answer took and costs, as every dialect tells it in its own words.

use plugway_engine::chat;

/// What the router settled on, to be shown to the client. Money is in picodollars.
#[derive(Clone, Debug)]
pub struct Bill {
    /// Over all models that were consulted.
    pub usage: chat::Usage,
    /// What the client pays; none where the model has no price.
    pub cost: Option<u64>,
    /// What the provider charges.
    pub upstream_cost: Option<u64>,
    /// Its part for the prompt.
    pub prompt_cost: Option<u64>,
    /// Its part for the completion.
    pub completion_cost: Option<u64>,
    /// The provider is paid with the client's own key.
    pub own_key: bool,
    /// How the request was routed, a JSON object; none where nobody asked.
    pub metadata: Option<String>,
}

impl Bill {
    /// For a model without a price.
    pub fn unpriced(usage: chat::Usage) -> Self {
        Self {
            usage,
            cost: None,
            upstream_cost: None,
            prompt_cost: None,
            completion_cost: None,
            own_key: false,
            metadata: None,
        }
    }

    /// What was counted under a name of `usage.meters`; 0 where nothing was.
    pub(crate) fn meter(&self, name: &str) -> u64 {
        let meter = self.usage.meters.iter().find(|(known, _)| known == name);
        meter.map_or(0, |(_, count)| *count)
    }
}
