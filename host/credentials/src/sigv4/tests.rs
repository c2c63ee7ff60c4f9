//! The published test suite of the signature, as far as a request of the router can
//! look like its examples.

use std::time::Duration;

use zeroize::Zeroizing;

use super::*;
use crate::Secret;

/// 2015-08-30, 12:36:00 UTC, the suite's time; seconds since the Unix epoch.
const TIME: u64 = 1_440_938_160;

fn secret(text: &str) -> Secret {
    Secret::new(Zeroizing::new(text.to_owned())).unwrap()
}

fn key(session_token: Option<&str>) -> AccessKey {
    AccessKey {
        id: secret("AKIDEXAMPLE"),
        secret: secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
        session_token: session_token.map(secret),
    }
}

fn signed(
    method: &Method,
    target: &str,
    headers: &[(&str, &str)],
    body: &[&str],
    key: &AccessKey,
) -> HeaderMap {
    let uri: Uri = format!("https://example.amazonaws.com{target}").parse().unwrap();
    let headers = headers.iter().map(|(name, value)| {
        (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap())
    });
    let headers: HeaderMap = headers.collect();
    let body = body.iter().map(|piece| piece.as_bytes());
    let request = Signable { method, uri: &uri, headers: &headers, body };
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(TIME);
    let scope = SigningScope { service: "service", region: "us-east-1", time };
    sign(request, &scope, key).unwrap().into_iter().collect()
}

#[track_caller]
fn check(method: &Method, target: &str, headers: &[(&str, &str)], body: &str, signature: &str) {
    let signed = signed(method, target, headers, &[body], &key(None));
    assert_eq!(signed["x-amz-date"], "20150830T123600Z");
    let authorization = signed["authorization"].to_str().unwrap();
    let mut names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
    names.extend(["host", "x-amz-date"]);
    names.sort_unstable();
    let expected = format!(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
         SignedHeaders={}, Signature={signature}",
        names.join(";")
    );
    assert_eq!(authorization, expected, "{method} {target}");
}

#[test]
fn the_published_requests_have_the_published_signatures() {
    let get = |target: &str, signature: &str| check(&Method::GET, target, &[], "", signature);
    get("/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
    let unreserved = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    get(
        &format!("/{unreserved}"),
        "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
    );
    get(
        &format!("/?{unreserved}={unreserved}"),
        "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
    );
    get(
        "/?Param2=value2&Param1=value1",
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    );
    let post = |target, headers, body, signature| {
        check(&Method::POST, target, headers, body, signature);
    };
    post(
        "/",
        &[("my-header1", "value1")],
        "",
        "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
    );
    post(
        "/?Param1=value1",
        &[],
        "",
        "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11",
    );
    post(
        "/",
        &[
            ("content-type", "application/x-www-form-urlencoded"),
            ("content-length", "13"),
            (
                "x-amz-content-sha256",
                "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e",
            ),
        ],
        "Param1=value1",
        "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
    );
}

/// The suite's example of a path that holds escapes, which are escaped once more.
#[test]
fn the_escapes_of_a_path_are_signed_escaped() {
    let uri = "https://lambda.us-east-2.amazonaws.com/2015-03-31/functions/\
               arn%3Aaws%3Alambda%3Aus-west-2%3A892717189312%3Afunction%3Amy-rusty-fun/invocations";
    let request = Signable {
        method: &Method::POST,
        uri: &uri.parse().unwrap(),
        headers: &HeaderMap::new(),
        body: std::iter::empty(),
    };
    // 2021-05-11, 15:40:45 UTC.
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_620_747_645);
    let scope = SigningScope { service: "lambda", region: "us-east-2", time };
    let signed: HeaderMap = sign(request, &scope, &key(None)).unwrap().into_iter().collect();
    assert_eq!(
        signed["authorization"],
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20210511/us-east-2/lambda/aws4_request, \
         SignedHeaders=host;x-amz-date, \
         Signature=4b93abbcc68be32bd64c18e2c71150660ab4c29bbd6c32a383a7517a88fc1804"
    );
}

/// Computed by another program from the published rules.
#[test]
fn a_colon_is_signed_as_it_is_sent() {
    let post = |target, signature| {
        check(&Method::POST, target, &[("content-type", "application/json")], "{}", signature);
    };
    post(
        "/model/family.model-v1%3A0/converse",
        "66d093ff980604020eb0804f1d9ccfc3609f3bda4679855e639f0cf3915ac9ac",
    );
    post(
        "/model/family.model-v1:0/converse",
        "35ce1f911b0951eba11aa69845a976ec90bc99dbdcbda2e45be05522b271e239",
    );
}

#[test]
fn a_lent_key_is_signed_with_its_token() {
    let token = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267";
    let signed = signed(&Method::GET, "/", &[], &[], &key(Some(token)));
    assert_eq!(signed["x-amz-security-token"], token);
    let published = "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8";
    assert!(signed["authorization"].to_str().unwrap().ends_with(published));
    assert!(signed.values().all(HeaderValue::is_sensitive), "or it is shown in a log");
}

#[test]
fn how_a_body_is_cut_changes_nothing() {
    let post = |body: &[&str]| signed(&Method::POST, "/", &[], body, &key(None));
    assert_eq!(post(&["Param1=value1"]), post(&["Par", "", "am1=", "value1"]));
    assert_ne!(post(&["Param1=value1"]), post(&["Param1=value2"]));
    assert_eq!(post(&[]), post(&[""]));
}
