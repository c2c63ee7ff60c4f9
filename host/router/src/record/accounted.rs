//! The record of a request as the ledger has it.

use super::{Attempt, Record};
use crate::account::{self, Caller};
use crate::api::Admitted;
use crate::catalog::{Credential, Endpoint};
use crate::error::Error;
use crate::exchange::Tariff;
use crate::ledger::{Account, Attempted, Detail, Presumed, Prices, Receipt};
use crate::route::Step;
use crate::{Router, Settings};
use plugway_accounts::{Day, Reservation, day_of};
use plugway_store::DEFAULT_WORKSPACE;
use plugway_store::ledger::{Row, State, Tokens};
use plugway_wire::Bill;
use std::time::Duration;

/// The status of a request whose client left before an answer.
const CLIENT_CLOSED: u16 = 499;

impl Record {
    /// Takes a place in the ledger.
    ///
    /// # Errors
    /// When the request is not to be served, for it could not be accounted.
    pub(crate) fn open_account(
        &mut self,
        router: &Router,
        settings: &Settings,
    ) -> Result<(), Error> {
        self.account = Some(Account::open(router, settings)?);
        Ok(())
    }

    /// Takes over how the request was let in. Who asks.
    pub(crate) fn of(&mut self, admitted: Admitted) -> Caller {
        let Admitted { caller, pass, place } = admitted;
        self.place = Some(place);
        self.pass = Some(pass);
        self.caller = Some(caller.clone());
        caller
    }

    /// Charges the limits with the prompt, now that it is known.
    ///
    /// # Errors
    /// When the key or its workspace may not use so many tokens now.
    pub(crate) fn weigh(&mut self, prompt_tokens: u32) -> Result<(), Error> {
        let Some(pass) = &mut self.pass else { return Ok(()) };
        pass.weigh(prompt_tokens.into()).map_err(account::limited)
    }

    /// The UTC day on which the request came.
    pub(crate) fn day(&self) -> Day {
        day_of(self.came_ms)
    }

    /// So much is set aside for it.
    pub(crate) fn reserved(&mut self, reservation: Reservation) {
        self.reservation = Some(reservation);
    }

    /// The request leaves for a provider; this is what it costs if nothing more is ever
    /// heard of it.
    pub(crate) fn leaves(&self, step: &Step, presumed: &Bill) {
        let Some(account) = &self.account else { return };
        let credential = step.credential.as_deref();
        account.leaves(presumed, || self.open_row(&step.endpoint, credential, presumed));
    }

    /// So much of the answer has been delivered by now; `presumed` is what was taken for
    /// all of it when the request left.
    pub(crate) fn goes_on(&self, tariff: &Tariff, presumed: &Bill, delivered: &Bill) {
        let Some(account) = &self.account else { return };
        let more = Presumed::by(delivered).beyond(Presumed::by(presumed));
        account.goes_on(more, || self.open_row(tariff.endpoint(), tariff.credential(), delivered));
    }

    fn open_row(&self, at: &Endpoint, with: Option<&Credential>, presumed: &Bill) -> Row {
        let usage = &presumed.usage;
        let tokens = Tokens {
            prompt: usage.prompt_tokens,
            completion: usage.completion_tokens,
            ..Tokens::default()
        };
        Row {
            served_model: at.model_slug.clone(),
            endpoint: at.id.clone(),
            provider: at.provider.name.clone(),
            credential: with.map(|it| it.name.clone()).unwrap_or_default(),
            is_byok: presumed.own_key,
            is_estimated: true,
            outcome: "open".to_owned(),
            tokens,
            cost: presumed.cost,
            ..self.begun()
        }
    }

    /// Closes the account, unless that is done or nothing was ever sent.
    pub(super) fn settle_account(&mut self) -> Receipt {
        let reservation = self.reservation.take();
        // What is done already is not undone.
        let Some(account) = self.account.take() else { return Receipt::nothing() };
        if !account.is_open() {
            // Nothing was sent, so nothing was used.
            self.pass.iter_mut().for_each(|pass| pass.used(0));
            return Receipt::nothing();
        }
        let row = self.settled();
        if let Some(reservation) = reservation {
            reservation.settle(row.cost.unwrap_or(0), row.byok_cost.unwrap_or(0));
        }
        let used = self.used(&row);
        if let Some(pass) = &mut self.pass {
            pass.used(used);
        }
        account.settle(row)
    }

    /// What counts towards limits of tokens. Whoever leaves early has had the provider read
    /// the prompt all the same.
    fn used(&self, row: &Row) -> u64 {
        let served = row.tokens.prompt.saturating_add(row.tokens.completion);
        if self.outcome() != "cancelled" {
            return served;
        }
        let attempts = self.attempts.all();
        let charged = attempts.iter().filter(|it| it.upstream_cost.is_some());
        let read = charged.filter_map(|it| it.tokens).map(|(prompt, _)| prompt).max();
        served.max(read.unwrap_or(0))
    }

    /// What is known from the beginning.
    fn begun(&self) -> Row {
        let workspace = self.caller.as_ref().map_or(DEFAULT_WORKSPACE, |it| &it.workspace.row.id);
        Row {
            id: self.id.to_string(),
            run: 0,
            state: State::Open,
            came_ms: self.came_ms,
            ended_ms: None,
            key: self.caller.as_ref().and_then(Caller::hash).map(str::to_owned),
            workspace: workspace.to_owned(),
            route: self.route.to_owned(),
            model: self.model.clone(),
            served_model: String::new(),
            endpoint: String::new(),
            provider: String::new(),
            credential: String::new(),
            is_byok: false,
            streamed: self.streaming,
            is_estimated: false,
            outcome: String::new(),
            status: 0,
            tokens: Tokens::default(),
            cost: None,
            upstream_cost: None,
            byok_cost: None,
            cache_discount: None,
            markup: None,
            first_content_ms: None,
            duration_ms: None,
            detail: String::new(),
        }
    }

    fn settled(&self) -> Row {
        let attempts = self.attempts.all();
        // What failed everywhere is told of where it failed last, and billed to nobody.
        let is_served = !self.endpoint.is_empty();
        let served = |it: &&Attempt| !is_served || it.endpoint == self.endpoint;
        let last = attempts.iter().rfind(served);
        let text = |of: fn(&Attempt) -> &String| last.map(of).cloned().unwrap_or_default();
        let costs = |attempts: &mut dyn Iterator<Item = &Attempt>| {
            attempts.filter_map(|attempt| attempt.upstream_cost).reduce(u64::saturating_add)
        };
        let duration = milliseconds(self.started.elapsed());
        Row {
            ended_ms: Some(self.came_ms.saturating_add(duration)),
            served_model: text(|it| &it.model),
            endpoint: text(|it| &it.endpoint),
            provider: text(|it| &it.provider),
            credential: text(|it| &it.credential),
            is_byok: last.is_some_and(|it| it.is_own),
            is_estimated: self.tokens.estimated || attempts.iter().any(|it| it.is_estimated),
            outcome: self.outcome().to_owned(),
            status: self.status.map_or(CLIENT_CLOSED, |status| status.as_u16()),
            tokens: self.counted(),
            cost: if is_served { self.cost } else { Some(0) },
            upstream_cost: costs(&mut attempts.iter()),
            byok_cost: costs(&mut attempts.iter().filter(|attempt| attempt.is_own)),
            cache_discount: self.cache_discount,
            markup: self.markup,
            first_content_ms: self.first_content.map(milliseconds),
            duration_ms: Some(duration),
            detail: self.detail(&attempts),
            ..self.begun()
        }
    }

    fn counted(&self) -> Tokens {
        let part = |of: fn(&plugway_engine::chat::Usage) -> u64| self.usage.as_ref().map_or(0, of);
        Tokens {
            prompt: self.tokens.prompt,
            completion: self.tokens.completion,
            cache_read: part(|usage| usage.cache_read_tokens),
            cache_write: part(|usage| usage.cache_write_tokens),
            reasoning: part(|usage| usage.reasoning_tokens),
        }
    }

    fn detail(&self, attempts: &[Attempt]) -> String {
        let meters = self.usage.iter().flat_map(|usage| usage.meters.iter().cloned());
        let price = self.priced.as_ref().and_then(|endpoint| endpoint.price.as_ref());
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let detail = Detail {
            meters: meters.collect(),
            price: price.map(|price| Prices::of(price, self.tokens.prompt)),
            attempts: attempts.iter().map(Attempted::from).collect(),
            insured: self.is_insured,
            error: self.failure.as_ref().map(|(_, message)| message.clone()),
            finish: owned(self.finish_reason.map(super::handed_in::word)),
            native_finish: owned(self.native_finish()),
            upstream_id: self.upstream_id.clone(),
            service_tier: self.service_tier.clone(),
            session: self.session.clone(),
            user_agent: self.client.user_agent.clone(),
            referer: self.client.referer.clone(),
            title: self.client.title.clone(),
            media: self.media,
            strategy: self.strategy.clone(),
            reason: self.reason.clone(),
        };
        detail.write()
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
