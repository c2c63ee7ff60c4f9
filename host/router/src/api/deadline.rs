//! How long a request may take: what the operator allows, or less if the client
//! says so.

use crate::error::{Code, Error};
use http::HeaderMap;
use std::time::Duration;

/// Seconds, as a decimal number.
const HEADER: &str = "x-plugway-timeout";

/// The time from the request's headers to the end of its response, at most `most`.
///
/// # Errors
/// When the header holds anything but one positive number.
pub(super) fn of(headers: &HeaderMap, most: Duration) -> Result<Duration, Error> {
    let mut values = headers.get_all(HEADER).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(most),
        (Some(value), None) => match value.to_str().ok().and_then(seconds) {
            Some(wish) => Ok(wish.min(most)),
            None => Err(malformed()),
        },
        (Some(_), Some(_)) => Err(malformed()),
    }
}

fn malformed() -> Error {
    let message = format!(
        "The header `{HEADER}` must be a number of seconds above zero, such as `30` or `2.5`."
    );
    Error::new(Code::InvalidRequest, message).param(HEADER)
}

/// Digits and at most one point; no sign, exponent or name of a number.
fn seconds(text: &str) -> Option<Duration> {
    let text = text.trim();
    if !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    let seconds: f64 = text.parse().ok().filter(|seconds| *seconds > 0.0)?;
    // What no clock can count is no shorter than any bound.
    Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    const MOST: Duration = Duration::from_secs(60);

    #[test]
    fn a_client_may_shorten_its_time_and_not_extend_it() {
        let huge = "9".repeat(400);
        for (text, milliseconds) in [
            ("1", 1000),
            ("0.25", 250),
            (" 2.5 ", 2500),
            (".5", 500),
            ("60", 60_000),
            ("61", 60_000),
            (huge.as_str(), 60_000),
        ] {
            let headers = HeaderMap::from_iter([(
                http::HeaderName::from_static(HEADER),
                HeaderValue::from_str(text).unwrap(),
            )]);
            let expected = Duration::from_millis(milliseconds);
            assert_eq!(of(&headers, MOST).ok(), Some(expected), "{text}");
        }
        assert_eq!(of(&HeaderMap::new(), MOST).ok(), Some(MOST));
    }

    #[test]
    fn what_is_no_time_is_refused_by_name() {
        for text in ["", "0", "0.0", "-1", "+1", "1e3", "inf", "NaN", "1s", "1.2.3", ".", "1,5"] {
            let mut headers = HeaderMap::new();
            headers.insert(HEADER, HeaderValue::from_static(text));
            let error = of(&headers, MOST).unwrap_err();
            assert_eq!(error.code, Code::InvalidRequest, "{text}");
            assert!(error.message.contains(HEADER), "{text}");
        }
        let mut twice = HeaderMap::new();
        twice.append(HEADER, HeaderValue::from_static("1"));
        twice.append(HEADER, HeaderValue::from_static("1"));
        assert!(of(&twice, MOST).is_err());
    }
}
