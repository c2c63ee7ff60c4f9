//! A strategy that goes by one measured figure of each endpoint, as by its time to first
//! token. What the client asked for comes first; then endpoints that lately succeeded, then
//! one that holds the conversation's prompt cache, then the figure, and where that is equal
//! the cost.

use super::draw::Draw;
use super::order::{self, Standing};
use super::{
    Bands, Candidate, Health, Patience, Percentile, Percentiles, Plan, Query, Refusal, Setting,
    Setup, Strategy, known_settings, number, objective,
};
use std::marker::PhantomData;

/// A figure that the router measures.
pub trait Measure: 'static {
    /// Its name, in sentences.
    const NAME: &'static str;

    /// What was measured of an endpoint; none where that was too little.
    fn of(health: &Health) -> Option<&Percentiles>;

    /// The figure, turned so that the less is the better.
    fn worth(figure: f64) -> f64;

    /// The figure with its unit.
    fn told(figure: f64) -> String;
}

/// A strategy that puts the endpoint with the best figure first.
pub struct Measured<M> {
    settings: Vec<Setting>,
    options: Options,
    measure: PhantomData<M>,
}

#[derive(Clone, Copy)]
struct Options {
    percentile: Percentile,
    exploration: f64,
    bands: Bands,
    patience: Patience,
}

const OPTIONS: [&str; 6] = [
    "percentile",
    "exploration",
    "min_uptime",
    "fallback_uptime",
    "hedge_percentile",
    "first_token_timeout_factor",
];

impl<M: Measure> Strategy for Measured<M> {
    fn open(setup: Setup) -> Result<Self, String> {
        let options = Options::read(&setup.options)?;
        Ok(Self { settings: setup.options, options, measure: PhantomData })
    }

    fn route(&self, query: Query, candidates: Vec<Candidate>) -> Result<Plan, Refusal> {
        let options = match query.options.as_slice() {
            [] => self.options,
            asked => {
                Options::read(&[&self.settings, asked].concat()).map_err(Refusal::InvalidOptions)?
            }
        };
        let plan = objective::plan(&query, &candidates, &options.bands)
            .unwrap_or_else(|| options.ranked::<M>(&query, &candidates));
        Ok(options.patience.applied(plan, &query, &candidates))
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

    fn ranked<M: Measure>(&self, query: &Query, candidates: &[Candidate]) -> Plan {
        let mut ranked = order::by_keys(query, candidates, |it| {
            let band = f64::from(self.bands.band(it, query) as u8);
            let cold = f64::from(u8::from(!it.warm));
            let worth = self.measured::<M>(it).map_or(f64::INFINITY, M::worth);
            [band, cold, worth, it.estimated_cost]
        });
        let Some(&first) = ranked.first() else {
            return Plan::in_order(ranked, "there is no candidate");
        };
        if let Some(explored) = self.explored::<M>(query, candidates, &ranked) {
            let reason = format!("{} is explored, to be measured", candidates[explored].id);
            ranked.retain(|index| *index != explored);
            return Plan::in_order(std::iter::once(explored).chain(ranked), reason);
        }
        let id = &candidates[first].id;
        let reason = match self.measured::<M>(&candidates[first]) {
            _ if candidates[first].warm => format!("{id} holds the conversation's prompt cache"),
            Some(measured) => format!(
                "{id} has the best {}, {}, of those that health and the client's preferences put first",
                M::NAME,
                M::told(measured)
            ),
            None => format!("{id} comes first; the {} of none that may is known", M::NAME),
        };
        Plan::in_order(ranked, reason)
    }

    /// Now and then, an unmeasured endpoint that stands no worse for the client.
    fn explored<M: Measure>(
        &self,
        query: &Query,
        candidates: &[Candidate],
        ranked: &[usize],
    ) -> Option<usize> {
        let leader = &candidates[*ranked.first()?];
        if leader.warm || Draw::new(query.seed).fraction() > self.exploration {
            return None;
        }
        let (standing, band) = (Standing::of(leader, query), self.bands.band(leader, query));
        let unmeasured = ranked.iter().copied().filter(|&index| {
            let it = &candidates[index];
            self.measured::<M>(it).is_none()
                && Standing::of(it, query) == standing
                && self.bands.band(it, query) == band
        });
        let unmeasured: Vec<usize> = unmeasured.collect();
        // Another number than the one that decided whether.
        Draw::new(!query.seed).one_of(&unmeasured)
    }

    fn measured<M: Measure>(&self, candidate: &Candidate) -> Option<f64> {
        self.percentile.of(M::of(&candidate.health))
    }
}

#[cfg(test)]
mod tests;
