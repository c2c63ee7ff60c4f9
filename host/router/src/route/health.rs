//! What each endpoint has lately been worth: shares of success over two sliding
//! windows, and how many attempts are under way.

use crate::error::Code;
use plugway_engine::Health as Reading;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

/// Fewer attempts than this say nothing about an endpoint.
const MIN_SAMPLES: u32 = 5;

/// Endpoints that are remembered. Clients name passed-through models as they
/// like; what comes beyond this is served and not remembered.
const MAX_ENDPOINTS: usize = 10_000;

/// Slots per window; a slot is a thirtieth of it.
const SLOTS: usize = 30;

/// The endpoints' records. One per router, shared by all requests.
pub struct Health {
    started: Instant,
    endpoints: RwLock<HashMap<String, Arc<Endpoint>>>,
}

#[derive(Default)]
struct Endpoint {
    in_flight: AtomicU32,
    windows: Mutex<Windows>,
}

#[derive(Default)]
struct Windows {
    half_minute: Window<1>,
    five_minutes: Window<10>,
}

/// A ring of slots, each `SECONDS` long.
#[derive(Default)]
struct Window<const SECONDS: u64> {
    slots: [Slot; SLOTS],
}

#[derive(Clone, Copy, Default)]
struct Slot {
    /// Which stretch of time this slot was last used for.
    number: u64,
    good: u32,
    bad: u32,
    limited: u32,
}

/// How an attempt ended, as far as the endpoint is to blame for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It served.
    Good,
    /// It failed.
    Bad,
    /// It asked for a pause.
    Limited,
    /// Somebody else's doing: says nothing about the endpoint.
    Blameless,
}

impl From<Code> for Verdict {
    fn from(code: Code) -> Self {
        match code {
            Code::RateLimited => Self::Limited,
            Code::ProviderOverloaded
            | Code::ProviderTimeout
            | Code::ProviderUnavailable
            | Code::ProviderAuthentication
            | Code::PaymentRequired
            | Code::ProviderModelNotFound
            | Code::PluginFailed => Self::Bad,
            _ => Self::Blameless,
        }
    }
}

/// An attempt under way. Dropping it without a verdict, as when the client
/// leaves, blames nobody.
pub struct InFlight {
    endpoint: Arc<Endpoint>,
    started: Instant,
}

impl Health {
    /// Records of nothing yet.
    pub fn new() -> Self {
        Self { started: Instant::now(), endpoints: RwLock::default() }
    }

    /// Counts an attempt in, until the returned guard goes.
    pub fn begin(&self, endpoint: &str) -> InFlight {
        let endpoint = self.endpoint(endpoint);
        endpoint.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight { endpoint, started: self.started }
    }

    /// What strategies are told about an endpoint now.
    pub fn reading(&self, endpoint: &str) -> Reading {
        let known = self.endpoints.read().unwrap_or_else(PoisonError::into_inner);
        let Some(endpoint) = known.get(endpoint) else { return Reading::default() };
        let windows = endpoint.windows.lock().unwrap_or_else(PoisonError::into_inner);
        windows
            .reading(self.started.elapsed().as_secs(), endpoint.in_flight.load(Ordering::Relaxed))
    }

    fn endpoint(&self, id: &str) -> Arc<Endpoint> {
        let known = self.endpoints.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(endpoint) = known.get(id) {
            return endpoint.clone();
        }
        drop(known);
        let mut known = self.endpoints.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_ENDPOINTS {
            return Arc::default();
        }
        known.entry(id.to_owned()).or_default().clone()
    }
}

impl Default for Health {
    fn default() -> Self {
        Self::new()
    }
}

impl InFlight {
    /// Records how the attempt ended.
    pub fn ended(&self, verdict: Verdict) {
        let mut windows = self.endpoint.windows.lock().unwrap_or_else(PoisonError::into_inner);
        windows.add(self.started.elapsed().as_secs(), verdict);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.endpoint.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Windows {
    fn add(&mut self, now: u64, verdict: Verdict) {
        self.half_minute.add(now, verdict);
        self.five_minutes.add(now, verdict);
    }

    fn reading(&self, now: u64, in_flight: u32) -> Reading {
        let (short, long) = (self.half_minute.sum(now), self.five_minutes.sum(now));
        Reading {
            uptime_30s: share(short.good, short.bad),
            uptime_5m: share(long.good, long.bad),
            rate_limited_5m: share(long.limited, long.good.saturating_add(long.bad)),
            in_flight,
            ..Reading::default()
        }
    }
}

impl<const SECONDS: u64> Window<SECONDS> {
    fn add(&mut self, now: u64, verdict: Verdict) {
        let number = now / SECONDS;
        let slot = &mut self.slots[index(number)];
        if slot.number != number {
            *slot = Slot { number, ..Slot::default() };
        }
        let count = match verdict {
            Verdict::Good => &mut slot.good,
            Verdict::Bad => &mut slot.bad,
            Verdict::Limited => &mut slot.limited,
            Verdict::Blameless => return,
        };
        *count = count.saturating_add(1);
    }

    fn sum(&self, now: u64) -> Slot {
        let number = now / SECONDS;
        let recent = self.slots.iter().filter(|slot| slot.number + SLOTS as u64 > number);
        recent.fold(Slot::default(), |sum, slot| Slot {
            number,
            good: sum.good.saturating_add(slot.good),
            bad: sum.bad.saturating_add(slot.bad),
            limited: sum.limited.saturating_add(slot.limited),
        })
    }
}

fn index(number: u64) -> usize {
    usize::try_from(number % SLOTS as u64).unwrap_or(0)
}

fn share(part: u32, rest: u32) -> Option<f64> {
    let whole = part.saturating_add(rest);
    (whole >= MIN_SAMPLES).then(|| f64::from(part) / f64::from(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        attempts: &[(u64, Verdict)],
        now: u64,
        half_minute: Option<f64>,
        five_minutes: Option<f64>,
    ) {
        let mut windows = Windows::default();
        for (at, verdict) in attempts {
            windows.add(*at, *verdict);
        }
        let reading = windows.reading(now, 0);
        assert_eq!(
            (reading.uptime_30s, reading.uptime_5m),
            (half_minute, five_minutes),
            "at {now}"
        );
    }

    #[test]
    fn shares_need_samples_and_age_out() {
        use Verdict::{Bad, Blameless, Good, Limited};
        let few = [(100, Good), (100, Bad)];
        check(&few, 100, None, None);
        let mixed = [(100, Good), (101, Good), (102, Good), (103, Bad), (104, Good)];
        check(&mixed, 110, Some(0.8), Some(0.8));
        check(&mixed, 140, None, Some(0.8));
        check(&mixed, 500, None, None);
        let blameless =
            [(100, Good); 5].iter().chain(&[(100, Blameless); 5]).copied().collect::<Vec<_>>();
        check(&blameless, 100, Some(1.0), Some(1.0));
        let limited =
            [(100, Good); 5].iter().chain(&[(100, Limited); 5]).copied().collect::<Vec<_>>();
        check(&limited, 100, Some(1.0), Some(1.0));
    }

    #[test]
    fn attempts_under_way_are_counted_until_they_end() {
        let health = Health::new();
        let first = health.begin("a/m");
        let second = health.begin("a/m");
        assert_eq!(health.reading("a/m").in_flight, 2);
        drop((first, second));
        assert_eq!(health.reading("a/m").in_flight, 0);
        assert_eq!(health.reading("unknown").in_flight, 0);
    }
}
