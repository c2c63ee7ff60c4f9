//! What is answered: derived from the request and the behaviour alone, so that
//! a test can say beforehand what it will be.

use serde_json::{Value, json};

use crate::prompt::{Format, Last, Prompt, Tool, Visibility};
use crate::schema;
use crate::script::{Behaviour, Call, ToolUse};
use crate::speech::{Ending, Say, Speech};

/// Longest text, in bytes, that is repeated in the answer.
const MAX_ECHO_BYTES: usize = 200;

/// The reasoning of a request that asks for it when none is scripted.
const DEFAULT_THINKING: &str = "I should answer the user.";

/// Words of an answer whose length alone is scripted.
const FILLER: [&str; 8] = ["the", "quick", "brown", "fox", "jumps", "over", "lazy", "dogs"];

/// Tokens that a call counts for beside its arguments, and sealed reasoning.
const OVERHEAD_TOKENS: u32 = 10;

/// An answer.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Reply {
    /// What is said, in order; no text is empty.
    pub(crate) parts: Vec<Say>,
    pub(crate) finish: Finish,
    pub(crate) usage: Usage,
}

/// Why the answer ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Finish {
    #[default]
    Stop,
    Length,
    ToolCalls,
    ContentFilter,
    /// This stop sequence of the request was met.
    StopSequence(String),
}

/// Tokens of the request and the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// The whole prompt, cached parts included.
    pub(crate) prompt: u32,
    pub(crate) cache_read: u32,
    pub(crate) cache_written: u32,
    /// The whole answer, reasoning included.
    pub(crate) completion: u32,
    pub(crate) reasoning: u32,
}

impl Prompt {
    /// What the answer to this prompt is told to have cost, in tokens: the prompt, the
    /// answer, and of the prompt what came from a cache.
    #[must_use]
    pub fn counts(&self, behaviour: &Behaviour) -> [u32; 3] {
        let usage = Reply::to(self, behaviour).usage;
        [usage.prompt, usage.completion, usage.cache_read]
    }
}

impl Reply {
    /// The answer to this prompt.
    pub(crate) fn to(prompt: &Prompt, behaviour: &Behaviour) -> Reply {
        let speech = speech(prompt, behaviour);
        let mut reply = Reply { parts: speech.parts, ..Reply::default() };
        reply.parts.retain(|say| say.as_text() != Some(""));
        if reply.calls().next().is_some() {
            reply.finish = Finish::ToolCalls;
        } else {
            reply.stop_at(&prompt.stop);
            reply.shorten(prompt.max_tokens);
        }
        match speech.ending {
            Some(Ending::Length) => reply.finish = Finish::Length,
            Some(Ending::ContentFilter) => reply.finish = Finish::ContentFilter,
            None => {}
        }
        reply.count(prompt, behaviour);
        reply
    }

    /// An answer that says nothing.
    pub(crate) fn nothing(prompt: &Prompt, behaviour: &Behaviour) -> Reply {
        let mut reply = Reply::default();
        reply.count(prompt, behaviour);
        reply
    }

    /// What is said, as a script would say it.
    pub(crate) fn speech(&self) -> Speech {
        let ending = match self.finish {
            Finish::ContentFilter => Some(Ending::ContentFilter),
            _ => None,
        };
        Speech { parts: self.parts.clone(), ending }
    }

    /// All text, in one.
    pub(crate) fn text(&self) -> String {
        self.parts.iter().filter_map(Say::as_text).collect()
    }

    /// All reasoning in words, in one; none where there is none.
    pub(crate) fn reasoning(&self) -> Option<String> {
        let thoughts = self.parts.iter().filter_map(|say| match say {
            Say::Reasoning(text) => Some(text.as_str()),
            _ => None,
        });
        let thoughts: Vec<&str> = thoughts.collect();
        (!thoughts.is_empty()).then(|| thoughts.concat())
    }

    /// Names and arguments of the calls.
    pub(crate) fn calls(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parts.iter().filter_map(|say| match say {
            Say::Call { name, arguments } => Some((name.as_str(), arguments.as_str())),
            _ => None,
        })
    }

    /// The model's word that it will not answer.
    pub(crate) fn refusal(&self) -> Option<&str> {
        self.parts.iter().find_map(|say| match say {
            Say::Refusal(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// Ends the text before the first stop sequence in it.
    fn stop_at(&mut self, stop: &[String]) {
        for place in 0..self.parts.len() {
            let (Say::Text(text) | Say::Cited { text, .. }) = &mut self.parts[place] else {
                continue;
            };
            let met = stop.iter().filter(|sequence| !sequence.is_empty());
            let met = met.filter_map(|sequence| Some((text.find(sequence.as_str())?, sequence)));
            let Some((end, sequence)) = met.min_by_key(|(place, _)| *place) else { continue };
            text.truncate(end);
            self.parts.truncate(if end == 0 { place } else { place + 1 });
            self.finish = Finish::StopSequence(sequence.clone());
            return;
        }
    }

    /// Keeps the first `max_tokens` of the text.
    fn shorten(&mut self, max_tokens: Option<u32>) {
        let Some(mut left) = max_tokens.and_then(|tokens| usize::try_from(tokens).ok()) else {
            return;
        };
        for place in 0..self.parts.len() {
            let (Say::Text(text) | Say::Cited { text, .. }) = &mut self.parts[place] else {
                continue;
            };
            let kept: usize = pieces(text, 0).take(left).map(str::len).sum();
            left = left.saturating_sub(pieces(text, 0).count());
            if kept < text.len() {
                text.truncate(kept);
                self.parts.truncate(if kept == 0 { place } else { place + 1 });
                self.finish = Finish::Length;
                return;
            }
        }
    }

    fn count(&mut self, prompt: &Prompt, behaviour: &Behaviour) {
        let count = |text: &str| u32::try_from(pieces(text, 0).count()).unwrap_or(u32::MAX);
        let tokens = |say: &Say| match say {
            Say::Text(text) | Say::Cited { text, .. } => count(text),
            Say::Refusal(text) | Say::Reasoning(text) => count(text),
            Say::Sealed(_) => OVERHEAD_TOKENS,
            Say::Call { arguments, .. } => OVERHEAD_TOKENS + count(arguments),
        };
        let thought: u32 = self.parts.iter().filter(|say| say.is_reasoning()).map(tokens).sum();
        let said: u32 = self.parts.iter().filter(|say| !say.is_reasoning()).map(tokens).sum();
        let reasoning = behaviour.reasoning_tokens.unwrap_or(thought);
        let prompted = prompt.tokens();
        let cache_read = behaviour.cached_tokens.unwrap_or(0).min(prompted);
        let cache_written = behaviour.cache_written_tokens.unwrap_or(0);
        self.usage = Usage {
            prompt: prompted,
            cache_read,
            cache_written: cache_written.min(prompted - cache_read),
            completion: reasoning + said,
            reasoning,
        };
    }
}

/// What is scripted for a conversation of this length, or follows from the request.
fn speech(prompt: &Prompt, behaviour: &Behaviour) -> Speech {
    if let Some(speech) = behaviour.speeches.get(prompt.answers()) {
        let mut speech = speech.clone();
        if prompt.reasoning == Visibility::Hidden {
            speech.parts.retain(|say| !say.is_reasoning());
        }
        return speech;
    }
    let calls = calls(prompt, &behaviour.tools);
    let mut parts: Vec<Say> =
        reasoning(prompt, behaviour).map(Say::Reasoning).into_iter().collect();
    if calls.is_empty() {
        parts.push(Say::Text(text(prompt, behaviour)));
    }
    parts.extend(calls.into_iter().map(|call| Say::call(call.name, call.arguments)));
    Speech { parts, ending: None }
}

/// The calls that the answer makes.
fn calls(prompt: &Prompt, tools: &ToolUse) -> Vec<Call> {
    let after_user = || matches!(prompt.last(), Last::User(_));
    if prompt.tools.is_empty() || prompt.chosen_tool().is_none() || !after_user() {
        return Vec::new();
    }
    match tools {
        ToolUse::Never => Vec::new(),
        ToolUse::Calls(calls) => calls.clone(),
        ToolUse::Auto => prompt.chosen_tool().into_iter().map(call).collect(),
    }
}

fn call(tool: &Tool) -> Call {
    let arguments = match schema::sample(&tool.schema) {
        object @ Value::Object(_) => object,
        _ => Value::Object(serde_json::Map::new()),
    };
    Call { name: tool.name.clone(), arguments }
}

/// Splits text into chunks of this many characters, or, for zero, into tokens: a
/// word with the white space before it. The chunks together are the text.
pub(crate) fn pieces(text: &str, chars: u32) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = match chars {
            0 => token_end(rest),
            chars => nth_char(rest, chars as usize),
        };
        let (piece, after) = rest.split_at(end);
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

/// Where the first token of the text ends.
fn token_end(text: &str) -> usize {
    let word = text.len() - text.trim_start().len();
    text[word..].find(char::is_whitespace).map_or(text.len(), |length| word + length)
}

fn nth_char(text: &str, n: usize) -> usize {
    text.char_indices().nth(n).map_or(text.len(), |(index, _)| index)
}

fn reasoning(prompt: &Prompt, behaviour: &Behaviour) -> Option<String> {
    let scripted = behaviour.reasoning.clone();
    match prompt.reasoning {
        Visibility::Hidden => None,
        Visibility::IfScripted => scripted,
        Visibility::Shown => Some(scripted.unwrap_or_else(|| DEFAULT_THINKING.to_owned())),
    }
}

fn text(prompt: &Prompt, behaviour: &Behaviour) -> String {
    if let Some(reply) = &behaviour.reply {
        return reply.clone();
    }
    if let Some(tokens) = behaviour.completion_tokens {
        return filler(tokens);
    }
    match &prompt.format {
        Format::Text => echo(prompt),
        Format::Json => json!({ "answer": echo(prompt) }).to_string(),
        Format::Schema(schema) => schema::sample(schema).to_string(),
    }
}

fn filler(tokens: u32) -> String {
    let words = FILLER.iter().copied().cycle().take(tokens as usize);
    words.collect::<Vec<_>>().join(" ")
}

fn echo(prompt: &Prompt) -> String {
    let mut sentence = match &prompt.last() {
        Last::ToolResults(results) => format!("The tool said: {}", results.join(", ")),
        Last::User(text) if text.len() <= MAX_ECHO_BYTES => format!("You said: {text}"),
        Last::User(text) => format!("You sent {} bytes of text.", text.len()),
    };
    for (count, one, many) in
        [(prompt.images(), "image", "images"), (prompt.documents(), "document", "documents")]
    {
        let noun = if count == 1 { one } else { many };
        if count > 0 {
            sentence.push_str(&format!(" I see {count} {noun}."));
        }
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::{Body, Item, Media, Returned, Role, ToolChoice};

    fn asked(text: &str) -> Prompt {
        let mut prompt = Prompt::default();
        prompt.add(Role::User, vec![Item::text(text)]);
        prompt
    }

    fn seen(text: &str, media: &[&'static str]) -> Prompt {
        let media = media.iter().map(|kind| Media::at(kind, "https://x.example", None));
        let items = media.map(|media| Item::new(Body::Media(media)));
        let mut prompt = Prompt::default();
        prompt.add(Role::User, std::iter::once(Item::text(text)).chain(items).collect());
        prompt
    }

    fn told(results: &[&str]) -> Prompt {
        let mut prompt = Prompt::default();
        for text in results {
            let content = vec![Body::Text((*text).into())];
            let result = Returned { id: None, name: None, content, failed: false };
            prompt.add(Role::Tool, vec![Item::new(Body::Result(result))]);
        }
        prompt
    }

    #[test]
    fn text_is_split_and_whole_again() {
        let cases: [(&str, u32, &[&str]); 5] = [
            ("", 0, &[]),
            ("one", 0, &["one"]),
            (" one  two\n", 0, &[" one", "  two", "\n"]),
            ("größe", 2, &["gr", "öß", "e"]),
            ("ab", 5, &["ab"]),
        ];
        for (text, chars, expected) in cases {
            let split: Vec<&str> = pieces(text, chars).collect();
            assert_eq!(split, expected, "{text:?} by {chars}");
        }
    }

    #[test]
    fn the_answer_follows_from_the_request() {
        let scripted = Behaviour::new().reply("fixed");
        let long = Behaviour::new().completion_tokens(3);
        let seen = seen("look", &["image", "document", "image"]);
        let result = told(&["5", "6"]);
        let json = Prompt { format: Format::Json, ..asked("hi") };
        let plain = Behaviour::new();
        for (prompt, behaviour, expected) in [
            (&asked("hi"), &plain, "You said: hi"),
            (&asked("hi"), &scripted, "fixed"),
            (&asked("hi"), &long, "the quick brown"),
            (&asked(&"x".repeat(201)), &plain, "You sent 201 bytes of text."),
            (&seen, &plain, "You said: look I see 2 images. I see 1 document."),
            (&result, &plain, "The tool said: 5, 6"),
            (&json, &plain, r#"{"answer":"You said: hi"}"#),
        ] {
            assert_eq!(Reply::to(prompt, behaviour).text(), expected);
        }
    }

    #[test]
    fn reasoning_is_shown_as_the_request_and_the_script_say() {
        let plain = Behaviour::new();
        let scripted = Behaviour::new().reasoning("hm");
        for (asked, behaviour, expected) in [
            (Visibility::IfScripted, &plain, None),
            (Visibility::IfScripted, &scripted, Some("hm")),
            (Visibility::Hidden, &scripted, None),
            (Visibility::Shown, &plain, Some(DEFAULT_THINKING)),
            (Visibility::Shown, &scripted, Some("hm")),
        ] {
            let prompt = Prompt { reasoning: asked, ..Prompt::default() };
            let reply = Reply::to(&prompt, behaviour);
            assert_eq!(reply.reasoning().as_deref(), expected, "{asked:?}");
        }
    }

    #[test]
    fn max_tokens_cuts_the_text_and_its_count() {
        let prompt = Prompt { max_tokens: Some(2), ..asked("a b c") };
        let reply = Reply::to(&prompt, &Behaviour::new());
        assert_eq!(reply.text(), "You said:");
        assert_eq!(reply.finish, Finish::Length);
        assert_eq!(reply.usage.completion, 2);
    }

    #[test]
    fn tools_are_called_when_the_user_spoke_last() {
        let tool = || Tool {
            name: "weather".into(),
            schema: json!({"properties": {"city": {"type": "string"}}}),
            ..Tool::default()
        };
        let offered = || Prompt { tools: vec![tool()], ..asked("weather?") };
        let forbidden = Prompt { tool_choice: ToolChoice::Forbidden, ..offered() };
        let answered = Prompt { tools: vec![tool()], ..told(&["sun"]) };
        let scripted = ToolUse::Calls(vec![Call {
            name: "weather".into(),
            arguments: json!({"city": "Florence"}),
        }]);
        for (prompt, tools, expected) in [
            (&offered(), &ToolUse::Auto, Some(json!({"city": "text"}))),
            (&offered(), &scripted, Some(json!({"city": "Florence"}))),
            (&offered(), &ToolUse::Never, None),
            (&forbidden, &scripted, None),
            (&answered, &ToolUse::Auto, None),
            (&asked("hi"), &scripted, None),
        ] {
            let behaviour = Behaviour::new().tools(tools.clone());
            let reply = Reply::to(prompt, &behaviour);
            let arguments = reply.calls().next().map(|(_, arguments)| arguments.to_owned());
            assert_eq!(arguments, expected.as_ref().map(Value::to_string), "{tools:?}");
            assert_eq!(reply.finish == Finish::ToolCalls, expected.is_some());
        }
    }

    #[test]
    fn a_stop_sequence_of_the_request_ends_the_text() {
        let said = Behaviour::new().says([Say::Text("a b".into()), Say::Text("c. d".into())]);
        for (stop, text, finish) in [
            (vec!["."], "a bc", Finish::StopSequence(".".into())),
            (vec!["d", "b"], "a ", Finish::StopSequence("b".into())),
            (vec!["a"], "", Finish::StopSequence("a".into())),
            (vec!["x"], "a bc. d", Finish::Stop),
        ] {
            let stop: Vec<String> = stop.into_iter().map(Into::into).collect();
            let prompt = Prompt { stop, ..asked("hi") };
            let reply = Reply::to(&prompt, &said);
            assert_eq!((reply.text().as_str(), &reply.finish), (text, &finish));
        }
    }

    #[test]
    fn speeches_follow_the_answers_of_the_conversation() {
        let behaviour = Behaviour::new()
            .says([Say::Reasoning("hm".into()), Say::call("f", r#"{"b": 1}"#)])
            .says([Say::Text("done".into())])
            .ending(Ending::ContentFilter);
        let mut prompt = asked("hi");
        let first = Reply::to(&prompt, &behaviour);
        assert_eq!(first.calls().collect::<Vec<_>>(), [("f", r#"{"b": 1}"#)]);
        assert_eq!((first.reasoning().as_deref(), first.finish), (Some("hm"), Finish::ToolCalls));
        prompt.reasoning = Visibility::Hidden;
        assert_eq!(Reply::to(&prompt, &behaviour).reasoning(), None);
        prompt.add(Role::Assistant, Vec::new());
        let second = Reply::to(&prompt, &behaviour);
        assert_eq!((second.text().as_str(), second.finish), ("done", Finish::ContentFilter));
        prompt.add(Role::User, vec![Item::text("and?")]);
        prompt.add(Role::Assistant, Vec::new());
        prompt.add(Role::User, vec![Item::text("so?")]);
        assert_eq!(Reply::to(&prompt, &behaviour).text(), "You said: so?");
    }
}
