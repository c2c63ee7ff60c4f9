//! Names of models in paths.

use std::fmt::Write as _;

/// The text as one segment of a path, or as one value of a query: all but unreserved
/// characters percent-encoded.
pub fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::percent_encoded;

    #[test]
    fn names_of_models_stay_one_segment() {
        let check = |name, expected| assert_eq!(percent_encoded(name), expected);
        check("claude-haiku-4.5_x~", "claude-haiku-4.5_x~");
        check(
            "arn:aws:bedrock:us-east-1:1:inference-profile/a",
            "arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fa",
        );
        check("../é?", "..%2F%C3%A9%3F");
    }
}
