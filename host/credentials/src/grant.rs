//! What is sent to a token endpoint, and what it answers.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::Uri;
use ring::digest::{Context, SHA256};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::secret::Hidden;
use super::{ClientCredentials, Secret, ServiceAccount, TokenError};

/// How long a token is used whose answer does not say.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(5 * 60);

/// And how long at most, whatever the answer says.
const MAX_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// An error code of RFC 6749 is a word; longer ones are not shown.
const MAX_CODE_BYTES: usize = 64;

/// What tokens are obtained with.
#[derive(Debug)]
pub enum Grant {
    /// A signed assertion of who asks.
    ServiceAccount(Arc<ServiceAccount>),
    /// An id and a secret.
    Client(ClientCredentials),
}

/// A form for a token endpoint, to be posted.
pub struct TokenRequest {
    /// The endpoint.
    pub url: Uri,
    /// `application/x-www-form-urlencoded`. Holds secrets.
    pub form: Zeroizing<String>,
}

/// What the endpoint answered.
pub struct TokenAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The whole body.
    pub body: Vec<u8>,
}

/// A token and how long it is good for.
pub(crate) struct Granted {
    pub(crate) token: Secret,
    pub(crate) lifetime: Duration,
}

#[derive(Deserialize)]
struct Success {
    access_token: Hidden,
    token_type: Option<String>,
    expires_in: Option<Seconds>,
}

/// Some servers write the number as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(u64),
    Text(String),
}

#[derive(Deserialize)]
struct Refusal {
    error: Option<serde_json::Value>,
}

impl Grant {
    /// The form that asks for a token of this scope.
    pub(crate) fn request(&self, scope: &str, now: SystemTime) -> Result<TokenRequest, TokenError> {
        match self {
            Self::ServiceAccount(account) => {
                let assertion = account.assertion(scope, now)?;
                let form = form(&[
                    ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
                    ("assertion", &assertion),
                ]);
                Ok(TokenRequest { url: account.token_url().clone(), form })
            }
            Self::Client(client) => {
                let form = form(&[
                    ("grant_type", "client_credentials"),
                    ("client_id", client.id.expose()),
                    ("client_secret", client.secret.expose()),
                    ("scope", scope),
                ]);
                Ok(TokenRequest { url: client.token_url.clone(), form })
            }
        }
    }

    /// The same of what would bring the same token, other of anything else.
    pub(crate) fn digest(&self, scope: &str) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        let mut add = |text: &str| {
            context.update(&(text.len() as u64).to_be_bytes());
            context.update(text.as_bytes());
        };
        add(scope);
        match self {
            Self::ServiceAccount(account) => {
                account.identity().into_iter().for_each(&mut add);
                add(&account.token_url().to_string());
            }
            Self::Client(client) => {
                add(client.id.expose());
                add(client.secret.expose());
                add(&client.token_url.to_string());
            }
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(context.finish().as_ref());
        digest
    }
}

/// Reads what a token endpoint answered.
pub(crate) fn granted(answer: TokenAnswer) -> Result<Granted, TokenError> {
    let TokenAnswer { status, body } = answer;
    let body = Zeroizing::new(body);
    match status {
        200..=299 => {}
        400..=499 if status != 408 && status != 429 => return Err(refusal(status, &body)),
        _ => return Err(TokenError::Status(status)),
    }
    let success: Success = serde_json::from_slice(&body).map_err(|_| TokenError::Unreadable)?;
    if success.token_type.is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(TokenError::Unreadable);
    }
    let lifetime = match success.expires_in {
        Some(Seconds::Number(seconds)) => Duration::from_secs(seconds),
        Some(Seconds::Text(text)) => {
            Duration::from_secs(text.parse().map_err(|_| TokenError::Unreadable)?)
        }
        None => DEFAULT_LIFETIME,
    };
    let token = Secret::new(success.access_token.0).ok_or(TokenError::Unreadable)?;
    Ok(Granted { token, lifetime: lifetime.min(MAX_LIFETIME) })
}

/// The endpoint's own word, where it is one; never its prose, which may quote.
fn refusal(status: u16, body: &[u8]) -> TokenError {
    let refusal: Option<Refusal> = serde_json::from_slice(body).ok();
    let code = refusal.and_then(|it| Some(it.error?.as_str()?.to_owned()));
    let is_word = |code: &String| {
        code.len() <= MAX_CODE_BYTES
            && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
            && !code.is_empty()
    };
    match code.filter(is_word) {
        Some(code) if matches!(&*code, "temporarily_unavailable" | "server_error") => {
            TokenError::Status(status)
        }
        code => TokenError::Refused { status, code },
    }
}

fn form(fields: &[(&str, &str)]) -> Zeroizing<String> {
    let mut form = Zeroizing::new(String::new());
    for (name, value) in fields {
        if !form.is_empty() {
            form.push('&');
        }
        form.push_str(name);
        form.push('=');
        form.push_str(&percent_encoded(value));
    }
    form
}

/// Everything but unreserved characters percent-encoded.
#[must_use]
pub fn percent_encoded(text: &str) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(text.len() * 3));
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests;
