//! `usage`: what an answer took. The dialect counts input that was read from the cache,
//! or written to it, apart from the rest.

use bytes::{Bytes, BytesMut};
use plugway_engine::chat::Usage;

use crate::Bill;
use crate::json::Writer;

/// The answer to a question for the number of a request's tokens.
pub fn encode_count(tokens: u64) -> Bytes {
    let mut out = BytesMut::new();
    let mut json = Writer::new(&mut out);
    json.open(b'{');
    json.key("input_tokens").number(tokens);
    json.close(b'}');
    out.freeze()
}

/// All that was counted, and what it cost.
pub(super) fn write(
    json: &mut Writer<'_>,
    usage: &Usage,
    bill: Option<&Bill>,
    service_tier: Option<&str>,
) {
    json.open(b'{');
    write_counts(json, usage);
    json.key("inference_geo").literal("null");
    // The base tier has another name in this dialect.
    let tier = service_tier.map(|tier| if tier == "default" { "standard" } else { tier });
    json.key("service_tier").string_or_null(tier);
    if let Some(bill) = bill {
        json.key("cost").dollars(bill.cost);
        json.key("is_byok").boolean(bill.own_key);
        // There is no null for a part whose price is not known.
        if let (Some(prompt), Some(completion)) = (bill.prompt_cost, bill.completion_cost) {
            json.key("cost_details").open(b'{');
            json.key("upstream_inference_cost").dollars(bill.upstream_cost);
            json.key("upstream_inference_prompt_cost").dollars(Some(prompt));
            json.key("upstream_inference_completions_cost").dollars(Some(completion));
            json.close(b'}');
        }
    }
    json.close(b'}');
}

fn write_counts(json: &mut Writer<'_>, usage: &Usage) {
    let (read, written) = (usage.cache_read_tokens, usage.cache_write_tokens);
    let meter = |name: &str| {
        let meter = usage.meters.iter().find(|(known, _)| known == name);
        meter.map_or(0, |(_, count)| *count)
    };
    let for_an_hour = meter("cache-write-1h-tokens").min(written);
    json.key("input_tokens")
        .number(usage.prompt_tokens.saturating_sub(read.saturating_add(written)));
    json.key("cache_creation_input_tokens").number(written);
    json.key("cache_read_input_tokens").number(read);
    json.key("cache_creation").open(b'{');
    json.key("ephemeral_5m_input_tokens").number(written - for_an_hour);
    json.key("ephemeral_1h_input_tokens").number(for_an_hour);
    json.close(b'}');
    json.key("output_tokens").number(usage.completion_tokens);
    json.key("output_tokens_details").open(b'{');
    json.key("thinking_tokens").number(usage.reasoning_tokens);
    json.close(b'}');
    let (searches, fetches) = (meter("web-searches"), meter("web-fetches"));
    if searches + fetches == 0 {
        json.key("server_tool_use").literal("null");
    } else {
        json.key("server_tool_use").open(b'{');
        json.key("web_search_requests").number(searches);
        json.key("web_fetch_requests").number(fetches);
        json.close(b'}');
    }
}

/// Of an answer of which nothing was counted yet.
pub(super) fn none() -> Usage {
    Usage {
        model: None,
        prompt_tokens: 0,
        completion_tokens: 0,
        cache_read_tokens: 0,
        cache_write_tokens: 0,
        reasoning_tokens: 0,
        meters: Vec::new(),
        cost: None,
    }
}
