//! The endpoint that writes fastest first; the others follow as fallbacks.
//!
//! What the client asked for comes first: its order of models and of providers, its
//! cutoffs, and its `sort`, which replaces the throughput by an order of that kind and is
//! kept strictly. Then come endpoints that lately succeeded, then one that holds the
//! conversation's prompt cache, then the throughput, and where that is equal the cost. An
//! endpoint whose circuit breaker is open comes last.
//!
//! An endpoint that was not measured yet, or not lately, gets a bounded share of the
//! requests, drawn from the request's seed. So each is measured, and comes back when it
//! has become better.
//!
//! Options, from the configuration or with a request:
//!
//! | option | default | meaning |
//! |---|---|---|
//! | `percentile` | `"p50"` | which percentile of the throughput decides: `"p50"`, `"p75"`, `"p90"` or `"p99"` |
//! | `exploration` | 0.05 | share of requests that go first to an unmeasured endpoint, where there is one that stands no worse for the client; never away from a warm prompt cache |
//! | `min_uptime` | 0.95 | share of attempts that must have succeeded for an endpoint to be sound; below it comes later |
//! | `fallback_uptime` | 0.8 | below this it comes only behind all others |
//! | `hedge_percentile` | none | `"p50"`, `"p75"`, `"p90"` or `"p99"`: the next endpoint starts too, once this percentile of the endpoint's own time to first token has passed |
//! | `first_token_timeout_factor` | none | an endpoint is given up after so many times the 99th percentile of its time to first token, and after a second at least |

use plugway_sdk::strategy::draw::Draw;
use plugway_sdk::strategy::order::{self, Standing};
use plugway_sdk::strategy::{
    Bands, Candidate, Patience, Percentile, Plan, Query, Refusal, Setting, Setup, Strategy,
    known_settings, number, objective,
};

const OPTIONS: [&str; 6] = [
    "percentile",
    "exploration",
    "min_uptime",
    "fallback_uptime",
    "hedge_percentile",
    "first_token_timeout_factor",
];

/// The strategy as it is configured.
pub struct Throughput {
    settings: Vec<Setting>,
    options: Options,
}

#[derive(Clone, Copy)]
struct Options {
    percentile: Percentile,
    exploration: f64,
    bands: Bands,
    patience: Patience,
}

impl Strategy for Throughput {
    fn open(setup: Setup) -> Result<Self, String> {
        let options = Options::read(&setup.options)?;
        Ok(Self { settings: setup.options, options })
    }

    fn route(&self, query: Query, candidates: Vec<Candidate>) -> Result<Plan, Refusal> {
        let options = match query.options.as_slice() {
            [] => self.options,
            asked => {
                Options::read(&[&self.settings, asked].concat()).map_err(Refusal::InvalidOptions)?
            }
        };
        let plan = objective::plan(&query, &candidates, &options.bands)
            .unwrap_or_else(|| options.ranked(&query, &candidates));
        Ok(options.patience.applied(plan, &candidates))
    }
}

impl Options {
    /// A request's own settings stand behind the configured ones, and beat them.
    fn read(settings: &[Setting]) -> Result<Self, String> {
        known_settings(settings, &OPTIONS)?;
        Ok(Self {
            percentile: Percentile::from_settings(settings, "percentile")?
                .unwrap_or(Percentile::P50),
            exploration: number(settings, "exploration", 0.0..=1.0, 0.05)?,
            bands: Bands::from_settings(settings)?,
            patience: Patience::from_settings(settings)?,
        })
    }

    fn ranked(&self, query: &Query, candidates: &[Candidate]) -> Plan {
        let mut ranked = order::by_keys(query, candidates, |it| {
            let band = f64::from(self.bands.band(it, query) as u8);
            let cold = f64::from(u8::from(!it.warm));
            let worth = self.measured(it).map_or(f64::INFINITY, |it| -it);
            [band, cold, worth, it.estimated_cost]
        });
        let Some(&first) = ranked.first() else {
            return Plan::in_order(ranked, "there is no candidate");
        };
        if let Some(explored) = self.explored(query, candidates, &ranked) {
            let reason = format!("{} is explored, to be measured", candidates[explored].id);
            ranked.retain(|index| *index != explored);
            return Plan::in_order(std::iter::once(explored).chain(ranked), reason);
        }
        let id = &candidates[first].id;
        let reason = match self.measured(&candidates[first]) {
            _ if candidates[first].warm => format!("{id} holds the conversation's prompt cache"),
            Some(measured) => format!(
                "{id} has the best throughput, {measured:.0} tokens per second, of those that health and the client's preferences put first"
            ),
            None => format!("{id} comes first; the throughput of none that may is known"),
        };
        Plan::in_order(ranked, reason)
    }

    /// Now and then, an unmeasured endpoint that stands no worse for the client.
    fn explored(&self, query: &Query, candidates: &[Candidate], ranked: &[usize]) -> Option<usize> {
        let leader = &candidates[*ranked.first()?];
        if leader.warm || Draw::new(query.seed).fraction() > self.exploration {
            return None;
        }
        let (standing, band) = (Standing::of(leader, query), self.bands.band(leader, query));
        let unmeasured = ranked.iter().copied().filter(|&index| {
            let it = &candidates[index];
            self.measured(it).is_none()
                && Standing::of(it, query) == standing
                && self.bands.band(it, query) == band
        });
        let unmeasured: Vec<usize> = unmeasured.collect();
        // Another number than the one that decided whether.
        Draw::new(!query.seed).one_of(&unmeasured)
    }

    fn measured(&self, candidate: &Candidate) -> Option<f64> {
        self.percentile.of(candidate.health.throughput.as_ref())
    }
}

plugway_sdk::export!(strategy: Throughput);

#[cfg(test)]
mod tests;
