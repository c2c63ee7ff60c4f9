//! Clients' own provider keys, as they are said to be used: kept as JSON beside what is
//! sealed. And what may be brought as a key of a provider.

use crate::catalog::brought::is_json;
use crate::catalog::{KeyMaterial, Provider};
use plugway_engine::AuthScheme;
use plugway_store::ByokRow;
use serde::{Deserialize, Serialize};

/// Who may use one, and for what; none: no restriction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ByokSettings {
    /// Models, by their slugs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_models: Option<Vec<String>>,
    /// Keys of this router, by their hashes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_api_key_hashes: Option<Vec<String>>,
    /// Users, as requests name them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_user_ids: Option<Vec<String>>,
    /// Whoever may use it is never served with the router's own credentials of the provider.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub always_use: bool,
}

impl ByokSettings {
    /// Those of a row; none where another version has written them, for then nobody can
    /// tell who may use it.
    #[must_use]
    pub fn of(row: &ByokRow) -> Option<Self> {
        serde_json::from_str(&row.settings).ok()
    }

    /// As they are kept.
    pub(crate) fn written(&self) -> String {
        // Texts can be written.
        serde_json::to_string(self).unwrap_or_else(|_| "{}".to_owned())
    }
}

/// Whether a text can be used as a key of this provider.
///
/// # Errors
/// What to bring instead, as a sentence that quotes nothing of the key.
pub fn byok_shape(provider: &Provider, secret: &str) -> Result<(), String> {
    let name = &provider.name;
    let wanted = match &provider.auth {
        AuthScheme::None => return Err(format!("The provider `{name}` takes no key.")),
        AuthScheme::Bearer | AuthScheme::Header(_) | AuthScheme::Query(_) => {
            "one text of visible ASCII characters, without spaces, and not JSON"
        }
        AuthScheme::Sigv4(_) => {
            "an access key as JSON: `accessKeyId`, `secretAccessKey` and perhaps `sessionToken`"
        }
        AuthScheme::Oauth(_) => {
            "the JSON key file of a service account, with an RSA key and an https `token_uri`"
        }
    };
    if !KeyMaterial::read(secret).is_some_and(|key| key.fits(&provider.auth)) {
        return Err(format!("A key of the provider `{name}` is {wanted}."));
    }
    match (region(secret), provider.text_option("region")) {
        (Some(theirs), Some(ours)) if theirs != ours => {
            Err(format!("The provider `{name}` is used in the region `{ours}`, and in no other."))
        }
        _ => Ok(()),
    }
}

/// The region that a key of several texts names beside them.
fn region(secret: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Place {
        region: Option<String>,
    }
    let place: Place = is_json(secret).then(|| serde_json::from_str(secret).ok()).flatten()?;
    place.region
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::offer;

    fn provider(auth: AuthScheme) -> Provider {
        let options = vec![("region".to_owned(), "\"here\"".to_owned())];
        let bare = Provider::clone(&offer("one", "One", "a/m").provider);
        Provider { auth, options, ..bare }
    }

    fn check(auth: &AuthScheme, secret: &str, expected: Result<(), &str>) {
        match (byok_shape(&provider(auth.clone()), secret), expected) {
            (Ok(()), Ok(())) => {}
            (Err(told), Err(part)) => {
                assert!(told.contains(part) && !told.contains("secret-part"), "{told}");
            }
            (told, _) => panic!("{secret}: {told:?}"),
        }
    }

    #[test]
    fn a_key_is_taken_in_the_form_that_its_provider_is_told_in() {
        let header = AuthScheme::Header("x-api-key".to_owned());
        for auth in [&AuthScheme::Bearer, &header] {
            check(auth, "sk-secret-part", Ok(()));
            check(auth, "two secret-part", Err("one text"));
            check(auth, "", Err("one text"));
            check(auth, r#"{"api_key":"secret-part"}"#, Err("not JSON"));
        }
        check(&AuthScheme::None, "sk-secret-part", Err("takes no key"));
        let signed = AuthScheme::Sigv4("service".to_owned());
        let access_key = r#"{"accessKeyId": "A", "secretAccessKey": "secret-part"}"#;
        check(&signed, access_key, Ok(()));
        check(&signed, &access_key.replace('}', ", \"region\": \"here\"}"), Ok(()));
        check(&signed, &access_key.replace('}', ", \"region\": \"there\"}"), Err("`here`"));
        check(&signed, "sk-secret-part", Err("accessKeyId"));
        let granted = AuthScheme::Oauth("scope".to_owned());
        check(&granted, access_key, Err("service account"));
        check(&granted, "sk-secret-part", Err("service account"));
    }
}
