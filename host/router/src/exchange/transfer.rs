//! One request on its way to a provider, and what comes back of it: signed, sent, its
//! errors and its body held within bounds. Chats and what is asked for beside them
//! share it.

use super::Exchange;
use super::attempt::Failed;
use super::failover::{self, Ask};
use super::media::{self, Fill};
use crate::Router;
use crate::buffer::{Bounds, Held, Refused, hold};
use crate::error::{Code, Error};
use crate::record::Trace;
use crate::route::Step;
use crate::telemetry::PluginLabels;
use crate::upstream::{self, Called, Outgoing, TokenEndpoint, is_packed, refusal};
use http::{HeaderMap, Response};
use hyper::body::Incoming;
use plugway_engine::chat::Failure;
use plugway_engine::{CallError, CallErrorKind, ResponseHead};
use tokio::time::{Instant, timeout_at};

/// What came back.
pub(super) enum Reply {
    /// A good response, its body unread.
    Good {
        /// As adapters see it.
        head: ResponseHead,
        /// As they came.
        headers: HeaderMap,
        body: Incoming,
    },
    /// One of any other status, with as much of its body as there is; for the adapter
    /// to explain.
    Refusal(ResponseHead, Vec<u8>),
}

/// Has the adapter write a request, again for each file that it wants fetched. Whoever
/// is handed those calls it.
pub(super) async fn encoded<C: Ask, T: Send>(
    exchange: &Exchange<C>,
    step: &Step,
    deadline: Instant,
    mut encode: impl FnMut(&[Fill]) -> Result<Result<T, Failure>, Error> + Send,
) -> Result<T, Failed> {
    let provider = &step.endpoint.provider;
    let mut fills = Vec::new();
    loop {
        let failure = match encode(&fills)? {
            Ok(encoded) => return Ok(encoded),
            Err(failure) => failure,
        };
        let fill = match media::wanted(&failure) {
            Some(url) => media::fetch(exchange, &provider.name, url, &fills, deadline).await?,
            None => None,
        };
        match fill {
            Some(fill) => fills.push(fill),
            None => return Err(told(&exchange.router, (provider, None), failure).into()),
        }
    }
}

/// Attaches the credential and sends, which is noted in `trace` and in the ledger; resolves
/// with the response's head.
pub(super) async fn send<C: Ask>(
    exchange: &Exchange<C>,
    step: &Step,
    mut outgoing: Outgoing,
    deadline: Instant,
    trace: &Trace,
) -> Result<Response<Incoming>, Error> {
    let Exchange { settings, record, .. } = exchange;
    let provider = &step.endpoint.provider;
    let bounds = &settings.config.upstream;
    let endpoint = TokenEndpoint { client: &settings.upstream, bounds, until: deadline };
    let (credentials, credential) = (&exchange.router.credentials, step.credential.as_deref());
    let attached = credentials.attach(provider, credential, &mut outgoing, endpoint).await;
    attached.map_err(|error| error.told(credential))?;
    let name = &provider.name;
    let wait = deadline.min(Instant::now() + bounds.head_timeout);
    if let Some(presumed) = failover::presumed_bill(exchange, step) {
        record.leaves(step, &presumed);
    }
    trace.sent();
    let sent = settings.upstream.send(outgoing, || record.resent(name));
    match timeout_at(wait, sent).await {
        Err(_) => {
            let message = format!("The provider `{name}` sent no response head in time.");
            Err(Error::upstream(Code::ProviderTimeout, name, message))
        }
        Ok(Err(error)) => Err(upstream::unsent(name, &error)),
        Ok(Ok(response)) => Ok(response),
    }
}

/// Reads of a response what one must to know whether it is good.
pub(super) async fn receive<C>(
    exchange: &Exchange<C>,
    step: &Step,
    response: Response<Incoming>,
    deadline: Instant,
) -> Result<Reply, Error> {
    let router = &exchange.router;
    let origin = &step.endpoint.provider;
    let (parts, body) = response.into_parts();
    // Some providers quote the key that they were called with.
    let credential = step.credential.as_deref();
    let masked = |(name, value)| (name, router.credentials.masked((origin, credential), value));
    let headers = shown(&parts.headers).into_iter().map(masked).collect();
    let head = ResponseHead { status: parts.status.as_u16(), headers };
    if parts.status.is_success() && is_packed(&parts.headers) {
        let name = &origin.name;
        let message =
            format!("The provider `{name}` sent a compressed answer that nobody asked for.");
        return Err(Error::upstream(Code::ProviderUnavailable, name, message));
    }
    if parts.status.is_success() {
        return Ok(Reply::Good { head, headers: parts.headers, body });
    }
    let bounds = &exchange.settings.config.upstream;
    let left = deadline.saturating_duration_since(Instant::now());
    let patience = bounds.error_body_timeout.min(left);
    let (called, told) = ((&**origin, credential), (&parts, body));
    let body = refusal(router, called, told, bounds.idle_timeout, patience).await;
    Ok(Reply::Refusal(head, body.unwrap_or_default().into()))
}

/// Reads a body to its end, and masks the credential in it.
pub(super) async fn read<C>(
    exchange: &Exchange<C>,
    step: &Step,
    body: Incoming,
    limit: usize,
    deadline: Instant,
) -> Result<Held, Error> {
    let origin = &step.endpoint.provider;
    let provider = &origin.name;
    let bounds = Bounds {
        limit,
        room: &exchange.router.buffers,
        patience: deadline.saturating_duration_since(Instant::now()),
        idle: exchange.settings.config.upstream.idle_timeout,
    };
    let held = hold(body, bounds).await.map_err(|refused| {
        let (code, what) = match refused {
            Refused::TooLarge => {
                (Code::ProviderUnavailable, "sent more than upstream.max_response allows")
            }
            Refused::NoRoom => {
                return Error::overloaded(
                    "The router holds as many bodies as server.max_buffered allows; try again soon.",
                );
            }
            Refused::TooSlow => (Code::ProviderTimeout, "did not finish its answer in time"),
            Refused::Broken => {
                (Code::ProviderUnavailable, "broke the connection within its answer")
            }
        };
        Error::upstream(code, provider, format!("The provider `{provider}` {what}."))
    })?;
    let mut bytes = Vec::from(held.bytes);
    exchange.router.credentials.mask(step.called(), &mut bytes);
    Ok(Held { bytes: bytes.into(), room: held.room })
}

/// A provider's headers as adapters see them: lower-case names, text values.
fn shown(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = headers.iter().filter_map(|(name, value)| Some((name, value.to_str().ok()?)));
    text.map(|(name, value)| (name.as_str().to_owned(), value.to_owned())).collect()
}

/// What an adapter says of its provider, without the credential that a provider may
/// quote.
pub(crate) fn told(router: &Router, called: Called<'_>, failure: Failure) -> Error {
    let masked = |text| router.credentials.masked(called, text);
    let failure = Failure {
        message: masked(failure.message),
        param: failure.param.map(masked),
        code: failure.code.map(masked),
        ..failure
    };
    Error::from_failure(failure, &called.0.name)
}

/// A plugin trapped, or went over a limit: named in full in the log, and by
/// plugin and limit for the client.
pub(crate) fn plugin_failed(
    router: &Router,
    plugin: &str,
    provider: &str,
    error: &CallError,
) -> Error {
    if error.cause == CallErrorKind::NoCapacity {
        return Error::no_instance();
    }
    router.metrics.plugin_failures.get_or_create(&PluginLabels { plugin: plugin.to_owned() }).inc();
    tracing::error!(%error, backtrace = error.backtrace(), "plugin failed");
    Error::upstream(Code::PluginFailed, provider, error.to_string())
}

/// A plugin answered, but not what its contract allows.
pub(crate) fn breach_of_contract(
    router: &Router,
    plugin: &str,
    provider: &str,
    breach: &str,
) -> Error {
    router.metrics.plugin_failures.get_or_create(&PluginLabels { plugin: plugin.to_owned() }).inc();
    tracing::error!(plugin, breach, "plugin broke its contract");
    let message = format!("The adapter `{plugin}` broke its contract: {breach}.");
    Error::upstream(Code::PluginFailed, provider, message)
}
