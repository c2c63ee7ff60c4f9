//! What adapters lean on: headers, options, statuses and places.

use plugway_sdk::chat::{Failure, FailureKind};
use plugway_sdk::provider::{Places, ResponseHead};
use plugway_sdk::testing::endpoint;

fn head(status: u16, headers: &[(&str, &str)]) -> ResponseHead {
    let owned = |(name, value): &(&str, &str)| ((*name).into(), (*value).into());
    ResponseHead { status, headers: headers.iter().map(owned).collect() }
}

#[test]
fn retry_after() {
    let check = |headers: &[(&str, &str)], expected| {
        assert_eq!(head(429, headers).retry_after_ms(), expected, "{headers:?}");
    };
    check(&[], None);
    check(&[("retry-after", "3")], Some(3000));
    check(&[("retry-after", " 0.25 ")], Some(250));
    check(&[("retry-after", "9"), ("retry-after-ms", "70")], Some(70));
    check(&[("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")], None);
    check(&[("retry-after", "-1")], None);
    check(&[("retry-after", "1e300")], None);
    check(&[("retry-after", "NaN")], None);
}

#[test]
fn failures_from_a_head() {
    let failure = Failure::from_head(&head(503, &[("retry-after", "1")]), "busy");
    assert_eq!(failure.kind, FailureKind::Overloaded);
    assert_eq!(failure.retry_after_ms, Some(1000));
    assert_eq!(FailureKind::from_status(418), FailureKind::Other);
    assert_eq!(FailureKind::from_status(599), FailureKind::Unavailable);
}

#[test]
fn the_last_option_stands_and_a_wrong_one_is_named() {
    let endpoint = endpoint(&[("a", "1"), ("b", "null"), ("a", "2")]);
    assert_eq!(endpoint.option::<u32>("a").unwrap(), Some(2));
    assert_eq!(endpoint.option::<u32>("b").unwrap(), None);
    assert_eq!(endpoint.option::<u32>("c").unwrap(), None);
    let failure = endpoint.option::<String>("a").unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unsupported);
    assert!(failure.message.contains("\"a\""));
}

#[test]
fn parts_get_places_in_the_order_in_which_they_begin() {
    let mut places = Places::default();
    assert_eq!(places.of(0, "text"), (0, true));
    assert_eq!(places.of(0, "call"), (1, true));
    assert_eq!(places.of(1, "call"), (0, true));
    assert_eq!(places.of(0, "text"), (0, false));
    assert_eq!(places.of(0, "call"), (1, false));
}
