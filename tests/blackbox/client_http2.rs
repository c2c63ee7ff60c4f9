//! HTTP/2 as no library would speak it, frame by frame.

use crate::setup::{Pair, ask};
use plugway_simulator::Behaviour;
use plugway_tests::RawClient;
use serde_json::json;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// `REFUSED_STREAM`: nothing was done, and the client may try again.
const REFUSED: u32 = 7;

/// `431` in the code that compresses header values.
const STATUS_431: [u8; 3] = [0x69, 0x90, 0xff];

/// A frame as it goes over the wire.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Headers without compression: each a literal with a name of its own.
fn block(headers: &[(&str, &str)]) -> Vec<u8> {
    let literal = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    let field = |(name, value): &(&str, &str)| [vec![0], literal(name), literal(value)].concat();
    headers.iter().flat_map(field).collect()
}

/// The headers of a chat completion, after which a body comes.
fn post(stream: u32, more: &[(&str, &str)]) -> Vec<u8> {
    let mut headers = vec![
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/v1/chat/completions"),
        (":authority", "localhost"),
    ];
    headers.extend(more);
    frame(HEADERS, END_HEADERS, stream, &block(&headers))
}

fn body(stream: u32, bytes: &[u8]) -> Vec<u8> {
    frame(DATA, END_STREAM, stream, bytes)
}

/// A frame that came.
struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

impl Frame {
    /// The code of a `RST_STREAM`.
    fn code(&self) -> u32 {
        u32::from_be_bytes(self.payload[..4].try_into().unwrap())
    }
}

async fn connect(pair: &Pair) -> RawClient {
    let mut client = RawClient::connect(&pair.router).await;
    client.send([PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await;
    client
}

async fn next(client: &mut RawClient) -> Frame {
    let head = client.take(9).await;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let stream = u32::from_be_bytes(head[5..9].try_into().unwrap());
    let payload = client.take(length as usize).await;
    Frame { kind: head[3], flags: head[4], stream, payload }
}

/// The frames up to the first of this kind, and with it.
async fn until(client: &mut RawClient, kind: u8) -> Frame {
    loop {
        let frame = next(client).await;
        if frame.kind == kind {
            return frame;
        }
        assert_ne!(frame.kind, GOAWAY, "{:?}", String::from_utf8_lossy(&frame.payload));
    }
}

async fn serves_on(pair: &Pair) {
    pair.open.set(Behaviour::new());
    let answer = pair.router.client().chat(&ask("test/open", "Hi")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let settled = async {
        while !pair
            .router
            .client()
            .get("/metrics")
            .await
            .text()
            .contains("plugway_requests_in_flight 0\n")
        {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    let patience = std::time::Duration::from_secs(20);
    tokio::time::timeout(patience, settled).await.expect("a request stays counted");
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_beyond_the_bound_are_refused_and_the_others_served() {
    let slow = Behaviour::new().head_delay_ms(300).reply("served");
    let pair = Pair::with(slow, "[server]\nmax_concurrent_streams = 4").await;
    let request = ask("test/open", "Hi").to_string();
    let mut client = connect(&pair).await;
    let streams = (0..12_u32).map(|n| 2 * n + 1);
    let requests = streams.flat_map(|it| [post(it, &[]), body(it, request.as_bytes())].concat());
    client.send(requests.collect::<Vec<u8>>()).await;
    let (mut served, mut refused) = (Vec::new(), Vec::new());
    while served.len() + refused.len() < 12 {
        let frame = next(&mut client).await;
        match frame.kind {
            // Its body is refused once more, for there is no such stream.
            RST_STREAM if !refused.contains(&frame.stream) => {
                assert_eq!(frame.code(), REFUSED);
                refused.push(frame.stream);
            }
            DATA if frame.flags & END_STREAM != 0 => served.push(frame.stream),
            GOAWAY => panic!("{:?}", String::from_utf8_lossy(&frame.payload)),
            _ => {}
        }
    }
    served.sort_unstable();
    assert_eq!(served, [1, 3, 5, 7], "refused: {refused:?}");
    assert_eq!(pair.open.requests().len(), 4);
    serves_on(&pair).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_requests_that_are_reset_at_once_is_survived() {
    let pair = Pair::start(Behaviour::new().head_delay_ms(60_000)).await;
    let request = ask("test/open", "Hi").to_string();
    for _ in 0..3 {
        let mut client = connect(&pair).await;
        for batch in 0..20_u32 {
            let streams = (0..100).map(|n| 2 * (100 * batch + n) + 1);
            let flood = streams.flat_map(|it| {
                let reset = frame(RST_STREAM, 0, it, &8_u32.to_be_bytes());
                [post(it, &[]), body(it, request.as_bytes()), reset].concat()
            });
            if !client.send(flood.collect::<Vec<u8>>()).await {
                break;
            }
        }
        // Told off, or merely answered; either way nothing of it is left.
        drop(client);
    }
    serves_on(&pair).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn floods_of_frames_harm_no_neighbour() {
    let pair = Pair::start(Behaviour::new()).await;
    let headers = block(&[("x-filler", &"x".repeat(100))]);
    let open = frame(HEADERS, 0, 1, &block(&[(":method", "POST"), (":path", "/")]));
    let continuations = frame(CONTINUATION, 0, 1, &headers).repeat(20_000);
    let pings = frame(PING, 0, 0, &[0; 8]).repeat(100_000);
    let settings = frame(SETTINGS, 0, 0, &[]).repeat(100_000);
    let empty = [post(1, &[]), frame(DATA, 0, 1, &[]).repeat(100_000)].concat();
    for flood in [[open, continuations].concat(), pings, settings, empty] {
        let mut client = connect(&pair).await;
        // The router may end the connection at any time.
        let sending = client.send(&flood);
        let _ = tokio::time::timeout(std::time::Duration::from_secs(5), sending).await;
        drop(client);
        serves_on(&pair).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_frames_end_their_connection_alone() {
    let pair = Pair::start(Behaviour::new()).await;
    for (case, bytes) in [
        ("no frame", b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        ("a frame too large", frame(DATA, 0, 1, &vec![0; 1 << 20])),
        ("a stream of the router's", post(2, &[])),
        ("data without a stream", body(1, b"{}")),
        ("headers that cannot be read", frame(HEADERS, END_HEADERS, 1, &[0xff; 40])),
        ("settings of a bad size", frame(SETTINGS, 0, 0, &[0; 5])),
        ("a continuation of nothing", frame(CONTINUATION, END_HEADERS, 1, &[])),
    ] {
        let mut client = connect(&pair).await;
        client.send(bytes).await;
        let farewell = until_goaway(&mut client).await;
        assert!(farewell, "{case}: the connection goes on");
        client.rest().await;
    }
    serves_on(&pair).await;
}

/// Reads on; whether the router says goodbye.
async fn until_goaway(client: &mut RawClient) -> bool {
    loop {
        match next(client).await.kind {
            GOAWAY => return true,
            HEADERS | DATA => return false,
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_request_costs_its_stream_alone() {
    let strict = "[server]\nbody_timeout = \"1s\"\nmax_body = \"64KiB\"\nmax_header = \"16KiB\"";
    let pair = Pair::with(Behaviour::new().reply("served"), strict).await;
    let request = ask("test/open", "Hi").to_string();
    let mut client = connect(&pair).await;
    // A body that is shorter, and one that is longer, than declared.
    for (stream, length) in [(1, "999"), (3, "3")] {
        let headers = [("content-length", length)];
        client.send([post(stream, &headers), body(stream, request.as_bytes())].concat()).await;
        assert_eq!(until(&mut client, RST_STREAM).await.stream, stream);
    }
    // A foreign host, a name beside its own, no JSON, a body that never comes, one
    // that is declared too large, headers of every size.
    let foreign = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/v1/chat/completions"),
        (":authority", "evil.example"),
    ];
    let filler = "x".repeat(120);
    let flood = vec![("x-filler", &*filler); 400];
    for (stream, bytes, told) in [
        (
            5,
            [frame(HEADERS, END_HEADERS, 5, &block(&foreign)), body(5, b"{}")].concat(),
            "foreign_origin",
        ),
        (7, [post(7, &[("host", "evil.example")]), body(7, b"{}")].concat(), "foreign_origin"),
        (9, [post(9, &[]), body(9, b"{")].concat(), "invalid_request"),
        (11, post(11, &[]), "request_timeout"),
        (13, post(13, &[("content-length", "99999999")]), "payload_too_large"),
        (15, [continued(15, &flood), body(15, b"{}")].concat(), "431"),
    ] {
        client.send(bytes).await;
        let head = loop {
            let frame = until(&mut client, HEADERS).await;
            if frame.stream == stream {
                break frame;
            }
        };
        if told == "431" {
            assert!(head.payload.windows(3).any(|it| it == STATUS_431), "{:x?}", head.payload);
            continue;
        }
        let answer = until(&mut client, DATA).await;
        let text = String::from_utf8_lossy(&answer.payload).into_owned();
        assert!(text.contains(told), "{told}: {text}");
    }
    // The connection is none the worse.
    client.send([post(17, &[]), body(17, request.as_bytes())].concat()).await;
    let answer = loop {
        let frame = until(&mut client, DATA).await;
        if frame.stream == 17 {
            break frame;
        }
    };
    let text = String::from_utf8_lossy(&answer.payload).into_owned();
    assert!(text.contains("served"), "{text}");
    serves_on(&pair).await;
}

/// The headers of a chat completion in as many frames as they need.
fn continued(stream: u32, more: &[(&str, &str)]) -> Vec<u8> {
    let headers = post(stream, more).split_off(9);
    let mut pieces = headers.chunks(16_000);
    let mut frames = frame(HEADERS, 0, stream, pieces.next().unwrap());
    let mut pieces = pieces.peekable();
    while let Some(piece) = pieces.next() {
        let flags = if pieces.peek().is_none() { END_HEADERS } else { 0 };
        frames.extend(frame(CONTINUATION, flags, stream, piece));
    }
    frames
}

/// `SETTINGS_INITIAL_WINDOW_SIZE` of so many bytes.
fn window(bytes: u32) -> Vec<u8> {
    frame(SETTINGS, 0, 0, &[&[0, 4][..], &bytes.to_be_bytes()].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_grants_no_window_is_cut_off() {
    let endless = Behaviour::new().tokens_per_second(50).completion_tokens(100_000);
    let bounds = "[server]\nwrite_timeout = \"300ms\"\nmax_requests = 1";
    let pair = Pair::with(endless.clone(), bounds).await;
    let mut request = ask("test/open", "Hi");
    request["stream"] = json!(true);
    // Nothing at all, and something to begin with.
    for (count, granted) in [(1, 0), (2, 400)] {
        pair.open.set(endless.clone());
        let mut client = RawClient::connect(&pair.router).await;
        client.send([PREFACE, &window(granted)].concat()).await;
        client.send([post(1, &[]), body(1, request.to_string().as_bytes())].concat()).await;
        let left = pair.open.requests_when(|seen| {
            let gone = plugway_simulator::Outcome::ClientLeft;
            seen.iter().filter(|it| it.outcome == gone).count() == count
        });
        let patience = std::time::Duration::from_secs(20);
        tokio::time::timeout(patience, left).await.expect("still running upstream");
        client.rest().await;
        // There is one place, and it is free.
        pair.open.set(Behaviour::new());
        let answer = pair.router.client().chat(&ask("test/open", "Hi")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    serves_on(&pair).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_cancels_all_its_streams() {
    let pair = Pair::start(Behaviour::new().tokens_per_second(20).completion_tokens(100_000)).await;
    let mut request = ask("test/open", "Hi");
    request["stream"] = json!(true);
    let request = request.to_string();
    let mut client = connect(&pair).await;
    for stream in [1, 3, 5, 7] {
        client.send([post(stream, &[]), body(stream, request.as_bytes())].concat()).await;
    }
    for _ in 0..4 {
        until(&mut client, DATA).await;
    }
    client.reset();
    let left = pair.open.requests_when(|seen| {
        let left =
            seen.iter().filter(|it| matches!(it.outcome, plugway_simulator::Outcome::ClientLeft));
        left.count() == 4
    });
    tokio::time::timeout(std::time::Duration::from_secs(20), left).await.expect("still running");
    serves_on(&pair).await;
}
