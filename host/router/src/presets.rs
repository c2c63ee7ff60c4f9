//! Presets in use: those that were asked for lately are kept ready, and put under the
//! requests that name them. The store has all of them; other routers may change them there,
//! and a change holds everywhere within a second.

use crate::Router;
use crate::account::Caller;
use crate::error::{Code, Error};
use crate::route::name::split_preset;
use plugway_store::{PresetVersion, Settings, Store};
use plugway_wire::preset::{Kept, Preset};
use plugway_wire::{BadRequest, ChatCall, Dialect, EmbedCall, RerankCall, Routing};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// Presets that are kept ready: with their bound on bytes, some megabytes.
const MAX_READY: usize = 128;

/// Between two looks at whether they have changed.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Bytes of a preset's slug.
const MAX_SLUG_BYTES: usize = 64;

/// The formats in which presets are made, by the names that the store knows them under.
pub(crate) const DIALECTS: [Dialect; 3] =
    [Dialect::OpenAiChat, Dialect::OpenAiResponses, Dialect::AnthropicMessages];

/// Reads presets and remembers them until they change.
pub struct Presets {
    store: Store,
    ready: Mutex<Ready>,
}

#[derive(Default)]
struct Ready {
    /// Grows with every change, so that what was read before one is not kept after it.
    changes: u64,
    presets: HashMap<String, Arc<Preset>>,
}

impl Presets {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, ready: Mutex::default() }
    }

    /// The preset in the version that is in use.
    async fn get(&self, slug: &str) -> Result<Option<Arc<Preset>>, Error> {
        let changes = {
            let ready = self.ready();
            if let Some(preset) = ready.presets.get(slug) {
                return Ok(Some(preset.clone()));
            }
            ready.changes
        };
        let Some(saved) = self.store.preset(slug).await.map_err(failed)? else {
            return Ok(None);
        };
        let preset = Arc::new(read(&saved)?);
        let mut ready = self.ready();
        if ready.changes == changes {
            if ready.presets.len() >= MAX_READY {
                ready.presets.clear();
            }
            ready.presets.insert(slug.to_owned(), preset.clone());
        }
        Ok(Some(preset))
    }

    /// Something is saved or deleted until the guard goes, which it does too where the
    /// client leaves before it is told: the store may have done it all the same.
    pub(crate) fn changing(&self) -> Changing<'_> {
        self.changed();
        Changing(self)
    }

    /// Keeps up with what others change, for as long as it is polled.
    pub(crate) async fn keep_up(&self) {
        let mut looks = interval(POLL_INTERVAL);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // What was read before the first look may have changed since.
        let mut seen = None;
        let mut is_failing = false;
        loop {
            looks.tick().await;
            match self.store.presets_revision().await {
                Ok(revision) => {
                    is_failing = false;
                    if seen.replace(revision) != Some(revision) {
                        self.changed();
                    }
                }
                // Once, not twice a second.
                Err(error) if !std::mem::replace(&mut is_failing, true) => {
                    tracing::error!(%error, "presets cannot be read; those of before hold");
                }
                Err(_) => {}
            }
        }
    }

    fn changed(&self) {
        let mut ready = self.ready();
        ready.changes += 1;
        ready.presets.clear();
    }

    /// Nothing panics while it holds the lock.
    fn ready(&self) -> MutexGuard<'_, Ready> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// While it lives, what is in use may change.
pub(crate) struct Changing<'p>(&'p Presets);

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        self.0.changed();
    }
}

/// Puts what the caller prefers, and the preset that the call names or the caller prefers,
/// under the call.
///
/// # Errors
/// When there is none of that name, or two are named.
pub async fn apply(router: &Router, caller: &Caller, call: &mut ChatCall) -> Result<(), Error> {
    match named(router, caller, &mut call.preset, &mut call.routing).await? {
        Some(preset) => preset.apply(call).map_err(refused),
        None => Ok(()),
    }
}

/// The same for vectors.
///
/// # Errors
/// As for chats.
pub(crate) async fn apply_to_embeddings(
    router: &Router,
    caller: &Caller,
    call: &mut EmbedCall,
) -> Result<(), Error> {
    match named(router, caller, &mut call.preset, &mut call.routing).await? {
        Some(preset) => preset.apply_to_embeddings(call).map_err(refused),
        None => Ok(()),
    }
}

/// The same for documents that are put in order.
///
/// # Errors
/// As for chats.
pub(crate) async fn apply_to_ranking(
    router: &Router,
    caller: &Caller,
    call: &mut RerankCall,
) -> Result<(), Error> {
    match named(router, caller, &mut call.preset, &mut call.routing).await? {
        Some(preset) => preset.apply_to_ranking(call).map_err(refused),
        None => Ok(()),
    }
}

/// Whether a preset may be named so: what stands in a URL as it is.
pub(crate) fn is_slug(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=MAX_SLUG_BYTES).contains(&text.len()) && text.bytes().all(is_plain)
}

/// What a body says that a preset is to hold.
pub(crate) fn settings(dialect: Dialect, kept: Kept) -> Result<Settings, BadRequest> {
    let preset = Preset::read(dialect, &kept)?;
    if preset.models().iter().any(|name| split_preset(name).1.is_some()) {
        let message = "`model` must not name a preset: presets do not build on each other.";
        let param = Some("model".to_owned());
        return Err(BadRequest { message: message.to_owned(), param, code: "invalid_value" });
    }
    let Kept { config, system_prompt } = kept;
    Ok(Settings { dialect: dialect.name().to_owned(), config, system_prompt })
}

/// The preset that a request names, by its field or with its models, or that holds for
/// those that name none.
async fn named(
    router: &Router,
    caller: &Caller,
    field: &mut Option<String>,
    routing: &mut Routing,
) -> Result<Option<Arc<Preset>>, Error> {
    caller.complete(field, routing);
    let Some(slug) = take_slug(field, &mut routing.models)? else { return Ok(None) };
    let preset = if is_slug(&slug) { router.presets.get(&slug).await? } else { None };
    if preset.is_none() {
        let shown: String =
            slug.chars().filter(|it| !it.is_control()).take(MAX_SLUG_BYTES).collect();
        let message = format!("There is no preset `{shown}` here; GET /v1/presets lists them.");
        return Err(Error::new(Code::InvalidRequest, message).param("preset"));
    }
    Ok(preset)
}

/// Takes the name of a preset out of the field, or out of the names of the models.
fn take_slug(field: &mut Option<String>, names: &mut Vec<String>) -> Result<Option<String>, Error> {
    let mut slug = field.take();
    let mut models = Vec::new();
    for name in names.iter() {
        let (model, preset) = split_preset(name);
        models.extend(model.map(str::to_owned));
        match (preset, &slug) {
            (Some(preset), Some(slug)) if preset != slug => {
                let message = "The request names two presets; it may name one.";
                return Err(Error::new(Code::InvalidRequest, message).param("preset"));
            }
            (Some(preset), None) => slug = Some(preset.to_owned()),
            _ => {}
        }
    }
    if slug.is_some() {
        *names = models;
    }
    Ok(slug)
}

fn read(saved: &PresetVersion) -> Result<Preset, Error> {
    let Settings { dialect, config, system_prompt } = saved.settings.clone();
    let dialect = DIALECTS.into_iter().find(|it| it.name() == dialect);
    let kept = Kept { config, system_prompt };
    let preset = dialect.and_then(|dialect| Preset::read(dialect, &kept).ok());
    // It was checked when it was saved, maybe by another version of this program.
    preset.ok_or_else(|| {
        let message = format!("The preset `{}` is no longer understood; save it anew.", saved.slug);
        Error::new(Code::Internal, message)
    })
}

fn refused(bad: BadRequest) -> Error {
    Error { param: bad.param.map(Into::into), ..Error::new(Code::InvalidRequest, bad.message) }
}

pub(crate) fn failed(error: plugway_store::Error) -> Error {
    tracing::error!(%error, "presets cannot be kept");
    Error::new(Code::Internal, "The router's state file failed; its log says how.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use plugway_store::Location;
    use std::future::pending;

    #[tokio::test]
    async fn what_another_router_changes_holds_here_too() {
        let store = Store::open(&Location::Memory).await.unwrap();
        let save = async |model: &str| {
            let dialect = DIALECTS[0].name().to_owned();
            let config = format!(r#"{{"model":"{model}"}}"#);
            let settings = Settings { dialect, config, system_prompt: None };
            store.save_preset("brief", &settings, 1).await.unwrap();
        };
        save("a/m").await;
        let presets = Presets::new(store.clone());
        let models = async || {
            let preset = presets.get("brief").await.unwrap();
            preset.map(|it| it.models().iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        let until = async |expected: Option<Vec<String>>| {
            while models().await != expected {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let changes = async {
            assert_eq!(models().await, Some(vec!["a/m".to_owned()]));
            // Past this router's back, as another one does it.
            save("b/m").await;
            until(Some(vec!["b/m".to_owned()])).await;
            assert!(store.delete_preset("brief").await.unwrap());
            until(None).await;
        };
        tokio::select! {
            () = presets.keep_up() => unreachable!("it goes on"),
            done = tokio::time::timeout(Duration::from_secs(60), changes) => done.unwrap(),
        }
    }

    #[tokio::test]
    async fn a_preset_is_gone_though_its_client_left_before_it_was_told() {
        let store = Store::open(&Location::Memory).await.unwrap();
        let (config, system_prompt) = (r#"{"model":"a/m"}"#.to_owned(), None);
        let dialect = DIALECTS[0].name().to_owned();
        let settings = Settings { dialect, config, system_prompt };
        store.save_preset("brief", &settings, 1).await.unwrap();
        let presets = Presets::new(store.clone());
        let left = async {
            let _changing = presets.changing();
            // Another request has it read before it goes.
            assert!(presets.get("brief").await.unwrap().is_some());
            assert!(store.delete_preset("brief").await.unwrap());
            pending::<()>().await;
        };
        let gone = async {
            while store.preset("brief").await.unwrap().is_some() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = left => {}
            () = gone => {}
        }
        assert!(presets.get("brief").await.unwrap().is_none());
    }
}
