//! What providers themselves say they serve, held against the catalogue: the command
//! `plugway models`.

use crate::buffer::{Bounds, hold};
use crate::catalog::{Catalog, Provider};
use crate::error::{Code, Error};
use crate::exchange::{breach_of_contract, plugin_failed, told};
use crate::route::credentials;
use crate::upstream::{self, Outgoing, TokenEndpoint};
use crate::{Router, Settings};
use http::Response;
use hyper::body::Incoming;
use plugway_engine::{Adapter, CallContext, EndpointFacts, ListedModel, ResponseHead};
use plugway_wire::seal::Seals;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Pages of one provider's list.
const MAX_PAGES: usize = 100;

/// All pages of one provider.
const PATIENCE: Duration = Duration::from_secs(60);

/// The models that a provider lists, page by page.
///
/// # Errors
/// Where its adapter does not list models, or the provider does not answer.
pub async fn live(router: &Router, provider: &Provider) -> Result<Vec<ListedModel>, Error> {
    let settings = router.settings();
    let Some(adapter) = router.registry.adapter(&provider.adapter) else {
        let message = format!("No plugin `{}` is loaded.", provider.adapter);
        return Err(Error::upstream(Code::ProviderUnavailable, &provider.name, message));
    };
    let deadline = Instant::now() + PATIENCE;
    let mut models = Vec::new();
    let mut cursor = None;
    for _ in 0..MAX_PAGES {
        let page = page(router, &settings, &adapter, provider, cursor.as_deref(), deadline).await?;
        models.extend(page.models);
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(models);
        }
    }
    let message = format!("The provider `{}` lists models without end.", provider.name);
    Err(Error::upstream(Code::ProviderUnavailable, &provider.name, message))
}

async fn page(
    router: &Router,
    settings: &Settings,
    adapter: &Adapter,
    provider: &Provider,
    cursor: Option<&str>,
    deadline: Instant,
) -> Result<plugway_engine::Page, Error> {
    let name = &provider.name;
    let failed = |error| plugin_failed(router, adapter.id(), name, &error);
    let not_offered = || {
        let message = format!("The adapter `{}` lists no models.", adapter.id());
        Error::upstream(Code::Unsupported, name, message)
    };
    let fresh = || adapter.models(CallContext::default()).ok_or_else(not_offered)?.map_err(failed);
    let facts = EndpointFacts { max_output_tokens: None, options: provider.options.clone() };
    let request = fresh()?
        .encode(cursor, &facts)
        .map_err(failed)?
        .map_err(|failure| told(router, (provider, None), failure))?;
    let memo = request.memo.clone();
    let base = provider.models_url.as_ref().unwrap_or(&provider.base_url);
    let mut outgoing = upstream::prepare_at(base, request, provider, &Seals::default(), false)
        .map_err(|breach| breach_of_contract(router, adapter.id(), name, &breach.to_string()))?;
    let bounds = &settings.config.upstream;
    let endpoint = TokenEndpoint { client: &settings.upstream, bounds, until: deadline };
    let credential = credentials::first(router, None, provider).ok().flatten();
    let credential = credential.as_deref();
    let attached = router.credentials.attach(provider, credential, &mut outgoing, endpoint).await;
    attached.map_err(|error| error.told(credential))?;
    let (head, body) = whole(router, settings, provider, outgoing, deadline).await?;
    if !(200..300).contains(&head.status) {
        let attempt = adapter.attempt(CallContext::default()).map_err(failed)?;
        let failure = attempt.explain(head, body).map_err(failed)?;
        return Err(told(router, (provider, None), failure));
    }
    let decoded = fresh()?.decode(head, body, &memo).map_err(failed)?;
    decoded.map_err(|failure| told(router, (provider, None), failure))
}

/// Sends a request and reads its answer to the end.
async fn whole(
    router: &Router,
    settings: &Settings,
    provider: &Provider,
    outgoing: Outgoing,
    deadline: Instant,
) -> Result<(ResponseHead, Vec<u8>), Error> {
    let name = &provider.name;
    let unavailable = |what: &str| {
        let message = format!("The provider `{name}` {what}.");
        Error::upstream(Code::ProviderUnavailable, name, message)
    };
    let response: Response<Incoming> =
        timeout_at(deadline, settings.upstream.send(outgoing, || {}))
            .await
            .map_err(|_| unavailable("did not answer in time"))?
            .map_err(|error| upstream::unsent(name, &error))?;
    let (parts, body) = response.into_parts();
    let bounds = Bounds {
        limit: settings.config.upstream.max_response_bytes,
        room: &router.buffers,
        patience: deadline.saturating_duration_since(Instant::now()),
        idle: settings.config.upstream.idle_timeout,
    };
    let held = hold(body, bounds).await.map_err(|_| unavailable("did not finish its answer"))?;
    let mut body = Vec::from(held.bytes);
    router.credentials.mask((provider, None), &mut body);
    let text = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    let headers = parts.headers.iter().filter_map(text).collect();
    Ok((ResponseHead { status: parts.status.as_u16(), headers }, body))
}

/// Prints the catalogue's models of the active providers, of one of them if named.
///
/// # Errors
/// When `out` cannot be written to.
pub fn print_known(
    catalog: &Catalog,
    provider: Option<&str>,
    out: &mut dyn Write,
) -> io::Result<()> {
    for (upstream, endpoint) in known(catalog, provider) {
        let price = if endpoint.1 { "priced" } else { "no price" };
        writeln!(out, "{:<24} {upstream:<48} {:<48} {price}", endpoint.0, endpoint.2)?;
    }
    Ok(())
}

/// By upstream model: provider, whether it has a price, slug.
fn known<'a>(
    catalog: &'a Catalog,
    provider: Option<&'a str>,
) -> impl Iterator<Item = (&'a str, (&'a str, bool, &'a str))> {
    let endpoints = catalog.models.values().flat_map(|model| &model.endpoints);
    endpoints.filter(move |it| provider.is_none_or(|provider| it.provider.name == provider)).map(
        |it| {
            let priced = it.price.is_some();
            (it.upstream_model.as_str(), (it.provider.name.as_str(), priced, &*it.model_slug))
        },
    )
}

/// Prints what a provider lists beside what the catalogue knows of it: `=` both, `+`
/// the provider alone, `-` the catalogue alone.
///
/// # Errors
/// When `out` cannot be written to.
pub fn print_live(
    catalog: &Catalog,
    provider: &Provider,
    listed: &[ListedModel],
    out: &mut dyn Write,
) -> io::Result<()> {
    let known: BTreeMap<&str, _> = known(catalog, Some(&provider.name)).collect();
    let ids: BTreeSet<&str> = listed.iter().map(|model| model.id.as_str()).collect();
    let tokens = |count: Option<u32>| count.map_or_else(String::new, |count| count.to_string());
    for model in listed {
        let id: String = model.id.chars().filter(|c| !c.is_control()).take(128).collect();
        let (mark, slug) = known.get(model.id.as_str()).map_or(("+", ""), |it| ("=", it.2));
        let (context, output) = (tokens(model.context_length), tokens(model.max_output_tokens));
        writeln!(out, "{mark} {:<20} {id:<56} {context:>9} {output:>8} {slug}", provider.name)?;
    }
    for (model, (_, _, slug)) in &known {
        if !ids.contains(model) {
            writeln!(out, "- {:<20} {model:<56} {:>9} {:>8} {slug}", provider.name, "", "")?;
        }
    }
    Ok(())
}
