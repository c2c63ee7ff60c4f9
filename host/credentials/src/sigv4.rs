//! Signature Version 4: a request carries a proof that its sender has a key, bound
//! to method, path, query, headers, body, service, region and time.

use std::fmt::Write as _;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SigningSettings, sign as sign_request,
};
use aws_sigv4::sign::v4::SigningParams;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use ring::digest::{Context, SHA256};

use super::AccessKey;

/// What is signed. The path is taken as it is sent and encoded once more, which
/// services expect that are not object stores.
pub struct Signable<'r, B> {
    /// E.g. POST.
    pub method: &'r Method,
    /// Whole, with the authority that the `host` header will name.
    pub uri: &'r Uri,
    /// Those of which the value is text are signed.
    pub headers: &'r HeaderMap,
    /// The pieces of the body, in order.
    pub body: B,
}

/// What a signature is good for.
pub struct SigningScope<'r> {
    /// The name that the service has in signatures.
    pub service: &'r str,
    /// Where the service is.
    pub region: &'r str,
    /// When the request is sent.
    pub time: SystemTime,
}

/// The request could not be signed. Says nothing that was in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request cannot be signed")]
pub struct SignError;

/// The headers that sign a request; they replace any of their names.
///
/// # Errors
/// Where a part of the request cannot be put in the form that is signed.
pub fn sign<'b>(
    request: Signable<'_, impl Iterator<Item = &'b [u8]>>,
    scope: &SigningScope<'_>,
    key: &AccessKey,
) -> Result<Vec<(HeaderName, HeaderValue)>, SignError> {
    let token = key.session_token.as_ref().map(|token| token.expose().to_owned());
    // Zeroed when dropped, as ours is.
    let credentials =
        Credentials::new(key.id.expose(), key.secret.expose(), token, None, "operator");
    let identity = credentials.into();
    let params = SigningParams::builder()
        .identity(&identity)
        .region(scope.region)
        .name(scope.service)
        .time(scope.time)
        .settings(SigningSettings::default())
        .build()
        .map_err(|_| SignError)?;
    let headers = request.headers.iter();
    let headers = headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let body = SignableBody::Precomputed(digest(request.body));
    let signable =
        SignableRequest::new(request.method.as_str(), request.uri.to_string(), headers, body)
            .map_err(|_| SignError)?;
    let signed = sign_request(signable, &params.into()).map_err(|_| SignError)?;
    let (instructions, _) = signed.into_parts();
    instructions
        .headers()
        .map(|(name, value)| {
            let mut value = HeaderValue::from_str(value).map_err(|_| SignError)?;
            value.set_sensitive(true);
            Ok((HeaderName::from_bytes(name.as_bytes()).map_err(|_| SignError)?, value))
        })
        .collect()
}

/// SHA-256 of all pieces together, in hexadecimal digits.
fn digest<'b>(body: impl Iterator<Item = &'b [u8]>) -> String {
    let mut context = Context::new(&SHA256);
    body.for_each(|piece| context.update(piece));
    context.finish().as_ref().iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests;
