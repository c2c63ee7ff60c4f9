//! A simulated provider on a socket: the life of a request, from top to bottom.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header, request};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::dialect::{Answer, Dialect, Endpoint, Refusal, Served};
use crate::fault::Failure;
use crate::ids;
use crate::log::{Outcome, Visit};
use crate::playback::Playback;
use crate::prompt::Prompt;
use crate::reply::Reply;
use crate::script::{Behaviour, Script};
use crate::speech::Unsupported;
use crate::state::State;
use crate::timeline::{Event, Frames, Interruption, Pace, Timeline};

/// Largest request body that is accepted, in bytes.
const MAX_REQUEST_BYTES: usize = 64 << 20;

/// Time before accepting again when the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves a simulated provider over HTTP/1.1 and HTTP/2 without TLS until the
/// shutdown future completes, then closes all connections.
///
/// # Errors
/// None so far: what goes wrong in a connection ends that connection only.
pub async fn serve(
    listener: TcpListener,
    state: Arc<State>,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => return Ok(()),
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => {
                    connections.spawn(connection(socket, Arc::clone(&state)));
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

async fn connection(socket: TcpStream, state: Arc<State>) {
    if socket.set_nodelay(true).is_err() {
        return;
    }
    let service = service_fn(|request| answer(request, Arc::clone(&state)));
    let builder = auto::Builder::new(TokioExecutor::new());
    // Clients that leave and cuts on purpose end here; the log tells of them.
    let _ = builder.serve_connection(TokioIo::new(socket), service).await;
}

/// An error closes the connection without a response.
async fn answer(
    request: Request<Incoming>,
    state: Arc<State>,
) -> Result<Response<Playback>, io::Error> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, MAX_REQUEST_BYTES).collect().await;
    let body = body.map_err(io::Error::other)?.to_bytes();
    if head.uri.path().starts_with("/sim/") {
        return Ok(control(&head, &body, &state));
    }
    let dialect = state.kind().dialect(&head.uri);
    let act = state.act();
    let checked = check(&head, &body, dialect, &act.script);
    let key = dialect.credential(&head).unwrap_or_default().to_owned();
    let model = match &checked {
        Ok(Asked::Chat(prompt)) => Some(prompt.model.clone()),
        Ok(Asked::Other(served)) => Some(served.model.clone()),
        Ok(Asked::Models) | Err(_) => None,
    };
    let visit = state.log().enter(state.kind(), head, body, model);
    let number = ids::mix(act.script.seed) ^ visit.ordinal();
    let respond = Respond { dialect, number, request_id: dialect.request_id(number), visit };
    let prompt = match checked {
        Err(refusal) => return Ok(respond.refuse(&refusal)),
        Ok(Asked::Models) => {
            let body = dialect.models(&act.script.listed_models());
            return Ok(respond.answer(Timeline::whole(body, None), 0, "application/json"));
        }
        Ok(Asked::Other(served)) => {
            let (_, failure) = act.next(&served.model, &key);
            return match failure {
                Some(Failure::Close) => Err(respond.close()),
                Some(Failure::Status { code, retry_after, message }) => {
                    Ok(respond.fail(*code, *retry_after, message.as_deref(), &served.model))
                }
                _ => {
                    let timeline = Timeline::whole(served.body, None);
                    Ok(respond.answer(timeline, 0, "application/json"))
                }
            };
        }
        Ok(Asked::Chat(prompt)) => prompt,
    };
    let (behaviour, failure) = act.next(&prompt.model, &key);
    pause(Duration::from_millis(behaviour.head_delay_ms)).await;
    match failure {
        Some(Failure::Close) => Err(respond.close()),
        Some(Failure::Status { code, retry_after, message }) => {
            Ok(respond.fail(*code, *retry_after, message.as_deref(), &prompt.model))
        }
        failure => Ok(complete(&prompt, behaviour, failure, respond, &state).await),
    }
}

/// What a well-formed request is for.
enum Asked {
    Chat(Box<Prompt>),
    Models,
    /// Embeddings, a ranking or a count: it is answered already.
    Other(Served),
}

fn check(
    head: &request::Parts,
    body: &[u8],
    dialect: &dyn Dialect,
    script: &Script,
) -> Result<Asked, Refusal> {
    let path = head.uri.path().trim_end_matches('/');
    let method = |endpoint| match endpoint {
        Endpoint::Models => Method::GET,
        _ => Method::POST,
    };
    let endpoint = dialect.endpoint(path).filter(|found| head.method == method(*found));
    let Some(endpoint) = endpoint else {
        return Err(dialect.unknown_endpoint(head.method.as_str(), path));
    };
    match (dialect.credential(head), &script.key) {
        (Some(shown), Some(key)) if shown != key => return Err(dialect.refusal(401, "")),
        (None | Some(""), _) => return Err(dialect.missing_credential()),
        _ => {}
    }
    let asked = match endpoint {
        Endpoint::Models => return Ok(Asked::Models),
        Endpoint::Chat => Asked::Chat(Box::new(dialect.read(head, body)?)),
        other => Asked::Other(dialect.serve(other, head, body)?),
    };
    let model = match &asked {
        Asked::Chat(prompt) => &prompt.model,
        Asked::Other(served) => &served.model,
        Asked::Models => return Ok(asked),
    };
    if script.knows_model(model) { Ok(asked) } else { Err(dialect.refusal(404, model)) }
}

/// Writes the completion and the way in which it is sent.
async fn complete(
    prompt: &Prompt,
    behaviour: &Behaviour,
    failure: Option<&Failure>,
    respond: Respond,
    state: &State,
) -> Response<Playback> {
    let mut reply = match failure {
        Some(Failure::Empty) => Reply::nothing(prompt, behaviour),
        _ => Reply::to(prompt, behaviour),
    };
    if let Err(unsupported) = respond.dialect.limits().check(&reply.speech()) {
        return respond.cannot(&unsupported);
    }
    state.count_cached(prompt, &mut reply.usage);
    let answer = Answer {
        prompt,
        reply: &reply,
        number: respond.number,
        created: unix_seconds(),
        chunk_chars: behaviour.chunk_chars,
        extras: behaviour.extras,
    };
    let interruption = failure.and_then(|failure| respond.interruption(failure, prompt));
    let pace = pace(behaviour);
    if prompt.stream {
        let mut frames = Frames::default();
        respond.dialect.stream(&answer, &mut frames);
        let timeline = Timeline::stream(frames, pace, interruption);
        let frames_per_write = behaviour.frames_per_write;
        let content_type = respond.dialect.stream_type();
        return respond.answer(timeline, frames_per_write, content_type);
    }
    pause(pace.total(reply.usage.completion)).await;
    let mut body = Vec::with_capacity(1024);
    respond.dialect.whole(&answer, &mut body);
    let event = interruption.map(|it| it.event);
    respond.answer(Timeline::whole(body, event), 0, "application/json")
}

/// Holds what every response to one request needs.
struct Respond {
    dialect: &'static dyn Dialect,
    /// What the answer's ids are drawn from.
    number: u64,
    request_id: String,
    visit: Visit,
}

impl Respond {
    fn answer(
        self,
        timeline: Timeline,
        frames_per_write: u32,
        content_type: &'static str,
    ) -> Response<Playback> {
        let (dialect, request_id) = (self.dialect, self.request_id);
        self.visit.head(200);
        let body = Playback::answer(timeline, frames_per_write, self.visit);
        response(StatusCode::OK, content_type, body, dialect, &request_id)
    }

    /// The connection is closed instead of a response.
    fn close(self) -> io::Error {
        self.visit.end(Outcome::Broken);
        io::Error::other("the script closes the connection here")
    }

    /// The script asks for what the format has no words for.
    fn cannot(self, unsupported: &Unsupported) -> Response<Playback> {
        let (dialect, request_id) = (self.dialect, self.request_id);
        self.visit.head(StatusCode::NOT_IMPLEMENTED.as_u16());
        let body = Playback::refusal(unsupported.to_string().into_bytes(), self.visit);
        response(StatusCode::NOT_IMPLEMENTED, "text/plain", body, dialect, &request_id)
    }

    /// The provider's error of this status.
    fn fail(
        self,
        code: u16,
        retry_after: Option<u64>,
        message: Option<&str>,
        model: &str,
    ) -> Response<Playback> {
        let mut refusal = self.dialect.refusal(code, model);
        refusal.retry_after = retry_after;
        if let Some(message) = message {
            message.clone_into(&mut refusal.message);
        }
        self.refuse(&refusal)
    }

    fn refuse(self, refusal: &Refusal) -> Response<Playback> {
        let (dialect, request_id) = (self.dialect, self.request_id);
        let status = StatusCode::from_u16(refusal.status);
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        self.visit.head(status.as_u16());
        let body = dialect.refusal_body(refusal, &request_id);
        let body = Playback::refusal(body, self.visit);
        let mut response = response(status, "application/json", body, dialect, &request_id);
        dialect.set_error_headers(response.headers_mut(), refusal);
        if let Some(seconds) = refusal.retry_after {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    /// What befalls the body of an answer that fails so.
    fn interruption(&self, failure: &Failure, prompt: &Prompt) -> Option<Interruption> {
        let dialect = self.dialect;
        let (after_chunks, event) = match failure {
            Failure::Cut { after_chunks } => (*after_chunks, Event::Cut),
            Failure::Malformed { after_chunks } => {
                let broken = match prompt.stream {
                    true => dialect.broken_frame(),
                    false => br#"{"id":"broken","cho"#.to_vec(),
                };
                (*after_chunks, Event::Insert(broken))
            }
            Failure::StreamError { after_chunks, code } => {
                let refusal = dialect.refusal(*code, &prompt.model);
                let error = match prompt.stream {
                    true => dialect.error_frame(&refusal, &self.request_id),
                    false => dialect.refusal_body(&refusal, &self.request_id),
                };
                (*after_chunks, Event::Replace(error))
            }
            Failure::Stall { after_chunks, milliseconds } => {
                let silence = Duration::from_millis(*milliseconds);
                (*after_chunks, Event::Stall(silence))
            }
            Failure::Status { .. } | Failure::Close | Failure::Empty => return None,
        };
        Some(Interruption { after_chunks, event })
    }
}

fn response(
    status: StatusCode,
    content_type: &'static str,
    body: Playback,
    dialect: &dyn Dialect,
    request_id: &str,
) -> Response<Playback> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    dialect.set_headers(headers, request_id);
    response
}

/// The endpoints for those who script and watch: `/sim/script` and
/// `/sim/requests`.
fn control(head: &request::Parts, body: &Bytes, state: &State) -> Response<Playback> {
    let (status, body) = match (head.method.as_str(), head.uri.path()) {
        ("GET", "/sim/script") => (StatusCode::OK, serde_json::to_vec(&state.act().script)),
        ("POST", "/sim/script") => match serde_json::from_slice::<Script>(body) {
            Ok(script) => {
                state.set(script);
                (StatusCode::NO_CONTENT, Ok(Vec::new()))
            }
            Err(error) => (StatusCode::BAD_REQUEST, Ok(error.to_string().into_bytes())),
        },
        ("GET", "/sim/requests") => {
            let exchanges = state.log().exchanges(false);
            let shown: Vec<Value> = exchanges.iter().map(crate::Exchange::shown).collect();
            (StatusCode::OK, serde_json::to_vec(&shown))
        }
        ("DELETE", "/sim/requests") => {
            state.log().clear();
            (StatusCode::NO_CONTENT, Ok(Vec::new()))
        }
        _ => (StatusCode::NOT_FOUND, Ok(Vec::new())),
    };
    let mut response = Response::new(Playback::unlogged(body.unwrap_or_default()));
    *response.status_mut() = status;
    response
}

fn pace(behaviour: &Behaviour) -> Pace {
    let interval = match behaviour.tokens_per_second {
        0 => Duration::ZERO,
        rate => Duration::from_secs(1) / rate,
    };
    Pace { first_token: Duration::from_millis(behaviour.first_token_ms), interval }
}

async fn pause(duration: Duration) {
    if !duration.is_zero() {
        tokio::time::sleep(duration).await;
    }
}

fn unix_seconds() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |since| since.as_secs())
}
