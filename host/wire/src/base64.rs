//! Base64 with the standard alphabet: of what clients attach, and for joining streamed
//! media, of which bits that each decode on their own do not make one text when laid end
//! to end.

use std::borrow::Cow;

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

/// The text in the standard alphabet, padded and in one line, of base64 in any: itself
/// where it is that. None where it is no base64.
pub(crate) fn standard(text: &str) -> Option<Cow<'_, str>> {
    let content = text.trim_end_matches('=');
    let is_padded = text.len().is_multiple_of(4) && text.len() - content.len() <= 2;
    if is_padded && content.bytes().all(is_standard) {
        return Some(Cow::Borrowed(text));
    }
    let mut whole = String::with_capacity(text.len() + 2);
    for byte in text.trim_end_matches(['=', ' ', '\t', '\n', '\r']).bytes() {
        match byte {
            b'-' => whole.push('+'),
            b'_' => whole.push('/'),
            // As mail breaks it.
            b' ' | b'\t' | b'\n' | b'\r' => {}
            _ if is_standard(byte) => whole.push(char::from(byte)),
            _ => return None,
        }
    }
    match whole.len() % 4 {
        0 => {}
        1 => return None,
        rest => whole.push_str(if rest == 2 { "==" } else { "=" }),
    }
    Some(Cow::Owned(whole))
}

fn is_standard(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

/// The bytes; none where the text is not in the standard alphabet.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    LENIENT.decode(text).ok()
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
    fn any_alphabet_is_told_in_the_standard_one() {
        for (text, expected) in [
            ("SGVsbG8h", "SGVsbG8h"),
            ("SGVsbG8=", "SGVsbG8="),
            ("SGVsbA==", "SGVsbA=="),
            ("SGVsbG8", "SGVsbG8="),
            ("SGVsbA", "SGVsbA=="),
            ("SGVsbA=", "SGVsbA=="),
            ("-_-_", "+/+/"),
            ("SGVs\r\nbG8h\n", "SGVsbG8h"),
            ("SGVs\nbA==\n", "SGVsbA=="),
            ("", ""),
        ] {
            assert_eq!(standard(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["S", "SGVsb", "SG=VsbG8", "SGVs!", "SGV\u{e9}", "=SGV", "\\"] {
            assert_eq!(standard(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_base64_is_joined_as_it_is() {
        let mut whole = "ab==".to_owned();
        append(&mut whole, "!!");
        assert_eq!(whole, "ab==!!");
    }
}
