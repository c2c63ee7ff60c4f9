//! What a request asks for, whatever format it came in.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

/// A well-formed request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prompt {
    /// The model's name.
    pub model: String,
    /// The answer is to come as a stream.
    pub stream: bool,
    /// What was said so far; instructions stand where the format has them.
    pub turns: Vec<Turn>,
    /// The tools that may be called.
    pub tools: Vec<Tool>,
    /// What is said about calling them.
    pub tool_choice: ToolChoice,
    /// Whether several calls may be made at once, where that is said.
    pub parallel_calls: Option<bool>,
    /// The form of the answer's text.
    pub format: Format,
    /// Most tokens of the answer.
    pub max_tokens: Option<u32>,
    /// What ends the answer's text.
    pub stop: Vec<String>,
    /// Sampling temperature.
    pub temperature: Option<f64>,
    /// Share of the probable tokens that are sampled from.
    pub top_p: Option<f64>,
    /// Number of the probable tokens that are sampled from.
    pub top_k: Option<u32>,
    /// Seed of the sampling.
    pub seed: Option<i64>,
    /// How much is to be reasoned, in the format's own word.
    pub effort: Option<String>,
    /// Most tokens of reasoning.
    pub thinking_tokens: Option<u32>,
    pub(crate) reasoning: Visibility,
    /// A stream ends with a usage frame (always so in most formats).
    pub(crate) include_usage: bool,
    /// Reasoning is to come in words.
    pub(crate) summarised: bool,
    /// Reasoning is to come encrypted too.
    pub(crate) encrypted: bool,
    /// The answer is to say which stop sequence it met.
    pub(crate) echoes_stop: bool,
}

/// One message of the conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// Who speaks.
    pub role: Role,
    /// What is said, in order.
    pub items: Vec<Item>,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Who instructs the model, under either name.
    System,
    /// The user.
    User,
    /// The model.
    Assistant,
    /// A tool.
    Tool,
}

/// A part of a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// What it is.
    pub body: Body,
    /// The proof that came with it.
    pub signature: Option<String>,
    /// The prompt up to here is to be cached.
    pub breakpoint: bool,
}

/// What a part of a message is.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Text.
    Text(String),
    /// A JSON value that stands for itself, in a tool's result.
    Json(Value),
    /// An image or a document.
    Media(Media),
    /// Reasoning in words.
    Reasoning(String),
    /// Reasoning that only the provider can read.
    Sealed(String),
    /// A call of a tool.
    Call(Called),
    /// What a tool gave back.
    Result(Returned),
}

/// An image, a document, sound or film.
#[derive(Clone, Debug, PartialEq)]
pub struct Media {
    /// `image`, `document`, `audio` or `video`.
    pub kind: &'static str,
    /// Where it is.
    pub source: Source,
    /// Its media type, or the format's own word for it.
    pub mime: Option<String>,
    /// Its name.
    pub name: Option<String>,
}

/// Where media are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// In the request, as base64.
    Data(String),
    /// In the request, as plain text.
    Text(String),
    /// Elsewhere.
    Url(String),
    /// At the provider, under this id.
    File(String),
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq)]
pub struct Called {
    /// None where the format has no ids.
    pub id: Option<String>,
    /// The tool's name.
    pub name: String,
    /// The arguments as they were written: JSON, mostly an object.
    pub arguments: String,
}

/// What a tool gave back.
#[derive(Clone, Debug, PartialEq)]
pub struct Returned {
    /// The id of the call; none where the format has no ids.
    pub id: Option<String>,
    /// The tool's name, where the format tells it.
    pub name: Option<String>,
    /// What it gave back, in order.
    pub content: Vec<Body>,
    /// It failed, where the format can say so.
    pub failed: bool,
}

/// A tool that the request offers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// JSON Schema of its arguments.
    pub schema: Value,
    /// Calls must keep to the schema, where that is said.
    pub strict: Option<bool>,
    /// The tools up to here are to be cached.
    pub breakpoint: bool,
}

/// What the request says about calling tools.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ToolChoice {
    /// As the model likes.
    #[default]
    Auto,
    /// No tool.
    Forbidden,
    /// Some tool.
    Required,
    /// This tool.
    Named(String),
}

/// The form of the answer's text.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Format {
    /// Free text.
    #[default]
    Text,
    /// Some JSON.
    Json,
    /// JSON of this schema.
    Schema(Value),
}

/// Whether the answer shows its reasoning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Visibility {
    /// If there is any: the request has no say.
    #[default]
    IfScripted,
    /// The request did not ask for it.
    Hidden,
    /// The request asked for it.
    Shown,
}

/// What the answer answers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Last {
    /// The user's words.
    User(String),
    /// Results of tools, in order.
    ToolResults(Vec<String>),
}

/// A prefix of the prompt that is to be cached.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CachePrefix {
    pub(crate) digest: u64,
    pub(crate) text_bytes: usize,
}

/// Tokens that an image counts for.
const IMAGE_TOKENS: u32 = 85;

/// Bytes of a text that its digest looks at: with its length they tell prompts apart
/// well enough here.
const DIGESTED_BYTES: usize = 64;

/// The tokens of so many bytes of text.
pub(crate) fn text_tokens(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(4)).unwrap_or(u32::MAX)
}

impl Prompt {
    /// Everything that was said, in order, with who said it: what a tool gave back is
    /// the tool's, wherever the format puts it.
    pub fn said(&self) -> impl Iterator<Item = (Role, &Item)> {
        self.turns.iter().flat_map(|turn| {
            turn.items.iter().map(|item| match item.body {
                Body::Result(_) => (Role::Tool, item),
                _ => (turn.role, item),
            })
        })
    }

    /// The texts of one who speaks, in order.
    #[must_use]
    pub fn texts(&self, role: Role) -> Vec<&str> {
        let of_role = self.said().filter(|(who, _)| *who == role);
        of_role.filter_map(|(_, item)| item.body.as_text()).collect()
    }

    /// The calls, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<&Called> {
        let calls = self.said().map(|(_, item)| match &item.body {
            Body::Call(call) => Some(call),
            _ => None,
        });
        calls.flatten().collect()
    }

    /// The results of tools, in order.
    #[must_use]
    pub fn results(&self) -> Vec<&Returned> {
        let results = self.said().map(|(_, item)| match &item.body {
            Body::Result(result) => Some(result),
            _ => None,
        });
        results.flatten().collect()
    }

    /// All media, in order, those in the results of tools among them.
    #[must_use]
    pub fn media(&self) -> Vec<&Media> {
        let mut found = Vec::new();
        for (_, item) in self.said() {
            match &item.body {
                Body::Media(media) => found.push(media),
                Body::Result(result) => found.extend(result.content.iter().filter_map(media)),
                _ => {}
            }
        }
        found
    }

    /// Places where the prompt is to be cached up to.
    #[must_use]
    pub fn breakpoints(&self) -> usize {
        let tools = self.tools.iter().filter(|tool| tool.breakpoint).count();
        tools + self.said().filter(|(_, item)| item.breakpoint).count()
    }

    /// Adds what someone said.
    pub(crate) fn add(&mut self, role: Role, items: Vec<Item>) {
        self.turns.push(Turn { role, items });
    }

    /// Answers that the conversation holds.
    pub(crate) fn answers(&self) -> usize {
        let is_answer = |turn: &Turn| turn.role == Role::Assistant;
        let begins = |pair: &[Turn]| is_answer(&pair[1]) && !is_answer(&pair[0]);
        let first = self.turns.first().is_some_and(is_answer);
        usize::from(first) + self.turns.windows(2).filter(|pair| begins(pair)).count()
    }

    pub(crate) fn last(&self) -> Last {
        // Some formats have a message of its own for an image.
        let told = |turn: &Turn| {
            let words = |item: &Item| !matches!(item.body, Body::Media(_));
            matches!(turn.role, Role::User | Role::Tool) && turn.items.iter().any(words)
        };
        let Some(place) = self.turns.iter().rposition(told) else {
            return Last::User(String::new());
        };
        if self.turns[place].results().next().is_none() {
            let texts = self.turns[place].items.iter().filter_map(|item| item.body.as_text());
            return Last::User(texts.collect::<Vec<_>>().join("\n"));
        }
        let turns = &self.turns[..=place];
        let holds = |turn: &Turn| turn.results().next().is_some();
        let first = turns.iter().rposition(|turn| !holds(turn)).map_or(0, |other| other + 1);
        Last::ToolResults(turns[first..].iter().flat_map(Turn::results).map(returned).collect())
    }

    pub(crate) fn images(&self) -> u32 {
        self.count("image")
    }

    pub(crate) fn documents(&self) -> u32 {
        let others = ["document", "audio", "video"];
        others.iter().map(|kind| self.count(kind)).sum()
    }

    fn count(&self, kind: &str) -> u32 {
        let count = self.media().iter().filter(|media| media.kind == kind).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Tokens of the whole prompt.
    pub(crate) fn tokens(&self) -> u32 {
        let images = self.images().saturating_mul(IMAGE_TOKENS);
        text_tokens(self.measured().text_bytes).saturating_add(images).max(1)
    }

    /// The prefix that the request marks for caching.
    pub(crate) fn cache_prefix(&self) -> Option<CachePrefix> {
        self.measured().prefix
    }

    fn measured(&self) -> Measure {
        let mut measure = Measure::default();
        for tool in &self.tools {
            measure.text(&tool.name);
            measure.mark(tool.breakpoint);
        }
        for (_, item) in self.said() {
            measure.body(&item.body);
            measure.mark(item.breakpoint);
        }
        measure
    }

    pub(crate) fn chosen_tool(&self) -> Option<&Tool> {
        match &self.tool_choice {
            ToolChoice::Forbidden => None,
            ToolChoice::Named(name) => self.tools.iter().find(|tool| tool.name == *name),
            ToolChoice::Auto | ToolChoice::Required => self.tools.first(),
        }
    }
}

impl Turn {
    fn results(&self) -> impl Iterator<Item = &Returned> {
        self.items.iter().filter_map(|item| match &item.body {
            Body::Result(result) => Some(result),
            _ => None,
        })
    }
}

impl Item {
    /// One that nothing came with.
    pub(crate) fn new(body: Body) -> Item {
        Item { body, signature: None, breakpoint: false }
    }

    pub(crate) fn text(text: impl Into<String>) -> Item {
        Item::new(Body::Text(text.into()))
    }
}

impl Body {
    fn as_text(&self) -> Option<&str> {
        match self {
            Body::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl Media {
    /// What a URL points to, or holds itself.
    pub(crate) fn at(kind: &'static str, url: &str, name: Option<String>) -> Media {
        let data = url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"));
        let (mime, source) = match data {
            Some((mime, data)) => (Some(mime.to_owned()), Source::Data(data.to_owned())),
            None => (None, Source::Url(url.to_owned())),
        };
        Media { kind, source, mime, name }
    }
}

fn media(body: &Body) -> Option<&Media> {
    match body {
        Body::Media(media) => Some(media),
        _ => None,
    }
}

/// The text of a tool's result.
fn returned(result: &Returned) -> String {
    let texts = result.content.iter().filter_map(|body| match body {
        Body::Text(text) => Some(text.clone()),
        Body::Json(value) => Some(value.to_string()),
        _ => None,
    });
    texts.collect::<Vec<_>>().join("\n")
}

/// Measures a prompt, and how far it is marked for caching.
#[derive(Default)]
struct Measure {
    text_bytes: usize,
    hasher: DefaultHasher,
    prefix: Option<CachePrefix>,
}

impl Measure {
    fn body(&mut self, body: &Body) {
        match body {
            Body::Text(text) | Body::Reasoning(text) => self.text(text),
            Body::Json(value) => self.text(&value.to_string()),
            Body::Call(call) => {
                self.text(&call.name);
                self.text(&call.arguments);
            }
            Body::Result(result) => result.content.iter().for_each(|body| self.body(body)),
            Body::Media(Media { source: Source::Text(text), .. }) => self.text(text),
            Body::Media(_) | Body::Sealed(_) => {}
        }
    }

    fn text(&mut self, text: &str) {
        let beginning = &text.as_bytes()[..text.len().min(DIGESTED_BYTES)];
        (beginning, text.len()).hash(&mut self.hasher);
        self.text_bytes += text.len();
    }

    fn mark(&mut self, marked: bool) {
        if marked {
            let digest = self.hasher.finish();
            self.prefix = Some(CachePrefix { digest, text_bytes: self.text_bytes });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(role: Role, bodies: Vec<Body>) -> Turn {
        Turn { role, items: bodies.into_iter().map(Item::new).collect() }
    }

    fn text(text: &str) -> Body {
        Body::Text(text.into())
    }

    fn result(id: &str, said: &str) -> Body {
        let (id, content) = (Some(id.into()), vec![text(said)]);
        Body::Result(Returned { id, name: None, content, failed: false })
    }

    fn of(turns: Vec<Turn>) -> Prompt {
        Prompt { turns, ..Prompt::default() }
    }

    #[test]
    fn what_is_answered_is_the_last_turn_or_all_results_before_it() {
        let user = || turn(Role::User, vec![text("a"), text("b")]);
        let apart = of(vec![
            user(),
            turn(Role::Assistant, vec![]),
            turn(Role::Tool, vec![result("1", "x")]),
            turn(Role::Tool, vec![result("2", "y")]),
        ]);
        let together = of(vec![user(), turn(Role::User, vec![result("1", "x"), result("2", "y")])]);
        let results = || Last::ToolResults(vec!["x".into(), "y".into()]);
        for (prompt, expected) in [
            (of(vec![user()]), Last::User("a\nb".into())),
            (of(vec![user(), turn(Role::System, vec![text("s")])]), Last::User("a\nb".into())),
            (apart, results()),
            (together, results()),
            (of(vec![]), Last::User(String::new())),
        ] {
            assert_eq!(prompt.last(), expected);
        }
    }

    #[test]
    fn answers_are_counted_once_however_many_turns_they_are_in() {
        let roles = [Role::Assistant, Role::Assistant, Role::User, Role::Assistant];
        let prompt = of(roles.map(|role| turn(role, vec![])).into());
        assert_eq!(prompt.answers(), 2);
    }

    #[test]
    fn results_are_the_tools_wherever_they_stand() {
        let prompt = of(vec![turn(Role::User, vec![result("1", "x"), text("go on")])]);
        let roles: Vec<Role> = prompt.said().map(|(role, _)| role).collect();
        assert_eq!(roles, [Role::Tool, Role::User]);
        assert_eq!(prompt.texts(Role::User), ["go on"]);
    }

    #[test]
    fn a_data_url_is_data_and_any_other_is_elsewhere() {
        let image = Media::at("image", "data:image/png;base64,AAAA", None);
        assert_eq!(
            (image.mime.as_deref(), image.source),
            (Some("image/png"), Source::Data("AAAA".into()))
        );
        let linked = Media::at("image", "https://x.example/a.png", None);
        assert_eq!(linked.source, Source::Url("https://x.example/a.png".into()));
    }
}
