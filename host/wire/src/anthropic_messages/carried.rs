//! What the dialect has no field for, carried inside what clients hand back unread:
//! the `signature` of a `thinking` block, and the `data` of a `redacted_thinking` one.
//!
//! What this dialect's own provider signs or seals stands there as it is. Everything
//! else that must come back (who can read it, the item that it is from, a proof on a
//! call or a text) is a JSON object behind a mark. So a conversation with tools
//! survives whoever answers it, and nothing of it is kept here in between.

use plugway_engine::chat::{Part, PartBody, Reasoning};
use serde::{Deserialize, Serialize};

use super::REASONING_FORMAT;
use super::parts::Proof;
use crate::conversation::plain;

/// What everything that is carried begins with.
const MARK: &str = "plugway:";

const UNREADABLE: &str = "begins as what this router writes, but was changed";

/// What it is that carries, or is proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// Reasoning in the model's own words.
    Text,
    /// A summary of it.
    Summary,
    /// Sealed reasoning.
    Encrypted,
    /// The call whose id is given.
    Call,
    /// The text block before it.
    Said,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Carried {
    kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    format: Option<String>,
    /// Of the provider's item, or of the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// The proof, or what is sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data: Option<String>,
}

/// What the `data` of a `redacted_thinking` block turned out to be.
pub(super) enum Redacted {
    Reasoning(Part),
    OfCall(Proof),
    OfText { format: Option<String>, signature: String },
}

/// The `signature` of readable reasoning; empty where there is nothing to come back.
pub(super) fn signature(part: &Part) -> String {
    let is_summary = matches!(part.body, PartBody::Reasoning(Reasoning::Summary(_)));
    let is_ours = part.format.as_deref() == Some(REASONING_FORMAT);
    match &part.signature {
        Some(signature) if is_ours && !is_summary && part.id.is_none() => signature.clone(),
        None if part.id.is_none() && !is_summary && (is_ours || part.format.is_none()) => {
            String::new()
        }
        signature => write(&Carried {
            kind: if is_summary { Kind::Summary } else { Kind::Text },
            format: part.format.clone(),
            id: part.id.clone(),
            data: signature.clone(),
        }),
    }
}

/// The `data` of sealed reasoning.
pub(super) fn data(part: &Part, sealed: &str) -> String {
    if part.id.is_none() && part.format.as_deref() == Some(REASONING_FORMAT) {
        return sealed.to_owned();
    }
    write(&Carried {
        kind: Kind::Encrypted,
        format: part.format.clone(),
        id: part.id.clone(),
        data: Some(sealed.to_owned()),
    })
}

/// The `data` of a block that proves another: the call of that id, or the text that
/// stands before it.
pub(super) fn proof(format: Option<&str>, signature: &str, call_id: Option<&str>) -> String {
    write(&Carried {
        kind: if call_id.is_some() { Kind::Call } else { Kind::Said },
        format: format.map(str::to_owned),
        id: call_id.map(str::to_owned),
        data: Some(signature.to_owned()),
    })
}

/// The reasoning of a `thinking` block.
///
/// # Errors
/// What is wrong with its signature.
pub(super) fn thinking(text: String, signature: String) -> Result<Part, &'static str> {
    let text = PartBody::Reasoning(Reasoning::Text(text));
    let Some(carried) = read(&signature)? else {
        let signed = !signature.is_empty();
        return Ok(Part {
            signature: signed.then_some(signature),
            format: signed.then(|| REASONING_FORMAT.to_owned()),
            ..plain(text)
        });
    };
    let body = match (carried.kind, text) {
        (Kind::Text, text) => text,
        (Kind::Summary, PartBody::Reasoning(Reasoning::Text(text))) => {
            PartBody::Reasoning(Reasoning::Summary(text))
        }
        _ => return Err(UNREADABLE),
    };
    Ok(Part { id: carried.id, signature: carried.data, format: carried.format, ..plain(body) })
}

/// What a `redacted_thinking` block holds.
///
/// # Errors
/// What is wrong with it.
pub(super) fn redacted(data: String) -> Result<Redacted, &'static str> {
    let sealed = |data| plain(PartBody::Reasoning(Reasoning::Encrypted(data)));
    let Some(carried) = read(&data)? else {
        let format = Some(REASONING_FORMAT.to_owned());
        return Ok(Redacted::Reasoning(Part { format, ..sealed(data) }));
    };
    let Carried { kind, format, id, data } = carried;
    let data = data.ok_or(UNREADABLE)?;
    match kind {
        Kind::Encrypted => Ok(Redacted::Reasoning(Part { id, format, ..sealed(data) })),
        Kind::Said => Ok(Redacted::OfText { format, signature: data }),
        Kind::Call => {
            let call_id = id.ok_or(UNREADABLE)?;
            Ok(Redacted::OfCall(Proof { call_id, format, signature: data }))
        }
        Kind::Text | Kind::Summary => Err(UNREADABLE),
    }
}

fn write(carried: &Carried) -> String {
    // Strings alone: writing them to memory cannot fail.
    let json = serde_json::to_string(carried).unwrap_or_default();
    format!("{MARK}{json}")
}

/// None where nothing is carried.
fn read(text: &str) -> Result<Option<Carried>, &'static str> {
    let Some(json) = text.strip_prefix(MARK) else { return Ok(None) };
    serde_json::from_str(json).map(Some).map_err(|_| UNREADABLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasoning(body: Reasoning, format: Option<&str>, id: Option<&str>) -> Part {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Part { format: owned(format), id: owned(id), ..plain(PartBody::Reasoning(body)) }
    }

    fn signed(part: Part) -> Part {
        Part { signature: Some("sig\"\u{e9}".into()), ..part }
    }

    #[test]
    fn readable_reasoning_comes_back_as_it_went() {
        let text = || Reasoning::Text("t".into());
        let summary = || Reasoning::Summary("t".into());
        for part in [
            reasoning(text(), None, None),
            reasoning(text(), Some("f"), None),
            reasoning(text(), Some("f"), Some("rs_1")),
            reasoning(summary(), None, None),
            reasoning(summary(), Some("f"), Some("rs_1")),
            signed(reasoning(text(), Some(REASONING_FORMAT), None)),
            signed(reasoning(text(), Some("f"), None)),
            signed(reasoning(text(), None, None)),
            signed(reasoning(summary(), Some("f"), Some("rs_1"))),
        ] {
            assert_eq!(thinking("t".into(), signature(&part)).unwrap(), part);
        }
    }

    #[test]
    fn what_the_dialects_own_provider_signs_stands_as_it_is() {
        let part = signed(reasoning(Reasoning::Text("t".into()), Some(REASONING_FORMAT), None));
        assert_eq!(signature(&part), "sig\"\u{e9}");
        let sealed = reasoning(Reasoning::Encrypted("d".into()), Some(REASONING_FORMAT), None);
        assert_eq!(data(&sealed, "d"), "d");
    }

    #[test]
    fn sealed_reasoning_comes_back_as_it_went() {
        for (format, id) in [
            (Some(REASONING_FORMAT), None),
            (Some(REASONING_FORMAT), Some("rs_1")),
            (Some("f"), Some("rs_1")),
            (None, None),
        ] {
            let part = reasoning(Reasoning::Encrypted("d".into()), format, id);
            let Ok(Redacted::Reasoning(read)) = redacted(data(&part, "d")) else {
                panic!("no reasoning");
            };
            assert_eq!(read, part);
        }
    }

    #[test]
    fn what_was_changed_on_the_way_is_refused() {
        let changed = ["", "{}", "x", r#"{"kind":"call","data":"d"}"#, r#"{"kind":"encrypted"}"#];
        for carried in changed {
            assert!(redacted(format!("{MARK}{carried}")).is_err(), "{carried}");
        }
        for carried in ["", r#"{"kind":"call","id":"c","data":"d"}"#, r#"{"kind":"text","x":1}"#] {
            assert!(thinking(String::new(), format!("{MARK}{carried}")).is_err(), "{carried}");
        }
    }
}
