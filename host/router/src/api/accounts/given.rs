//! What a client sends to the administration: a JSON body that is read into its type,
//! and the query's few words. A mistake is told with the field that it stands in, and
//! without any value: one of them could be a secret.

use crate::api::body::{self, Limit};
use crate::error::{Code, Error};
use crate::{Router, Settings};
use bytes::Bytes;
use http::Request;
use hyper::body::Incoming;
use plugway_wire::BadRequest;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use tokio::time::Instant;

/// Bytes of a field's name that are shown.
const SHOWN: usize = 64;

/// Records of a page, where the client does not say.
const PAGE: u32 = 50;

/// Records of the longest page.
const MAX_PAGE: u32 = 100;

/// The furthest that a page may begin, in records: more than are ever kept.
const MAX_OFFSET: u32 = 10_000_000;

/// Reads the body.
pub(super) async fn read<T: DeserializeOwned>(
    router: &Router,
    settings: &Settings,
    request: Request<Incoming>,
) -> Result<T, Error> {
    let (head, body) = request.into_parts();
    let deadline = Instant::now() + settings.config.server.request_deadline;
    let limit = Limit::administration(settings);
    let decode = |body: Bytes| Ok((decode(&body)?, 0));
    let (value, _room) =
        body::read_within(router, settings, limit, (&head, body), deadline, decode).await?;
    Ok(value)
}

fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, BadRequest> {
    let bad = |message: String, param: Option<String>, code| BadRequest { message, param, code };
    let text = std::str::from_utf8(body)
        .map_err(|_| bad("The body is no UTF-8.".to_owned(), None, "invalid_json"))?;
    let error = match serde_json::from_str(text) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    let at = offset(text, error.line(), error.column());
    if !error.is_data() {
        // What follows a whole value is no field's.
        let is_whole = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>().next();
        let begun = text.get(..at).filter(|_| !matches!(is_whole, Some(Ok(_))));
        let param = begun.and_then(name_before);
        return Err(bad("The body is no JSON.".to_owned(), param, "invalid_json"));
    }
    let told = error.to_string();
    let told = told.rsplit_once(" at line ").map_or(told.as_str(), |(told, _)| told);
    let named = ["unknown field `", "missing field `", "duplicate field `"];
    if let Some((begin, rest)) =
        named.iter().find_map(|begin| told.strip_prefix(begin).map(|rest| (begin, rest)))
    {
        let name = shown(rest.split('`').next().unwrap_or_default());
        let message = format!("{} `{name}`.", capital(begin.trim_end_matches(" `")));
        return Err(bad(message, Some(name), "invalid_value"));
    }
    let param = field_at(text, at);
    let what = param.as_deref().map_or("The body".to_owned(), |name| format!("`{name}`"));
    let message = match (told.rsplit_once(", expected "), told.starts_with("must ")) {
        (_, true) => format!("{what} {told}."),
        (Some((_, expected)), _) => format!("{what} must be {}.", plain(expected)),
        (None, false) => format!("{what} is not what it must be."),
    };
    Err(bad(message, param, "invalid_value"))
}

/// A type as whoever writes JSON calls it.
fn plain(expected: &str) -> &str {
    match expected {
        "a map" => "an object",
        "a sequence" => "an array",
        "a nonzero u32" => "a whole number above 0",
        other if other.starts_with("struct ") => "an object",
        other => other,
    }
}

/// Where serde_json says that it was.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let before = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len);
    (before.sum::<usize>() + column).min(text.len())
}

/// The field of the body whose value was read last at this place: what it is found to be
/// wrong with may show only behind it.
fn field_at(text: &str, at: usize) -> Option<String> {
    let fields: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
    let start = |value: &RawValue| value.get().as_ptr().addr() - text.as_ptr().addr();
    let begun = fields.iter().filter(|(_, value)| start(value) <= at);
    begun.max_by_key(|(_, value)| start(value)).map(|(name, _)| shown(name))
}

/// The field whose value a broken text ends in.
fn name_before(text: &str) -> Option<String> {
    let (name, _) = text.rsplit_once(':')?;
    let name = name.trim_end().strip_suffix('"')?;
    Some(shown(name.rsplit_once('"')?.1))
}

/// A name that the client chose, as it may be shown.
pub(super) fn shown(name: &str) -> String {
    name.chars().filter(|it| !it.is_control()).take(SHOWN).collect()
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A field with a wrong value.
pub(in crate::api) fn wrong(name: &str, must: &str) -> Error {
    Error::new(Code::InvalidRequest, format!("`{name}` must {must}.")).param(name)
}

/// Text of so many characters, none of which is a control character.
pub(super) fn text(name: &str, value: &str, length: RangeInclusive<usize>) -> Result<(), Error> {
    let (least, most) = length.clone().into_inner();
    if !length.contains(&value.chars().count()) {
        return Err(wrong(name, &format!("have {least} to {most} characters")));
    }
    if value.chars().any(char::is_control) {
        return Err(wrong(name, "have no control characters"));
    }
    Ok(())
}

/// The words of a query that a route knows, each at most once.
pub(in crate::api) struct Query<'q> {
    given: BTreeMap<&'static str, Cow<'q, str>>,
}

impl<'q> Query<'q> {
    pub(in crate::api) fn read(
        query: Option<&'q str>,
        known: &[&'static str],
    ) -> Result<Self, Error> {
        let mut given = BTreeMap::new();
        for pair in query.unwrap_or_default().split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = unescaped(name)?;
            let Some(name) = known.iter().copied().find(|it| *it == name) else { continue };
            if given.insert(name, unescaped(value)?).is_some() {
                return Err(wrong(name, "be given once"));
            }
        }
        Ok(Self { given })
    }

    pub(in crate::api) fn text(&self, name: &str) -> Option<&str> {
        self.given.get(name).map(|value| &**value)
    }

    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Error> {
        let flag = |value: &str| match value {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(wrong(name, "be `true` or `false`")),
        };
        self.text(name).map(flag).transpose()
    }

    /// `offset` and `limit`.
    pub(in crate::api) fn page(&self) -> Result<(u32, u32), Error> {
        let number = |name, range: RangeInclusive<u32>, default| {
            let Some(value) = self.text(name) else { return Ok(default) };
            let (least, most) = range.clone().into_inner();
            // No sign, no space.
            let digits = Some(value).filter(|it| it.bytes().all(|byte| byte.is_ascii_digit()));
            let number = digits.and_then(|it| it.parse().ok()).filter(|it| range.contains(it));
            number.ok_or_else(|| wrong(name, &format!("be a whole number from {least} to {most}")))
        };
        Ok((number("offset", 0..=MAX_OFFSET, 0)?, number("limit", 1..=MAX_PAGE, PAGE)?))
    }
}

/// Text of a query without its escapes.
fn unescaped(text: &str) -> Result<Cow<'_, str>, Error> {
    let bad = || Error::new(Code::InvalidRequest, "The query is not escaped as it must be.");
    if !text.contains(['%', '+']) {
        return Ok(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let (high, low) = (digit().ok_or_else(bad)?, digit().ok_or_else(bad)?);
                // Two digits are a byte.
                u8::try_from(high * 16 + low).map_err(|_| bad())?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use super::super::typed::{Dollars, Moment, given, given_or_null};
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Body {
        name: String,
        #[serde(default, deserialize_with = "given")]
        disabled: Option<bool>,
        #[serde(default, deserialize_with = "given_or_null")]
        limit: Option<Option<Dollars>>,
        #[serde(default)]
        expires_at: Option<Moment>,
    }

    #[test]
    fn left_out_null_and_a_value_are_three_things() {
        let read = |text: &str| decode::<Body>(text.as_bytes()).unwrap().limit;
        assert_eq!(read(r#"{"name":"a"}"#), None);
        assert_eq!(read(r#"{"name":"a","limit":null}"#), Some(None));
        assert_eq!(read(r#"{"name":"a","limit":1}"#), Some(Some(Dollars(1_000_000_000_000))));
    }

    #[test]
    fn a_mistake_is_told_with_its_field_and_no_value() {
        for (text, param, part) in [
            (r#"{"name":"secret","disabled":"secret"}"#, Some("disabled"), "must be a boolean"),
            (r#"{"name":"secret","disabled":null}"#, Some("disabled"), "must be a boolean"),
            (r#"{"name":7}"#, Some("name"), "must be a string"),
            ("{\n\"name\":\"a\",\n \"limit\" : -1}", Some("limit"), "must not be negative"),
            (r#"{"limit":1e400,"name":"a"}"#, Some("limit"), "must be"),
            (r#"{"name":"a","limit":NaN}"#, Some("limit"), "no JSON"),
            (r#"{"name":"a","expires_at":"secret"}"#, Some("expires_at"), "must be a moment"),
            (r#"{"name":"a","nmae":"secret"}"#, Some("nmae"), "Unknown field `nmae`."),
            (r#"{"name":"a","name":"secret"}"#, Some("name"), "Duplicate field"),
            (r#"{}"#, Some("name"), "Missing field `name`."),
            (r#"[]"#, None, "The body "),
            ("", None, "no JSON"),
            (r#"{"name":"a"} x"#, None, "no JSON"),
        ] {
            let bad = decode::<Body>(text.as_bytes()).unwrap_err();
            assert_eq!(bad.param.as_deref(), param, "{text}: {}", bad.message);
            assert!(bad.message.contains(part), "{text}: {}", bad.message);
            assert!(!bad.message.contains("secret"), "{text}: {}", bad.message);
        }
    }

    #[test]
    fn a_query_says_each_thing_once_and_in_range() {
        let page = |text| Query::read(Some(text), &["offset", "limit"]).and_then(|it| it.page());
        assert_eq!(page("").unwrap(), (0, 50));
        assert_eq!(page("offset=7&limit=100&other=x").unwrap(), (7, 100));
        for text in ["offset=-1", "limit=0", "limit=101", "offset=1&offset=1", "limit=", "limit=%"]
        {
            assert!(page(text).is_err(), "{text}");
        }
        let query = Query::read(Some("a=x%20y%2B+z"), &["a"]).unwrap();
        assert_eq!(query.text("a"), Some("x y+ z"));
    }
}
