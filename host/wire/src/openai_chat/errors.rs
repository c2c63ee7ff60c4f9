//! The envelope of an error.

use bytes::{Bytes, BytesMut};

use crate::json::Writer;
use crate::{ErrorBody, routed};

impl ErrorBody {
    pub(crate) fn write(&self, json: &mut Writer<'_>) {
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
    routed::write(&mut json, None, Some(error));
    json.close(b'}');
    out.freeze()
}
