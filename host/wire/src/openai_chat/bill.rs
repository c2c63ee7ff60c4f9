//! `usage`: what an answer took, and what it costs.

use plugway_engine::chat;

use crate::json::{Writer, dollars};

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
        }
    }

    pub(super) fn write(&self, json: &mut Writer<'_>) {
        let usage = &self.usage;
        let total = usage.prompt_tokens.saturating_add(usage.completion_tokens);
        json.open(b'{');
        json.key("prompt_tokens").number(usage.prompt_tokens);
        json.key("completion_tokens").number(usage.completion_tokens);
        json.key("total_tokens").number(total);
        write_cost(json, "cost", self.cost);
        let own_key = if self.own_key { "true" } else { "false" };
        json.key("is_byok").literal(own_key);

        json.key("prompt_tokens_details").open(b'{');
        json.key("cached_tokens").number(usage.cache_read_tokens);
        json.key("cache_write_tokens").number(usage.cache_write_tokens);
        self.meter(json, "audio_tokens", "prompt-audio-tokens");
        self.meter(json, "video_tokens", "prompt-video-tokens");
        json.close(b'}');

        json.key("completion_tokens_details").open(b'{');
        json.key("reasoning_tokens").number(usage.reasoning_tokens);
        self.meter(json, "image_tokens", "completion-image-tokens");
        self.meter(json, "audio_tokens", "completion-audio-tokens");
        self.meter(json, "accepted_prediction_tokens", "accepted-prediction-tokens");
        self.meter(json, "rejected_prediction_tokens", "rejected-prediction-tokens");
        json.close(b'}');

        json.key("cost_details").open(b'{');
        write_cost(json, "upstream_inference_cost", self.upstream_cost);
        write_cost(json, "upstream_inference_prompt_cost", self.prompt_cost);
        write_cost(json, "upstream_inference_completions_cost", self.completion_cost);
        json.close(b'}');
        if usage.meters.iter().any(|(name, _)| name == "web-searches") {
            json.key("server_tool_use_details").open(b'{');
            self.meter(json, "web_search_requests", "web-searches");
            json.close(b'}');
        }
        json.close(b'}');
    }

    fn meter(&self, json: &mut Writer<'_>, key: &str, name: &str) {
        let meter = self.usage.meters.iter().find(|(known, _)| known == name);
        json.key(key).number(meter.map_or(0, |(_, count)| *count));
    }
}

fn write_cost(json: &mut Writer<'_>, key: &str, picodollars: Option<u64>) {
    match picodollars {
        Some(picodollars) => json.key(key).literal(&dollars(picodollars)),
        None => json.key(key).literal("null"),
    }
}
