//! One run: requests of a trace, decided and walked by the router's own code, served by
//! providers in numbers. Nothing waits: time goes from event to event.

use crate::configuration;
use crate::doors::Doors;
use crate::provider::{Outcome, Provider, Wrong};
use crate::report::Tally;
use crate::scenario::{DEARER, PROVIDERS, RISING, Scenario};
use crate::trace::Arrival;
use plugway::catalog::{Endpoint, Resolution};
use plugway::error::Error;
use plugway::reload::ConfigReload;
use plugway::route::{self, Asked, Conversation, InFlight, Service, Step, Watch};
use plugway::{Router, Settings};
use plugway_routing::walk::{Bounds, Failure, Kind, Leg, Move, Over};
use plugway_routing::{Clock, Walk};
use plugway_tests::TestRouter;
use plugway_wire::Routing;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

/// Who puts the endpoints in order.
#[derive(Clone, Copy)]
pub(crate) enum Chooser {
    /// A strategy of this name.
    Strategy(&'static str),
    /// One after the other, whatever their health.
    RoundRobin,
    /// The cheapest by the list, then the next, whatever their health.
    Cheapest,
}

/// The one model that all requests ask for.
pub(crate) const MODEL: &str = "bench/model";

/// A run under way.
pub(crate) struct World<'w> {
    served: &'w TestRouter,
    pub(crate) router: &'w Router,
    pub(crate) settings: Arc<Settings>,
    clock: &'w Clock,
    pub(crate) chooser: Chooser,
    sticky: bool,
    trace: &'w [Arrival],
    scenario: &'w Scenario,
    providers: Vec<Provider>,
    /// All steps that there are, in the order of the providers.
    steps: Vec<Step>,
    routing: Routing,
    events: BinaryHeap<Reverse<Event>>,
    /// Events of the same time happen in the order in which they were foreseen.
    foreseen: u64,
    flights: Vec<Option<Flight>>,
    tally: Tally,
}

/// When, in which order, and what.
type Event = (Duration, u64, What);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// Prices rise.
    Reprices,
    Arrives(usize),
    /// The walk may have something to start.
    Wakes(usize),
    /// An attempt, by its request and number.
    Answers(usize, usize),
    Ends(usize, usize),
    Fails(usize, usize, Wrong),
}

/// A request under way.
struct Flight {
    steps: Vec<Step>,
    conversation: Option<Conversation>,
    walk: Walk,
    attempts: Vec<Attempt>,
    watches: Vec<(usize, Watch)>,
}

struct Attempt {
    step: usize,
    provider: usize,
    began: Duration,
    /// When its first content came.
    content: Option<Duration>,
    cached_tokens: u64,
    in_flight: Option<InFlight>,
    is_open: bool,
}

impl<'w> World<'w> {
    pub(crate) fn new(
        (served, clock): (&'w TestRouter, &'w Clock),
        (chooser, sticky): (Chooser, bool),
        trace: &'w [Arrival],
        scenario: &'w Scenario,
    ) -> Self {
        let providers = PROVIDERS.iter().zip(1..).map(|(it, seed)| Provider::new(*it, seed));
        let router = &*served.router;
        let mut world = Self {
            served,
            router,
            settings: router.settings(),
            clock,
            chooser,
            sticky,
            trace,
            scenario,
            providers: providers.collect(),
            steps: steps(router),
            routing: Routing {
                models: vec![MODEL.to_owned()],
                strategy: match chooser {
                    Chooser::Strategy(name) => Some(name.to_owned()),
                    Chooser::RoundRobin | Chooser::Cheapest => None,
                },
                ..Routing::default()
            },
            events: BinaryHeap::new(),
            foreseen: 0,
            flights: Vec::new(),
            tally: Tally::default(),
        };
        if let Some(at) = scenario.dearer_from {
            world.foresee(at, What::Reprices);
        }
        for (request, arrival) in trace.iter().enumerate() {
            world.flights.push(None);
            world.foresee(arrival.at, What::Arrives(request));
        }
        world
    }

    /// Lets everything happen.
    pub(crate) fn run(mut self) -> Tally {
        while let Some(Reverse((at, _, what))) = self.events.pop() {
            self.clock.advance(at.saturating_sub(self.clock.now()));
            match what {
                What::Reprices => self.reprice(),
                What::Arrives(request) => self.arrive(request),
                What::Wakes(request) => self.walk(request),
                What::Answers(request, attempt) => self.answer(request, attempt),
                What::Ends(request, attempt) => self.end(request, attempt),
                What::Fails(request, attempt, wrong) => self.fail(request, attempt, wrong),
            }
        }
        self.tally
    }

    fn foresee(&mut self, at: Duration, what: What) {
        self.foreseen += 1;
        self.events.push(Reverse((at, self.foreseen, what)));
    }
}

impl World<'_> {
    /// Some providers bill more from now on, and the configuration says so.
    fn reprice(&mut self) {
        for provider in &mut self.providers[..RISING] {
            provider.times = DEARER;
        }
        std::fs::write(self.served.config_file(), configuration(DEARER)).unwrap();
        assert_eq!(self.router.reload_config(true), ConfigReload::Applied);
        self.settings = self.router.settings();
    }
}

/// What happens to a request.
impl World<'_> {
    fn arrive(&mut self, request: usize) {
        self.tally.requests += 1;
        let (steps, conversation) = match self.decide(request) {
            Ok(decided) => decided,
            Err(error) => {
                *self.tally.over.entry(error.code.name().to_owned()).or_default() += 1;
                self.tally.failed += 1;
                return;
            }
        };
        let legs = steps.iter().map(|step| Leg {
            model: 0,
            hedge_after: step.hedge_after_ms.map(|ms| Duration::from_millis(ms.into())),
        });
        let routing = &self.settings.config.routing;
        self.router.attempts.deposit();
        let bounds = Bounds {
            max_attempts: routing.max_attempts as usize,
            deadline: self.settings.config.server.request_deadline,
        };
        let walk = Walk::new(legs.collect(), bounds);
        self.flights[request] =
            Some(Flight { steps, conversation, walk, attempts: Vec::new(), watches: Vec::new() });
        self.walk(request);
    }

    /// Starts what is to be started.
    fn walk(&mut self, request: usize) {
        let Some(mut flight) = self.flights[request].take() else { return };
        let arrived = self.trace[request].at;
        loop {
            let since = self.clock.now() - arrived;
            let watches = &mut flight.watches;
            let mut doors = Doors { world: self, steps: &flight.steps, watches };
            match flight.walk.next(since, &mut doors) {
                Move::Start { step, kind, pass, .. } => {
                    self.tally.attempts += 1;
                    self.tally.hedges += u64::from(kind == Kind::Hedge);
                    let attempt = self.start(request, &flight, step, pass);
                    flight.attempts.push(attempt);
                }
                Move::Late { attempt } => {
                    let late = &mut flight.attempts[attempt];
                    let silence = self.clock.now() - late.began;
                    if let Some(in_flight) = &mut late.in_flight {
                        in_flight.late(silence);
                    }
                }
                Move::WaitUntil(at) => {
                    self.foresee(arrived + at, What::Wakes(request));
                    break;
                }
                Move::Wait => break,
                Move::Over(Over::Answered) => break,
                Move::Over(over) => {
                    *self.tally.over.entry(format!("{over:?}")).or_default() += 1;
                    self.tally.failed += 1;
                    return;
                }
            }
        }
        self.flights[request] = Some(flight);
    }

    fn start(
        &mut self,
        request: usize,
        flight: &Flight,
        step: usize,
        in_flight: Option<InFlight>,
    ) -> Attempt {
        let now = self.clock.now();
        let number = flight.attempts.len();
        let planned = &flight.steps[step];
        let name = &planned.endpoint.provider.name;
        let provider = PROVIDERS.iter().position(|it| it.name == name).expect("one of ours");
        let troubles = self.scenario.spells.iter();
        let troubles =
            troubles.filter(|it| it.provider == provider && it.from <= now && now < it.to);
        let troubles = troubles.map(|it| it.trouble);
        let served = &mut self.providers[provider];
        let outcome = served.serve(&self.trace[request], troubles, now);
        served.in_flight += 1;
        let bound = self.settings.config.upstream.first_token_timeout;
        let patience = planned.first_token_timeout_ms.map(|ms| Duration::from_millis(ms.into()));
        let patience = patience.unwrap_or(bound);
        let mut cached_tokens = 0;
        match outcome {
            Outcome::Answer { first_token, end, cached_tokens: cached }
                if first_token < patience =>
            {
                cached_tokens = cached;
                self.foresee(now + first_token, What::Answers(request, number));
                self.foresee(now + end, What::Ends(request, number));
            }
            Outcome::Answer { .. } | Outcome::Silence => {
                self.foresee(now + patience, What::Fails(request, number, Wrong::TooSlow));
            }
            Outcome::Failure(wrong, after) => {
                self.foresee(now + after, What::Fails(request, number, wrong));
            }
        }
        Attempt {
            step,
            provider,
            began: now,
            content: None,
            cached_tokens,
            in_flight,
            is_open: true,
        }
    }

    fn answer(&mut self, request: usize, number: usize) {
        let Some(flight) = &mut self.flights[request] else { return };
        if !flight.attempts[number].is_open {
            return;
        }
        let now = self.clock.now();
        self.tally.first_tokens.push(now - self.trace[request].at);
        let losers = flight.walk.answered(number);
        let attempt = &mut flight.attempts[number];
        attempt.content = Some(now);
        if let Some(in_flight) = &mut attempt.in_flight {
            in_flight.answered();
            in_flight.first_token(now - attempt.began);
        }
        for loser in losers {
            let attempt = &mut flight.attempts[loser];
            attempt.is_open = false;
            let in_flight = attempt.in_flight.take().filter(|_| loser < number);
            if let Some(in_flight) = in_flight {
                in_flight.overtaken(now - attempt.began);
            }
            let provider = &mut self.providers[attempt.provider];
            provider.in_flight -= 1;
            self.tally.dollars += provider.bill(&self.trace[request], attempt.cached_tokens, 0);
        }
    }

    fn end(&mut self, request: usize, number: usize) {
        let Some(mut flight) = self.flights[request].take() else { return };
        let attempt = &mut flight.attempts[number];
        if !attempt.is_open {
            self.flights[request] = Some(flight);
            return;
        }
        let arrival = &self.trace[request];
        let provider = &mut self.providers[attempt.provider];
        provider.in_flight -= 1;
        self.tally.dollars +=
            provider.bill(arrival, attempt.cached_tokens, arrival.completion_tokens);
        self.tally.prompt_tokens += arrival.prompt_tokens;
        self.tally.cached_tokens += attempt.cached_tokens;
        if let Some(in_flight) = attempt.in_flight.take() {
            let content = attempt.content.unwrap_or(attempt.began);
            in_flight.wrote(arrival.completion_tokens, self.clock.now() - content);
            in_flight.ended(None);
        }
        if let Some(conversation) = flight.conversation {
            let endpoint = &flight.steps[attempt.step].endpoint;
            let routing = &self.settings.config.routing;
            conversation.answered(self.router, routing, endpoint, attempt.cached_tokens);
        }
    }

    fn fail(&mut self, request: usize, number: usize, wrong: Wrong) {
        let Some(flight) = &mut self.flights[request] else { return };
        let attempt = &mut flight.attempts[number];
        if !std::mem::take(&mut attempt.is_open) {
            return;
        }
        self.providers[attempt.provider].in_flight -= 1;
        if let Some(in_flight) = attempt.in_flight.take() {
            in_flight.ended(Some(&wrong.error()));
        }
        flight.walk.failed(number, Failure { weighs: true, ..Failure::default() });
        self.walk(request);
    }
}

/// Who decides.
impl World<'_> {
    fn decide(&self, request: usize) -> Result<(Vec<Step>, Option<Conversation>), Error> {
        let arrival = &self.trace[request];
        match self.chooser {
            Chooser::Strategy(_) => {
                let bytes = usize::try_from(arrival.prompt_tokens * 4).unwrap_or(usize::MAX);
                let session = arrival.conversation().filter(|_| self.sticky);
                let session = session.map(|it| it.to_string());
                let asked = Asked {
                    streaming: true,
                    max_tokens: None,
                    session: session.as_deref(),
                    ..Asked::beside(Service::Chat, &self.routing, bytes, 0)
                };
                let decided = route::decide(self.router, &self.settings, &asked);
                let decided = decided.map_err(|undecided| undecided.error)?;
                Ok((decided.steps, decided.conversation))
            }
            Chooser::RoundRobin => {
                let mut steps = self.steps.clone();
                steps.rotate_left(request % self.steps.len());
                Ok((steps, None))
            }
            Chooser::Cheapest => Ok((self.steps.clone(), None)),
        }
    }
}

/// One step for each provider.
fn steps(router: &Router) -> Vec<Step> {
    let settings = router.settings();
    let Resolution::Known(model) = settings.config.catalog.resolve(MODEL) else {
        panic!("the configuration has the model");
    };
    let step = |endpoint: &Arc<Endpoint>| Step {
        endpoint: endpoint.clone(),
        credential: None,
        adapter: router.registry.adapter(&endpoint.provider.adapter).unwrap(),
        tripped: None,
        effort: None,
        hedge_after_ms: None,
        first_token_timeout_ms: None,
    };
    model.endpoints.iter().map(step).collect()
}
