//! What an authorization server would check of an assertion.

use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Value, json};

use super::*;

const PRIVATE: &str = include_str!("test-key.pem");
const PUBLIC: &[u8] = include_bytes!("test-key.public.der");

fn file() -> Value {
    json!({
        "type": "service_account",
        "project_id": "p",
        "private_key_id": "k1",
        "private_key": PRIVATE,
        "client_email": "router@p.example",
        "token_uri": "https://tokens.example/token",
    })
}

fn read(file: &Value) -> Result<ServiceAccount, KeyError> {
    ServiceAccount::from_json(&file.to_string())
}

#[test]
fn an_assertion_says_who_asks_for_what_and_is_signed() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    let assertion = read(&file()).unwrap().assertion("https://s.example/a b", now).unwrap();
    let (signed, signature) = assertion.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, PUBLIC);
    assert!(public.verify(signed.as_bytes(), &signature).is_ok());

    let (header, claims) = signed.split_once('.').unwrap();
    let decoded = |part: &str| -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    assert_eq!(decoded(header), json!({"alg": "RS256", "typ": "JWT", "kid": "k1"}));
    assert_eq!(
        decoded(claims),
        json!({
            "iss": "router@p.example",
            "scope": "https://s.example/a b",
            "aud": "https://tokens.example/token",
            "iat": 1_000_000,
            "exp": 1_003_600,
        })
    );
}

#[test]
fn a_file_that_is_of_no_use_is_told_apart() {
    assert_eq!(ServiceAccount::from_json("no json").unwrap_err(), KeyError::Format);
    let with = |key: &str, value: Value| {
        let mut file = file();
        file[key] = value;
        read(&file).unwrap_err()
    };
    assert_eq!(with("type", json!("authorized_user")), KeyError::Type);
    assert_eq!(with("client_email", Value::Null), KeyError::Format);
    assert_eq!(with("token_uri", Value::Null), KeyError::Format);
    assert_eq!(with("token_uri", json!("http://tokens.example/token")), KeyError::TokenUrl);
    assert_eq!(with("token_uri", json!("/token")), KeyError::TokenUrl);
    assert_eq!(with("private_key", json!("-----BEGIN")), KeyError::PrivateKey);
    let public = PRIVATE.replace("PRIVATE", "PUBLIC");
    assert_eq!(with("private_key", json!(public)), KeyError::PrivateKey);
}

#[test]
fn a_token_url_of_this_machine_may_be_plain() {
    for url in ["http://127.0.0.1:8080/token", "http://[::1]/token", "http://localhost/token"] {
        let mut file = file();
        file["token_uri"] = json!(url);
        assert!(read(&file).is_ok(), "{url}");
    }
}

#[test]
fn is_never_shown() {
    let shown = format!("{:?}", read(&file()).unwrap());
    assert_eq!(shown, r#"ServiceAccount { email: "router@p.example", .. }"#);
}
