//! The envelope of an error: `google.rpc.Status`.

use bytes::{Bytes, BytesMut};

use crate::ErrorBody;
use crate::json::Writer;

/// Whose reasons they are, in `ErrorInfo`.
const DOMAIN: &str = "plugway";

/// The body of a response that is an error.
pub fn encode_error(error: &ErrorBody) -> Bytes {
    let mut out = BytesMut::new();
    let mut json = Writer::new(&mut out);
    json.open(b'{');
    write(json.key("error"), error);
    json.close(b'}');
    out.freeze()
}

pub(super) fn write(json: &mut Writer<'_>, error: &ErrorBody) {
    json.open(b'{');
    json.key("code").number(u64::from(error.status));
    json.key("message").string(&error.message);
    json.key("status").string(status(error.status));
    json.key("details").open(b'[');
    write_info(json, error);
    if let Some(param) = &error.param {
        json.open(b'{');
        json.key("@type").string("type.googleapis.com/google.rpc.BadRequest");
        json.key("fieldViolations").open(b'[');
        json.open(b'{');
        json.key("field").string(param);
        json.key("description").string(&error.message);
        json.close(b'}');
        json.close(b']');
        json.close(b'}');
    }
    json.close(b']');
    json.close(b'}');
}

/// Which error it is. The values of `metadata` are texts: JSON stands in one.
fn write_info(json: &mut Writer<'_>, error: &ErrorBody) {
    json.open(b'{');
    json.key("@type").string("type.googleapis.com/google.rpc.ErrorInfo");
    json.key("reason").string(&error.kind.to_ascii_uppercase());
    json.key("domain").string(DOMAIN);
    json.key("metadata").open(b'{');
    json.key("error_type").string(error.kind);
    let named = [
        ("code", &error.code),
        ("provider_name", &error.provider_name),
        ("provider_code", &error.provider_code),
        ("id", &error.id),
    ];
    for (name, value) in named {
        if let Some(value) = value {
            json.key(name).string(value);
        }
    }
    for (name, value) in &error.metadata {
        json.foreign_key(name).string(value);
    }
    json.close(b'}');
    json.close(b'}');
}

/// The canonical code that goes with a status of HTTP.
fn status(status: u16) -> &'static str {
    match status {
        401 => "UNAUTHENTICATED",
        402 => "FAILED_PRECONDITION",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        405 | 501 => "UNIMPLEMENTED",
        408 | 504 => "DEADLINE_EXCEEDED",
        409 => "ABORTED",
        429 => "RESOURCE_EXHAUSTED",
        499 => "CANCELLED",
        400..=499 => "INVALID_ARGUMENT",
        502 | 503 => "UNAVAILABLE",
        _ => "INTERNAL",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn an_error_says_which_it_is_and_where() {
        let body = encode_error(&ErrorBody {
            status: 429,
            message: "Too many.".into(),
            kind: "rate_limit_exceeded",
            class: "rate_limit_error",
            code: None,
            param: Some("contents[0].role".into()),
            provider_name: Some("Acme".into()),
            provider_code: Some("slow".into()),
            metadata: vec![("endpoints".into(), r#"["a"]"#.into())],
            id: Some("gen-1".into()),
            ..ErrorBody::default()
        });
        let expected = json!({"error": {
            "code": 429,
            "message": "Too many.",
            "status": "RESOURCE_EXHAUSTED",
            "details": [
                {
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": "RATE_LIMIT_EXCEEDED",
                    "domain": "plugway",
                    "metadata": {
                        "error_type": "rate_limit_exceeded",
                        "provider_name": "Acme",
                        "provider_code": "slow",
                        "id": "gen-1",
                        "endpoints": "[\"a\"]",
                    },
                },
                {
                    "@type": "type.googleapis.com/google.rpc.BadRequest",
                    "fieldViolations": [
                        {"field": "contents[0].role", "description": "Too many."},
                    ],
                },
            ],
        }});
        assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), expected);
    }

    #[test]
    fn every_status_has_a_canonical_code() {
        for (http, code) in [
            (400, "INVALID_ARGUMENT"),
            (402, "FAILED_PRECONDITION"),
            (413, "INVALID_ARGUMENT"),
            (500, "INTERNAL"),
            (502, "UNAVAILABLE"),
            (504, "DEADLINE_EXCEEDED"),
        ] {
            assert_eq!(status(http), code, "{http}");
        }
    }
}
