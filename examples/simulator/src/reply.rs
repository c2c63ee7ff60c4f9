//! What is answered: derived from the request and the behaviour alone, so that
//! a test can say beforehand what it will be.

use serde_json::json;

use crate::prompt::{Format, Last, Prompt, Reasoning};
use crate::schema;
use crate::script::{Behaviour, Call};

/// Longest text, in bytes, that is repeated in the answer.
const MAX_ECHO_BYTES: usize = 200;

/// The reasoning of a request that asks for it when none is scripted.
const DEFAULT_THINKING: &str = "I should answer the user.";

/// Words of an answer whose length alone is scripted.
const FILLER: [&str; 8] = ["the", "quick", "brown", "fox", "jumps", "over", "lazy", "dogs"];

/// An answer.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Reply {
    pub(crate) reasoning: Option<String>,
    pub(crate) text: String,
    pub(crate) calls: Vec<Call>,
    pub(crate) finish: Finish,
    pub(crate) usage: Usage,
}

/// Why the answer ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Finish {
    #[default]
    Stop,
    Length,
    ToolCalls,
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

impl Reply {
    /// The answer to this prompt.
    pub(crate) fn to(prompt: &Prompt, behaviour: &Behaviour) -> Reply {
        let mut reply = Reply {
            reasoning: reasoning(prompt, behaviour),
            calls: prompt.calls(&behaviour.tools),
            ..Reply::default()
        };
        if reply.calls.is_empty() {
            reply.text = text(prompt, behaviour);
            reply.shorten(prompt.max_tokens);
        } else {
            reply.finish = Finish::ToolCalls;
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

    /// Keeps the first `max_tokens` of the text.
    fn shorten(&mut self, max_tokens: Option<u32>) {
        let Some(max_tokens) = max_tokens.and_then(|tokens| usize::try_from(tokens).ok()) else {
            return;
        };
        let kept: usize = pieces(&self.text, 0).take(max_tokens).map(str::len).sum();
        if kept < self.text.len() {
            self.text.truncate(kept);
            self.finish = Finish::Length;
        }
    }

    fn count(&mut self, prompt: &Prompt, behaviour: &Behaviour) {
        let count = |text: &str| u32::try_from(pieces(text, 0).count()).unwrap_or(u32::MAX);
        let reasoning = self.reasoning.as_deref().map_or(0, count);
        let calls: u32 =
            self.calls.iter().map(|call| 10 + count(&call.arguments.to_string())).sum();
        self.usage = Usage {
            prompt: prompt.tokens(),
            cache_read: behaviour.cached_tokens.unwrap_or(0).min(prompt.tokens()),
            cache_written: 0,
            completion: reasoning + count(&self.text) + calls,
            reasoning,
        };
    }
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
        Reasoning::Hidden => None,
        Reasoning::IfScripted => scripted,
        Reasoning::Shown => Some(scripted.unwrap_or_else(|| DEFAULT_THINKING.to_owned())),
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
    let mut sentence = match &prompt.last {
        Last::ToolResults(results) => format!("The tool said: {}", results.join(", ")),
        Last::User(text) if text.len() <= MAX_ECHO_BYTES => format!("You said: {text}"),
        Last::User(text) => format!("You sent {} bytes of text.", text.len()),
    };
    for (count, one, many) in
        [(prompt.images, "image", "images"), (prompt.documents, "document", "documents")]
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
    use crate::prompt::{Tool, ToolChoice};
    use crate::script::ToolUse;

    fn asked(text: &str) -> Prompt {
        Prompt { last: Last::User(text.to_owned()), text_bytes: text.len(), ..Prompt::default() }
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
        let seen = Prompt { images: 2, documents: 1, ..asked("look") };
        let result =
            Prompt { last: Last::ToolResults(vec!["5".into(), "6".into()]), ..Prompt::default() };
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
            assert_eq!(Reply::to(prompt, behaviour).text, expected);
        }
    }

    #[test]
    fn reasoning_is_shown_as_the_request_and_the_script_say() {
        let plain = Behaviour::new();
        let scripted = Behaviour::new().reasoning("hm");
        for (asked, behaviour, expected) in [
            (Reasoning::IfScripted, &plain, None),
            (Reasoning::IfScripted, &scripted, Some("hm")),
            (Reasoning::Hidden, &scripted, None),
            (Reasoning::Shown, &plain, Some(DEFAULT_THINKING)),
            (Reasoning::Shown, &scripted, Some("hm")),
        ] {
            let prompt = Prompt { reasoning: asked, ..Prompt::default() };
            let reply = Reply::to(&prompt, behaviour);
            assert_eq!(reply.reasoning.as_deref(), expected, "{asked:?}");
        }
    }

    #[test]
    fn max_tokens_cuts_the_text_and_its_count() {
        let prompt = Prompt { max_tokens: Some(2), ..asked("a b c") };
        let reply = Reply::to(&prompt, &Behaviour::new());
        assert_eq!(reply.text, "You said:");
        assert_eq!(reply.finish, Finish::Length);
        assert_eq!(reply.usage.completion, 2);
    }

    #[test]
    fn tools_are_called_when_the_user_spoke_last() {
        let tool = || Tool {
            name: "weather".into(),
            schema: json!({"properties": {"city": {"type": "string"}}}),
        };
        let offered = || Prompt { tools: vec![tool()], ..asked("weather?") };
        let forbidden = Prompt { tool_choice: ToolChoice::Forbidden, ..offered() };
        let answered = Prompt { last: Last::ToolResults(vec!["sun".into()]), ..offered() };
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
            let arguments = reply.calls.first().map(|call| call.arguments.clone());
            assert_eq!(arguments, expected, "{tools:?}");
            assert_eq!(reply.finish == Finish::ToolCalls, expected.is_some());
        }
    }
}
