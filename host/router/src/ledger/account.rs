//! The account of one request: its place in the ledger, the open row that it leaves when
//! it goes to a provider, the row that it settles to.

use super::{Ledger, Message, Pending, Receipt};
use crate::config::LedgerConfig;
use crate::error::Error;
use crate::{Router, Settings};
use plugway_store::ledger::{Entry, Row, State};
use plugway_wire::Bill;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// What a request owes the ledger. The record settles it at its end, however that comes.
pub(crate) struct Account {
    ledger: Arc<Ledger>,
    config: LedgerConfig,
    /// None: the request is served without a row.
    place: Option<OwnedSemaphorePermit>,
    opened: Mutex<Opened>,
    /// How far it is waits to be written.
    is_pending: Arc<AtomicBool>,
}

/// What left for providers so far.
#[derive(Default)]
struct Opened {
    is_open: bool,
    presumed: Presumed,
}

/// What providers are presumed to charge, should nothing more be heard of it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Presumed {
    /// Picodollars; none: no price is known.
    upstream_cost: Option<u64>,
    /// Of that, what owners of keys that they brought are charged.
    byok_cost: Option<u64>,
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
        Ok(Self { ledger, config, place, opened, is_pending: Arc::default() })
    }

    /// The request leaves for a provider, which is presumed to charge so much. `row` has
    /// what is known of it; nobody waits until it is written.
    pub(crate) fn leaves(&self, presumed: &Bill, row: impl FnOnce() -> Row) {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.is_open = true;
        opened.presumed = opened.presumed.plus(Presumed::by(presumed));
        self.tell(opened.presumed, row, None);
    }

    /// So much more than was presumed has been delivered by now. Nobody waits for that
    /// either, and where the ledger fails it does not wait to be written.
    pub(crate) fn goes_on(&self, more: Presumed, row: impl FnOnce() -> Row) {
        if self.ledger.is_failing() {
            return;
        }
        if let Some(pending) = Pending::begin(&self.is_pending) {
            let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
            self.tell(opened.presumed.plus(more), row, Some(pending));
        }
    }

    fn tell(&self, presumed: Presumed, row: impl FnOnce() -> Row, pending: Option<Pending>) {
        if self.place.is_none() {
            return;
        }
        let Presumed { upstream_cost, byok_cost } = presumed;
        let row = Row { run: self.ledger.run, upstream_cost, byok_cost, ..row() };
        let entry = Entry::Open(Row { state: State::Open, ..row });
        self.ledger.send(Message { entry, place: None, told: None, pending });
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
        let (entry, place) = (Entry::Settled(row), Some(place));
        self.ledger.send(Message { entry, place, told, pending: None });
        receipt
    }
}

impl Presumed {
    /// What a bill says.
    pub(crate) fn by(bill: &Bill) -> Self {
        let upstream_cost = bill.upstream_cost;
        Self { upstream_cost, byok_cost: upstream_cost.filter(|_| bill.own_key) }
    }

    /// Without what was presumed before, which is no more.
    pub(crate) fn beyond(self, before: Self) -> Self {
        let beyond = |now: Option<u64>, before: Option<u64>| {
            now.map(|now| now.saturating_sub(before.unwrap_or(0)))
        };
        Self {
            upstream_cost: beyond(self.upstream_cost, before.upstream_cost),
            byok_cost: beyond(self.byok_cost, before.byok_cost),
        }
    }

    fn plus(self, more: Self) -> Self {
        let sum = |one: Option<u64>, other: Option<u64>| match (one, other) {
            (Some(one), Some(other)) => Some(one.saturating_add(other)),
            (one, other) => one.or(other),
        };
        Self {
            upstream_cost: sum(self.upstream_cost, more.upstream_cost),
            byok_cost: sum(self.byok_cost, more.byok_cost),
        }
    }
}
