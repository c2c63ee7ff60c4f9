//! A service account: a key file that signs assertions of who it is (RFC 7523).

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Uri;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::secret::Hidden;

/// How long an assertion may be used: what authorization servers take at most.
const ASSERTED_FOR: Duration = Duration::from_secs(60 * 60);

/// Why a key file is of no use. Quotes nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No JSON, or a field is missing.
    #[error("it is no key file of a service account")]
    Format,
    /// Of another type of account.
    #[error("its `type` is not `service_account`")]
    Type,
    /// A token URL that would show the assertion to the network.
    #[error("its `token_uri` is no https URL")]
    TokenUrl,
    /// A private key that cannot be read.
    #[error("its `private_key` is no RSA key in PKCS #8")]
    PrivateKey,
}

/// What a key file holds.
pub struct ServiceAccount {
    email: String,
    key_id: Option<String>,
    private_key: Zeroizing<String>,
    token_url: Uri,
}

#[derive(Deserialize)]
struct KeyFile {
    r#type: Option<String>,
    client_email: Option<String>,
    private_key: Option<Hidden>,
    private_key_id: Option<String>,
    token_uri: Option<String>,
}

impl ServiceAccount {
    /// Reads a key file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_json(text: &str) -> Result<Self, KeyError> {
        let file: KeyFile = serde_json::from_str(text).map_err(|_| KeyError::Format)?;
        if file.r#type.is_some_and(|kind| kind != "service_account") {
            return Err(KeyError::Type);
        }
        let token_url = file.token_uri.ok_or(KeyError::Format)?;
        let account = Self {
            email: file.client_email.ok_or(KeyError::Format)?,
            key_id: file.private_key_id,
            private_key: file.private_key.ok_or(KeyError::Format)?.0,
            token_url: token_url.parse().map_err(|_| KeyError::TokenUrl)?,
        };
        if !is_private(&account.token_url) {
            return Err(KeyError::TokenUrl);
        }
        account.key_pair()?;
        Ok(account)
    }

    /// Where assertions are taken to.
    #[must_use]
    pub fn token_url(&self) -> &Uri {
        &self.token_url
    }

    /// A signed statement of who asks, for what, from `now` on.
    pub(crate) fn assertion(
        &self,
        scope: &str,
        now: SystemTime,
    ) -> Result<Zeroizing<String>, KeyError> {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let header = match &self.key_id {
            Some(id) => serde_json::json!({"alg": "RS256", "typ": "JWT", "kid": id}),
            None => serde_json::json!({"alg": "RS256", "typ": "JWT"}),
        };
        let claims = serde_json::json!({
            "iss": self.email,
            "scope": scope,
            "aud": self.token_url.to_string(),
            "iat": now.as_secs(),
            "exp": (now + ASSERTED_FOR).as_secs(),
        });
        let encoded = |json: serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let mut assertion = Zeroizing::new(format!("{}.{}", encoded(header), encoded(claims)));
        let pair = self.key_pair()?;
        let mut signature = vec![0; pair.public().modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), assertion.as_bytes(), &mut signature)
            .map_err(|_| KeyError::PrivateKey)?;
        assertion.push('.');
        assertion.push_str(&URL_SAFE_NO_PAD.encode(signature));
        Ok(assertion)
    }

    /// What tells one key from another, the private key among it.
    pub(crate) fn identity(&self) -> [&str; 2] {
        [&self.email, &self.private_key]
    }

    fn key_pair(&self) -> Result<RsaKeyPair, KeyError> {
        let key = PrivatePkcs8KeyDer::from_pem_slice(self.private_key.as_bytes())
            .map_err(|_| KeyError::PrivateKey)?;
        RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).map_err(|_| KeyError::PrivateKey)
    }
}

impl PartialEq for ServiceAccount {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
            && self.key_id == other.key_id
            && self.token_url == other.token_url
    }
}

impl std::fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceAccount").field("email", &self.email).finish_non_exhaustive()
    }
}

/// Whether nobody on the way can read along.
fn is_private(url: &Uri) -> bool {
    let host = url.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback =
        address.parse::<std::net::IpAddr>().map_or(host == "localhost", |it| it.is_loopback());
    match url.scheme_str() {
        Some("https") => !host.is_empty(),
        Some("http") => is_loopback,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
