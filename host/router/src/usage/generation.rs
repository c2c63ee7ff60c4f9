//! A request as it is told over HTTP: OpenRouter's account of a generation, and beside it
//! what it has no fields for. The ledger tells what it took and cost, the decision's record
//! why it went where it did; where only one of them is left, that tells what it knows.

use super::money::{SignedDollars, dollars};
use super::priced::{AttemptTold, PriceTold, attempt, price};
use super::recorded::recorded;
use crate::catalog::Catalog;
use crate::decisions::{rfc3339, told};
use crate::ledger::{Attempted, Detail};
use plugway_accounts::money::Dollars;
use plugway_store::decisions::{Record, Service};
use plugway_store::ledger::{Row, State};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Units of the answer that are images.
const IMAGES_WRITTEN: &str = "completion-image-tokens";

/// What is known of a request.
pub(crate) struct Known {
    row: Row,
    detail: Detail,
    record: Option<Record>,
    /// None: it is in no ledger.
    state: Option<State>,
}

impl Known {
    /// From its row and its decision's record; none where there is neither.
    pub(crate) fn of(row: Option<Row>, record: Option<Record>) -> Option<Self> {
        // While the row that it settled to waits to be written, the record knows more.
        let row = match (row, &record) {
            (Some(Row { state: State::Open, workspace, key, .. }), Some(record)) => {
                let (told, detail) = recorded(record);
                let row = Row { workspace, key, ..told };
                return Some(Self {
                    row,
                    detail,
                    record: Some(record.clone()),
                    state: Some(State::Open),
                });
            }
            (row, _) => row,
        };
        let state = row.as_ref().map(|row| row.state);
        let (row, detail) = match row {
            Some(row) => {
                let detail = Detail::read(&row.detail);
                (row, detail)
            }
            None => recorded(record.as_ref()?),
        };
        Some(Self { row, detail, record, state })
    }

    /// Whose it was; none where nobody knows.
    pub(crate) fn workspace(&self) -> Option<&str> {
        Some(self.row.workspace.as_str()).filter(|workspace| !workspace.is_empty())
    }

    /// The hash of the key that asked, if it was asked with one.
    pub(crate) fn key(&self) -> Option<&str> {
        self.row.key.as_deref()
    }

    /// JSON.
    pub(crate) fn told(&self, catalog: &Catalog) -> String {
        let told = Told { data: self.data(catalog) };
        // Texts and numbers: nothing of it can fail.
        serde_json::to_string(&told).unwrap_or_default()
    }

    fn data<'a>(&'a self, catalog: &'a Catalog) -> Data<'a> {
        let Self { row, detail, .. } = self;
        let is_served = self.is_served();
        let count = |tokens: u64| is_served.then_some(tokens);
        let served = |text: &'a str| Some(text).filter(|text| is_served && !text.is_empty());
        let usage = dollars(row.cost.unwrap_or(0));
        Data {
            id: &row.id,
            upstream_id: detail.upstream_id.as_deref(),
            request_id: &row.id,
            session_id: detail.session.as_deref(),
            workspace_id: self.workspace(),
            created_at: rfc3339(row.came_ms),
            model: served(&row.served_model).unwrap_or(&row.model),
            provider_name: served(&row.provider).map(|slug| catalog.display_name(slug)),
            api_type: self.api_type(),
            data_region: "global",
            origin: detail.referer.as_deref().unwrap_or(""),
            http_referer: detail.referer.as_deref(),
            user_agent: detail.user_agent.as_deref(),
            streamed: row.streamed,
            cancelled: row.outcome == "cancelled",
            finish_reason: detail.finish.as_deref(),
            native_finish_reason: detail.native_finish.as_deref(),
            latency: row.duration_ms,
            generation_time: generation_time(row),
            tokens_prompt: count(row.tokens.prompt),
            tokens_completion: count(row.tokens.completion),
            native_tokens_prompt: count(row.tokens.prompt),
            native_tokens_completion: count(row.tokens.completion),
            native_tokens_reasoning: count(row.tokens.reasoning),
            native_tokens_cached: count(row.tokens.cache_read),
            native_tokens_completion_images: detail.meters.get(IMAGES_WRITTEN).copied(),
            num_media_prompt: detail.media,
            cache_discount: row.cache_discount.map(|it| SignedDollars(it.into())),
            service_tier: detail.service_tier.as_deref(),
            is_byok: is_served && row.is_byok,
            usage,
            total_cost: usage,
            upstream_inference_cost: row.upstream_cost.map(dollars),
            provider_responses: detail.attempts.iter().map(|it| response(it, catalog)).collect(),
            unknown: Unknown::default(),
            plugway: self.account(),
        }
    }

    /// Whether it has an answer, or is to have one as far as anybody knows.
    fn is_served(&self) -> bool {
        if let Some(record) = &self.record {
            return record.outcome.served.is_some();
        }
        let row = &self.row;
        row.state != State::Settled || row.outcome == "ok" || row.first_content_ms.is_some()
    }

    /// Of the names that OpenRouter has.
    fn api_type(&self) -> Option<&'static str> {
        let service = self.record.as_ref().and_then(|record| record.request.service);
        match service {
            Some(Service::Chat) => Some("completions"),
            Some(Service::Embeddings) => Some("embeddings"),
            Some(Service::Rerank) => Some("rerank"),
            Some(Service::TokenCount) => None,
            // What was never understood has no row either.
            None => self.state.and_then(|_| api_type_at(&self.row.route)),
        }
    }

    /// What OpenRouter has no fields for.
    fn account(&self) -> Account<'_> {
        let Self { row, detail, record, .. } = self;
        let record = record.as_ref();
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let excluded = record.map_or(&[][..], |it| &it.excluded);
        Account {
            ledger: self.state.map(state_name),
            route: &row.route,
            models: &row.model,
            title: detail.title.as_deref(),
            status: row.status,
            outcome: &row.outcome,
            error: detail.error.as_deref(),
            endpoint: Some(row.endpoint.as_str()).filter(|it| !it.is_empty() && self.is_served()),
            time_to_first_token: row.first_content_ms,
            tokens_estimated: row.is_estimated,
            tokens_cache_write: row.tokens.cache_write,
            meters: &detail.meters,
            unpriced: row.cost.is_none(),
            insured: detail.insured,
            markup: row.markup.map(dollars),
            price: detail.price.as_ref().map(price),
            strategy: text(&detail.strategy),
            reason: text(&detail.reason),
            decision: record.and_then(|it| it.decision.as_ref()).map(told::decided),
            excluded: excluded.iter().map(told::excluded).collect(),
            attempts: detail.attempts.iter().map(attempt).collect(),
        }
    }
}

#[derive(Serialize)]
struct Told<'a> {
    data: Data<'a>,
}

/// OpenRouter's fields.
#[derive(Serialize)]
struct Data<'a> {
    id: &'a str,
    upstream_id: Option<&'a str>,
    request_id: &'a str,
    session_id: Option<&'a str>,
    workspace_id: Option<&'a str>,
    created_at: String,
    model: &'a str,
    provider_name: Option<&'a str>,
    api_type: Option<&'static str>,
    data_region: &'static str,
    origin: &'a str,
    http_referer: Option<&'a str>,
    user_agent: Option<&'a str>,
    streamed: bool,
    cancelled: bool,
    finish_reason: Option<&'a str>,
    native_finish_reason: Option<&'a str>,
    latency: Option<u64>,
    generation_time: Option<u64>,
    tokens_prompt: Option<u64>,
    tokens_completion: Option<u64>,
    native_tokens_prompt: Option<u64>,
    native_tokens_completion: Option<u64>,
    native_tokens_reasoning: Option<u64>,
    native_tokens_cached: Option<u64>,
    native_tokens_completion_images: Option<u64>,
    num_media_prompt: u32,
    cache_discount: Option<SignedDollars>,
    service_tier: Option<&'a str>,
    is_byok: bool,
    usage: Dollars,
    total_cost: Dollars,
    upstream_inference_cost: Option<Dollars>,
    provider_responses: Vec<Response<'a>>,
    #[serde(flatten)]
    unknown: Unknown,
    plugway: Account<'a>,
}

/// Fields of what this router does not do, or does not know: always null.
#[derive(Default, Serialize)]
struct Unknown {
    app_id: (),
    external_user: (),
    moderation_latency: (),
    num_fetches: (),
    num_input_audio_prompt: (),
    num_media_completion: (),
    num_search_results: (),
    preset_id: (),
    response_cache_source_id: (),
    router: (),
    web_search_engine: (),
}

/// An attempt in OpenRouter's form.
#[derive(Serialize)]
struct Response<'a> {
    endpoint_id: &'a str,
    provider_name: &'a str,
    model_permaslug: &'a str,
    /// Where nothing came back there is none to tell.
    status: Option<u16>,
    latency: u64,
    is_byok: bool,
}

/// What is this router's own.
#[derive(Serialize)]
struct Account<'a> {
    ledger: Option<&'static str>,
    route: &'a str,
    models: &'a str,
    title: Option<&'a str>,
    status: u16,
    outcome: &'a str,
    error: Option<&'a str>,
    endpoint: Option<&'a str>,
    time_to_first_token: Option<u64>,
    tokens_estimated: bool,
    tokens_cache_write: u64,
    meters: &'a BTreeMap<String, u64>,
    unpriced: bool,
    insured: bool,
    markup: Option<Dollars>,
    price: Option<PriceTold<'a>>,
    strategy: Option<String>,
    reason: Option<String>,
    decision: Option<Value>,
    excluded: Vec<Value>,
    attempts: Vec<AttemptTold<'a>>,
}

fn response<'a>(it: &'a Attempted, catalog: &'a Catalog) -> Response<'a> {
    Response {
        endpoint_id: &it.endpoint,
        provider_name: catalog.display_name(&it.provider),
        model_permaslug: &it.model,
        status: it.status.or_else(|| (it.outcome == "ok").then_some(200)),
        latency: it.elapsed_ms,
        is_byok: it.is_byok,
    }
}

fn api_type_at(route: &str) -> Option<&'static str> {
    match route {
        _ if route.ends_with("count_tokens") || route.ends_with(":countTokens") => None,
        _ if route.contains("embed") || route.contains("Embed") => Some("embeddings"),
        _ if route.ends_with("/rerank") => Some("rerank"),
        _ => Some("completions"),
    }
}

pub(super) fn state_name(state: State) -> &'static str {
    match state {
        State::Open => "open",
        State::Settled => "settled",
        State::Interrupted => "interrupted",
    }
}

/// From the first content to the end.
fn generation_time(row: &Row) -> Option<u64> {
    row.first_content_ms.zip(row.duration_ms).map(|(first, all)| all.saturating_sub(first))
}
