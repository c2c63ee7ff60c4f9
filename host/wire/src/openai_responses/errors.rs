//! The envelope of an error, and what a response that failed says of it.

use bytes::{Bytes, BytesMut};

use crate::json::Writer;
use crate::{ErrorBody, routed};

/// The body of a response that is an error. `error.code` is the status, as in every
/// format of this router's that has room for it.
pub fn encode_error(error: &ErrorBody) -> Bytes {
    let mut out = BytesMut::new();
    let mut json = Writer::new(&mut out);
    json.open(b'{');
    json.key("error").open(b'{');
    json.key("code").number(u64::from(error.status));
    json.key("message").string(&error.message);
    json.key("type").string(error.class);
    json.key("param").string_or_null(error.param.as_deref());
    json.key("metadata").open(b'{');
    json.key("error_type").string(error.kind);
    let named = [
        ("code", &error.code),
        ("provider_name", &error.provider_name),
        ("provider_code", &error.provider_code),
    ];
    for (name, value) in named {
        if let Some(value) = value {
            json.key(name).string(value);
        }
    }
    for (name, value) in &error.metadata {
        json.foreign_key(name).raw(value);
    }
    json.close(b'}');
    json.close(b'}');
    json.key("error_type").string(error.kind);
    routed::write(&mut json, None, Some(error));
    json.close(b'}');
    out.freeze()
}

/// The code of a response that failed, of which this format has few.
pub(super) fn code(error: &ErrorBody) -> &'static str {
    match error.kind {
        "rate_limit_exceeded" => "rate_limit_exceeded",
        "content_policy_violation" => "image_content_policy_violation",
        "invalid_request" | "context_length_exceeded" => "invalid_prompt",
        _ => "server_error",
    }
}

/// `error` of a response that failed.
pub(super) fn write(json: &mut Writer<'_>, code: &str, message: &str) {
    json.open(b'{');
    json.key("code").string(code);
    json.key("message").string(message);
    json.close(b'}');
}
