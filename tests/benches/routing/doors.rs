//! What the router's own health and budgets let through.

use crate::provider::Wrong;
use crate::world::{Chooser, World};
use plugway::error::{Code, Error};
use plugway::route::{HealthPolicy, InFlight, LeftOut, Step, Watch};
use plugway_routing::walk::{Admission, Gates};
use std::time::Duration;

/// What a provider that limits asks its clients to wait.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Who lets a walk through: the router's own health for its strategies, nobody for the
/// orders that they are compared with.
pub(crate) struct Doors<'a, 'w> {
    pub(crate) world: &'a World<'w>,
    pub(crate) steps: &'a [Step],
    /// Of each step that was begun, its endpoint.
    pub(crate) watches: &'a mut Vec<(usize, Watch)>,
}

impl Gates for Doors<'_, '_> {
    type Pass = Option<InFlight>;

    fn admit(&mut self, step: usize, last_resort: bool) -> Admission<Self::Pass> {
        let Chooser::Strategy(_) = self.world.chooser else { return Admission::Granted(None) };
        let (router, settings) = (self.world.router, &self.world.settings);
        let endpoint = &self.steps[step].endpoint;
        let policy = HealthPolicy::from(&settings.config.routing);
        match router.health.begin(&endpoint.id, endpoint, policy, last_resort) {
            Ok(in_flight) => {
                self.watches.push((step, in_flight.watch()));
                match in_flight.is_probe() {
                    true => Admission::Probing(Some(in_flight)),
                    false => Admission::Granted(Some(in_flight)),
                }
            }
            Err(LeftOut::Cooling(_)) => Admission::Never,
            Err(LeftOut::Tripped(_) | LeftOut::Probed) => Admission::Later,
        }
    }

    fn has_tripped(&self, step: usize) -> bool {
        let last = self.watches.iter().rfind(|(it, _)| *it == step);
        last.is_some_and(|(_, watch)| watch.has_tripped())
    }

    fn retry(&mut self) -> bool {
        self.world.router.attempts.retry(&self.world.settings.config.routing)
    }

    fn hedge(&mut self) -> bool {
        self.world.router.attempts.hedge(&self.world.settings.config.routing)
    }
}

impl Wrong {
    /// As the router's adapters would tell it.
    pub(crate) fn error(self) -> Error {
        let code = match self {
            Self::Refused | Self::Failed => Code::ProviderUnavailable,
            Self::Limited => Code::RateLimited,
            Self::TooSlow => Code::ProviderTimeout,
        };
        let retry_after = (self == Self::Limited).then_some(RETRY_AFTER);
        Error { retry_after, ..Error::new(code, "simulated") }
    }
}
