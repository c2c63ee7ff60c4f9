//! The envelope of an error.

use bytes::{Bytes, BytesMut};

use crate::json::Writer;
use crate::{ErrorBody, routed};

/// The body of a response that is an error.
pub fn encode_error(error: &ErrorBody) -> Bytes {
    let mut out = BytesMut::new();
    let mut json = Writer::new(&mut out);
    json.open(b'{');
    json.key("type").string("error");
    error.write_message(&mut json);
    routed::write(&mut json, None, Some(error));
    json.close(b'}');
    out.freeze()
}

impl ErrorBody {
    /// The fields of an error beside its `type`, as a body or an event of a stream
    /// has them.
    pub(super) fn write_message(&self, json: &mut Writer<'_>) {
        json.key("error").open(b'{');
        json.key("type").string(self.class_of_message());
        json.key("message").string(&self.message);
        json.key("error_type").string(self.kind);
        json.close(b'}');
        json.key("request_id").string_or_null(self.id.as_deref());
        let named = [
            ("code", &self.code),
            ("param", &self.param),
            ("provider_name", &self.provider_name),
            ("provider_code", &self.provider_code),
        ];
        if self.metadata.is_empty() && named.iter().all(|(_, value)| value.is_none()) {
            return;
        }
        json.key("metadata").open(b'{');
        for (name, value) in named {
            if let Some(value) = value {
                json.key(name).string(value);
            }
        }
        for (name, value) in &self.metadata {
            json.foreign_key(name).raw(value);
        }
        json.close(b'}');
    }

    /// The dialect's own name for the kind of error.
    fn class_of_message(&self) -> &'static str {
        match (self.status, self.kind) {
            (401, _) => "authentication_error",
            (402, _) => "billing_error",
            (403, _) => "permission_error",
            (404, _) => "not_found_error",
            (408 | 504, _) => "timeout_error",
            (429, _) => "rate_limit_error",
            (_, "overloaded" | "provider_overloaded") => "overloaded_error",
            (400..=499, _) => "invalid_request_error",
            _ => "api_error",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn told(error: &ErrorBody) -> Value {
        serde_json::from_slice(&encode_error(error)).unwrap()
    }

    #[test]
    fn an_error_has_the_dialects_envelope() {
        let error = ErrorBody {
            status: 400,
            message: "`max_tokens` is missing".into(),
            kind: "invalid_request",
            param: Some("max_tokens".into()),
            metadata: vec![("endpoints".into(), "[]".into())],
            id: Some("gen-1".into()),
            ..ErrorBody::default()
        };
        let expected = json!({
            "type": "error",
            "error": {
                "type": "invalid_request_error",
                "message": "`max_tokens` is missing",
                "error_type": "invalid_request",
            },
            "request_id": "gen-1",
            "metadata": {"param": "max_tokens", "endpoints": []},
        });
        assert_eq!(told(&error), expected);
        let bare = ErrorBody { status: 500, kind: "server", ..ErrorBody::default() };
        assert_eq!(told(&bare)["request_id"], Value::Null);
        assert_eq!(told(&bare).get("metadata"), None);
    }

    #[test]
    fn every_status_has_a_class() {
        for (status, kind, class) in [
            (400, "context_length_exceeded", "invalid_request_error"),
            (401, "authentication", "authentication_error"),
            (402, "payment_required", "billing_error"),
            (403, "foreign_origin", "permission_error"),
            (404, "model_not_found", "not_found_error"),
            (405, "method_not_allowed", "invalid_request_error"),
            (408, "request_timeout", "timeout_error"),
            (413, "payload_too_large", "invalid_request_error"),
            (429, "rate_limit_exceeded", "rate_limit_error"),
            (500, "server", "api_error"),
            (502, "provider_unavailable", "api_error"),
            (503, "no_endpoint", "api_error"),
            (503, "overloaded", "overloaded_error"),
            (503, "provider_overloaded", "overloaded_error"),
            (504, "timeout", "timeout_error"),
            (529, "provider_overloaded", "overloaded_error"),
        ] {
            let error = ErrorBody { status, kind, ..ErrorBody::default() };
            assert_eq!(told(&error)["error"]["type"], class, "{status} {kind}");
            assert_eq!(told(&error)["error"]["error_type"], kind);
        }
    }
}
