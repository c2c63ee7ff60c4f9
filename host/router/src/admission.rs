//! Who is let in: a place for each connection and each request under way. What
//! has no place is told so at once, instead of waiting for one.

use crate::capacity::Capacity;
use std::io;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections beyond the bound that are served at once, to be told that there is
/// no room, or how the router is. Taken from the spare descriptors.
const MAX_EXCESS_CONNECTIONS: usize = 8;

/// The places that there are. Shared by all connections and requests.
pub(crate) struct Admission {
    connections: Arc<Semaphore>,
    excess: Arc<Semaphore>,
    requests: Arc<Semaphore>,
    capacity: Capacity,
}

/// A connection's place. Given back on drop.
pub(crate) enum Place {
    /// Within the bound.
    Regular(#[expect(dead_code, reason = "held until it is dropped")] OwnedSemaphorePermit),
    /// Beyond it: chats are turned away.
    Excess(#[expect(dead_code, reason = "held until it is dropped")] OwnedSemaphorePermit),
}

impl Admission {
    pub(crate) fn new(capacity: Capacity) -> Self {
        let places = |count: u32| Arc::new(Semaphore::new(count as usize));
        Self {
            connections: places(capacity.connections),
            excess: Arc::new(Semaphore::new(MAX_EXCESS_CONNECTIONS)),
            requests: places(capacity.requests),
            capacity,
        }
    }

    /// A place for a connection that has not been accepted yet, once there is one.
    /// Until then clients wait in the listener's queue. To be [`improved`] then.
    ///
    /// [`improved`]: Self::improved
    pub(crate) async fn connection(&self) -> io::Result<Place> {
        let (regular, excess) = (self.connections.clone(), self.excess.clone());
        tokio::select! {
            biased;
            place = excess.acquire_owned() => place.map(Place::Excess),
            place = regular.acquire_owned() => place.map(Place::Regular),
        }
        .map_err(io::Error::other)
    }

    /// The best place that there is now for the holder of `place`: others may
    /// have left while it waited for its connection.
    pub(crate) fn improved(&self, place: Place) -> Place {
        match place {
            Place::Regular(_) => place,
            Place::Excess(_) => match self.connections.clone().try_acquire_owned() {
                Ok(regular) => Place::Regular(regular),
                Err(_) => place,
            },
        }
    }

    /// A place for a request, to be held until its answer has ended; none if all
    /// are taken.
    pub(crate) fn request(&self) -> Option<OwnedSemaphorePermit> {
        self.requests.clone().try_acquire_owned().ok()
    }

    /// Whether a key with so many requests under way has more of the places than this
    /// share of them, in hundredths.
    pub(crate) fn is_beyond(&self, share_percent: u32, running: u32) -> bool {
        let share = u64::from(self.capacity.requests) * u64::from(share_percent) / 100;
        u64::from(running) > share.max(1)
    }

    /// Each bound's name, its size, and how much of it is in use.
    pub(crate) fn usage(&self) -> [(&'static str, u32, usize); 2] {
        let Capacity { connections, requests, .. } = self.capacity;
        let taken = |all: u32, places: &Semaphore| {
            (all as usize).saturating_sub(places.available_permits())
        };
        [
            ("connections", connections, taken(connections, &self.connections)),
            ("requests", requests, taken(requests, &self.requests)),
        ]
    }

    /// What was derived from the machine.
    pub(crate) fn capacity(&self) -> Capacity {
        self.capacity
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission() -> Admission {
        let capacity =
            Capacity { descriptors: 64, instances: 8, connections: 1, requests: 1, idle: 1 };
        Admission::new(capacity)
    }

    #[tokio::test]
    async fn a_connection_beyond_the_bound_is_known_as_such_until_there_is_room() {
        let admission = admission();
        let first = admission.improved(admission.connection().await.unwrap());
        let second = admission.improved(admission.connection().await.unwrap());
        assert!(matches!((&first, &second), (Place::Regular(_), Place::Excess(_))));
        drop(first);
        assert!(matches!(admission.improved(second), Place::Regular(_)));
    }

    #[tokio::test]
    async fn a_request_has_a_place_or_none() {
        let admission = admission();
        let place = admission.request();
        assert!(place.is_some() && admission.request().is_none());
        assert_eq!(admission.usage()[1], ("requests", 1, 1));
        drop(place);
        assert!(admission.request().is_some());
    }
}
