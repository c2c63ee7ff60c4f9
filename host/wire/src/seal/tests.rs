//! What may leave, and what may not.

use super::*;

const LONG: &str = r#"say \"hi\"\n\u00e9 and then some more text, until it is long enough"#;
const OTHER: &str = "another text that is long enough to be sealed, without any escape";

/// Two seals over one body, and their tokens.
fn sealed() -> (Seals, String, String) {
    let body = Bytes::from(format!("[\"{LONG}\",\"{OTHER}\"]"));
    let text = String::from_utf8(body.to_vec()).unwrap();
    let mut sealer = Sealer::new(body.clone(), 40);
    let body_text = std::str::from_utf8(&body).unwrap();
    let mut token = |content: &str| {
        let start = text.find(content).unwrap();
        sealer.seal(&body_text[start..start + content.len()])
    };
    let (one, two) = (token(LONG), token(OTHER));
    (sealer.finish(), one, two)
}

fn joined(spliced: &Spliced) -> String {
    let bytes = spliced.chunks.concat();
    assert_eq!(bytes.len(), spliced.len);
    assert!(spliced.chunks.iter().all(|chunk| !chunk.is_empty()));
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_seal_within_the_number_of_another_is_forged() {
    let nonce = format!("000{}", "n".repeat(NONCE_LENGTH - 3));
    let contents = vec![Bytes::from_static(b"one"), Bytes::from_static(b"two")];
    let seals = Seals { table: Arc::new(Table { nonce: nonce.clone(), contents }) };
    let body = format!("\"{nonce}000{nonce}000001\"");
    assert_eq!(seals.splice(body.into_bytes(), true).unwrap_err(), SealError::Forged);
}

#[test]
fn a_token_opens_to_the_text_it_stands_for() {
    let (seals, one, two) = sealed();
    assert_eq!(one.len(), TOKEN_LENGTH);
    assert!(one.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let text = "say \"hi\"\n\u{e9} and then some more text, until it is long enough";
    assert_eq!(seals.open(&one).as_deref(), Some(text));
    assert_eq!(seals.open(&two).as_deref(), Some(OTHER));
    for no_token in [
        "",
        &one[1..],
        &one[..one.len() - 1],
        &format!("{one}0"),
        &format!("{}00000z", &one[..NONCE_LENGTH]),
        &format!("{}zzzzzz", &one[..NONCE_LENGTH]),
        &format!("{}00-000", &one[..NONCE_LENGTH]),
    ] {
        assert_eq!(seals.open(no_token), None, "{no_token}");
    }
}

#[test]
fn a_seal_is_found_in_any_text() {
    let (seals, one, _) = sealed();
    assert!(seals.occur_in(&format!("/chat?q={one}")));
    assert!(seals.occur_in(&one[..NONCE_LENGTH]), "half a seal is no less forged");
    assert!(!seals.occur_in("/chat") && !seals.occur_in(&one[1..]));
    assert!(!Seals::default().occur_in(""), "where nothing is sealed there is no seal");
}

#[test]
fn requests_do_not_share_tokens() {
    let ((_, one, _), (others, other, _)) = (sealed(), sealed());
    assert_ne!(one, other);
    assert_eq!(others.open(&one), None);
}

#[test]
fn what_is_short_stays_plain() {
    let body = Bytes::from_static(b"0123456789012345678901234567890123456789\\n");
    let text = std::str::from_utf8(&body).unwrap();
    let mut sealer = Sealer::new(body.clone(), 42);
    assert_eq!(sealer.seal(text), "0123456789012345678901234567890123456789\n");
    assert!(sealer.finish().is_empty());
    // Whatever is configured, a token is never longer than its text.
    let mut sealer = Sealer::new(body.clone(), 0);
    assert_eq!(sealer.seal(&text[..TOKEN_LENGTH]), text[..TOKEN_LENGTH]);
    assert_ne!(sealer.seal(&text[..=TOKEN_LENGTH]), text[..=TOKEN_LENGTH]);
}

#[test]
fn content_leaves_as_it_came() {
    let (seals, one, two) = sealed();
    let body = format!(r#"{{"b":"{two}","a":["<{one}> \\","x\u00e9"],"n":1}}"#);
    let spliced = seals.splice(body.into_bytes(), true).unwrap();
    let expected = format!(r#"{{"b":"{OTHER}","a":["<{LONG}> \\","x\u00e9"],"n":1}}"#);
    assert_eq!(joined(&spliced), expected);
    assert_eq!(spliced.chunks.len(), 5);
}

#[test]
fn a_copy_closes_no_string() {
    let text = "A".repeat(60) + "\"}}],\"model\":\"other\",\"x\":\"\\\r\n";
    let mut sealer = Sealer::new(Bytes::new(), 40);
    let token = sealer.seal_copy(text.clone());
    assert_eq!(token.len(), TOKEN_LENGTH);
    let seals = sealer.finish();
    assert_eq!(seals.open(&token).as_deref(), Some(&*text));
    let body = format!(r#"{{"data":"{token}"}}"#).into_bytes();
    let sent = joined(&seals.splice(body, true).unwrap());
    let read: serde_json::Value = serde_json::from_str(&sent).unwrap();
    assert_eq!(read, serde_json::json!({"data": text}));
}

#[test]
fn content_is_not_copied() {
    let (seals, one, two) = sealed();
    let body = format!(r#"["{one}","{two}"]"#);
    let spliced = seals.splice(body.into_bytes(), true).unwrap();
    assert_eq!(spliced.chunks[1].as_ptr(), seals.table.contents[0].as_ptr());
}

#[track_caller]
fn refused(body: impl Fn(&str, &str) -> String, error: SealError) {
    let (seals, one, two) = sealed();
    let body = body(&one, &two);
    assert_eq!(seals.splice(body.into_bytes(), true).err(), Some(error));
}

#[test]
fn a_seal_leaves_exactly_once() {
    refused(|one, _| format!(r#"["{one}"]"#), SealError::Missing);
    refused(|_, _| "{}".into(), SealError::Missing);
    refused(|one, two| format!(r#"["{one}{two}{one}"]"#), SealError::Doubled);
    refused(
        |one, two| format!(r#"["{one}","{two}","{}000002"]"#, &one[..NONCE_LENGTH]),
        SealError::Forged,
    );
    refused(
        |one, two| format!(r#"["{one}","{two}","{}"]"#, &one[..NONCE_LENGTH]),
        SealError::Forged,
    );
}

#[test]
fn a_seal_leaves_inside_a_string() {
    for misplace in [
        |one: &str, two: &str| format!(r#"["{one}",{two}]"#),
        |one: &str, two: &str| format!(r#"["{one}","\\"{two}"x"]"#),
        |one: &str, two: &str| format!(r#"["{one}","\{two}"]"#),
        |one: &str, two: &str| format!(r#"["{one}","\u00{two}"]"#),
        |one: &str, two: &str| format!(r#"["{one}","{two}"#),
        |one: &str, two: &str| format!(r#"["{one}","{two}\"]"#),
    ] {
        refused(misplace, SealError::Misplaced);
    }
}

#[test]
fn escapes_beside_a_seal_do_no_harm() {
    let (seals, one, two) = sealed();
    for body in [
        format!(r#"["\\{one}","\"{two}"]"#),
        format!(r#"["\u00e9{one}\"","{two}\\"]"#),
        format!(r#"{{"{one}":"{two}"}}"#),
        format!(r#""{one}{two}""#),
    ] {
        assert!(seals.splice(body.clone().into_bytes(), true).is_ok(), "{body}");
    }
}

#[test]
fn an_adapter_that_was_shown_no_seals_sends_none() {
    let (seals, one, _) = sealed();
    let spliced = seals.splice(b"{\"a\":1}".to_vec(), false).unwrap();
    assert_eq!(joined(&spliced), r#"{"a":1}"#);
    let form = seals.splice(b"--x\r\nname=\"a\r\n--x--".to_vec(), false).unwrap();
    assert_eq!(joined(&form), "--x\r\nname=\"a\r\n--x--");
    let leak = format!(r#"["{one}"]"#).into_bytes();
    assert_eq!(seals.splice(leak, false).err(), Some(SealError::Forged));
    let none = Seals::default().splice(b"{}".to_vec(), true).unwrap();
    assert_eq!(joined(&none), "{}");
}

#[test]
fn debug_shows_nothing() {
    let (seals, one, two) = sealed();
    assert_eq!(format!("{seals:?}"), "Seals(2)");
    let body = format!(r#"["{one}","{two}"]"#).into_bytes();
    let spliced = seals.splice(body, true).unwrap();
    let shown = format!("Spliced(5 chunks, {} bytes)", spliced.len);
    assert_eq!(format!("{spliced:?}"), shown);
}
