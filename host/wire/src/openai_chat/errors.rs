//! The envelope of an error.

use bytes::{Bytes, BytesMut};

use crate::json::Writer;

/// An error as the client is to see it. What happened, and which status it makes,
/// is the router's judgement.
#[derive(Clone, Debug, Default)]
pub struct ErrorBody {
    /// HTTP status.
    pub status: u16,
    /// One sentence.
    pub message: String,
    /// `metadata.error_type`, e.g. `rate_limit_exceeded`.
    pub kind: &'static str,
    /// `type` as OpenAI has it, e.g. `invalid_request_error`.
    pub class: &'static str,
    /// Stable code finer than the kind, e.g. `missing_required_parameter`.
    pub code: Option<String>,
    /// The request field at fault.
    pub param: Option<String>,
    /// Display name of the provider whose fault it was.
    pub provider_name: Option<String>,
    /// That provider's own code.
    pub provider_code: Option<String>,
    /// Name and JSON of whatever else is worth telling.
    pub metadata: Vec<(String, String)>,
}

impl ErrorBody {
    pub(super) fn write(&self, json: &mut Writer<'_>) {
        json.open(b'{');
        json.key("code").number(u64::from(self.status));
        json.key("message").string(&self.message);
        json.key("type").string(self.class);
        json.key("param").string_or_null(self.param.as_deref());
        json.key("metadata").open(b'{');
        json.key("error_type").string(self.kind);
        let named = [
            ("code", &self.code),
            ("provider_name", &self.provider_name),
            ("provider_code", &self.provider_code),
        ];
        for (name, value) in named {
            if let Some(value) = value {
                json.key(name).string(value);
            }
        }
        for (name, value) in &self.metadata {
            json.foreign_key(name).raw(value);
        }
        json.close(b'}');
        json.close(b'}');
    }
}

/// The body of a response that is an error.
pub fn encode_error(error: &ErrorBody) -> Bytes {
    let mut out = BytesMut::new();
    let mut json = Writer::new(&mut out);
    json.open(b'{');
    error.write(json.key("error"));
    json.close(b'}');
    out.freeze()
}
