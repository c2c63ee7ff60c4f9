//! A client that is known to an authorization server by id and secret.

use http::Uri;

use super::Secret;

/// What the client credentials grant of OAuth 2 (RFC 6749, section 4.4) takes.
#[derive(Clone, Debug)]
pub struct ClientCredentials {
    /// Who the client is.
    pub id: Secret,
    /// What proves it.
    pub secret: Secret,
    /// Where tokens are obtained.
    pub token_url: Uri,
}
