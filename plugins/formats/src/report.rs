//! What a provider complained about, made fit for a client: on one line, without
//! keys, not too long; and what its words mean where it sends no code.

use plugway_sdk::chat::{Failure, FailureKind};

/// Characters of a provider's message that are passed on.
const MESSAGE_LIMIT: usize = 600;

/// Words of this many characters that mix cases and digits are taken for secrets.
const SECRET_CHARS: usize = 32;

/// Beginnings of keys, and of names of accounts, that providers repeat in messages.
const SECRETS: [&str; 10] =
    ["sk-", "sk_", "pk-", "gsk_", "xai-", "hf_", "AIza", "org-", "proj_", "user_"];

/// A request that is wrong everywhere, by the name of its field.
pub fn invalid(field: &str, what: &str) -> Failure {
    Failure {
        param: Some(field.into()),
        ..Failure::new(FailureKind::InvalidRequest, format!("{field} {what}"))
    }
}

/// A URI that the provider does not fetch: the router may, and then asks again.
pub fn must_fetch(uri: &str) -> Failure {
    Failure {
        code: Some("fetch".into()),
        param: Some(uri.into()),
        ..Failure::unsupported("the provider does not fetch media by URL")
    }
}

/// The message on one line, without keys and names of accounts, and not too long.
pub fn cleaned(message: &str) -> String {
    let words: Vec<String> = message.split_whitespace().map(masked).collect();
    let line = words.join(" ");
    match line.char_indices().nth(MESSAGE_LIMIT) {
        None => line,
        Some((end, _)) => format!("{}...", &line[..end]),
    }
}

/// The word, or a mask where it holds something that looks like a key.
fn masked(word: &str) -> String {
    let inner = |c: char| c.is_ascii_alphanumeric() || "-_*.".contains(c);
    let secret = word.split(|c| !inner(c)).any(|token| {
        token.contains("***") || begins_like_a_secret(token) || mixes_like_a_secret(token)
    });
    if secret { "[redacted]".into() } else { word.into() }
}

fn begins_like_a_secret(token: &str) -> bool {
    SECRETS.iter().any(|prefix| token.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty()))
}

fn mixes_like_a_secret(token: &str) -> bool {
    let has = |of: fn(&u8) -> bool| token.bytes().any(|byte| of(&byte));
    token.len() >= SECRET_CHARS
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_digit)
}

/// What a lower-case message means, for servers that say it in prose alone.
pub fn kind_of_prose(status: u16, message: &str) -> Option<FailureKind> {
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| message.contains(phrase));
    let faults: &[(&[u16], &[&str], FailureKind)] = &[
        (
            &[400, 413, 422, 500],
            &["context length", "context window", "context size", "maximum context"],
            FailureKind::ContextLengthExceeded,
        ),
        (
            &[400, 403],
            &["content management policy", "safety system", "content policy"],
            FailureKind::ContentPolicy,
        ),
        (
            &[400, 403, 429],
            &["exceeded your current quota", "insufficient balance", "insufficient credits"],
            FailureKind::PaymentRequired,
        ),
        (
            &[400, 422],
            &["not a valid model", "invalid model", "supported api model names", "model not found"],
            FailureKind::ModelNotFound,
        ),
        (
            &[400, 422, 500],
            &["not supported", "does not support", "unsupported", "not enabled for this model"],
            FailureKind::Unsupported,
        ),
    ];
    faults
        .iter()
        .find(|(statuses, phrases, _)| statuses.contains(&status) && says(phrases))
        .map(|(_, _, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::cleaned;

    #[test]
    fn keys_are_masked_and_words_are_kept() {
        let check = |message: &str, expected: &str| assert_eq!(cleaned(message), expected);
        check("Incorrect API key:\n sk-abc123", "Incorrect API key: [redacted]");
        check("key 'AIzaSyA1b2' is bad", "key [redacted] is bad");
        check("no Xa9kQ2mB7vC4nL1pR8sT3wY6zD0eF5gH here", "no [redacted] here");
        check("the model gpt-5.5-2026-04-23 is unknown", "the model gpt-5.5-2026-04-23 is unknown");
        check(&"x".repeat(700), &format!("{}...", "x".repeat(600)));
    }
}
