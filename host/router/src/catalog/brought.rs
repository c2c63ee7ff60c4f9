//! A client's own key of a provider, opened: in memory alone.

use plugway_credentials::{AccessKey, Secret, ServiceAccount};
use plugway_engine::AuthScheme;
use plugway_routing::CredentialRecord;
use std::fmt;
use std::sync::{Arc, Mutex};

/// What attempts with clients' own keys are counted as in metrics, which is no name of a
/// configured credential. There may be thousands of keys.
pub(crate) const LABEL: &str = "byok";

/// A key that a client has brought, and what is remembered of it. Two are the same if they
/// are one.
pub struct Brought {
    /// What the provider is to be told by.
    pub key: KeyMaterial,
    /// How the provider takes it. It goes with the key, and no other key has part in it.
    pub record: Arc<Mutex<CredentialRecord>>,
}

impl PartialEq for Brought {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Brought {}

impl fmt::Debug for Brought {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Brought(..)")
    }
}

/// The forms that a key may have. Zeroed when dropped, shown by nothing.
#[derive(Clone)]
pub enum KeyMaterial {
    /// A text that is sent.
    Text(Secret),
    /// A key that signs requests.
    AccessKey(AccessKey),
    /// What tokens are obtained with.
    ServiceAccount(Arc<ServiceAccount>),
}

impl KeyMaterial {
    /// Reads a key; none where it has none of the forms.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        if !is_json(text) {
            return Secret::new(text.to_owned().into()).map(Self::Text);
        }
        let access_key = AccessKey::from_json(text).map(Self::AccessKey);
        let account = || ServiceAccount::from_json(text).ok().map(Arc::new);
        access_key.or_else(|| account().map(Self::ServiceAccount))
    }

    /// Whether it can be attached so.
    #[must_use]
    pub fn fits(&self, auth: &AuthScheme) -> bool {
        match (auth, self) {
            (AuthScheme::Bearer | AuthScheme::Header(_) | AuthScheme::Query(_), Self::Text(_))
            | (AuthScheme::Sigv4(_), Self::AccessKey(_))
            | (AuthScheme::Oauth(_), Self::ServiceAccount(_)) => true,
            (
                AuthScheme::None
                | AuthScheme::Bearer
                | AuthScheme::Header(_)
                | AuthScheme::Query(_)
                | AuthScheme::Sigv4(_)
                | AuthScheme::Oauth(_),
                _,
            ) => false,
        }
    }

    /// Whether the other one says the same.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let same = |one: &Secret, other: &Secret| one.expose() == other.expose();
        match (self, other) {
            (Self::Text(one), Self::Text(other)) => same(one, other),
            (Self::AccessKey(one), Self::AccessKey(other)) => {
                let tokens = (&one.session_token, &other.session_token);
                let is_same_token = match tokens {
                    (Some(one), Some(other)) => same(one, other),
                    (one, other) => one.is_none() && other.is_none(),
                };
                same(&one.id, &other.id) && same(&one.secret, &other.secret) && is_same_token
            }
            (Self::ServiceAccount(one), Self::ServiceAccount(other)) => one == other,
            _ => false,
        }
    }
}

impl fmt::Debug for KeyMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyMaterial(..)")
    }
}

/// Whether a key is one of several texts.
pub(crate) fn is_json(text: &str) -> bool {
    text.trim_start().starts_with('{')
}
