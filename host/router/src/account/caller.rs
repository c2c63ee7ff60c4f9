//! Who sent a request: the key that it carries, looked up by its hash. The key itself is
//! compared with nothing and kept nowhere, so how long it takes says nothing of other keys.

use super::accounts::Accounts;
use super::brought::{BroughtKey, BroughtKeys};
use super::snapshot::{Key, Workspace};
use crate::Router;
use crate::error::{Code, Error};
use http::header::{AUTHORIZATION, HeaderName};
use http::{HeaderMap, Uri};
use std::sync::Arc;

/// Headers that hold a key and nothing else.
const KEY_HEADERS: [HeaderName; 2] =
    [HeaderName::from_static("x-api-key"), HeaderName::from_static("x-goog-api-key")];

/// Bytes of a key that is looked up; ours are shorter.
const MAX_KEY_BYTES: usize = 512;

/// Who asks.
#[derive(Clone)]
pub struct Caller {
    /// The key; none where no key was asked for.
    pub key: Option<Arc<Key>>,
    /// Where it belongs.
    pub workspace: Arc<Workspace>,
    /// Clients' own provider keys, everybody's.
    brought: Arc<BroughtKeys>,
    /// The user that the request names.
    user: Option<Arc<str>>,
}

impl Caller {
    /// Whoever has this key, or needs none.
    pub(super) fn new(
        accounts: &Accounts,
        key: Option<Arc<Key>>,
        workspace: Arc<Workspace>,
    ) -> Self {
        Self { key, workspace, brought: accounts.brought(), user: None }
    }

    /// The same, on behalf of a user whom the request names.
    pub(crate) fn on_behalf_of(self, user: Option<&str>) -> Self {
        Self { user: user.map(Arc::from), ..self }
    }

    /// The keys of a provider's that it may use for a model, or for what names none: those
    /// of its workspace, then those of all, each in their order.
    pub(crate) fn brought<'c>(
        &'c self,
        provider: &str,
        model: Option<&'c str>,
    ) -> impl Iterator<Item = &'c Arc<BroughtKey>> {
        let keys = self.brought.of(&self.workspace.row.id, provider);
        keys.filter(move |key| key.is_for(model, self.hash(), self.user.as_deref()))
    }
}

/// Who wants something of a model. Without any key made, or where the operator asks for
/// none, that may be nobody in particular.
///
/// # Errors
/// When a key is needed and there is none, or it may not be used for this.
pub fn authenticate(router: &Router, headers: &HeaderMap, uri: &Uri) -> Result<Caller, Error> {
    let accounts = router.accounts.now();
    let nobody = || {
        let workspace = &accounts.default_workspace;
        match workspace.is_unreadable {
            true => Err(Refused::Unreadable.error()),
            false => Ok(Caller::new(&router.accounts, None, workspace.clone())),
        }
    };
    if !accounts.has_keys {
        return nobody();
    }
    let key = match key(router, headers, uri) {
        Ok(key) => key,
        // One that is disabled or has expired is refused all the same; one that was revoked is
        // known no longer.
        Err(Refused::Missing | Refused::Unknown)
            if !router.settings().config.server.require_keys =>
        {
            return nobody();
        }
        Err(refused) => return Err(refused.error()),
    };
    if key.row.is_management {
        return Err(Error::new(
            Code::Forbidden,
            "Management keys cannot be used for inference; create an API key with this one.",
        ));
    }
    let workspace = key.workspace.clone();
    if workspace.is_unreadable {
        return Err(Refused::Unreadable.error());
    }
    Ok(Caller::new(&router.accounts, Some(key), workspace))
}

/// Refuses whoever has no key at all, where keys are asked for. A management key will do:
/// nothing is asked of a model.
pub(crate) fn known(router: &Router, headers: &HeaderMap, uri: &Uri) -> Result<(), Error> {
    match router.accounts.now().has_keys && router.settings().config.server.require_keys {
        true => key(router, headers, uri).map(drop).map_err(Refused::error),
        false => Ok(()),
    }
}

/// The key that a request carries, of whatever kind.
///
/// # Errors
/// When there is none, or none that is good.
pub(crate) fn bearer(router: &Router, headers: &HeaderMap, uri: &Uri) -> Result<Arc<Key>, Error> {
    key(router, headers, uri).map_err(Refused::error)
}

/// Refuses whoever has no management key.
///
/// # Errors
/// When there is no key, or it is another one.
pub(crate) fn manager(router: &Router, headers: &HeaderMap, uri: &Uri) -> Result<(), Error> {
    let key = bearer(router, headers, uri)?;
    match key.row.is_management {
        true => Ok(()),
        false => Err(Error::new(
            Code::Forbidden,
            "Only management keys can be used here; `plugway keys create --management` makes one.",
        )),
    }
}

/// Why a key is not good.
#[derive(Clone, Copy)]
enum Refused {
    Missing,
    Unknown,
    Disabled,
    Expired,
    Unreadable,
}

impl Refused {
    fn error(self) -> Error {
        let message = match self {
            Self::Missing => {
                "Missing Authentication header: send `Authorization: Bearer` with an API key of \
                 this router."
            }
            Self::Unknown => "The API key is not known here, or was revoked.",
            Self::Disabled => "The API key is disabled.",
            Self::Expired => "The API key has expired.",
            Self::Unreadable => {
                "Another version of the router has written what the API key's workspace may."
            }
        };
        let code = match self {
            Self::Unreadable => Code::Forbidden,
            _ => Code::Unauthorized,
        };
        Error::new(code, message)
    }
}

/// Clients fill in several places, some of them with what is meant for others: the first
/// key that is known counts.
fn key(router: &Router, headers: &HeaderMap, uri: &Uri) -> Result<Arc<Key>, Refused> {
    let accounts = router.accounts.now();
    let mut has_any = false;
    let known = carried(headers, uri).find_map(|secret| {
        has_any = true;
        let is_short = secret.len() <= MAX_KEY_BYTES;
        is_short.then(|| accounts.shown(secret)).flatten()
    });
    let key = match known {
        Some(key) => key,
        None if has_any => return Err(Refused::Unknown),
        None => return Err(Refused::Missing),
    };
    if key.row.disabled {
        return Err(Refused::Disabled);
    }
    if key.row.expires_ms.is_some_and(|end| end <= router.clock.unix_ms()) {
        return Err(Refused::Expired);
    }
    Ok(key.clone())
}

/// All texts in places where clients put keys.
fn carried<'r>(headers: &'r HeaderMap, uri: &'r Uri) -> impl Iterator<Item = &'r str> {
    let bearer = headers.get_all(AUTHORIZATION).iter().filter_map(|value| {
        let (scheme, secret) = value.to_str().ok()?.trim().split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(secret)
    });
    let plain = KEY_HEADERS.into_iter().flat_map(|name| headers.get_all(name));
    let plain = plain.filter_map(|value| value.to_str().ok());
    let pairs = uri.query().unwrap_or_default().split('&');
    let query = pairs.filter_map(|pair| pair.strip_prefix("key="));
    bearer.chain(plain).chain(query).map(str::trim).filter(|secret| !secret.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&'static str, &'static str)], uri: &str) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        let uri = uri.parse().unwrap();
        carried(&headers, &uri).map(str::to_owned).collect()
    }

    #[test]
    fn keys_are_found_wherever_clients_put_them() {
        for (pairs, uri, expected) in [
            (&[][..], "/", &[][..]),
            (&[("authorization", "Bearer a")], "/", &["a"]),
            (&[("authorization", "bearer  a ")], "/", &["a"]),
            (&[("authorization", "Basic a"), ("x-api-key", "b")], "/", &["b"]),
            (&[("authorization", "Bearer "), ("x-goog-api-key", "c")], "/", &["c"]),
            (&[("x-goog-api-key", "c"), ("x-api-key", "b")], "/?key=d&alt=sse", &["b", "c", "d"]),
            (&[], "/?alt=sse&key=d", &["d"]),
            (&[], "/?monkey=d&key=", &[]),
        ] {
            assert_eq!(of(pairs, uri), expected, "{pairs:?} {uri}");
        }
    }
}
