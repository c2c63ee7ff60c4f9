//! Answers with JSON that is none, or is too deep, where its endpoint's options say.

use plugway_sdk::chat::{
    Citation, Event, Failure, Finish, FinishReason, Origin, Part, PartBody, Piece, Request,
    ResultBody, ResultPart, ToolCall, ToolResult,
};
use plugway_sdk::provider::{Endpoint, UpstreamRequest};
use plugway_test_guests::{Adapter, Misbehave, post, say, stop, told};

/// Writes what nobody can read.
pub struct BadJson;

impl Misbehave for BadJson {
    fn encode(request: &Request, endpoint: &Endpoint) -> Result<UpstreamRequest, Failure> {
        let memo = format!("{}\n{}", told(endpoint, "place"), told(endpoint, "json"));
        Ok(UpstreamRequest { memo, ..post(request) })
    }

    fn decode(memo: &str) -> Vec<Event> {
        let (place, json) = memo.split_once('\n').unwrap_or_default();
        vec![event(place, json.to_owned()), say("done"), stop()]
    }
}

fn event(place: &str, json: String) -> Event {
    let extra = || vec![("x".to_owned(), json.clone())];
    let result = |body: ResultBody| {
        let content = vec![ResultPart::from(body)];
        let (call_id, name) = ("call".to_owned(), "tool".to_owned());
        Part::from(PartBody::ToolResult(ToolResult {
            call_id,
            name,
            content,
            failed: false,
            freeform: false,
        }))
    };
    let text = Part::text("text");
    let part = match place {
        "origin" => return Event::Origin(Origin { extra: extra(), ..Origin::default() }),
        "finish" => {
            return Event::Finish(Finish {
                extra: extra(),
                ..Finish::new(0, FinishReason::Stop, "stop")
            });
        }
        "logprobs" => return Piece { logprobs: Some(json), ..Piece::new(0, 0, text) }.into(),
        "part" => Part { extra: extra(), ..text },
        "citation" => {
            Part { citations: vec![Citation { extra: extra(), ..Citation::default() }], ..text }
        }
        "native" => Part::from(PartBody::Native(json)),
        "result" => result(ResultBody::Json(json)),
        "native result" => result(ResultBody::Native(json)),
        // What a model wrote need not parse, and is handed on as it is.
        _ => Part::from(ToolCall::new("call", "tool", json)),
    };
    Piece::new(0, 0, part).into()
}

plugway_sdk::export!(provider: Adapter<BadJson>);
