//! The account of one request: its place in the ledger, the open row that it leaves when
//! it goes to a provider, the row that it settles to.

use super::{Ledger, Message, Receipt};
use crate::config::LedgerConfig;
use crate::error::Error;
use crate::{Router, Settings};
use plugway_store::ledger::{Entry, Row, State};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// What a request owes the ledger. The record settles it at its end, however that comes.
pub(crate) struct Account {
    ledger: Arc<Ledger>,
    config: LedgerConfig,
    /// None: the request is served without a row.
    place: Option<OwnedSemaphorePermit>,
    opened: Mutex<Opened>,
}

/// What left for providers so far.
#[derive(Default)]
struct Opened {
    is_open: bool,
    /// What they are presumed to charge, should nothing more be heard of it.
    upstream_cost: Option<u64>,
}

impl Account {
    /// Takes a place.
    ///
    /// # Errors
    /// When there is none, or the ledger cannot be written and the operator wants no
    /// request that is not accounted.
    pub(crate) fn open(router: &Router, settings: &Settings) -> Result<Self, Error> {
        let config = settings.config.ledger;
        let (ledger, opened) = (router.ledger.clone(), Mutex::default());
        let place = ledger.place(&config)?;
        Ok(Self { ledger, config, place, opened })
    }

    /// The request leaves for a provider, which is presumed to charge so much. `row` has
    /// what is known of it; nobody waits until it is written.
    pub(crate) fn leaves(&self, presumed: Option<u64>, row: impl FnOnce() -> Row) {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.is_open = true;
        opened.upstream_cost = match (opened.upstream_cost, presumed) {
            (Some(before), Some(now)) => Some(before.saturating_add(now)),
            (before, now) => before.or(now),
        };
        if self.place.is_none() {
            return;
        }
        let row = Row { run: self.ledger.run, upstream_cost: opened.upstream_cost, ..row() };
        let entry = Entry::Open(Row { state: State::Open, ..row });
        self.ledger.send(Message { entry, place: None, told: None });
    }

    /// Whether anything left for a provider.
    pub(crate) fn is_open(&self) -> bool {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).is_open
    }

    /// The request has ended, and this is its row.
    pub(crate) fn settle(self, row: Row) -> Receipt {
        let Some(place) = self.place else { return Receipt::nothing() };
        let row = Row { run: self.ledger.run, state: State::Settled, ..row };
        // Where the operator wants answers without rows, none is held up for a row that
        // cannot be written now.
        let is_served_anyway = !self.config.refuses_when_failing && self.ledger.is_failing();
        let (told, receipt) = match self.config.is_strict && !is_served_anyway {
            true => {
                let (told, waits) = oneshot::channel();
                (Some(told), Receipt::of(waits, &self.config))
            }
            false => (None, Receipt::nothing()),
        };
        self.ledger.send(Message { entry: Entry::Settled(row), place: Some(place), told });
        receipt
    }
}
