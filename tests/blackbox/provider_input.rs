//! Every way in which a provider's connection and HTTP can be bad: what the client
//! is told, and that before the first content the next endpoint serves.

use crate::wire::{
    CLOSE, LAST_CHUNK, Rude, SECRET, STREAM_HEAD, WIRES, Wire, chunk, json_response,
    nothing_was_logged, response, stream_response,
};
use plugway_tests::Play;
use std::time::Duration;

/// Short enough that what hangs is given up on while a test waits.
const IMPATIENT: &str = "[upstream]\nhead_timeout = \"400ms\"\nfirst_token_timeout = \"800ms\"\n\
                         idle_timeout = \"400ms\"\n";

/// For what fails by itself, unless something is wrong.
const PATIENT: &str = "[upstream]\nhead_timeout = \"15s\"\nfirst_token_timeout = \"15s\"\n\
                       idle_timeout = \"15s\"\n";

const UNAVAILABLE: &str = "provider_unavailable";

/// The provider's words, as JSON and as a stream.
fn good(wire: Wire, streaming: bool) -> Vec<u8> {
    match streaming {
        true => stream_response(wire.stream(&["all ", "is ", "well"])),
        false => json_response(&wire.whole("all is well")),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_fails_before_content_moves_on() {
    let rude = Rude::start(IMPATIENT).await;
    let half_head = || Play::write("HTTP/1.1 200 OK\r\ncontent-ty");
    let head = || Play::write("HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n{\"ch");
    let stream_head = || Play::write(STREAM_HEAD);
    for (case, script, error_type) in [
        ("closes", vec![Play::Close], UNAVAILABLE),
        ("resets", vec![Play::Reset], UNAVAILABLE),
        ("hangs", vec![Play::Hang], "timeout"),
        ("closes in the head", vec![half_head(), Play::Close], UNAVAILABLE),
        ("resets in the head", vec![half_head(), Play::Reset], UNAVAILABLE),
        ("hangs in the head", vec![half_head(), Play::Hang], "timeout"),
        ("closes in the body", vec![head(), Play::Close], UNAVAILABLE),
        ("resets in the body", vec![head(), Play::Reset], UNAVAILABLE),
        ("hangs in the body", vec![head(), Play::Hang], "timeout"),
        ("closes after the head", vec![stream_head(), Play::Close], UNAVAILABLE),
        ("resets after the head", vec![stream_head(), Play::Reset], UNAVAILABLE),
        ("hangs after the head", vec![stream_head(), Play::Hang], "timeout"),
    ] {
        for wire in WIRES {
            for streaming in [false, true] {
                rude.play(script.clone());
                rude.fails(wire, streaming, case, error_type).await;
            }
        }
    }
    nothing_was_logged();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_whose_body_hangs_moves_on() {
    let patient = format!("{PATIENT}error_body_timeout = \"200ms\"\n");
    let rude = Rude::start(&patient).await;
    let head = "HTTP/1.1 500 Internal Server Error\r\ncontent-type: application/json\r\n\
                content-length: 999\r\n\r\n{\"err";
    for wire in WIRES {
        for streaming in [false, true] {
            rude.play([Play::write(head), Play::Hang]);
            rude.fails(wire, streaming, "an error that hangs", UNAVAILABLE).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_refuses_connections_moves_on() {
    let rude = Rude::start("").await;
    rude.upstream.refuse().await;
    for wire in WIRES {
        rude.fails(wire, false, "refuses", UNAVAILABLE).await;
        let answer = rude.ask(&wire.alone(), true).await;
        assert!(answer.text().contains("could not be reached"), "{}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_good_http_moves_on() {
    let rude = Rude::start(PATIENT).await;
    let json = "200 OK\r\ncontent-type: application/json";
    let many: String = (0..200).map(|n| format!("\r\nx-{n}: {n}")).collect();
    let huge = format!("\r\nx-huge: {}", "x".repeat(300_000));
    for (case, answer) in [
        ("garbage", format!("\u{0}\u{1}{SECRET}\r\n\r\n").into_bytes()),
        ("another protocol", b"SSH-2.0-OpenSSH_9.6\r\n".to_vec()),
        ("HTTP/0.9", format!("<html>{SECRET}</html>").into_bytes()),
        ("a TLS alert", vec![0x15, 3, 3, 0, 2, 2, 70]),
        ("no status", b"HTTP/1.1 \r\n\r\n".to_vec()),
        ("a bad status", b"HTTP/1.1 9999 OK\r\ncontent-length: 0\r\n\r\n".to_vec()),
        ("a header without a name", b"HTTP/1.1 200 OK\r\n: x\r\ncontent-length: 0\r\n\r\n".into()),
        ("NUL in a header", b"HTTP/1.1 200 OK\r\nx: a\0b\r\ncontent-length: 0\r\n\r\n".into()),
        ("huge headers", response(&format!("{json}{huge}"), "{}")),
        ("too many headers", response(&format!("{json}{many}"), "{}")),
        ("conflicting lengths", response(&format!("{json}\r\ncontent-length: 7"), "{}")),
        ("a length that is none", b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n{}".into()),
        ("a bad chunk size", [STREAM_HEAD, "zz\r\n"].concat().into()),
        ("an endless chunk size", [STREAM_HEAD, &"f".repeat(40), "\r\n"].concat().into()),
        ("an unknown coding", b"HTTP/1.1 200 OK\r\ntransfer-encoding: x\r\n\r\n{}".into()),
        ("204", b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()),
        ("304", b"HTTP/1.1 304 Not Modified\r\n\r\n".to_vec()),
        (
            "another protocol unasked",
            b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n".into(),
        ),
        ("a redirect", response("302 Found\r\nlocation: http://127.0.0.1:9/", "")),
        ("gzip", response(&format!("{json}\r\ncontent-encoding: gzip"), [0x1f, 0x8b, 8, 0])),
        ("an empty body", response(json, "")),
        ("HTML with 200", response("200 OK\r\ncontent-type: text/html", format!("<p>{SECRET}"))),
        ("HTML with 502", response("502 Bad\r\ncontent-type: text/html", format!("<p>{SECRET}"))),
    ] {
        for wire in WIRES {
            for streaming in [false, true] {
                rude.play_once(answer.clone());
                rude.fails(wire, streaming, case, UNAVAILABLE).await;
            }
        }
    }
    nothing_was_logged();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_told_apart() {
    let rude = Rude::start(PATIENT).await;
    let huge = format!("200 OK\r\nx-huge: {}", "x".repeat(300_000));
    for (answer, told) in [
        (b"garbage\r\n\r\n".to_vec(), "not HTTP"),
        (response(&huge, "{}"), "upstream.max_header"),
        (response("200 OK\r\ncontent-encoding: gzip", "x"), "compressed"),
        (response("302 Found\r\nlocation: http://127.0.0.1:9/", ""), "status 302"),
        (response("502 Bad Gateway\r\ncontent-type: text/html", "<p>"), "status 502"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{".to_vec(), "broke the connection"),
    ] {
        for wire in WIRES {
            rude.play_once(answer.clone());
            let answer = rude.ask(&wire.alone(), false).await;
            assert!(answer.text().contains(told), "{told}: {}", answer.text());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encoded_error_keeps_its_status() {
    let rude = Rude::start(PATIENT).await;
    let limited = "429 Too Many\r\nretry-after: 7\r\nretry-after: 9\r\ncontent-encoding: gzip";
    for wire in WIRES {
        rude.play_once(response(limited, [0x1f, 0x8b, 8, 0]));
        let answer = rude.ask(&wire.alone(), true).await;
        assert_eq!(answer.status, 429, "{}", answer.text());
        assert!(answer.header("retry-after").is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unusual_but_good_http_is_understood() {
    let rude = Rude::start("").await;
    for wire in WIRES {
        for streaming in [false, true] {
            let good = good(wire, streaming);
            let hints = b"HTTP/1.1 103 Early Hints\r\nlink: </x>; rel=preload\r\n\r\n";
            let unasked = b"HTTP/1.1 100 Continue\r\n\r\n";
            let head = "200 OK\r\nx: 1\r\nx: 2\r\ncontent-type: application/json\r\n\
                        content-type: application/json\r\ncontent-length: ";
            let body = wire.whole("all is well").to_string();
            let doubled = response(&format!("{head}{}", body.len()), &body);
            // Without a length, the end of the connection ends the body.
            let until_close = format!(
                "HTTP/1.0 200 OK\r\ncontent-type: {}\r\n\r\n{}",
                if streaming { "text/event-stream" } else { "application/json" },
                if streaming { wire.stream(&["all is ", "well"]) } else { body.clone() },
            );
            for (case, script) in [
                ("early hints", vec![Play::write(hints.to_vec()), Play::write(good.clone())]),
                ("100 unasked", vec![Play::write(unasked.to_vec()), Play::write(good.clone())]),
                ("drips", vec![Play::drip(good.clone())]),
                ("headers twice", vec![Play::write(doubled)]),
                ("until the close", vec![Play::write(until_close), Play::Close]),
            ] {
                rude.play(script);
                rude.serves(wire, streaming, case, "all is well").await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed_and_a_second_answer_is_nobodys() {
    let rude = Rude::start("").await;
    let elsewhere = plugway_tests::RawUpstream::start().await;
    let location = format!("307 Temporary Redirect\r\nlocation: {}/x", elsewhere.base_url());
    for wire in WIRES {
        rude.play([Play::write(response(&location, ""))]);
        rude.fails(wire, true, "a redirect", UNAVAILABLE).await;
        // What comes after an answer must not become the next one.
        let answers = ["mine", "forged"].map(|text| json_response(&wire.whole(text))).concat();
        let answers = String::from_utf8(answers).unwrap().replace(CLOSE, "");
        rude.play([Play::write(answers)]);
        for _ in 0..5 {
            rude.serves(wire, false, "an answer too many", "mine").await;
        }
    }
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_breaks_after_content_is_told_in_band() {
    let rude = Rude::start(PATIENT).await;
    let pause = || Play::Wait(Duration::from_millis(50));
    for wire in WIRES {
        let begun = [STREAM_HEAD.as_bytes(), &chunk(wire.opening() + &wire.delta("half an"))];
        let begun = || Play::write(begun.concat());
        let declared = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 9999";
        let declared = format!("{declared}\r\n\r\n{}{}", wire.opening(), wire.delta("half an"));
        let half_event = "data: {\"choices\":[{\"delta\":{\"content\":\" answer\"";
        for (case, script) in [
            ("cut", vec![begun(), pause(), Play::Close]),
            ("reset", vec![begun(), pause(), Play::Reset]),
            ("no end mark", vec![begun(), Play::write(LAST_CHUNK)]),
            (
                "cut within an event",
                vec![begun(), Play::write(chunk(half_event)), pause(), Play::Close],
            ),
            (
                "ended within an event",
                vec![begun(), Play::write(chunk(half_event)), Play::write(LAST_CHUNK)],
            ),
            ("a bad chunk", vec![begun(), pause(), Play::write("zz\r\n"), Play::Close]),
            ("shorter than declared", vec![Play::write(declared), pause(), Play::Close]),
        ] {
            rude.play(script);
            rude.breaks(wire, case, "half an", UNAVAILABLE).await;
        }
    }
    nothing_was_logged();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_falls_silent_after_content_is_told_in_band() {
    let rude = Rude::start(IMPATIENT).await;
    for wire in WIRES {
        let begun = chunk(wire.opening() + &wire.delta("half an"));
        rude.play([Play::write([STREAM_HEAD.as_bytes(), &begun].concat()), Play::Hang]);
        rude.breaks(wire, "silent", "half an", "timeout").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_after_the_end_mark_harms_no_answer() {
    let rude = Rude::start(IMPATIENT).await;
    for wire in WIRES {
        let all = || {
            Play::write([STREAM_HEAD.as_bytes(), &chunk(wire.stream(&["all", " of it"]))].concat())
        };
        for (case, script) in [
            ("stays open", vec![all(), Play::Hang]),
            ("cut", vec![all(), Play::Close]),
            ("reset", vec![all(), Play::Wait(Duration::from_millis(50)), Play::Reset]),
            ("marked twice", vec![all(), Play::write(chunk(wire.mark())), Play::write(LAST_CHUNK)]),
        ] {
            rude.play(script);
            rude.serves(wire, true, case, "all of it").await;
        }
    }
}
