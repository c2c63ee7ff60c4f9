//! Base64 with the standard alphabet: of what clients attach, and for joining streamed
//! media, of which bits that each decode on their own do not make one text when laid end
//! to end.

use std::borrow::Cow;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Appends what `bit` decodes to onto what `whole` decodes to. Where either is no
/// base64, the texts are joined as they are: the client's to complain about.
pub(crate) fn append(whole: &mut String, bit: &str) {
    if !whole.ends_with('=') {
        whole.push_str(bit);
        return;
    }
    // The last four characters hold the bytes that do not fill a group of three.
    let seam = whole.len().saturating_sub(4);
    let tail = whole.get(seam..).and_then(decode);
    match (tail, decode(bit)) {
        (Some(mut bytes), Some(more)) => {
            bytes.extend_from_slice(&more);
            whole.truncate(seam);
            encode(&bytes, whole);
        }
        _ => whole.push_str(bit),
    }
}

/// The text in the standard alphabet, padded and in one line, of base64 in any: itself
/// where it is that. None where it is no base64.
pub(crate) fn standard(text: &str) -> Option<Cow<'_, str>> {
    let content = text.trim_end_matches('=');
    let is_padded = text.len().is_multiple_of(4) && text.len() - content.len() <= 2;
    if is_padded && content.bytes().all(|byte| IS_STANDARD[usize::from(byte)]) {
        return Some(Cow::Borrowed(text));
    }
    let mut whole = String::with_capacity(text.len() + 2);
    for character in text.trim_end_matches(['=', '\n', '\r']).chars() {
        match character {
            '-' => whole.push('+'),
            '_' => whole.push('/'),
            // As mail breaks it.
            '\n' | '\r' => {}
            _ => {
                sextet(u8::try_from(character).ok()?)?;
                whole.push(character);
            }
        }
    }
    match whole.len() % 4 {
        0 => {}
        1 => return None,
        rest => whole.push_str(if rest == 2 { "==" } else { "=" }),
    }
    Some(Cow::Owned(whole))
}

/// Which bytes are of the standard alphabet. Looked up, since media are long.
static IS_STANDARD: [bool; 256] = {
    let mut is_standard = [false; 256];
    let mut at = 0;
    while at < ALPHABET.len() {
        is_standard[ALPHABET[at] as usize] = true;
        at += 1;
    }
    is_standard
};

/// The bytes; none where the text is not in the standard alphabet.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    for group in text.as_bytes().chunks(4) {
        let mut bits = 0_u32;
        for &character in group {
            bits = bits << 6 | sextet(character)?;
        }
        // Two characters make one byte, three make two, four make three.
        let missing = 4 - group.len();
        let whole = (bits << (6 * missing)).to_be_bytes();
        bytes.extend_from_slice(whole.get(1..4 - missing)?);
    }
    Some(bytes)
}

fn sextet(character: u8) -> Option<u32> {
    let value = match character {
        b'A'..=b'Z' => character - b'A',
        b'a'..=b'z' => character - b'a' + 26,
        b'0'..=b'9' => character - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

fn encode(bytes: &[u8], out: &mut String) {
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            if place > group.len() {
                out.push('=');
                continue;
            }
            let index = bits >> (18 - 6 * place) & 63;
            let character = ALPHABET.get(index as usize).copied().unwrap_or(b'=');
            out.push(char::from(character));
        }
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
            let (mut whole, mut bit) = (String::new(), String::new());
            encode(&text[..cut], &mut whole);
            encode(&text[cut..], &mut bit);
            append(&mut whole, &bit);
            assert_eq!(whole, "SGVsbG8sIHdvcmxkIQ==", "cut at {cut}");
        }
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
        for text in ["S", "SGVsb", "SG=VsbG8", "SGVs bG8", "SGVs!", "SGV\u{e9}", "=SGV", "\\"] {
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
