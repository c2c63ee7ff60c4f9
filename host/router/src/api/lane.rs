//! What the administration has of this router, apart from what chats have: so many bodies at
//! once, and so many looks into the ledger. Neither is in the other's way: keys can be revoked
//! while chats fill all the room, and whoever reads the books holds up no request.

use crate::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Bytes of one body: a key with all that can be said of it takes a few thousand.
pub(super) const MAX_BODY_BYTES: usize = 64 * 1024;

/// Bodies of that size that are held at once.
const MAX_BODIES: usize = 16;

/// Looks into the ledger at once: of the few connections to the database as many are left for
/// what requests and their writing wait for.
const MAX_READS: usize = 2;

/// How long a look waits for its turn.
const PATIENCE: Duration = Duration::from_secs(1);

/// One per router.
pub(crate) struct Lane {
    /// What is left of the room for bodies, in KiB.
    pub(super) bodies: Arc<Semaphore>,
    reads: Arc<Semaphore>,
    patience: Duration,
}

/// One look into the ledger is under way, for as long as it is held.
pub(super) struct Turn(
    #[expect(dead_code, reason = "held until it is dropped")] OwnedSemaphorePermit,
);

impl Default for Lane {
    fn default() -> Self {
        Self {
            bodies: Arc::new(Semaphore::new(MAX_BODIES * MAX_BODY_BYTES / 1024)),
            reads: Arc::new(Semaphore::new(MAX_READS)),
            patience: PATIENCE,
        }
    }
}

impl Lane {
    /// Waits for a look into the ledger.
    ///
    /// # Errors
    /// When others take too long.
    pub(super) async fn turn(&self) -> Result<Turn, Error> {
        let turn = timeout(self.patience, self.reads.clone().acquire_owned()).await;
        let crowded = || {
            Error::overloaded("The ledger is being read by as many as may at once; try again soon.")
        };
        turn.ok().and_then(Result::ok).map(Turn).ok_or_else(crowded)
    }

    /// The same for what has begun to answer: it waits for as long as that takes. None where
    /// the router is gone.
    pub(super) async fn next_turn(&self) -> Option<Turn> {
        self.reads.clone().acquire_owned().await.ok().map(Turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[tokio::test]
    async fn a_look_waits_for_its_turn_and_not_without_end() {
        let lane = Lane { patience: Duration::from_millis(1), ..Lane::default() };
        let mut turns = Vec::new();
        for _ in 0..MAX_READS {
            turns.push(lane.turn().await.unwrap_or_else(|error| panic!("{}", error.message)));
        }
        let refused = lane.turn().await.err().unwrap();
        assert_eq!(refused.code, Code::Overloaded);
        assert!(refused.retry_after.is_some());
        let lane = Lane { patience: Duration::from_secs(60), ..lane };
        let (waited, ()) = tokio::join!(lane.turn(), async { drop(turns.pop()) });
        assert!(waited.is_ok(), "a turn that was given back was not taken");
    }
}
