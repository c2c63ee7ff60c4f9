//! Sound endpoints first, and among them a draw: the cheaper an endpoint, the likelier
//! it comes first. So traffic spreads over providers, health is measured everywhere,
//! and most requests still are cheap. The others follow as fallbacks.
//!
//! The order, the first difference deciding: an open circuit breaker comes last; the
//! client's order of models; its cutoffs for speed; its order of providers; how sound
//! the endpoint is, by its last 30 seconds and 5 minutes; whether it holds the
//! conversation's prompt cache; the draw. A client's `sort` replaces all after its order
//! of providers by an order of that kind.
//!
//! Options, from the configuration or with a request:
//!
//! | option | default | meaning |
//! |---|---|---|
//! | `exponent` | 2 | an endpoint's weight is 1 / cost ^ exponent; 0 draws blindly |
//! | `exploration` | 0.02 | share of requests whose first endpoint is drawn blindly from all that stand alike for the client, also the unsound, so that each is measured now and then; never away from a warm prompt cache |
//! | `min_uptime` | 0.95 | share of attempts that must have succeeded for an endpoint to be sound; below it comes later |
//! | `fallback_uptime` | 0.8 | below this it comes only behind all others |
//! | `hedge_percentile` | `"p99"` | of streams, the next endpoint starts too, once this percentile of the endpoint's own time to first token has passed: `"p50"`, `"p75"`, `"p90"`, `"p99"` or `"never"` |
//! | `first_token_timeout_factor` | none | an endpoint is given up after so many times the 99th percentile of its time to first token, and after a second at least |

use plugway_sdk::strategy::draw::{self, Draw};
use plugway_sdk::strategy::order::Standing;
use plugway_sdk::strategy::{
    Band, Bands, Candidate, Patience, Plan, Query, Refusal, Setting, Setup, Strategy,
    known_settings, number, objective,
};

const OPTIONS: [&str; 6] = [
    "exponent",
    "exploration",
    "min_uptime",
    "fallback_uptime",
    "hedge_percentile",
    "first_token_timeout_factor",
];

/// The strategy as it is configured.
#[derive(Debug)]
pub struct Balanced {
    settings: Vec<Setting>,
    options: Options,
}

#[derive(Clone, Copy, Debug)]
struct Options {
    exponent: f64,
    exploration: f64,
    bands: Bands,
    patience: Patience,
}

/// What comes before the draw; the lesser comes first.
type Group = (Standing, Band, bool);

impl Strategy for Balanced {
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
            .unwrap_or_else(|| options.drawn(&query, &candidates));
        Ok(options.patience.applied(plan, &query, &candidates))
    }
}

impl Options {
    /// A request's own settings stand behind the configured ones, and beat them.
    fn read(settings: &[Setting]) -> Result<Self, String> {
        known_settings(settings, &OPTIONS)?;
        Ok(Self {
            exponent: number(settings, "exponent", 0.0..=8.0, 2.0)?,
            exploration: number(settings, "exploration", 0.0..=1.0, 0.02)?,
            bands: Bands::from_settings(settings)?,
            patience: Patience::from_settings(settings)?,
        })
    }

    fn drawn(&self, query: &Query, candidates: &[Candidate]) -> Plan {
        let weights: Vec<f64> =
            candidates.iter().map(|it| draw::weight(it.estimated_cost, self.exponent)).collect();
        let mut draw = Draw::new(query.seed);
        let turns = draw.turns(&weights);
        let group = |index: usize| -> Group {
            let candidate = &candidates[index];
            let band = self.bands.band(candidate, query);
            (Standing::of(candidate, query), band, !candidate.warm)
        };
        let groups: Vec<Group> = (0..candidates.len()).map(group).collect();
        let mut ranked: Vec<usize> = (0..candidates.len()).collect();
        ranked.sort_by(|&a, &b| groups[a].cmp(&groups[b]).then(turns[a].total_cmp(&turns[b])));
        let Some(first) = ranked.first().copied() else {
            return Plan::in_order(ranked, "there is no candidate");
        };
        if let Some(explored) = self.explored(&mut draw, &ranked, &groups) {
            let reason = format!("{} was drawn blindly, to be measured", candidates[explored].id);
            ranked.retain(|index| *index != explored);
            return Plan::in_order(std::iter::once(explored).chain(ranked), reason);
        }
        let equals: Vec<usize> =
            ranked.iter().copied().filter(|&index| groups[index] == groups[first]).collect();
        let (id, of) = (&candidates[first].id, candidates.len());
        if candidates[first].warm && equals.len() == 1 {
            let reason = format!("{id} holds the conversation's prompt cache, of {of} candidates");
            return Plan::in_order(ranked, reason);
        }
        let sum: f64 = equals.iter().map(|&index| weights[index]).sum();
        let (chance, fit) = (100.0 * weights[first] / sum, equals.len());
        let reason = format!(
            "{id} was drawn by price, with a chance of {chance:.0}%, from {fit} equally fit of {of} candidates"
        );
        Plan::in_order(ranked, reason)
    }

    /// Now and then, whoever is to come first instead: one that stands no worse for the
    /// client.
    fn explored(&self, draw: &mut Draw, ranked: &[usize], groups: &[Group]) -> Option<usize> {
        let (standing, _, is_cold) = groups[*ranked.first()?];
        if !is_cold || draw.fraction() > self.exploration {
            return None;
        }
        let alike: Vec<usize> =
            ranked.iter().copied().filter(|&index| groups[index].0 == standing).collect();
        draw.one_of(&alike)
    }
}

plugway_sdk::export!(strategy: Balanced);

#[cfg(test)]
mod tests;
