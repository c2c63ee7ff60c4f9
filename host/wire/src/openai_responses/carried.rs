//! What OpenAI's items of reasoning have no field for, carried in the one text that every
//! client hands back unread: `encrypted_content`.
//!
//! OpenRouter's `signature` and `format` say the same beside it, but a client that knows
//! OpenAI's fields alone drops those. What OpenAI sealed stands as it is.

use serde::{Deserialize, Serialize};

use super::reasoning::OWN_FORMAT;

/// What everything that is carried begins with.
const MARK: &str = "plugway:";

/// What belongs to reasoning beside its texts.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Carried {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) format: Option<String>,
    /// Of the text that stands beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) signature: Option<String>,
    /// Reasoning for its provider's eyes alone, or the proof of a call or a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sealed: Option<String>,
}

impl Carried {
    /// What the router wrote; none where the text is a provider's.
    pub(super) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text.strip_prefix(MARK)?).ok()
    }

    /// The text for readable reasoning with a signature.
    pub(super) fn signed(format: &str, signature: &str) -> String {
        let (format, signature) = (Some(format.to_owned()), Some(signature.to_owned()));
        Self { format, signature, sealed: None }.written()
    }

    /// The text for the proof of a call or a text.
    pub(super) fn proof(format: Option<&str>, proof: &str) -> String {
        match format {
            None | Some(OWN_FORMAT) => proof.to_owned(),
            Some(format) => {
                let (format, sealed) = (Some(format.to_owned()), Some(proof.to_owned()));
                Self { format, signature: None, sealed }.written()
            }
        }
    }

    fn written(&self) -> String {
        // Strings alone: writing them to memory cannot fail.
        format!("{MARK}{}", serde_json::to_string(self).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_carried_comes_back() {
        let text = "s\"\u{e9}";
        let owned = |text: &str| Some(text.to_owned());
        let (format, nothing) = (owned("f"), Carried::default());
        let signed = Carried { format: format.clone(), signature: owned(text), ..nothing };
        assert_eq!(Carried::read(&Carried::signed("f", text)), Some(signed));
        let proof = Carried { format, sealed: owned(text), ..Carried::default() };
        assert_eq!(Carried::read(&Carried::proof(Some("f"), text)), Some(proof));
    }

    #[test]
    fn what_openai_sealed_stands_as_it_is() {
        for format in [None, Some(OWN_FORMAT)] {
            assert_eq!(Carried::proof(format, "gAAAA"), "gAAAA");
        }
        for text in ["gAAAA", "", "plugway:", "plugway:{\"format\":1}", "plugway:{\"other\":\"x\"}"]
        {
            assert_eq!(Carried::read(text), None, "{text}");
        }
    }
}
