//! A request encoded twice: once with its content, once with a seal for every text.

use plugway_engine::chat::Request;
use plugway_engine::{Adapter, UpstreamRequest};
use plugway_wire::seal::Seals;
use serde_json::{Value, json};

use super::{Halt, Outcome, Task};

/// Encodes the request; returns the memo for the decoder.
pub(super) fn chat(adapter: &Adapter, task: &Task, outcome: &mut Outcome) -> Result<String, Halt> {
    let request = serde_json::from_value::<Request>(task.request.clone())?;
    let endpoint = task.endpoint();
    let encode = |request: &Request| {
        Ok::<_, Halt>(adapter.attempt(Default::default())?.encode(request, &endpoint)?)
    };
    let plain = encode(&request)?;
    let (with_seals, seals) = Seals::of_every_text(&request);
    let sealed = encode(&with_seals)?;
    let mut memo = String::new();
    outcome.encode = Some(match plain {
        Err(failure) => json!({ "failure": failure }),
        Ok(plain) => {
            memo.clone_from(&plain.memo);
            let error = differs(&plain, sealed, &seals).err();
            let mut told = told(&plain);
            told["sealed_equal"] = error.is_none().into();
            told["sealed_error"] = error.into();
            told
        }
    });
    Ok(memo)
}

/// A request as the judge reads it.
pub(super) fn told(request: &UpstreamRequest) -> Value {
    json!({
        "method": request.method,
        "path": request.path,
        "headers": request.headers,
        "body": String::from_utf8_lossy(&request.body),
        "framing": format!("{:?}", request.framing),
        "memo": request.memo,
    })
}

fn differs(
    plain: &UpstreamRequest,
    sealed: Result<UpstreamRequest, plugway_engine::chat::Failure>,
    seals: &Seals,
) -> Result<(), String> {
    let sealed = sealed.map_err(|failure| format!("refused: {}", failure.message))?;
    let spliced = seals.splice(sealed.body, true).map_err(|error| error.to_string())?;
    let body = spliced.chunks.concat();
    let same_head = (&sealed.method, &sealed.path, &sealed.headers, &sealed.memo)
        == (&plain.method, &plain.path, &plain.headers, &plain.memo);
    if !same_head {
        return Err("method, path, headers or memo differ".to_owned());
    }
    let read = |body: &[u8]| serde_json::from_slice::<Value>(body);
    match (read(&body), read(&plain.body)) {
        (Ok(sealed), Ok(plain)) if sealed == plain => Ok(()),
        (Ok(_), Ok(_)) => Err("the bodies differ".to_owned()),
        (Err(error), _) | (_, Err(error)) => Err(format!("a body is no JSON: {error}")),
    }
}
