//! How many tokens a prompt has, about, from what its bytes are; and exactly, for
//! vocabularies that are published. Nobody but the provider knows what it adds.

use std::str::FromStr;

/// Thousandths of a token for each byte or piece. Held against recorded requests whose
/// providers told what they counted: `cargo bench --bench estimate` prints the error.
///
/// Limits are about long prompts, of which texts are nearly all: of those that were
/// recorded four in five are estimated at what they were counted or more, half of them by
/// 17 % or more. A short one is mostly what its provider adds: a tool costs 30 tokens at
/// some and 500 at others, and an estimate that knows no provider takes the middle. Of
/// media four in five are within their weight, all of them short. Of scripts beyond ASCII
/// few were recorded; there a test holds the weights against what published vocabularies
/// make of prose.
mod weight {
    pub(super) const LETTER: u64 = 180;
    /// Many vocabularies make a token of each.
    pub(super) const DIGIT: u64 = 1_000;
    pub(super) const MARK: u64 = 450;
    pub(super) const NARROW: u64 = 220;
    pub(super) const WIDE: u64 = 300;
    pub(super) const TOOL_BYTE: u64 = 260;
    pub(super) const MESSAGE: u64 = 5_000;
    /// Once, where there are tools: providers tell the model how to call any.
    pub(super) const TOOLING: u64 = 80_000;
    pub(super) const TOOL: u64 = 20_000;
    pub(super) const IMAGE: u64 = 1_000_000;
    pub(super) const DOCUMENT: u64 = 2_000_000;
    pub(super) const AUDIO: u64 = 250_000;
    pub(super) const VIDEO: u64 = 2_000_000;
}

/// What takes tokens in a prompt. Texts count in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    /// Letters of ASCII and spaces.
    pub letters: u64,
    /// Digits.
    pub digits: u64,
    /// Marks of ASCII.
    pub marks: u64,
    /// Characters of two bytes.
    pub narrow: u64,
    /// Longer characters.
    pub wide: u64,
    /// Messages.
    pub messages: u64,
    /// Tools.
    pub tools: u64,
    /// Names, descriptions and schemas of tools, and the schema of the answer, which not
    /// all providers count.
    pub tool_bytes: u64,
    /// Images.
    pub images: u64,
    /// Documents.
    pub documents: u64,
    /// Sounds.
    pub audio: u64,
    /// Films.
    pub videos: u64,
}

impl Prompt {
    /// Tokens of the whole.
    #[must_use]
    pub fn tokens(&self) -> u32 {
        let weighed = [
            (self.letters, weight::LETTER),
            (self.digits, weight::DIGIT),
            (self.marks, weight::MARK),
            (self.narrow, weight::NARROW),
            (self.wide, weight::WIDE),
            (self.tool_bytes, weight::TOOL_BYTE),
        ];
        bounded(sum(&weighed).saturating_add(self.frame())).max(1)
    }

    /// Tokens of all that is no text: the frame of messages and tools, and media.
    #[must_use]
    pub fn beside_text(&self) -> u32 {
        bounded(self.frame())
    }

    fn frame(&self) -> u64 {
        sum(&[
            (self.messages, weight::MESSAGE),
            (self.tools.min(1), weight::TOOLING),
            (self.tools, weight::TOOL),
            (self.images, weight::IMAGE),
            (self.documents, weight::DOCUMENT),
            (self.audio, weight::AUDIO),
            (self.videos, weight::VIDEO),
        ])
    }
}

fn sum(weighed: &[(u64, u64)]) -> u64 {
    let products = weighed.iter().map(|(count, weight)| count.saturating_mul(*weight));
    products.fold(0, u64::saturating_add)
}

fn bounded(thousandths: u64) -> u32 {
    u32::try_from(thousandths / 1000).unwrap_or(u32::MAX)
}

/// A vocabulary that is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Vocabulary {
    /// 200,000 tokens.
    O200k,
    /// 100,000 tokens.
    Cl100k,
}

impl Vocabulary {
    /// Names that [`FromStr`] reads.
    pub const NAMES: &'static [&'static str] = &["o200k", "cl100k"];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::O200k => "o200k",
            Self::Cl100k => "cl100k",
        }
    }

    /// Tokens of a text, exactly. Takes time in proportion to its length: on one core
    /// of 2020 about a tenth of a second for a million bytes.
    #[must_use]
    pub fn count(self, text: &str) -> usize {
        match self {
            Self::O200k => bpe_openai::o200k_base().count(text),
            Self::Cl100k => bpe_openai::cl100k_base().count(text),
        }
    }
}

/// There is no vocabulary of this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no vocabulary that is known here")]
pub struct UnknownVocabulary;

impl FromStr for Vocabulary {
    type Err = UnknownVocabulary;

    fn from_str(name: &str) -> Result<Self, UnknownVocabulary> {
        [Self::O200k, Self::Cl100k]
            .into_iter()
            .find(|it| it.name() == name)
            .ok_or(UnknownVocabulary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_vocabulary_counts_as_published() {
        // From the examples that were published with the vocabularies.
        assert_eq!(Vocabulary::Cl100k.count("tiktoken is great!"), 6);
        assert_eq!(Vocabulary::O200k.count("tiktoken is great!"), 6);
        assert_eq!(Vocabulary::Cl100k.count("お誕生日おめでとう"), 9);
        assert_eq!(Vocabulary::O200k.count(""), 0);
    }

    #[test]
    fn a_vocabulary_is_read_by_its_name() {
        for name in Vocabulary::NAMES {
            assert_eq!(name.parse::<Vocabulary>().map(Vocabulary::name), Ok(*name));
        }
        assert_eq!("o201k".parse::<Vocabulary>(), Err(UnknownVocabulary));
    }

    #[test]
    fn more_of_anything_is_never_fewer_tokens() {
        let some = Prompt { letters: 1000, messages: 3, ..Prompt::default() };
        let more = [
            Prompt { letters: 2000, ..some },
            Prompt { digits: 100, ..some },
            Prompt { marks: 100, ..some },
            Prompt { narrow: 100, ..some },
            Prompt { wide: 100, ..some },
            Prompt { messages: 30, ..some },
            Prompt { tools: 1, tool_bytes: 100, ..some },
            Prompt { images: 1, ..some },
            Prompt { documents: 1, ..some },
            Prompt { audio: 1, ..some },
            Prompt { videos: 1, ..some },
        ];
        for more in more {
            assert!(more.tokens() > some.tokens(), "{more:?}");
        }
    }

    #[test]
    fn prose_of_any_script_is_estimated_within_a_factor_of_two() {
        let russian = "Маршрутизатор принимает запрос и выбирает, куда его отправить. Если первый \
                       провайдер не отвечает, он пробует следующего, и клиент этого не замечает.";
        let chinese = "路由器收到请求后决定把它发送到哪里。如果第一个提供商没有回答，它就尝试下一个，\
                       而客户端不会注意到这一点。";
        let english = "The router takes a request and decides where to send it. Where the first \
                       provider does not answer, it tries the next one, and nobody notices.";
        let bytes = |text: &str| text.len() as u64;
        for (prompt, text) in [
            (Prompt { narrow: bytes(russian), ..Prompt::default() }, russian),
            (Prompt { wide: bytes(chinese), ..Prompt::default() }, chinese),
            (Prompt { letters: bytes(english), ..Prompt::default() }, english),
        ] {
            for vocabulary in [Vocabulary::O200k, Vocabulary::Cl100k] {
                let (estimate, count) = (prompt.tokens() as usize, vocabulary.count(text));
                assert!(
                    estimate * 2 >= count && estimate <= count * 2,
                    "{estimate} for {count} of {}: {text}",
                    vocabulary.name()
                );
            }
        }
    }

    #[test]
    fn the_largest_prompt_is_counted_and_the_smallest_is_one_token() {
        assert_eq!(Prompt::default().tokens(), 1);
        let all = Prompt { letters: u64::MAX, images: u64::MAX, ..Prompt::default() };
        assert_eq!(all.tokens(), u32::MAX);
    }
}
