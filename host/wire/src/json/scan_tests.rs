//! The check against `serde_json`'s own judgement, and the splitting against its values.

use serde_json::Value;

use super::*;

#[track_caller]
fn refused(text: &str, flaw: Flaw) {
    let shown = text.get(..100).unwrap_or(text);
    assert_eq!(check(text), Err(flaw), "{shown}");
}

#[test]
fn flaws_are_told_apart() {
    refused("{\"a\":\n 1,}", Flaw::Syntax { line: 2, column: 4 });
    refused("[1] 2", Flaw::Syntax { line: 1, column: 5 });
    refused("", Flaw::Syntax { line: 1, column: 0 });
    refused(r#"["\ud800"]"#, Flaw::LoneSurrogate);
    refused(r#"["\udc00"]"#, Flaw::LoneSurrogate);
    refused(r#"["\ud800\ud800"]"#, Flaw::LoneSurrogate);
    refused(r#"["\ud800 \udc00"]"#, Flaw::LoneSurrogate);
    refused(r#"{"\ud83d":1}"#, Flaw::LoneSurrogate);
    refused(r#"["\ud83d\u0041"]"#, Flaw::LoneSurrogate);
    refused(r#"["\ud83d\\ude00"]"#, Flaw::LoneSurrogate);
    refused(r#"["\ud83d","\ude00"]"#, Flaw::LoneSurrogate);
    refused(r#"["\ud83d\ude00\ude00"]"#, Flaw::LoneSurrogate);
    refused(r#"["\\\ud800"]"#, Flaw::LoneSurrogate);
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    refused(&nested(65), Flaw::TooDeep);
    assert_eq!(check(&nested(64)), Ok(65));
    let listed = |count: usize| format!("[{}0]", "0,".repeat(count - 2));
    refused(&listed(MAX_VALUES + 1), Flaw::TooMany);
    assert_eq!(check(&listed(MAX_VALUES)), Ok(MAX_VALUES));
}

#[test]
fn what_looks_like_a_flaw_but_is_none_passes() {
    for text in [
        r#""\ud83d\ude00""#,
        r#""\\ud800""#,
        r#""\ud83d\ude00\ud83d\ude00\u0041\\\"""#,
        r#""\"[[[{{{""#,
        "\"\u{1F600}\"",
        r#" {"a" : [ ] , "b" : { } } "#,
    ] {
        assert!(check(text).is_ok(), "{text}");
    }
}

/// Rebuilds a value by splitting alone.
fn by_splitting(text: &str) -> Value {
    match text.as_bytes()[0] {
        b'{' => members(text)
            .into_iter()
            .map(|(key, value)| (unescape(key).into_owned(), by_splitting(value)))
            .collect(),
        b'[' => items(text).into_iter().map(by_splitting).collect(),
        b'"' => Value::String(unescape(&text[1..text.len() - 1]).into_owned()),
        _ => serde_json::from_str(text).unwrap(),
    }
}

#[test]
fn splitting_finds_what_a_parser_finds() {
    for text in [
        "{}",
        "[]",
        "[ ]",
        "[1]",
        "[1,2]",
        "[ 1 , 2 ]",
        "[[],[[]],{}]",
        r#"{"a":1}"#,
        "{ \"a\" : -1.5e3 ,\n\t\"b\" : [ true , false , null ] }",
        r#"{"a\"b":"c\\","d":"]}","e":{"f":"{["}}"#,
        r#"["\u0022,\ud83d\ude00","\\\"",""]"#,
        "[\"\u{e9}\u{1F600}\",{\"\u{e9}\":[\"\u{e9}\"]}]",
    ] {
        assert!(check(text).is_ok(), "{text}");
        let parsed: Value = serde_json::from_str(text).unwrap();
        assert_eq!(by_splitting(text), parsed, "{text}");
    }
}

/// Every prefix and every single-byte change of a sample is judged as a parser
/// judges it, and nothing panics on what passes.
#[test]
fn damaged_samples_are_judged_as_a_parser_judges_them() {
    let sample = r#"{"a":[1,{"b":"x\ny\u00e9"},null],"c":"","d":{"e":[]}}"#;
    for cut in 0..sample.len() {
        let prefix = &sample[..cut];
        assert_eq!(check(prefix).is_ok(), serde_json::from_str::<Value>(prefix).is_ok());
        for with in ["\"", "{", "}", "[", "]", ",", ":", "\\", " ", "0"] {
            let mut changed = sample.to_owned();
            changed.replace_range(cut..=cut, with);
            let parsed = serde_json::from_str::<Value>(&changed).ok();
            let passed = check(&changed).is_ok();
            assert_eq!(passed, parsed.is_some(), "{changed}");
            if let Some(parsed) = parsed {
                assert_eq!(by_splitting(changed.trim()), parsed, "{changed}");
            }
        }
    }
}
