//! What clients with types of their own drop from an item of reasoning, carried inside
//! the one field that they hand back unread: `encrypted_content`.
//!
//! What this dialect's own provider seals stands there as it is. Of what another provider
//! sealed or signed, who can read it, the item that it is from and its signature are no
//! fields of OpenAI's: they are a JSON object behind a mark. So a conversation survives
//! whoever answers it, and nothing of it is kept here in between.

use plugway_engine::chat::{Part, PartBody, Reasoning};
use serde::{Deserialize, Serialize};

use super::reasoning::OWN_FORMAT;
use crate::BadRequest;
use crate::conversation::plain;
use crate::json::Node;
use crate::labels::Field;

/// What everything that is carried begins with.
const MARK: &str = "plugway:";

const UNREADABLE: &str = "begins as what this router writes, but was changed";

/// What the item was, in case that nothing is shown of it when it comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// Reasoning in the model's own words.
    Text,
    /// Summaries of it.
    Summary,
    /// Sealed reasoning of which nothing is shown.
    Encrypted,
    /// The proof of the call of that id.
    Call,
    /// The proof of the text of the item of that id, or else of the text before it.
    Said,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Carried {
    pub(super) kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) format: Option<String>,
    /// Of the provider's item, or of what is proved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) signature: Option<String>,
    /// What is sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<String>,
}

impl Carried {
    /// Whether the dialect's own fields say all of it.
    pub(super) fn is_own(format: Option<&str>) -> bool {
        format == Some(OWN_FORMAT)
    }

    /// The `encrypted_content` that carries it.
    pub(super) fn written(&self) -> String {
        // Strings alone: writing them to memory cannot fail.
        let json = serde_json::to_string(self).unwrap_or_default();
        format!("{MARK}{json}")
    }

    /// What an `encrypted_content` carries; none where it is the dialect's own.
    pub(super) fn read(node: &Node<'_, '_>) -> Result<Option<Self>, BadRequest> {
        let text = node.text()?;
        let Some(json) = text.strip_prefix(MARK) else { return Ok(None) };
        let carried: Self = serde_json::from_str(json).map_err(|_| node.invalid(UNREADABLE))?;
        let is_whole = match carried.kind {
            Kind::Text | Kind::Summary => carried.data.is_some() || carried.signature.is_some(),
            Kind::Encrypted => carried.data.is_some(),
            Kind::Call => carried.id.is_some() && carried.data.is_some(),
            Kind::Said => carried.signature.is_some(),
        };
        if is_whole { Ok(Some(carried)) } else { Err(node.invalid(UNREADABLE)) }
    }

    /// The parts of the item, of which these summaries and thoughts are shown.
    pub(super) fn parts(
        self,
        summaries: Vec<String>,
        thoughts: Vec<String>,
        extra: Vec<Field>,
    ) -> Vec<Part> {
        let Self { kind, format, id, mut signature, data } = self;
        let mut bodies: Vec<PartBody> = Vec::new();
        if kind == Kind::Said {
            // Joined with the text once that is known.
            bodies.push(PartBody::Text(String::new()));
        }
        let summaries = summaries.into_iter().map(Reasoning::Summary);
        let shown = summaries.chain(thoughts.into_iter().map(Reasoning::Text));
        bodies.extend(shown.map(PartBody::Reasoning));
        if bodies.is_empty() {
            let hidden = match kind {
                Kind::Text => Some(Reasoning::Text(String::new())),
                Kind::Summary => Some(Reasoning::Summary(String::new())),
                Kind::Encrypted | Kind::Call | Kind::Said => None,
            };
            bodies.extend(hidden.map(PartBody::Reasoning));
        }
        bodies.extend(data.map(|data| PartBody::Reasoning(Reasoning::Encrypted(data))));
        let mut extra = extra;
        let part = |body| Part {
            id: id.clone(),
            format: format.clone(),
            signature: signature.take(),
            extra: std::mem::take(&mut extra),
            ..plain(body)
        };
        bodies.into_iter().map(part).collect()
    }
}
