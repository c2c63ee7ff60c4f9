//! How a candidate ends: why, what it cites, and how likely its tokens were.

use plugway_engine::chat::{Citation, Finish, FinishReason};

use crate::BadRequest;
use crate::json::{Fields, Node, Writer, write_extra};

/// Names of a candidate that no native field may take.
const CANDIDATE_FIELDS: [&str; 4] = ["content", "finishReason", "index", "logprobsResult"];

/// Google's own words for the end of an answer.
const WORDS: [&str; 20] = [
    "STOP",
    "MAX_TOKENS",
    "SAFETY",
    "RECITATION",
    "LANGUAGE",
    "OTHER",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MODEL_ARMOR",
    "MALFORMED_FUNCTION_CALL",
    "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS",
    "MISSING_THOUGHT_SIGNATURE",
    "MALFORMED_RESPONSE",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
    "IMAGE_OTHER",
    "NO_IMAGE",
];

/// What is said of a candidate once all its parts are there.
pub(super) struct Ending<'a> {
    pub(super) finish: Option<&'a Finish>,
    pub(super) citations: &'a [&'a Citation],
    /// The tool of a call whose arguments are no object.
    pub(super) malformed: Option<&'a str>,
}

impl Ending<'_> {
    pub(super) fn write(&self, json: &mut Writer<'_>) {
        let native = self.finish.map_or(&[][..], |finish| &finish.extra);
        let mut ours = CANDIDATE_FIELDS.to_vec();
        if let Some(finish) = self.finish {
            json.key("finishReason").string(self.reason(finish));
        }
        if let Some(name) = self.malformed {
            ours.push("finishMessage");
            json.key("finishMessage").string(&format!("Malformed function call: {name}"));
        }
        let is_cited = |(name, _): &(String, String)| {
            matches!(name.as_str(), "citationMetadata" | "groundingMetadata")
        };
        if !native.iter().any(is_cited) {
            write_citations(json, self.citations);
        }
        write_extra(json, native, &ours);
    }

    /// A call that nobody can make is Google's own reason to end; so is what cut it off.
    fn reason(&self, finish: &Finish) -> &'static str {
        let reason = reason(finish);
        if self.malformed.is_some() && reason == "STOP" {
            "MALFORMED_FUNCTION_CALL"
        } else {
            reason
        }
    }

    /// The answer was withheld by another provider, which has no word for the prompt's
    /// part in it.
    pub(super) fn is_blocked(&self) -> bool {
        self.finish.is_some_and(|finish| {
            finish.reason == FinishReason::ContentFilter && known(&finish.native).is_none()
        })
    }
}

fn reason(finish: &Finish) -> &'static str {
    known(&finish.native).unwrap_or(match finish.reason {
        FinishReason::Stop | FinishReason::ToolCalls | FinishReason::Paused => "STOP",
        FinishReason::Length => "MAX_TOKENS",
        FinishReason::ContentFilter => "SAFETY",
        FinishReason::Error => "OTHER",
    })
}

fn known(native: &str) -> Option<&'static str> {
    WORDS.into_iter().find(|word| *word == native)
}

fn write_citations(json: &mut Writer<'_>, citations: &[&Citation]) {
    let is_named = |citation: &&&Citation| citation.url.is_some() || citation.title.is_some();
    let mut citations = citations.iter().filter(is_named).peekable();
    if citations.peek().is_none() {
        return;
    }
    json.key("citationMetadata").open(b'{');
    json.key("citationSources").open(b'[');
    for citation in citations {
        json.open(b'{');
        for (name, value) in [("uri", &citation.url), ("title", &citation.title)] {
            if let Some(value) = value {
                json.key(name).string(value);
            }
        }
        json.close(b'}');
    }
    json.close(b']');
    json.close(b'}');
}

/// `logprobsResult`, from arrays shaped like OpenAI chat's that are joined; nothing
/// where there are none.
pub(super) fn write_logprobs(json: &mut Writer<'_>, arrays: &[String]) {
    if arrays.is_empty() {
        return;
    }
    json.key("logprobsResult").open(b'{');
    json.key("chosenCandidates").open(b'[');
    each(arrays, |token| write_token(json, token));
    json.close(b']');
    json.key("topCandidates").open(b'[');
    each(arrays, |token| {
        json.open(b'{');
        json.key("candidates").open(b'[');
        if let Some(top) = token.take("top_logprobs") {
            for alternative in top.array()? {
                write_token(json, &mut alternative.object()?)?;
            }
        }
        json.close(b']');
        json.close(b'}');
        Ok(())
    });
    json.close(b']');
    json.close(b'}');
}

fn each(arrays: &[String], mut write: impl FnMut(&mut Fields<'_, '_>) -> Result<(), BadRequest>) {
    for array in arrays {
        let node = Node::root(array);
        for token in node.array().unwrap_or_default() {
            // What is no token is an adapter's slip, and no reason to lose the answer.
            let _ = token.object().and_then(|mut token| write(&mut token));
        }
    }
}

fn write_token(json: &mut Writer<'_>, fields: &mut Fields<'_, '_>) -> Result<(), BadRequest> {
    let token = fields.need("token")?.string()?;
    let logprob = fields.need("logprob")?;
    json.open(b'{');
    json.key("token").string(&token);
    json.key("logProbability").raw(logprob.raw());
    json.close(b'}');
    Ok(())
}
