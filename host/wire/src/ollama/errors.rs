//! An error, which is one sentence.

use bytes::{Bytes, BytesMut};

use crate::ErrorBody;
use crate::json::Writer;

/// The body of a response that is an error.
pub fn encode_error(error: &ErrorBody) -> Bytes {
    let mut out = BytesMut::new();
    write(error, &mut out);
    out.freeze()
}

/// The same, as the last line of a stream has it.
pub(super) fn write(error: &ErrorBody, out: &mut BytesMut) {
    let mut json = Writer::new(out);
    json.open(b'{');
    json.key("error").string(&error.message);
    json.close(b'}');
}
