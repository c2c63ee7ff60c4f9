//! `usage`: what an answer took, and what it costs.

use crate::Bill;
use crate::json::Writer;

impl Bill {
    pub(crate) fn write(&self, json: &mut Writer<'_>) {
        let usage = &self.usage;
        let total = usage.prompt_tokens.saturating_add(usage.completion_tokens);
        json.open(b'{');
        json.key("prompt_tokens").number(usage.prompt_tokens);
        json.key("completion_tokens").number(usage.completion_tokens);
        json.key("total_tokens").number(total);
        json.key("cost").dollars(self.cost);
        json.key("is_byok").boolean(self.own_key);

        json.key("prompt_tokens_details").open(b'{');
        json.key("cached_tokens").number(usage.cache_read_tokens);
        json.key("cache_write_tokens").number(usage.cache_write_tokens);
        json.key("audio_tokens").number(self.meter("prompt-audio-tokens"));
        json.key("video_tokens").number(self.meter("prompt-video-tokens"));
        json.close(b'}');

        json.key("completion_tokens_details").open(b'{');
        json.key("reasoning_tokens").number(usage.reasoning_tokens);
        json.key("image_tokens").number(self.meter("completion-image-tokens"));
        json.key("audio_tokens").number(self.meter("completion-audio-tokens"));
        json.key("accepted_prediction_tokens").number(self.meter("accepted-prediction-tokens"));
        json.key("rejected_prediction_tokens").number(self.meter("rejected-prediction-tokens"));
        json.close(b'}');

        json.key("cost_details").open(b'{');
        json.key("upstream_inference_cost").dollars(self.upstream_cost);
        json.key("upstream_inference_prompt_cost").dollars(self.prompt_cost);
        json.key("upstream_inference_completions_cost").dollars(self.completion_cost);
        json.close(b'}');
        if usage.meters.iter().any(|(name, _)| name == "web-searches") {
            json.key("server_tool_use_details").open(b'{');
            json.key("web_search_requests").number(self.meter("web-searches"));
            json.close(b'}');
        }
        json.close(b'}');
    }
}
