//! What an answer cannot be read without.

use plugway_formats::anthropic_messages;
use serde::{Deserialize, Serialize};

use crate::DIALECT;
use crate::model::Family;

#[derive(Default, Deserialize, Serialize)]
pub(crate) struct Memo {
    /// Of the client.
    #[serde(default)]
    pub(crate) dialect: String,
    /// The model is one of Anthropic's: its proofs are good with Anthropic too.
    #[serde(default)]
    pub(crate) anthropic: bool,
}

impl Memo {
    pub(crate) fn new(dialect: &str, family: Family) -> Self {
        Self { dialect: dialect.into(), anthropic: family == Family::Anthropic }
    }

    /// An empty memo, or none of ours, is that of a stranger.
    pub(crate) fn read(memo: &str) -> Self {
        serde_json::from_str(memo).unwrap_or_default()
    }

    pub(crate) fn to_text(&self) -> String {
        // Two plain fields do not fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The client takes native values of Converse.
    pub(crate) fn takes_native(&self) -> bool {
        self.dialect == DIALECT
    }

    /// As Anthropic's format wants it.
    pub(crate) fn for_messages(&self) -> &str {
        if self.dialect == anthropic_messages::DIALECT { &self.dialect } else { "" }
    }
}
