//! Base64 with the standard alphabet, for joining streamed media: bits that each
//! decode on their own do not make one text when laid end to end.

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};

/// Takes text that is padded or not, and whatever bits a last character leaves over.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Appends what `bit` decodes to onto what `whole` decodes to. Where either is no
/// base64, the texts are joined as they are: the client's to complain about.
pub(crate) fn append(whole: &mut String, bit: &str) {
    if !whole.ends_with('=') {
        whole.push_str(bit);
        return;
    }
    // The last four characters hold the bytes that do not fill a group of three.
    let seam = whole.len().saturating_sub(4);
    let tail = whole.get(seam..).and_then(|tail| LENIENT.decode(tail).ok());
    match (tail, LENIENT.decode(bit)) {
        (Some(mut bytes), Ok(more)) => {
            bytes.extend_from_slice(&more);
            whole.truncate(seam);
            STANDARD.encode_string(&bytes, whole);
        }
        _ => whole.push_str(bit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_join_into_one_text() {
        // "Hello, world!" cut at every place.
        let text = b"Hello, world!";
        for cut in 0..=text.len() {
            let mut whole = STANDARD.encode(&text[..cut]);
            append(&mut whole, &STANDARD.encode(&text[cut..]));
            assert_eq!(whole, "SGVsbG8sIHdvcmxkIQ==", "cut at {cut}");
        }
        let mut whole = "SGVsbA==".to_owned();
        append(&mut whole, "byE");
        assert_eq!(whole, "SGVsbG8h", "without padding");
    }

    #[test]
    fn what_is_no_base64_is_joined_as_it_is() {
        let mut whole = "ab==".to_owned();
        append(&mut whole, "!!");
        assert_eq!(whole, "ab==!!");
    }
}
