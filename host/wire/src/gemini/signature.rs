//! `thoughtSignature`: the one text in which this dialect keeps what must come back.
//!
//! Google's own signatures stand as they are. Whatever else a part must keep (the
//! signature of another provider, its format, reasoning that is encrypted, the id of
//! its item) is the base64 of a mark and a JSON object, for client libraries take the
//! text for bytes, and write them again in either alphabet.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use plugway_engine::chat::{Part, PartBody, Reasoning};
use serde::{Deserialize, Serialize};

use super::FORMAT;

/// What the bytes of a proof begin with that is not Google's alone.
const MARK: &[u8] = b"plugway1:";

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const COMMON: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// What a part must keep beside its text.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Proof {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    format: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// The text is a summary of what was thought.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    summary: bool,
    /// Reasoning for the provider's eyes alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    encrypted: Option<String>,
}

/// The text that a part is to carry; none where it has nothing to keep.
pub(super) fn written(part: &Part) -> Option<Cow<'_, str>> {
    let proof = Proof::of(part)?;
    if let (Some(FORMAT), Some(signature), None) =
        (part.format.as_deref(), &part.signature, &proof.encrypted)
        && bytes(signature).is_some_and(|bytes| !bytes.starts_with(MARK))
    {
        return Some(signature.into());
    }
    // Strings have no way to fail as JSON.
    let json = serde_json::to_vec(&proof).unwrap_or_default();
    Some(STANDARD.encode([MARK, &json].concat()).into())
}

impl Proof {
    fn of(part: &Part) -> Option<Self> {
        let reasoning = match &part.body {
            PartBody::Reasoning(reasoning) => Some(reasoning),
            _ => None,
        };
        let encrypted = match reasoning {
            Some(Reasoning::Encrypted(data)) => Some(data.clone()),
            _ => None,
        };
        let is_foreign = part.format.as_deref().is_some_and(|format| format != FORMAT);
        let is_item = reasoning.is_some() && (is_foreign || part.id.is_some());
        (part.signature.is_some() || encrypted.is_some() || is_item).then(|| Self {
            format: part.format.clone(),
            signature: part.signature.clone(),
            id: part.id.clone(),
            summary: matches!(reasoning, Some(Reasoning::Summary(_))),
            encrypted,
        })
    }

    /// The proof in a text that the router wrote; none where it is Google's.
    pub(super) fn read(text: &str) -> Option<Self> {
        let bytes = bytes(text)?;
        serde_json::from_slice(bytes.strip_prefix(MARK)?).ok()
    }

    /// Puts what was kept back on its part.
    pub(super) fn restore(self, part: &mut Part) {
        if let PartBody::Reasoning(reasoning) = &mut part.body {
            if let Some(data) = self.encrypted {
                *reasoning = Reasoning::Encrypted(data);
            } else if let (true, Reasoning::Text(text)) = (self.summary, &mut *reasoning) {
                *reasoning = Reasoning::Summary(std::mem::take(text));
            }
        }
        part.format = self.format;
        part.signature = self.signature;
        part.id = self.id;
    }
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    COMMON.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events;

    fn part(body: PartBody, format: &str, signature: Option<&str>) -> Part {
        Part {
            format: Some(format.to_owned()).filter(|format| !format.is_empty()),
            signature: signature.map(str::to_owned),
            ..events::part(body)
        }
    }

    #[test]
    fn googles_own_stand_as_they_are() {
        for signature in ["c2ln", "Ci8B_z-x", "Ci8B/z+x", "YQ", "YQ=="] {
            let part = part(events::text("x"), FORMAT, Some(signature));
            assert_eq!(written(&part).as_deref(), Some(signature));
            assert_eq!(Proof::read(signature), None);
        }
        assert_eq!(written(&part(events::reasoning("x"), FORMAT, None)), None);
        assert_eq!(written(&events::part(events::text("x"))), None);
    }

    #[test]
    fn what_others_signed_comes_back_through_either_alphabet() {
        let summary = PartBody::Reasoning(Reasoning::Summary("s".into()));
        let encrypted = PartBody::Reasoning(Reasoning::Encrypted("\u{fffd}??>>".into()));
        for (body, format, signature) in [
            (events::reasoning("t"), "anthropic-claude-v1", Some("EqQB+/=\u{ff}")),
            (events::reasoning("t"), "openai-responses-v1", None),
            (events::text("t"), FORMAT, Some("not base64!")),
            (events::text("t"), FORMAT, Some("cGx1Z3dheTE6e30=")),
            (events::text("t"), "", Some("c2ln")),
            (summary, "openai-responses-v1", None),
            (encrypted, "openai-responses-v1", None),
        ] {
            let mut part = part(body.clone(), format, signature);
            if matches!(body, PartBody::Reasoning(_)) {
                part.id = Some("rs_1".into());
            }
            let text = written(&part).unwrap().into_owned();
            let url_safe = text.replace('+', "-").replace('/', "_").replace('=', "");
            for text in [text, url_safe] {
                let read = match &part.body {
                    PartBody::Reasoning(Reasoning::Encrypted(_)) => events::reasoning(""),
                    PartBody::Reasoning(Reasoning::Summary(_)) => events::reasoning("s"),
                    body => body.clone(),
                };
                let mut read = events::part(read);
                Proof::read(&text).unwrap().restore(&mut read);
                assert_eq!(format!("{read:?}"), format!("{part:?}"));
            }
        }
    }
}
