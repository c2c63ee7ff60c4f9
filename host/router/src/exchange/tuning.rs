//! Parameters that only tune an answer. An endpoint that does not know one may serve
//! all the same: the parameter is left out, and that is counted. Whoever does not want
//! that sets `require_parameters`.

use crate::catalog::Endpoint;
use crate::telemetry::{Metrics, ParameterLabels};
use plugway_engine::chat::Request;

/// One parameter, by OpenAI's name.
struct Parameter {
    name: &'static str,
    is_set: fn(&Request) -> bool,
    clear: fn(&mut Request),
}

macro_rules! parameter {
    ($name:literal, $($field:ident).+) => {
        Parameter {
            name: $name,
            is_set: |request| is_set(&request.$($field).+),
            clear: |request| request.$($field).+ = Default::default(),
        }
    };
}

fn is_set<T: Default + PartialEq>(value: &T) -> bool {
    *value != T::default()
}

/// What changes how an answer is written, never what is asked for. Tools, formats,
/// limits and stop sequences are not among it.
const TUNING: [Parameter; 14] = [
    parameter!("temperature", sampling.temperature),
    parameter!("top_p", sampling.top_p),
    parameter!("top_k", sampling.top_k),
    parameter!("min_p", sampling.min_p),
    parameter!("top_a", sampling.top_a),
    parameter!("frequency_penalty", sampling.frequency_penalty),
    parameter!("presence_penalty", sampling.presence_penalty),
    parameter!("repetition_penalty", sampling.repetition_penalty),
    parameter!("seed", sampling.seed),
    parameter!("logit_bias", sampling.logit_bias),
    parameter!("verbosity", verbosity),
    parameter!("user", user),
    parameter!("prompt_cache_key", cache_key),
    parameter!("service_tier", service_tier),
];

/// Leaves out of `request` what the endpoint does not take; `known` is what its
/// adapter translates.
pub(super) fn leave_out(
    request: &mut Request,
    known: &[String],
    endpoint: &Endpoint,
    metrics: &Metrics,
) {
    for parameter in &TUNING {
        if (parameter.is_set)(request) && !takes(known, endpoint, parameter.name) {
            (parameter.clear)(request);
            let provider = endpoint.provider.name.clone();
            let labels = ParameterLabels { provider, parameter: parameter.name };
            metrics.parameters_left_out.get_or_create(&labels).inc();
        }
    }
}

/// Whether a request parameter reaches the model behind an endpoint.
pub(crate) fn takes(known: &[String], endpoint: &Endpoint, parameter: &str) -> bool {
    let names = |list: &[String]| list.iter().any(|name| name == parameter);
    names(known) && !names(&endpoint.refused_parameters)
}
