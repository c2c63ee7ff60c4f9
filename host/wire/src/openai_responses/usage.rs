//! `usage`: what an answer took, and what it costs.

use crate::Bill;
use crate::json::Writer;

pub(super) fn write(json: &mut Writer<'_>, bill: &Bill) {
    let usage = &bill.usage;
    let total = usage.prompt_tokens.saturating_add(usage.completion_tokens);
    json.open(b'{');
    json.key("input_tokens").number(usage.prompt_tokens);
    json.key("input_tokens_details").open(b'{');
    json.key("cached_tokens").number(usage.cache_read_tokens);
    json.key("cache_write_tokens").number(usage.cache_write_tokens);
    json.close(b'}');
    json.key("output_tokens").number(usage.completion_tokens);
    json.key("output_tokens_details").open(b'{');
    json.key("reasoning_tokens").number(usage.reasoning_tokens);
    json.close(b'}');
    json.key("total_tokens").number(total);
    json.key("cost").dollars(bill.cost);
    json.key("is_byok").boolean(bill.own_key);
    // This format has no null for a part whose price is not known.
    if let (Some(prompt), Some(completion)) = (bill.prompt_cost, bill.completion_cost) {
        json.key("cost_details").open(b'{');
        json.key("upstream_inference_cost").dollars(bill.upstream_cost);
        json.key("upstream_inference_input_cost").dollars(Some(prompt));
        json.key("upstream_inference_output_cost").dollars(Some(completion));
        json.close(b'}');
    }
    let searches = bill.meter("web-searches");
    if searches > 0 {
        json.key("server_tool_use_details").open(b'{');
        json.key("web_search_requests").number(searches);
        json.close(b'}');
    }
    json.close(b'}');
}
