//! The routes that chat, each in its client's dialect: the body in, the exchange's
//! answer out.

use super::admitted::Admitted;
use super::{Body, body, deadline, respond, shed};
use crate::buffer::Held;
use crate::error::Error;
use crate::exchange;
use crate::presets;
use crate::record::{Record, Routed};
use crate::{Router, Settings};
use http::request::Parts;
use http::{Request, Response};
use hyper::body::Incoming;
use plugway_wire::gemini::Method;
use plugway_wire::{ChatCall, DecodeOptions, Dialect};
use std::sync::Arc;
use tokio::time::Instant;

/// A route that chats.
#[derive(Clone, Copy)]
pub(crate) struct ChatRoute {
    /// The pattern, for logs and metrics.
    pub(crate) route: &'static str,
    /// What is spoken there.
    pub(crate) dialect: Dialect,
}

/// The route that chats at this path.
pub(crate) fn chat_route(path: &str) -> Option<ChatRoute> {
    let (route, dialect) = match path {
        "/v1/chat/completions" => ("/v1/chat/completions", Dialect::OpenAiChat),
        "/v1/responses" => ("/v1/responses", Dialect::OpenAiResponses),
        "/v1/completions" => ("/v1/completions", Dialect::OpenAiCompletions),
        "/v1/messages" => ("/v1/messages", Dialect::AnthropicMessages),
        "/api/chat" => ("/api/chat", Dialect::Ollama),
        "/api/generate" => ("/api/generate", Dialect::Ollama),
        _ => {
            let method = Method::of(path).filter(|method| method.is_chat())?;
            (method.route(), Dialect::Gemini)
        }
    };
    Some(ChatRoute { route, dialect })
}

/// Lets clients name their session without touching the body.
const SESSION_ID: &str = "x-session-id";

/// Its place is held until the answer has ended.
pub(super) async fn answer(
    router: Arc<Router>,
    settings: Arc<Settings>,
    at: ChatRoute,
    request: Request<Incoming>,
    admitted: Admitted,
) -> Response<Body> {
    let ChatRoute { route, dialect } = at;
    let mut record = Record::open(router.metrics.clone(), route);
    record.keep_in(&router, request.headers());
    let caller = record.of(admitted);
    let time = deadline::of(request.headers(), settings.config.server.request_deadline);
    let time = match record.open_account(&router, &settings).and(time) {
        Ok(time) => time,
        Err(error) => return shed::refuse(dialect, &error, record, request).await,
    };
    let (head, body) = request.into_parts();
    let session = head.headers.get(SESSION_ID).and_then(|value| value.to_str().ok());
    let began = Instant::from_std(record.started());
    let deadline = began + time;
    let failure = match read(&router, &settings, dialect, (&head, body), deadline).await {
        Err(error) => error,
        Ok((mut call, held)) => {
            if let Err(error) = presets::apply(&router, &caller, &mut call).await {
                record.failed(&error);
                record.answered(error.code.status());
                return respond::error_in(dialect, &error, Some(&record.id));
            }
            if call.session_id.is_none() {
                call.session_id = session.map(str::to_owned);
            }
            if call.idle {
                return exchange::idle(&settings, dialect, &call, record);
            }
            if Routed::is_wanted(&head.headers) {
                record.tell_routing(&call.routing.models);
            }
            let asked = (record, caller);
            let run = exchange::run(router, settings, dialect, call, held.room, deadline, asked);
            return run.await;
        }
    };
    record.failed(&failure);
    record.answered(failure.code.status());
    respond::error_in(dialect, &failure, Some(&record.id))
}

async fn read(
    router: &Router,
    settings: &Settings,
    dialect: Dialect,
    (head, body): (&Parts, Incoming),
    deadline: Instant,
) -> Result<(ChatCall, Held), Error> {
    let options = DecodeOptions { seal_min_bytes: settings.config.routing.seal_min_bytes };
    let decode = |body| {
        let call = dialect.decode(head, body, &options)?;
        let values = call.values;
        Ok((call, values))
    };
    body::read(router, settings, (head, body), deadline, decode).await
}
