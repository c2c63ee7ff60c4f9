//! What the misbehaving guests in `examples/` have in common: an adapter and a
//! strategy that behave well but for the one call that a guest overrides, and
//! altogether while the router tries them at load. So each gets as far as the
//! traffic that it is to harm.

use plugway_sdk::chat::{Event, Failure, Finish, FinishReason, Part, PartBody, Piece, Request};
use plugway_sdk::provider::{
    AuthScheme, Endpoint, Frame, Info, Provider, ResponseHead, StreamDecoder, UpstreamRequest,
    UpstreamResponse,
};
use plugway_sdk::strategy::{Candidate, Plan, Query, Refusal, Setup, Strategy};
use serde_json::json;

/// By these the router's trial at load is to be told from traffic.
const TRIAL: &str = "self-check";
const TRIAL_HEADER: &str = "x-self-check";

/// What an adapter says where it behaves.
pub const ANSWER: &str = "said by a guest";

/// An adapter's misbehaviour: one of its calls, done wrong.
pub trait Misbehave: 'static {
    /// Claims. The trial gets them too.
    fn describe() -> Info {
        info()
    }

    /// A request that the simulated provider understands.
    fn encode(request: &Request, _: &Endpoint) -> Result<UpstreamRequest, Failure> {
        Ok(post(request))
    }

    /// A whole answer. `memo` is what `encode` left.
    fn decode(_memo: &str) -> Vec<Event> {
        answer()
    }

    /// The provider refused.
    fn explain() -> Failure {
        Failure::unavailable("refused")
    }

    /// A stream begins.
    fn begin() {}

    /// A frame came.
    fn push() -> Vec<Event> {
        Vec::new()
    }

    /// The stream ended.
    fn end() -> Vec<Event> {
        answer()
    }
}

/// The adapter that misbehaves as `M` does.
pub struct Adapter<M>(std::marker::PhantomData<M>);

impl<M: Misbehave> Provider for Adapter<M> {
    type Decoder = Decoder<M>;

    fn describe() -> Info {
        M::describe()
    }

    fn encode(request: Request, endpoint: Endpoint) -> Result<UpstreamRequest, Failure> {
        if request.model == TRIAL { Ok(post(&request)) } else { M::encode(&request, &endpoint) }
    }

    fn decode(response: UpstreamResponse, memo: String) -> Vec<Event> {
        if is_trial(&response.head) { answer() } else { M::decode(&memo) }
    }

    fn explain(response: UpstreamResponse) -> Failure {
        if is_trial(&response.head) { Failure::unavailable("trial") } else { M::explain() }
    }
}

/// Its decoder.
pub struct Decoder<M> {
    trial: bool,
    misbehaviour: std::marker::PhantomData<M>,
}

impl<M: Misbehave> StreamDecoder for Decoder<M> {
    fn new(head: ResponseHead, _: String) -> Self {
        let trial = is_trial(&head);
        if !trial {
            M::begin();
        }
        Self { trial, misbehaviour: std::marker::PhantomData }
    }

    fn push(&mut self, _: Frame, events: &mut Vec<Event>) {
        if !self.trial {
            events.extend(M::push());
        }
    }

    fn end(&mut self, events: &mut Vec<Event>) {
        events.extend(if self.trial { answer() } else { M::end() });
    }
}

/// A strategy's misbehaviour.
pub trait Misroute: 'static {
    /// The trial gets it too.
    fn open() -> Result<(), String> {
        Ok(())
    }

    /// A plan for traffic; there is at least one candidate.
    fn route(candidates: &[Candidate]) -> Result<Plan, Refusal> {
        Ok(Plan::in_order(0..candidates.len(), "as given"))
    }
}

/// The strategy that misbehaves as `M` does.
pub struct Policy<M>(std::marker::PhantomData<M>);

impl<M: Misroute> Strategy for Policy<M> {
    fn open(_: Setup) -> Result<Self, String> {
        M::open().map(|()| Self(std::marker::PhantomData))
    }

    fn route(&self, _: Query, candidates: Vec<Candidate>) -> Result<Plan, Refusal> {
        if candidates.iter().any(|candidate| candidate.provider == TRIAL) {
            return Ok(Plan::in_order(0..candidates.len(), "as given"));
        }
        M::route(&candidates)
    }
}

fn is_trial(head: &ResponseHead) -> bool {
    head.header(TRIAL_HEADER).is_some()
}

/// Claims that harm nobody.
pub fn info() -> Info {
    Info {
        name: "guest".into(),
        default_base_url: None,
        auth: vec![AuthScheme::None],
        dialects: Vec::new(),
        reasoning_formats: Vec::new(),
        supported_parameters: Vec::new(),
    }
}

/// A request with all texts of the conversation, seals among them, each once.
pub fn post(request: &Request) -> UpstreamRequest {
    post_text(request, &texts(request).join("\n"))
}

/// A request with this text alone.
pub fn post_text(request: &Request, text: &str) -> UpstreamRequest {
    let message = json!({ "role": "user", "content": text });
    let body =
        json!({ "model": request.model, "stream": request.streaming, "messages": [message] });
    UpstreamRequest::post_json("/chat/completions", body.to_string().into_bytes())
}

/// The texts of the conversation, or the seals that stand for them.
pub fn texts(request: &Request) -> Vec<&str> {
    let parts = request.messages.iter().flat_map(|message| &message.parts);
    let texts = parts.filter_map(|part| match &part.body {
        PartBody::Text(text) => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

/// What the endpoint's option of this name says; empty where there is none. One
/// guest serves a whole table of spellings so.
pub fn told(endpoint: &Endpoint, name: &str) -> String {
    endpoint.option(name).ok().flatten().unwrap_or_default()
}

/// A whole answer of one text.
pub fn answer() -> Vec<Event> {
    vec![say(ANSWER), stop()]
}

/// A bit of text.
pub fn say(text: &str) -> Event {
    Piece::new(0, 0, Part::text(text)).into()
}

/// The end of the answer.
pub fn stop() -> Event {
    Event::Finish(Finish::new(0, FinishReason::Stop, "stop"))
}

/// Runs until it is stopped.
pub fn spin() -> ! {
    loop {
        std::hint::black_box(());
    }
}
