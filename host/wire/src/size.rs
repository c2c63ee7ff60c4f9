//! How large a prompt is, as far as its bytes tell: what an estimate of its tokens
//! rests on.

use plugway_engine::chat;

use crate::needs::{media_kinds, tool_bytes};

/// Bytes of texts as they stand in a body, by what they count for in tokens. The rest of
/// the text is letters and spaces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// Digits.
    pub digits: usize,
    /// Marks of ASCII: of prose few, of code and JSON many.
    pub marks: usize,
    /// Of characters of two bytes: Latin with accents, Greek, Cyrillic, Hebrew, Arabic.
    pub narrow: usize,
    /// Of longer ones: Chinese, Japanese, Korean, most scripts of India, emoji.
    pub wide: usize,
}

impl Script {
    /// Adds a text.
    pub fn add(&mut self, text: &str) {
        let wide = count(text, |byte| byte >= 0xE0);
        let narrow = 2 * count(text, |byte| matches!(byte, 0xC0..=0xDF));
        let high = if wide == 0 { narrow } else { count(text, |byte| byte >= 0x80) };
        self.digits += count(text, |byte| byte.is_ascii_digit());
        self.marks += count(text, |byte| byte.is_ascii_punctuation());
        self.narrow += narrow;
        self.wide += high - narrow;
    }
}

/// Bytes of which that holds. One pass for each question, in runs that a byte can count:
/// this way it takes as long as a look at each byte, sixteen at a time.
fn count(text: &str, is: impl Fn(u8) -> bool) -> usize {
    const RUN: usize = u8::MAX as usize;
    let of_run = |run: &[u8]| run.iter().fold(0_u8, |sum, byte| sum.wrapping_add(is(*byte).into()));
    text.as_bytes().chunks(RUN).map(|run| usize::from(of_run(run))).sum()
}

/// Longest stretch of letters and digits that is taken for text: beyond it is a file, or
/// something sealed, of which nobody knows how many tokens it is.
const MAX_WORD_BYTES: usize = 256;

/// What can be read of a value that nobody here understands: all but files and seals.
pub(crate) fn legible(value: &str) -> impl Iterator<Item = &str> {
    let is_mark = |c: char| !c.is_ascii_alphanumeric() && !"+/-_=".contains(c);
    value.split_inclusive(is_mark).filter(|word| word.len() <= MAX_WORD_BYTES)
}

/// What takes tokens in a prompt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PromptSize {
    /// Bytes of text in the messages. What is sealed has none that is known.
    pub text_bytes: usize,
    /// Which those are, as far as they were looked at.
    pub script: Script,
    /// Messages.
    pub messages: u32,
    /// Tools.
    pub tools: u32,
    /// Bytes of their names, descriptions and schemas, and of the answer's schema.
    pub tool_bytes: usize,
    /// Images.
    pub images: u32,
    /// Documents that are no plain text.
    pub documents: u32,
    /// Sounds.
    pub audio: u32,
    /// Films.
    pub videos: u32,
}

impl PromptSize {
    /// Of a request in whose messages so much was said. What was thought is added.
    pub(crate) fn of(request: &chat::Request, said_bytes: usize, script: Script) -> Self {
        let text_bytes = said_bytes + thought_bytes(&request.messages);
        Self { text_bytes, script, ..Self::default() }.around(request)
    }

    /// Of the same request, completed: a message with this text was added.
    pub(crate) fn completed(mut self, request: &chat::Request, text: &str) -> Self {
        self.text_bytes += text.len();
        self.script.add(text);
        self.around(request)
    }

    /// The same text in what there is now beside text.
    fn around(self, request: &chat::Request) -> Self {
        let kinds = media_kinds(&request.messages);
        let count = |wanted| kinds.iter().filter(|kind| **kind == wanted).count();
        let bounded = |count| u32::try_from(count).unwrap_or(u32::MAX);
        Self {
            messages: bounded(request.messages.len()),
            tools: bounded(request.tools.len()),
            tool_bytes: tool_bytes(&request.tools) + answer_bytes(request),
            images: bounded(count(chat::MediaKind::Image)),
            documents: bounded(count(chat::MediaKind::Document)),
            audio: bounded(count(chat::MediaKind::Audio)),
            videos: bounded(count(chat::MediaKind::Video)),
            ..self
        }
    }
}

/// Bytes of reasoning that can be read.
fn thought_bytes(messages: &[chat::Message]) -> usize {
    let parts = messages.iter().flat_map(|message| &message.parts);
    let bytes = parts.map(|part| match &part.body {
        chat::PartBody::Reasoning(chat::Reasoning::Text(text) | chat::Reasoning::Summary(text)) => {
            text.len()
        }
        _ => 0,
    });
    bytes.sum()
}

/// Bytes of what the answer is to keep to: providers show it to the model.
fn answer_bytes(request: &chat::Request) -> usize {
    match &request.response_format {
        Some(chat::ResponseFormat::JsonSchema(format)) => {
            format.schema.len() + format.description.as_ref().map_or(0, String::len)
        }
        Some(chat::ResponseFormat::Native(format)) => format.len(),
        Some(chat::ResponseFormat::Text | chat::ResponseFormat::JsonObject) | None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_told_apart() {
        let mut script = Script::default();
        script.add("a1, größe 中文 😀");
        assert_eq!(script, Script { digits: 1, marks: 1, narrow: 4, wide: 10 });
        script.add(&"7".repeat(1000));
        assert_eq!(script.digits, 1001);
    }

    #[test]
    fn files_and_seals_are_no_text() {
        let file = "JVBERi0xLjQK+/=".repeat(100);
        let value = format!(r#"{{"type":"document_url","document_url":"data:a/b;base64,{file}"}}"#);
        let seen: String = legible(&value).collect();
        assert_eq!(seen, r#"{"type":"document_url","document_url":"data:a/b;base64,}"#);
        let prose = "文".repeat(1000) + &"a word ".repeat(1000);
        assert_eq!(legible(&prose).collect::<String>(), prose);
    }
}
