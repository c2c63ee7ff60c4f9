//! Vectors in the forms in which the API sends them.

use serde_json::Value;

/// Forms in which vectors come, the most exact first. Of the last two each number
/// stands for eight places of a vector.
const FORMS: [&str; 6] = ["float", "base64", "int8", "uint8", "binary", "ubinary"];

/// The vectors of `embeddings`: by form, or a plain list as the API's first version
/// sends it.
pub(crate) fn read(embeddings: &Value) -> Option<Vec<Vec<f32>>> {
    let by_form = || FORMS.iter().find_map(|form| embeddings.get(*form)?.as_array());
    let list = embeddings.as_array().or_else(by_form)?;
    list.iter().map(vector).collect()
}

fn vector(value: &Value) -> Option<Vec<f32>> {
    match value {
        Value::String(base64) => floats(&bytes(base64)?),
        Value::Array(numbers) => {
            numbers.iter().map(|number| number.as_f64().map(|number| number as f32)).collect()
        }
        _ => None,
    }
}

/// Little-endian, four bytes each.
fn floats(bytes: &[u8]) -> Option<Vec<f32>> {
    let (floats, rest) = bytes.as_chunks::<4>();
    rest.is_empty().then(|| floats.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

/// The bytes of padded base64 in the standard alphabet.
fn bytes(base64: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(base64.len() / 4 * 3);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for symbol in base64.trim_end_matches('=').bytes() {
        bits = bits << 6 | sextet(symbol)?;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 0xff) as u8);
        }
    }
    Some(bytes)
}

fn sextet(symbol: u8) -> Option<u32> {
    Some(u32::from(match symbol {
        b'A'..=b'Z' => symbol - b'A',
        b'a'..=b'z' => symbol - b'a' + 26,
        b'0'..=b'9' => symbol - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_form_is_read() {
        let check = |wire: Value, expected: &[f32]| {
            assert_eq!(read(&wire), Some(vec![expected.to_vec()]), "{wire}");
        };
        check(json!([[0.5, -1.0]]), &[0.5, -1.0]);
        check(json!({"float": [[0.5, -1.0]]}), &[0.5, -1.0]);
        check(json!({"int8": [[-3, 7]], "future": 1}), &[-3.0, 7.0]);
        check(json!({"base64": ["AAAAPwAAgL8="]}), &[0.5, -1.0]);
        check(json!({"base64": [""]}), &[]);
    }

    #[test]
    fn nonsense_is_no_vector() {
        for wire in [
            json!(null),
            json!({"float": null}),
            json!({"float": [["a"]]}),
            json!({"base64": ["AAAA"]}),
            json!({"base64": ["?AAAAA=="]}),
            json!([null]),
        ] {
            assert_eq!(read(&wire), None, "{wire}");
        }
    }
}
