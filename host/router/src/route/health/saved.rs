//! Health over a restart: read when the router starts, saved now and then and at the end.
//! What goes wrong is told and harms no request: it is health of earlier days that is lost.

use crate::Router;
use crate::telemetry::EndpointLabels;
use plugway_routing::health::Record;
use plugway_store::{HealthRow, Location};
use std::time::Duration;

/// How much health a router that is killed loses.
const INTERVAL: Duration = Duration::from_secs(30);

/// Of [`Row`], to be counted up with each change of it or of what it holds.
const FORMAT: u32 = 3;

/// The endpoint's label in metrics, and its record.
type Row = (String, Record);

/// Takes over what an earlier process knew. What was saved later than now, before the
/// machine's clock was set back, is left out: its pauses might never end.
pub(crate) async fn restore(router: &Router) {
    let rows = match router.store.load_health::<Row>(FORMAT).await {
        Ok(rows) => rows,
        Err(error) => {
            tracing::warn!(%error, "what was known of endpoints' health cannot be read");
            return;
        }
    };
    let now = router.clock.unix_ms();
    for HealthRow { endpoint, saved_ms, record: (label, record) } in rows {
        match saved_ms <= now {
            true => router.health.restore(endpoint, (EndpointLabels { endpoint: label }, record)),
            false => tracing::warn!(endpoint, "its health is dated in the future; it is forgotten"),
        }
    }
}

/// Saves for as long as it is polled.
pub(crate) async fn save_now_and_then(router: &Router) {
    loop {
        tokio::time::sleep(INTERVAL).await;
        save(router, false).await;
    }
}

/// Saves all that is known, at the end.
pub(crate) async fn save_all(router: &Router) {
    save(router, true).await;
}

/// What cannot be saved now is saved when it changes again.
async fn save(router: &Router, all: bool) {
    if router.settings().config.state.location == Location::Memory {
        return;
    }
    let lasting = router.health.lasting(all);
    let saved_ms = router.clock.unix_ms();
    let row = |(endpoint, (labels, record)): (String, (EndpointLabels, Record))| HealthRow {
        endpoint,
        saved_ms,
        record: (labels.endpoint, record),
    };
    let rows: Vec<HealthRow<Row>> = lasting.into_iter().map(row).collect();
    if let Err(error) = router.store.save_health(FORMAT, saved_ms, &rows).await {
        tracing::warn!(%error, "what is known of endpoints' health cannot be saved");
    }
}
