//! What was consumed, as each provider counts it.

use serde_json::{Map, Value, json};

use super::flavour::{Flavour, Name};
use crate::reply::Usage;

/// What a token costs at the providers that name a price, in dollars.
const PRICE: f64 = 0.000_001;

pub(super) fn report(flavour: &Flavour, usage: &Usage) -> Value {
    let total = usage.prompt.saturating_add(usage.completion);
    let mut report = json!({
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": total,
    });
    let mut set = |name: &str, value: Value| report[name] = value;
    let prompted = json!({"cached_tokens": usage.cache_read, "audio_tokens": 0});
    let reasoned = json!({"reasoning_tokens": usage.reasoning});
    match flavour.name {
        Name::OpenAi | Name::Azure => {
            set("prompt_tokens_details", prompted);
            set(
                "completion_tokens_details",
                json!({
                    "reasoning_tokens": usage.reasoning,
                    "audio_tokens": 0,
                    "accepted_prediction_tokens": 0,
                    "rejected_prediction_tokens": 0,
                }),
            );
        }
        Name::DeepSeek => {
            set("prompt_cache_hit_tokens", usage.cache_read.into());
            set("prompt_cache_miss_tokens", (usage.prompt - usage.cache_read).into());
            set("prompt_tokens_details", json!({"cached_tokens": usage.cache_read}));
            set("completion_tokens_details", reasoned);
        }
        Name::Groq => {
            set("queue_time", 0.001.into());
            set("prompt_tokens_details", json!({"cached_tokens": usage.cache_read}));
            set("completion_tokens_details", reasoned);
        }
        Name::Mistral => {
            set("prompt_tokens_details", json!({"cached_tokens": usage.cache_read}));
        }
        Name::OpenRouter => {
            let cost = f64::from(total) * PRICE;
            set("cost", cost.into());
            set("is_byok", false.into());
            set("cost_details", json!({"upstream_inference_cost": null}));
            set(
                "prompt_tokens_details",
                json!({
                    "cached_tokens": usage.cache_read,
                    "cache_write_tokens": usage.cache_written,
                    "audio_tokens": 0,
                }),
            );
            set("completion_tokens_details", reasoned);
        }
        Name::Perplexity => {
            let cost = f64::from(total) * PRICE;
            set("search_context_size", "low".into());
            set("cost", json!({"total_cost": cost}));
        }
        Name::Xai => {
            // What was written is counted without the reasoning.
            set("completion_tokens", (usage.completion - usage.reasoning).into());
            set("prompt_tokens_details", prompted);
            set("completion_tokens_details", reasoned);
            set("num_sources_used", 0.into());
        }
    }
    report
}

/// Whether a stream tells usage in the chunk that ends the choice, unasked.
pub(super) fn in_last_chunk(flavour: &Flavour) -> bool {
    matches!(flavour.name, Name::Mistral | Name::Perplexity)
}

/// What else a stream tells of usage in that chunk.
pub(super) fn beside(flavour: &Flavour, report: &Value, id: &str) -> Map<String, Value> {
    let groq = (flavour.name == Name::Groq)
        .then(|| ("x_groq".to_owned(), json!({"id": id, "usage": report})));
    groq.into_iter().collect()
}
