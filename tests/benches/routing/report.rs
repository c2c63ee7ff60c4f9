//! What a run came to, as a line of a table.

use std::collections::BTreeMap;
use std::time::Duration;

/// Sums over a run.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) requests: u64,
    pub(crate) failed: u64,
    /// Attempts, hedges among them.
    pub(crate) attempts: u64,
    pub(crate) hedges: u64,
    /// From the request's arrival, failed attempts included.
    pub(crate) first_tokens: Vec<Duration>,
    /// US dollars that providers bill.
    pub(crate) dollars: f64,
    pub(crate) prompt_tokens: u64,
    pub(crate) cached_tokens: u64,
    /// Requests that failed, by why.
    pub(crate) over: BTreeMap<String, u64>,
}

impl Tally {
    fn percentile(&self, share: f64) -> Duration {
        let mut sorted = self.first_tokens.clone();
        sorted.sort_unstable();
        let last = sorted.len().saturating_sub(1);
        sorted.get((last as f64 * share).round() as usize).copied().unwrap_or_default()
    }

    pub(crate) fn p99(&self) -> Duration {
        self.percentile(0.99)
    }

    /// Prints the line; `healthy` is the 99th percentile without trouble.
    pub(crate) fn print(&self, strategy: &str, healthy: Duration) {
        let of = |part: u64, whole: u64| 100.0 * part as f64 / whole.max(1) as f64;
        println!(
            "{strategy:<22} | {:>8.3} | {:>8.0} | {:>8.0} | {:>5.2} | {:>9.4} | {:>6.3} | {:>5.1} | {:>5.1} {}",
            of(self.requests - self.failed, self.requests),
            self.percentile(0.5).as_secs_f64() * 1e3,
            self.p99().as_secs_f64() * 1e3,
            self.p99().as_secs_f64() / healthy.as_secs_f64().max(1e-9),
            1e3 * self.dollars / self.requests.max(1) as f64,
            self.attempts as f64 / self.requests.max(1) as f64,
            of(self.hedges, self.requests),
            of(self.cached_tokens, self.prompt_tokens),
            self.why(),
        );
    }

    /// Of what the requests failed that did.
    fn why(&self) -> String {
        let why = self.over.iter().map(|(over, count)| format!("{count} {over}"));
        why.collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn heading() {
        println!(
            "{:<22} | {:>8} | {:>8} | {:>8} | {:>5} | {:>9} | {:>6} | {:>5} | {:>5}",
            "strategy",
            "served %",
            "p50 ms",
            "p99 ms",
            "times",
            "$ / 1000",
            "tries",
            "hedg%",
            "cach%"
        );
    }
}
