//! Bodies that came whole: errors under a good status, pages of proxies, and what the
//! adapters offer beside chat.

use plugway_engine::ResponseHead;
use plugway_engine::chat::FailureKind;

use super::lanes::{adapters, lanes};
use super::reading::{Said, head, read_whole};

const PAGE: &str = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n\
    <center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body></html>";

/// What is no answer of anybody's.
const NONSENSE: [&[u8]; 12] = [
    b"",
    b" \r\n",
    PAGE.as_bytes(),
    b"null",
    b"7",
    b"\"soon\"",
    b"[]",
    b"[null]",
    b"{",
    b"{\"choices\":[{\"message\":{\"content\":\"ca",
    b"\xff\xfe\x00",
    b"upstream connect error or disconnect/reset before headers",
];

#[test]
fn an_error_under_a_good_status_is_a_failure() {
    for lane in lanes() {
        let (error, kind) = lane.error();
        assert_eq!(
            Said::by(&read_whole(lane, error.as_bytes())).failure,
            Some(kind),
            "{lane:?}: {error}"
        );
    }
}

#[test]
fn nonsense_under_a_good_status_is_unavailable() {
    for lane in lanes() {
        for body in NONSENSE {
            let failure = Said::by(&read_whole(lane, body)).failure;
            let shown = String::from_utf8_lossy(body);
            assert_eq!(failure, Some(FailureKind::Unavailable), "{lane:?}: {shown:?}");
        }
        for end in 0..lane.body().trim_end().len() {
            let failure = Said::by(&read_whole(lane, &lane.body().as_bytes()[..end])).failure;
            assert_eq!(failure, Some(FailureKind::Unavailable), "{lane:?} after {end} bytes");
        }
    }
}

#[test]
fn a_page_is_explained_by_its_status_and_never_shown() {
    for (name, adapter) in adapters() {
        for (status, kind) in [
            (401, FailureKind::Authentication),
            (429, FailureKind::RateLimited),
            (500, FailureKind::Unavailable),
            (502, FailureKind::Unavailable),
            (503, FailureKind::Overloaded),
            (504, FailureKind::Timeout),
        ] {
            for body in NONSENSE {
                let attempt = adapter.attempt(Default::default()).unwrap();
                let told = ResponseHead { status, ..head() };
                let failure = attempt.explain(told, body.to_vec()).unwrap();
                let shown = String::from_utf8_lossy(body);
                assert_eq!(failure.kind, kind, "{name}, {status}: {shown:?}");
                let message = failure.message;
                assert!(!message.is_empty() && !message.contains('<'), "{name}: {message:?}");
            }
        }
        for status in 200..600 {
            let attempt = adapter.attempt(Default::default()).unwrap();
            let told = ResponseHead { status, ..head() };
            assert!(!attempt.explain(told, b"{}".to_vec()).unwrap().message.is_empty(), "{name}");
        }
    }
}

/// Asserts that an offer, where there is one, takes none of that for an answer.
macro_rules! check_offer {
    ($offer:ident, $takes:expr) => {
        for (name, adapter) in adapters() {
            for body in NONSENSE {
                let Some(call) = adapter.$offer(Default::default()) else { continue };
                let read = call.unwrap().decode(head(), body.to_vec(), "").unwrap();
                let shown = String::from_utf8_lossy(body);
                match read {
                    Ok(answer) => assert!($takes(&answer), "{name}: {shown:?}"),
                    Err(failure) => {
                        assert_eq!(failure.kind, FailureKind::Unavailable, "{name}: {shown:?}");
                    }
                }
            }
        }
    };
}

#[test]
fn nonsense_is_no_vector_no_order_no_count_and_no_model() {
    check_offer!(embeddings, |answer: &plugway_engine::EmbedResponse| answer.vectors.is_empty());
    check_offer!(rerank, |answer: &plugway_engine::RerankResponse| answer.rankings.is_empty());
    check_offer!(token_count, |_: &u64| false);
    check_offer!(models, |page: &plugway_engine::Page| page.models.is_empty());
}
