//! The conversations: what a client says, what a provider answers, in no format.

use plugway_simulator::{Ending, Failure, Say};
use std::sync::OnceLock;

/// A picture of one pixel.
pub(super) const IMAGE: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/// Where it is served.
pub(super) fn image_url() -> &'static str {
    SERVED_AT.get().expect("the stage is set")
}

pub(super) static SERVED_AT: OnceLock<String> = OnceLock::new();

/// A document of nothing.
pub(super) const DOCUMENT: &str = "JVBERi0xLjQKJSVFT0YK";

/// A bit of what a client says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Bit {
    Text(String),
    /// [`IMAGE`].
    Image,
    /// The same, at [`image_url`].
    Linked,
    /// [`DOCUMENT`].
    Document,
}

/// What a tool gave back.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) content: Vec<Bit>,
    pub(super) failed: bool,
}

/// A client's turn.
#[derive(Clone, Debug)]
pub(super) enum Said {
    User(Vec<Bit>),
    /// For the calls of the answer before, in order.
    Results(Vec<Given>),
}

/// A client's turn and the answer to it.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    pub(super) said: Said,
    pub(super) answer: Vec<Say>,
    pub(super) ending: Option<Ending>,
}

/// A conversation.
#[derive(Clone, Debug, Default)]
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) system: Option<&'static str>,
    pub(super) turns: Vec<Turn>,
    /// The tools `weather` and `clock` are offered.
    pub(super) tools: bool,
    /// The answer is to be JSON of a schema.
    pub(super) schema: bool,
    /// The answer is to reason, and to show it.
    pub(super) reasoning: bool,
    /// The prompt is to be cached up to the instruction and the last user's words.
    pub(super) cache: bool,
    pub(super) stop: Option<&'static str>,
    pub(super) max_tokens: Option<u32>,
    pub(super) fault: Option<Failure>,
}

impl Case {
    fn new(name: &'static str, turns: Vec<Turn>) -> Self {
        Self { name, turns, ..Self::default() }
    }

    /// Some bit of it is of that kind.
    pub(super) fn has(&self, bit: &Bit) -> bool {
        self.turns.iter().any(|turn| match &turn.said {
            Said::User(bits) => bits.contains(bit),
            Said::Results(given) => given.iter().any(|it| it.content.contains(bit)),
        })
    }

    /// Some answer says this.
    pub(super) fn answers(&self, is: fn(&Say) -> bool) -> bool {
        self.turns.iter().any(|turn| turn.answer.iter().any(is))
    }

    /// The same, as it is told in a format with a field for each kind of part.
    pub(super) fn by_field(&self) -> Self {
        let mut case = self.clone();
        for turn in &mut case.turns {
            turn.answer = by_field(std::mem::take(&mut turn.answer));
        }
        case
    }
}

fn by_field(answer: Vec<Say>) -> Vec<Say> {
    let (mut thoughts, mut words, mut calls) = (String::new(), String::new(), Vec::new());
    for say in answer {
        match say {
            Say::Reasoning(text) => thoughts += &text,
            Say::Text(text) => words += &text,
            other => calls.push(other),
        }
    }
    let texts = [Say::Reasoning(thoughts), Say::Text(words)];
    let is_said =
        |say: &Say| matches!(say, Say::Reasoning(text) | Say::Text(text) if !text.is_empty());
    texts.into_iter().filter(is_said).chain(calls).collect()
}

fn text(text: &str) -> Bit {
    Bit::Text(text.to_owned())
}

fn turn(said: Said, answer: Vec<Say>) -> Turn {
    Turn { said, answer, ending: None }
}

fn user(bits: Vec<Bit>, answer: Vec<Say>) -> Turn {
    turn(Said::User(bits), answer)
}

fn gave(content: Vec<Bit>) -> Given {
    Given { content, failed: false }
}

fn says(words: &str) -> Vec<Say> {
    vec![Say::Text(words.to_owned())]
}

fn weather(city: &str) -> Say {
    Say::call("weather", format!(r#"{{"city":"{city}"}}"#))
}

fn plain(name: &'static str) -> Case {
    Case::new(name, vec![user(vec![text("Say hello.")], says("Hello there, friend."))])
}

/// A character of each plane of Unicode, and what is awkward in the first.
fn every_plane() -> String {
    let planes = (0..=16_u32).filter_map(|plane| char::from_u32(plane << 16 | 0xe9));
    let awkward = "\u{1}\u{7f}\u{2028}\u{fffd}\u{fe0f}e\u{301}\u{202e}\"\\/<>&'\n\t";
    planes.chain(awkward.chars()).collect()
}

/// All of them.
pub(super) fn all() -> Vec<Case> {
    let mut cases = talk();
    cases.extend(tools());
    cases.extend(media());
    cases.extend(thought());
    cases.extend(ends());
    cases
}

fn talk() -> Vec<Case> {
    let planes = every_plane();
    vec![
        plain("plain"),
        Case { system: Some("Be brief."), ..plain("system") },
        Case::new(
            "several-turns",
            vec![
                user(vec![text("One?")], says("First answer.")),
                user(vec![text("Two?")], says("Second answer.")),
                user(vec![text("Three?")], says("Third answer.")),
            ],
        ),
        Case {
            schema: true,
            ..Case::new(
                "structured-output",
                vec![user(vec![text("Where?")], says(r#"{"city":"Oslo"}"#))],
            )
        },
        Case { cache: true, system: Some("A long instruction."), ..plain("cache-breakpoints") },
        Case::new("unicode", vec![user(vec![text(&planes)], says(&planes))]),
    ]
}

fn tools() -> Vec<Case> {
    let case = |name, turns| Case { tools: true, ..Case::new(name, turns) };
    let asks = |answer| user(vec![text("How is the weather?")], answer);
    let ends = |given| turn(Said::Results(given), says("It is fine."));
    vec![
        case("tools", vec![asks(vec![weather("Oslo")]), ends(vec![gave(vec![text("sunny")])])]),
        case(
            "parallel-tools",
            vec![
                asks(vec![
                    weather("Oslo"),
                    Say::call("clock", r#"{"zone":"CET"}"#),
                    weather("Rome"),
                ]),
                ends(vec![
                    gave(vec![text("sunny")]),
                    gave(vec![text("noon")]),
                    gave(vec![text("wet")]),
                ]),
            ],
        ),
        case(
            "tool-results-with-image",
            vec![
                asks(vec![weather("Oslo")]),
                ends(vec![gave(vec![text("a picture"), Bit::Image])]),
            ],
        ),
        case(
            "failed-tools",
            vec![
                asks(vec![weather("Oslo")]),
                ends(vec![Given { content: vec![text("no such city")], failed: true }]),
            ],
        ),
    ]
}

fn media() -> Vec<Case> {
    let shows =
        |name, bit| Case::new(name, vec![user(vec![text("What is this?"), bit], says("A thing."))]);
    vec![
        shows("image-by-url", Bit::Linked),
        shows("image-as-data", Bit::Image),
        shows("document", Bit::Document),
    ]
}

fn thought() -> Vec<Case> {
    let think = |words: &str| Say::Reasoning(words.to_owned());
    let given = |words: &str| Said::Results(vec![gave(vec![text(words)])]);
    let case = |name, turns| Case { tools: true, reasoning: true, ..Case::new(name, turns) };
    vec![
        Case {
            reasoning: true,
            ..Case::new(
                "reasoning",
                vec![user(
                    vec![text("Why?")],
                    vec![think("Let me think."), Say::Text("Because.".to_owned())],
                )],
            )
        },
        case(
            "reasoning-over-three-turns",
            vec![
                user(
                    vec![text("Plan a trip.")],
                    vec![think("First the weather."), weather("Oslo")],
                ),
                turn(given("sunny"), vec![think("Then another city."), weather("Rome")]),
                turn(given("wet"), vec![think("Now I know."), Say::Text("Go to Oslo.".to_owned())]),
            ],
        ),
        case(
            "interleaved",
            vec![
                user(
                    vec![text("Think aloud.")],
                    vec![
                        think("A thought."),
                        Say::Text("A word.".to_owned()),
                        think("Another thought."),
                        weather("Oslo"),
                    ],
                ),
                turn(given("sunny"), says("Done.")),
            ],
        ),
    ]
}

fn ends() -> Vec<Case> {
    let ending = |name, ending| {
        let mut case = plain(name);
        case.turns[0].ending = Some(ending);
        case
    };
    let faulty = |name, fault| Case { fault: Some(fault), ..plain(name) };
    vec![
        Case { stop: Some("STOP"), ..plain("stop-sequence") },
        Case { max_tokens: Some(64), ..ending("length", Ending::Length) },
        ending("content-filter", Ending::ContentFilter),
        Case::new(
            "refusal",
            vec![user(
                vec![text("Do harm.")],
                vec![Say::Refusal("I will not do that.".to_owned())],
            )],
        ),
        // An answer with nothing in it is none: another endpoint may do better.
        faulty("empty-reply", Failure::Empty),
        faulty("error-before", Failure::status(429)),
        faulty("error-within", Failure::StreamError { after_chunks: 2, code: 500 }),
    ]
}
