//! Streams that stay open: how many there can be, and what each one takes.

use crate::child::Child;
use crate::load::{Load, pool};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Streams that are being opened at once.
const OPENING: usize = 50;

/// Longest wait for a stream's first chunk.
const PATIENCE: Duration = Duration::from_secs(10);

/// Opens up to `wanted` streams, or as many as there is room for, prints what
/// they take, and closes them.
pub(crate) async fn hold(router: &Child, wanted: usize) {
    let before = router.memory();
    let (streams, end) = open(router, wanted).await;
    let held = router.memory();
    let count = streams.len();
    drop(streams);
    let left = settle(router).await;
    let kb = |bytes: f64| bytes / 1e3;
    let mb = |bytes: f64| bytes / 1e6;
    println!(
        "{count:>7} | {:>7.1} | {:>13.1} | {:>13.1} | {:>15.1} | {:>15.1} | {end}",
        mb(before.resident),
        kb((held.proportional - before.proportional) / count as f64),
        kb((held.resident - before.resident) / count as f64),
        mb(left.resident),
        mb(left.proportional - before.proportional),
    );
}

async fn open(router: &Child, wanted: usize) -> (Vec<Incoming>, String) {
    let load = Load::new("held", 1_000, 200);
    let mut streams = Vec::with_capacity(wanted);
    let mut opening = JoinSet::new();
    let mut end = "as many as were wanted".to_owned();
    let mut refused = false;
    for _ in 0..wanted {
        if opening.len() >= OPENING {
            refused |= collect(&mut opening, &mut streams, &mut end).await;
        }
        if refused {
            break;
        }
        let request = load.request(router);
        opening.spawn(async move {
            // One connection for each: clients of streams come from everywhere.
            let response = pool().request(request).await.map_err(|error| format!("{error:?}"))?;
            let status = response.status();
            let mut body = response.into_body();
            match timeout(PATIENCE, body.frame()).await {
                _ if status != 200 => Err(format!("then {status}")),
                Ok(Some(Ok(_))) => Ok(body),
                _ => Err("then no first chunk".to_owned()),
            }
        });
    }
    while !opening.is_empty() {
        collect(&mut opening, &mut streams, &mut end).await;
    }
    (streams, end)
}

/// Takes one that opened, or notes why it did not.
async fn collect(
    opening: &mut JoinSet<Result<Incoming, String>>,
    streams: &mut Vec<Incoming>,
    end: &mut String,
) -> bool {
    match opening.join_next().await.unwrap().unwrap() {
        Ok(stream) => streams.push(stream),
        Err(why) => {
            *end = why;
            return true;
        }
    }
    false
}

/// Waits until the router has let go of all streams.
async fn settle(router: &Child) -> crate::child::Memory {
    let metrics = format!("http://{}/metrics", router.address);
    for _ in 0..600 {
        sleep(Duration::from_millis(100)).await;
        let request = http::Request::get(&metrics).body(Default::default()).unwrap();
        let body = pool().request(request).await.unwrap().into_body();
        let text = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&text).into_owned();
        if text.lines().any(|line| line == "plugway_in_use{resource=\"requests\"} 0") {
            break;
        }
    }
    router.memory()
}
