//! A key that signs requests, and is never sent itself.

use serde::Deserialize;

use super::Secret;
use super::secret::Hidden;

/// The key and, where it was lent for a while, the token that says so.
#[derive(Clone, Debug)]
pub struct AccessKey {
    /// Says whose key it is.
    pub id: Secret,
    /// What signatures are made with.
    pub secret: Secret,
    /// Sent along with every signature.
    pub session_token: Option<Secret>,
}

/// What tools print that lend keys, the output of a `credential_process`; and the same as
/// people write it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Lent {
    #[serde(alias = "accessKeyId")]
    access_key_id: Hidden,
    #[serde(alias = "secretAccessKey")]
    secret_access_key: Hidden,
    #[serde(alias = "sessionToken")]
    session_token: Option<Hidden>,
}

impl AccessKey {
    /// Reads the JSON with `AccessKeyId`, `SecretAccessKey` and perhaps
    /// `SessionToken` that tools print which lend keys. None where one is missing.
    #[must_use]
    pub fn from_json(text: &str) -> Option<Self> {
        let lent: Lent = serde_json::from_str(text).ok()?;
        let session_token = match lent.session_token.filter(|token| !token.0.is_empty()) {
            Some(token) => Some(Secret::new(token.0)?),
            None => None,
        };
        Some(Self {
            id: Secret::new(lent.access_key_id.0)?,
            secret: Secret::new(lent.secret_access_key.0)?,
            session_token,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_tools_print() {
        let lent = r#"{"Version": 1, "AccessKeyId": "AK", "SecretAccessKey": "S/+", "SessionToken": "T==", "Expiration": "2031-01-01T00:00:00Z"}"#;
        let key = AccessKey::from_json(lent).unwrap();
        assert_eq!((key.id.expose(), key.secret.expose()), ("AK", "S/+"));
        assert_eq!(key.session_token.unwrap().expose(), "T==");

        let own = r#"{"AccessKeyId": "AK", "SecretAccessKey": "S", "SessionToken": ""}"#;
        assert!(AccessKey::from_json(own).unwrap().session_token.is_none());
        let written = r#"{"accessKeyId": "AK", "secretAccessKey": "S", "region": "here"}"#;
        assert_eq!(AccessKey::from_json(written).unwrap().secret.expose(), "S");
    }

    #[test]
    fn refuses_what_is_no_key() {
        for text in ["", "[]", "AK", r#"{"AccessKeyId": "AK"}"#, r#"{"SecretAccessKey": "S"}"#] {
            assert!(AccessKey::from_json(text).is_none(), "{text}");
        }
        let spaced = r#"{"AccessKeyId": "A K", "SecretAccessKey": "S"}"#;
        assert!(AccessKey::from_json(spaced).is_none());
    }

    #[test]
    fn is_never_shown() {
        let key = r#"{"AccessKeyId": "visible", "SecretAccessKey": "visible"}"#;
        assert!(!format!("{:?}", AccessKey::from_json(key)).contains("visible"));
    }
}
