//! What goes to a token endpoint, and what is made of its answers.

use super::*;

fn client() -> Grant {
    let secret = |text: &str| Secret::new(Zeroizing::new(text.to_owned())).unwrap();
    Grant::Client(ClientCredentials {
        id: secret("id&1"),
        secret: secret("s~e+c/r=t"),
        token_url: Uri::from_static("https://tokens.example/t"),
    })
}

#[test]
fn a_client_asks_with_id_and_secret() {
    let request = client().request("https://s.example/.default", SystemTime::now()).unwrap();
    assert_eq!(request.url, "https://tokens.example/t");
    assert_eq!(
        *request.form,
        "grant_type=client_credentials&client_id=id%261&client_secret=s~e%2Bc%2Fr%3Dt\
         &scope=https%3A%2F%2Fs.example%2F.default"
    );
}

fn read(status: u16, body: &str) -> Result<(String, u64), TokenError> {
    let granted = granted(TokenAnswer { status, body: body.as_bytes().to_vec() })?;
    Ok((granted.token.expose().to_owned(), granted.lifetime.as_secs()))
}

#[test]
fn a_token_and_its_lifetime_are_read() {
    let token = |lifetime| Ok(("t".to_owned(), lifetime));
    let answer = r#"{"access_token":"t","token_type":"Bearer","expires_in":3599}"#;
    assert_eq!(read(200, answer), token(3599));
    assert_eq!(read(200, r#"{"access_token":"t","expires_in":"3599"}"#), token(3599));
    assert_eq!(read(200, r#"{"access_token":"t","expires_in":null}"#), token(300));
    assert_eq!(read(200, r#"{"access_token":"t"}"#), token(300));
    assert_eq!(read(200, r#"{"access_token":"t","expires_in":99999999}"#), token(86400));
}

#[test]
fn what_is_no_token_is_none() {
    for body in [
        "",
        "<html>",
        "{}",
        r#"{"access_token":""}"#,
        r#"{"access_token":"two words"}"#,
        r#"{"access_token":null}"#,
        r#"{"access_token":"t","token_type":"mac"}"#,
        r#"{"access_token":"t","expires_in":-1}"#,
        r#"{"access_token":"t","expires_in":"soon"}"#,
    ] {
        assert_eq!(read(200, body), Err(TokenError::Unreadable), "{body}");
    }
}

#[test]
fn a_refusal_is_told_by_its_word_alone() {
    let refused = |status, code: Option<&str>| {
        Err(TokenError::Refused { status, code: code.map(str::to_owned) })
    };
    let told = r#"{"error":"invalid_client","error_description":"the secret s~e is wrong"}"#;
    assert_eq!(read(401, told), refused(401, Some("invalid_client")));
    assert_eq!(read(400, r#"{"error":"Not a word: s~e"}"#), refused(400, None));
    assert_eq!(read(400, r#"{"error":{"code":7}}"#), refused(400, None));
    assert_eq!(read(403, "<html>"), refused(403, None));
    let error = read(401, told).unwrap_err();
    assert!(error.is_refusal());
    assert_eq!(
        error.to_string(),
        "the token endpoint refused the credential (status 401, `invalid_client`)"
    );
}

#[test]
fn what_may_pass_is_no_refusal() {
    for (status, body) in [
        (500, ""),
        (503, r#"{"error":"invalid_client"}"#),
        (429, "{}"),
        (408, ""),
        (302, ""),
        (400, r#"{"error":"temporarily_unavailable"}"#),
    ] {
        let error = read(status, body).unwrap_err();
        assert_eq!(error, TokenError::Status(status));
        assert!(!error.is_refusal());
    }
}

#[test]
fn another_credential_or_scope_is_another_token() {
    let digest = client().digest("a");
    assert_eq!(client().digest("a"), digest);
    assert_ne!(client().digest("b"), digest);
    let Grant::Client(mut other) = client() else { unreachable!("it is a client") };
    other.secret = Secret::new(Zeroizing::new("another".to_owned())).unwrap();
    assert_ne!(Grant::Client(other).digest("a"), digest);
}
