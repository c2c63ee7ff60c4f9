//! Credentials: read from where the operator put them, attached to requests that
//! already passed every check, and seen by nothing else.

use super::sources::{Material, Sources};
use super::{Outgoing, OutgoingBody, TokenEndpoint};
use crate::catalog::{Credential, Provider};
use crate::error::{Code, Error};
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use http_body::Body as _;
use plugway_credentials::{
    AccessKey, Grant, Secret, Signable, SigningScope, TokenError, Tokens, percent_encoded, sign,
};
use plugway_engine::AuthScheme;
use std::time::SystemTime;
use tokio::time::timeout_at;
use zeroize::Zeroizing;

/// Whether a provider can be called at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialState {
    /// None is needed.
    NotNeeded,
    /// There is one.
    Present,
    /// One is needed, and it is not there.
    Missing,
}

/// Why a request cannot leave with the provider's credential.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttachError {
    /// There is none, or none that can be attached so.
    #[error("The credential for the provider `{0}` is missing or unusable.")]
    Missing(String),
    /// A signature covers the whole body, and this one is passed on as it comes.
    #[error("Requests to the provider `{0}` are signed, and a body that is relayed cannot be.")]
    Relayed(String),
    /// No access token.
    #[error("No access token for the provider `{provider}`: {error}.")]
    Token {
        /// Whose.
        provider: String,
        /// Why not.
        error: TokenError,
    },
}

/// All credentials of one router. Shared by all requests.
pub struct Credentials {
    sources: Sources,
    tokens: Tokens,
}

impl Credentials {
    /// Credentials of this process's environment.
    pub fn from_process() -> Self {
        Self::new(|name| std::env::var(name).ok())
    }

    /// Credentials whose environment variables are looked up by `env`.
    pub fn new(env: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self { sources: Sources::new(env), tokens: Tokens::default() }
    }

    /// Whether `provider` has what it needs.
    pub fn state(&self, provider: &Provider) -> CredentialState {
        if matches!(provider.auth, AuthScheme::None) {
            return CredentialState::NotNeeded;
        }
        match provider.credentials.iter().any(|credential| self.has(credential)) {
            true => CredentialState::Present,
            false if provider.credentials.is_empty() => CredentialState::NotNeeded,
            false => CredentialState::Missing,
        }
    }

    /// A variable's value, if it is set.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        self.sources.text(name)
    }

    /// Whether the credential is there.
    pub fn has(&self, credential: &Credential) -> bool {
        self.sources.material(&credential.source).is_some()
    }

    /// Puts one of the provider's credentials on a request, which is complete but for
    /// it. Waits where a token has to be obtained first, as long as `endpoint` allows.
    ///
    /// # Errors
    /// Where there is none though the provider needs one.
    pub async fn attach(
        &self,
        provider: &Provider,
        credential: Option<&Credential>,
        request: &mut Outgoing,
        endpoint: TokenEndpoint<'_>,
    ) -> Result<(), AttachError> {
        if matches!(provider.auth, AuthScheme::None) {
            return Ok(());
        }
        let missing = || AttachError::Missing(provider.name.clone());
        let Some(credential) = credential else {
            return if provider.credentials.is_empty() { Ok(()) } else { Err(missing()) };
        };
        let Some(material) = self.sources.material(&credential.source) else {
            return Err(missing());
        };
        let attached = match (&provider.auth, material) {
            (AuthScheme::Bearer, Material::Secret(secret)) => bearer(request, &secret),
            (AuthScheme::Header(name), Material::Secret(secret)) => {
                HeaderName::try_from(name.as_str())
                    .is_ok_and(|name| insert(request, name, secret.expose()))
            }
            (AuthScheme::Query(name), Material::Secret(secret)) => {
                request.add_query(name, secret.expose())
            }
            (AuthScheme::Sigv4(service), Material::AccessKey(key)) => {
                signed(provider, service, &key, request)?
            }
            (AuthScheme::Oauth(scope), Material::Grant(grant)) => {
                let token = self.token(provider, credential, (&grant, scope), endpoint).await?;
                bearer(request, &token)
            }
            _ => false,
        };
        if attached { Ok(()) } else { Err(missing()) }
    }

    async fn token(
        &self,
        provider: &Provider,
        credential: &Credential,
        (grant, scope): (&Grant, &str),
        endpoint: TokenEndpoint<'_>,
    ) -> Result<Secret, AttachError> {
        let owner = owner(provider, credential);
        let token = self.tokens.get(&owner, grant, scope, |it| endpoint.ask(it));
        let token = match timeout_at(endpoint.until, token).await {
            Ok(token) => token,
            Err(_) => Err(TokenError::TooSlow),
        };
        token.map_err(|error| {
            let (provider, credential) = (&provider.name, &credential.name);
            tracing::warn!(provider, credential, %error, "no access token");
            AttachError::Token { provider: provider.clone(), error }
        })
    }

    /// The provider did not accept what was attached: a token is not used again.
    pub fn refused(&self, provider: &Provider, credential: &Credential) {
        self.tokens.forget(&owner(provider, credential));
    }

    /// Overwrites all the provider's credentials wherever a text quotes them, as they
    /// are or as they stand in a query.
    pub fn mask(&self, provider: &Provider, text: &mut [u8]) {
        for secret in self.secrets(provider) {
            overwrite(text, secret.expose().as_bytes());
            let encoded = percent_encoded(secret.expose());
            if *encoded != secret.expose() {
                overwrite(text, encoded.as_bytes());
            }
        }
    }

    /// The same of a text that is handed on.
    pub fn masked(&self, provider: &Provider, text: String) -> String {
        let mut bytes = text.into_bytes();
        self.mask(provider, &mut bytes);
        // Credentials and stars are ASCII, so that nothing is lost here.
        String::from_utf8(bytes).unwrap_or_default()
    }

    /// What must not be told of the provider. The longest first: a short one that
    /// another begins with would leave the rest of that to be read.
    fn secrets(&self, provider: &Provider) -> Vec<Secret> {
        let credentials = provider.credentials.iter();
        let secrets = credentials.flat_map(|credential| self.secrets_of(provider, credential));
        let mut secrets: Vec<_> = secrets.collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.expose().len()));
        secrets
    }

    fn secrets_of(&self, provider: &Provider, credential: &Credential) -> Vec<Secret> {
        match self.sources.material(&credential.source) {
            None => Vec::new(),
            Some(Material::Secret(secret)) => vec![secret],
            Some(Material::AccessKey(AccessKey { id, secret, session_token })) => {
                [id, secret].into_iter().chain(session_token).collect()
            }
            Some(Material::Grant(grant)) => {
                let mut secrets = self.tokens.known(&owner(provider, credential));
                if let Grant::Client(client) = grant {
                    secrets.push(client.secret);
                }
                secrets
            }
        }
    }
}

impl AttachError {
    /// As an attempt's failure.
    pub(crate) fn told(&self) -> Error {
        let (code, provider) = match self {
            Self::Missing(provider) => (Code::ProviderAuthentication, provider),
            Self::Relayed(provider) => (Code::Unsupported, provider),
            Self::Token { provider, error } if error.is_refusal() => {
                (Code::ProviderAuthentication, provider)
            }
            Self::Token { provider, error: TokenError::TooSlow } => {
                (Code::ProviderTimeout, provider)
            }
            Self::Token { provider, .. } => (Code::ProviderUnavailable, provider),
        };
        Error::upstream(code, provider, self.to_string())
    }
}

/// Whose access tokens they are.
fn owner(provider: &Provider, credential: &Credential) -> String {
    format!("{}/{}", provider.name, credential.name)
}

/// Signs the request as it stands.
fn signed(
    provider: &Provider,
    service: &str,
    key: &AccessKey,
    request: &mut Outgoing,
) -> Result<bool, AttachError> {
    let Some(region) = provider.text_option("region") else { return Ok(false) };
    let body = match &request.body {
        OutgoingBody::Spliced(body) => Some(body),
        OutgoingBody::Relayed(body) if body.is_end_stream() => None,
        OutgoingBody::Relayed(_) => return Err(AttachError::Relayed(provider.name.clone())),
    };
    let signable = Signable {
        method: &request.method,
        uri: &request.uri,
        headers: &request.headers,
        body: body.into_iter().flat_map(|body| body.chunks()),
    };
    let scope = SigningScope { service, region: &region, time: SystemTime::now() };
    let Ok(headers) = sign(signable, &scope, key) else { return Ok(false) };
    request.headers.extend(headers);
    Ok(true)
}

/// Shorter ones, such as those of local servers, are words that any answer may hold.
const MIN_MASKED_BYTES: usize = 8;

fn overwrite(text: &mut [u8], secret: &[u8]) {
    if secret.len() < MIN_MASKED_BYTES {
        return;
    }
    let mut at = 0;
    while let Some(found) = text[at..].windows(secret.len()).position(|it| it == secret) {
        text[at + found..at + found + secret.len()].fill(b'*');
        at += found + secret.len();
    }
}

fn bearer(request: &mut Outgoing, token: &Secret) -> bool {
    let text = Zeroizing::new(format!("Bearer {}", token.expose()));
    insert(request, AUTHORIZATION, &text)
}

fn insert(request: &mut Outgoing, name: HeaderName, value: &str) -> bool {
    let Ok(mut value) = HeaderValue::try_from(value) else { return false };
    value.set_sensitive(true);
    request.headers.insert(name, value);
    true
}
