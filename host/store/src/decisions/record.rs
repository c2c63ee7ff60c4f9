//! What is kept of one request: all that its decision rested on, what was decided, and
//! what came of it. So much that the same strategy, asked again, gives the same plan; and
//! nothing that was said: no prompt, no answer, no words of a provider's that may quote
//! them.

use super::Decision;
use crate::Error;
use serde::{Deserialize, Serialize};

/// The form in which records are written; a change of any of their types is another one.
const FORM: u8 = 4;

/// One request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// As clients see it.
    pub id: String,
    /// When it came, milliseconds since the Unix epoch.
    pub came_ms: u64,
    /// What came, and from whom.
    pub request: Request,
    /// Endpoints that were ruled out before a strategy was asked.
    pub excluded: Vec<Exclusion>,
    /// None where nobody was asked: nothing was left to choose from, or the request was
    /// refused before.
    pub decision: Option<Decision>,
    /// In the order in which they ended.
    pub attempts: Vec<Attempt>,
    /// How it ended.
    pub outcome: Outcome,
}

/// What came, and what its client says of itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The pattern of its route.
    pub route: String,
    /// What was wanted; none where it could not be read.
    pub service: Option<Service>,
    /// The names of models that it asked for, in its order.
    pub models: String,
    /// The answer was wanted bit by bit.
    pub streamed: bool,
    /// The client's name for the conversation.
    pub session: Option<String>,
    /// `user-agent`.
    pub user_agent: Option<String>,
    /// `http-referer`, or `referer`.
    pub referer: Option<String>,
    /// `x-openrouter-title`, or `x-title`.
    pub title: Option<String>,
    /// The workspace of whoever asked, by its id; none where that is not known, and nobody's
    /// then.
    pub workspace: Option<String>,
    /// The hash of the key that asked; none where it was asked without one.
    pub key: Option<String>,
}

/// What a request wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Service {
    /// An answer.
    Chat,
    /// The number of a prompt's tokens.
    TokenCount,
    /// Vectors.
    Embeddings,
    /// Documents in order.
    Rerank,
}

/// An endpoint that the request might not go to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exclusion {
    /// Its id.
    pub endpoint: String,
    /// Whose it is.
    pub provider: String,
    /// Which model it would have served.
    pub model: String,
    /// The rule that shut it out, by name.
    pub cause: String,
    /// The same for people.
    pub reason: String,
}

/// One attempt at one endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Where.
    pub endpoint: String,
    /// Whose that is, for people.
    pub provider: String,
    /// It was paid with an account of the team's own.
    pub is_own: bool,
    /// Catalogue slug.
    pub model: String,
    /// Why it came to nothing, by the error's name; none: it served.
    pub cause: Option<String>,
    /// HTTP status that was answered, where one was.
    pub status: Option<u16>,
    /// From its beginning to its end.
    pub elapsed_ms: u64,
    /// Prompt and completion, where the provider counted them.
    pub tokens: Option<(u64, u64)>,
    /// What the provider charges for it, picodollars.
    pub cost: Option<u64>,
}

/// How a request ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// `ok`, `cancelled`, or an error's name.
    pub kind: String,
    /// The router's own sentence about its failure, never a provider's.
    pub error: Option<String>,
    /// What the client was answered; 499: it left before.
    pub status: u16,
    /// Who served.
    pub served: Option<Served>,
    /// From the request to its first content.
    pub first_content_ms: Option<u64>,
    /// From the request to its end.
    pub duration_ms: u64,
    /// Why the answer ended, as chat completions say it.
    pub finish: Option<String>,
    /// In the provider's word.
    pub native_finish: Option<String>,
    /// What it took.
    pub tokens: Tokens,
    /// What the client pays, picodollars; none: the price is unknown.
    pub cost: Option<u64>,
    /// What the provider charges for what was served, picodollars.
    pub upstream_cost: Option<u64>,
}

/// Who served a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    /// Its id.
    pub endpoint: String,
    /// Catalogue slug.
    pub model: String,
    /// The provider's name for people.
    pub provider: String,
    /// It is paid with an account of the team's own.
    pub is_own: bool,
    /// The provider's id of the answer.
    pub upstream_id: Option<String>,
    /// The tier that the provider says it served in.
    pub service_tier: Option<String>,
}

/// Tokens of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// All that was read.
    pub prompt: u64,
    /// Of these, from a cache.
    pub cached: u64,
    /// All that was written.
    pub completion: u64,
    /// Of these, reasoning.
    pub reasoning: u64,
    /// Media that were read.
    pub media: u32,
    /// Counted by the router.
    pub estimated: bool,
}

impl Record {
    /// As it is kept. Numbers keep every bit.
    ///
    /// # Errors
    /// None that is known of.
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        let form = vec![FORM];
        postcard::to_extend(self, form).map_err(Error::Record)
    }

    /// What [`Record::encode`] wrote.
    ///
    /// # Errors
    /// When it was written in another form, or is damaged.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        match bytes.split_first() {
            Some((&FORM, rest)) => postcard::from_bytes(rest).map_err(Error::Record),
            Some((&form, _)) => Err(Error::Form(form.into())),
            None => Err(Error::Record(postcard::Error::DeserializeUnexpectedEnd)),
        }
    }
}
