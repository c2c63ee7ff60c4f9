//! The request as one adapter is shown it: its own model name, no native values
//! of a format that it does not speak, content only where that was granted.

use crate::digest;
use crate::route::Step;
use plugway_engine::EndpointFacts;
use plugway_engine::chat::{PartBody, ReasoningOptions, Request, ResultBody, Tool};
use plugway_wire::ChatCall;

/// Characters of a pseudonym: 128 bits.
const PSEUDONYM_LENGTH: usize = 32;

/// The request for one step, and whether it holds seals.
pub(super) fn request(call: &ChatCall, step: &Step, user: Option<String>) -> (Request, bool) {
    let adapter = &step.adapter;
    let granted = adapter.grants().content;
    let mut request = match granted {
        true => call.seals.unseal(&call.request),
        false => call.request.clone(),
    };
    step.endpoint.upstream_model.clone_into(&mut request.model);
    request.user = user;
    if let Some(tier) = &step.endpoint.service_tier {
        request.service_tier = Some(tier.clone());
    }
    if !adapter.info().dialects.contains(&request.dialect) {
        drop_native(&mut request);
    }
    if let Some(effort) = &step.effort {
        let reasoning = request.reasoning.get_or_insert(ReasoningOptions {
            enabled: None,
            effort: None,
            max_tokens: None,
            summary: None,
            hidden: false,
        });
        if reasoning.effort.is_none() && reasoning.max_tokens.is_none() {
            reasoning.effort = Some(effort.clone());
        }
    }
    (request, !granted)
}

/// What the adapter is told of the endpoint.
pub(super) fn facts(step: &Step) -> EndpointFacts {
    let endpoint = &step.endpoint;
    EndpointFacts {
        max_output_tokens: endpoint.max_output_tokens,
        options: endpoint.options.clone(),
    }
}

/// Takes out what only a speaker of the client's dialect could read. `native`
/// cases are not among it: endpoints that would lose those were ruled out.
fn drop_native(request: &mut Request) {
    request.headers.clear();
    request.extra.clear();
    for tool in &mut request.tools {
        match tool {
            Tool::Function(tool) => tool.extra.clear(),
            Tool::Freeform(tool) => tool.extra.clear(),
            Tool::Native(_) => {}
        }
    }
    for message in &mut request.messages {
        message.extra.clear();
        for part in &mut message.parts {
            part.extra.clear();
            for citation in &mut part.citations {
                citation.extra.clear();
            }
            if let PartBody::ToolResult(result) = &mut part.body {
                for part in &mut result.content {
                    part.extra.clear();
                    debug_assert!(!matches!(part.body, ResultBody::Native(_)));
                }
            }
        }
    }
}

/// A stable stand-in for the end user's id: providers need to tell users apart,
/// not to know them.
pub(super) fn pseudonym(user: &str) -> String {
    let mut digest = digest::hex(user);
    digest.truncate(PSEUDONYM_LENGTH);
    digest
}
