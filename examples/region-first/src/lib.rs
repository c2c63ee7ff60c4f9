//! Endpoints in the preferred regions first, region by region; the others follow as
//! fallbacks. Inside a region the cheapest comes first.
//!
//! This is a preference and keeps nothing inside a region: for a request
//! that must not leave it there is `provider.regions`.
//!
//! | option | default | meaning |
//! |---|---|---|
//! | `regions` | `[]` | regions of endpoints, as configured there, the preferred one first; a request's own list replaces the configured one |

use plugway_sdk::strategy::order::{self, Standing};
use plugway_sdk::strategy::{
    Candidate, Plan, Query, Refusal, Setting, Setup, Strategy, known_settings, setting,
};

/// The strategy as it is configured.
#[derive(Debug)]
pub struct RegionFirst {
    regions: Vec<String>,
}

impl Strategy for RegionFirst {
    fn open(setup: Setup) -> Result<Self, String> {
        Ok(Self { regions: regions(&setup.options)?.unwrap_or_default() })
    }

    fn route(&self, query: Query, candidates: Vec<Candidate>) -> Result<Plan, Refusal> {
        let own = regions(&query.options).map_err(Refusal::InvalidOptions)?;
        let regions = own.as_ref().unwrap_or(&self.regions);
        let place = |candidate: &Candidate| {
            let region = candidate.region.as_ref();
            regions.iter().position(|it| Some(it) == region).unwrap_or(regions.len())
        };
        let mut ranked = order::by_key(&query, &candidates, |it| it.estimated_cost);
        // The sort is stable: inside a region the cheapest stays first.
        ranked.sort_by_key(|index| {
            let candidate = &candidates[*index];
            (Standing::of(candidate, &query), place(candidate))
        });
        let reason = match ranked.first().map(|index| &candidates[*index]) {
            Some(Candidate { id, region: Some(region), .. }) => {
                format!("{id} is in {region}; preferred: {}", regions.join(", "))
            }
            _ => format!("the first has no known region; preferred: {}", regions.join(", ")),
        };
        Ok(Plan::in_order(ranked, reason))
    }
}

fn regions(settings: &[Setting]) -> Result<Option<Vec<String>>, String> {
    known_settings(settings, &["regions"])?;
    setting(settings, "regions")
}

plugway_sdk::export!(strategy: RegionFirst);
