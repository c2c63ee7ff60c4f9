//! The way to a token endpoint: over the same connections as to providers, with the
//! same proxy and the same trusted authorities.

use super::{Client, Outgoing, OutgoingBody, SplicedBody};
use crate::config::UpstreamConfig;
use bytes::Bytes;
use http::Method;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use http_body_util::{BodyExt, Limited};
use plugway_credentials::{TokenAnswer, TokenError, TokenRequest};
use tokio::time::{Instant, timeout};
use zeroize::Zeroizing;

/// The largest answer that is read.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// How token endpoints are asked, for one request of a client's.
#[derive(Clone, Copy)]
pub struct TokenEndpoint<'r> {
    /// Connections.
    pub client: &'r Client,
    /// Deadlines.
    pub bounds: &'r UpstreamConfig,
    /// When the request has no more use for a token.
    pub until: Instant,
}

impl TokenEndpoint<'_> {
    /// Posts the form.
    pub(super) async fn ask(self, request: TokenRequest) -> Result<TokenAnswer, TokenError> {
        // Not this request's own deadline: others wait for the same outcome. Whoever is
        // in a hurry lets go of it.
        match timeout(self.bounds.token_timeout, self.exchange(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(TokenError::TooSlow),
        }
    }

    async fn exchange(self, request: TokenRequest) -> Result<TokenAnswer, TokenError> {
        let TokenRequest { url, form } = request;
        let mut headers = HeaderMap::new();
        let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(CONTENT_TYPE, form_type);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let body = SplicedBody::from(Bytes::from_owner(Form(form)));
        let body = OutgoingBody::Spliced(body);
        let host = url.host().unwrap_or_default().to_owned();
        let outgoing = Outgoing { method: Method::POST, uri: url, headers, body };
        let response = self.client.send(outgoing, || {}).await.map_err(|error| {
            tracing::warn!(host, %error, "token endpoint not reached");
            TokenError::Unreachable
        })?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES).collect().await;
        let body = body.map_err(|_| TokenError::Unreadable)?.to_bytes();
        Ok(TokenAnswer { status, body: body.into() })
    }
}

/// Zeroed when the connection has taken it.
struct Form(Zeroizing<String>);

impl AsRef<[u8]> for Form {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}
