//! What the names in a request mean: models, the endpoints that serve them, and what
//! their suffixes and pins ask for.

use super::eligible::names;
use super::instead::Wanted;
use super::name::{Mistake, Name, Suffix, suffixes};
use super::pin::Pins;
use super::{Cause, Excluded, Reached};
use crate::catalog::{Catalog, Endpoint, Model, Resolution};
use crate::error::{Code, Error};
use plugway_wire::{Routing, Sort};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Models that one request may name.
const MAX_MODELS: usize = 32;

/// The longest name of a model, bytes.
const MAX_NAME_BYTES: usize = 256;

/// What a request turned out to ask for.
pub(super) struct Resolved {
    /// The client's wishes, with what follows from the names that it used. `models`
    /// are slugs, as strategies see them.
    pub(super) routing: Routing,
    /// Of all models that are named, in their order, each once.
    pub(super) endpoints: Vec<Arc<Endpoint>>,
    /// Slug of each model, in the same order, and by what kind of name it is reached.
    pub(super) reached: Vec<(String, Reached)>,
    /// Endpoints that a pin or a suffix shuts out.
    pub(super) excluded: Vec<Excluded>,
    /// Whom the request is pinned to, for people.
    pub(super) pin: Option<String>,
    /// The same for the rules.
    pub(super) pins: Pins,
    /// Slugs of models of which only endpoints will do that cost nothing.
    free: BTreeSet<String>,
}

impl Resolved {
    /// The models that are not pinned.
    pub(super) fn unpinned(&self) -> Vec<Wanted> {
        let models = self.reached.iter().map(|(slug, _)| slug);
        let models = models.filter(|slug| !self.pins.hold(slug));
        models.map(|it| Wanted { name: it.clone(), is_free: self.free.contains(it) }).collect()
    }
}

/// Looks up what the request names.
///
/// # Errors
/// When no model is named, or none of those named exists here.
pub(super) fn resolve(catalog: &Catalog, routing: &Routing) -> Result<Resolved, Error> {
    let found = find(catalog, &routing.models)?;
    let mut routing = routing.clone();
    apply(&found, &mut routing);
    let pin = pin(&found, &routing);
    let names = found.iter().map(|it| (it.slug.as_str(), it.pin.as_deref()));
    let pins = Pins::of(names, &routing);
    let is_free = |it: &&Found| it.suffixes.contains(&Suffix::Free);
    let free = found.iter().filter(is_free).map(|it| it.slug.clone()).collect();
    let (mut endpoints, mut excluded) = (Vec::new(), Vec::new());
    let (mut reached, mut seen): (Vec<(String, Reached)>, _) = (Vec::new(), BTreeSet::new());
    for found in found {
        if reached.iter().all(|(slug, _)| *slug != found.slug) {
            let by = if reached.is_empty() { found.reached } else { Reached::Fallback };
            reached.push((found.slug, by));
        }
        endpoints.extend(found.endpoints.into_iter().filter(|it| seen.insert(it.id.clone())));
        excluded.extend(found.excluded);
    }
    // Another name of the same model may admit what one shuts out.
    let mut told = seen;
    excluded.retain(|it: &Excluded| told.insert(it.endpoint.clone()));
    routing.models = reached.iter().map(|(slug, _)| slug.clone()).collect();
    Ok(Resolved { routing, endpoints, reached, excluded, pin, pins, free })
}

/// The endpoints of all models of these names.
///
/// # Errors
/// Where there are none, with what was probably meant.
pub(crate) fn endpoints(catalog: &Catalog, names: &[String]) -> Result<Vec<Arc<Endpoint>>, Error> {
    Ok(find(catalog, names)?.into_iter().flat_map(|found| found.endpoints).collect())
}

/// The catalogue's model of this name, without regard to a pin or suffixes; none where
/// the name is passed on to a provider, or nobody's.
pub(crate) fn model(catalog: &Catalog, name: &str) -> Option<Arc<Model>> {
    let name = Name::parse(name, |name| look_up(catalog, name).is_some()).ok()?;
    look_up(catalog, name.base).map(|(model, _)| model)
}

/// Of names that lead nowhere, those that have no pin. What is behind the `@` of a name
/// that is nobody's is taken for one.
pub(super) fn unpinned(catalog: &Catalog, names: &[String]) -> Vec<Wanted> {
    let is_known = |name: &str| look_up(catalog, name).is_some();
    let wanted = |name: &str| match Name::parse(name, is_known) {
        Ok(read) => {
            let is_free = read.suffixes.contains(&Suffix::Free);
            read.pin.is_none().then(|| Wanted { name: read.base.to_owned(), is_free })
        }
        Err(_) if name.contains('@') => None,
        Err(_) => {
            let is_free = name.split(':').skip(1).any(|suffix| suffix == "free");
            Some(Wanted { name: name.to_owned(), is_free })
        }
    };
    names.iter().filter_map(|name| wanted(name)).collect()
}

/// Whether nothing is charged for it.
pub(super) fn is_free(endpoint: &Endpoint) -> bool {
    endpoint.price.as_ref().is_some_and(|it| it.is_nothing())
}

/// The same error, that says so where the request is pinned.
pub(super) fn told_of_pin(error: Error, pin: Option<String>) -> Error {
    match pin {
        None => error,
        Some(pin) => {
            let message = format!("The request is pinned to {pin}. {}", error.message);
            Error { message, ..error }
        }
    }
}

/// A model that a request names.
struct Found {
    slug: String,
    reached: Reached,
    endpoints: Vec<Arc<Endpoint>>,
    excluded: Vec<Excluded>,
    suffixes: Vec<Suffix>,
    pin: Option<String>,
}

/// Whatever exists of the models named: a later one may stand in for an earlier.
fn find(catalog: &Catalog, names: &[String]) -> Result<Vec<Found>, Error> {
    if names.is_empty() {
        let message = "No model is named; GET /v1/models lists what there is.";
        return Err(Error::new(Code::InvalidRequest, message).param("model"));
    }
    if names.len() > MAX_MODELS || names.iter().any(|name| name.len() > MAX_NAME_BYTES) {
        let message = format!(
            "At most {MAX_MODELS} models may be named, by at most {MAX_NAME_BYTES} bytes each."
        );
        return Err(Error::new(Code::InvalidRequest, message).param("models"));
    }
    let (mut found, mut refusal) = (Vec::new(), None);
    for name in names {
        match one(catalog, name) {
            Ok(it) => found.push(it),
            Err(message) => _ = refusal.get_or_insert(message),
        }
    }
    match (found.is_empty(), refusal) {
        (true, Some(message)) => Err(Error::new(Code::ModelNotFound, message).param("model")),
        _ => Ok(found),
    }
}

/// What one name means, or why it means nothing.
fn one(catalog: &Catalog, text: &str) -> Result<Found, String> {
    let is_alias = |name: &str| catalog.aliases.contains_key(name);
    let outer = Name::parse(text, is_alias).ok();
    let Some((outer, target)) =
        outer.and_then(|name| Some((name.clone(), catalog.aliases.get(name.base)?)))
    else {
        return named(catalog, text).and_then(|found| found.kept(text));
    };
    let mut found = named(catalog, target)?;
    found.reached = Reached::Alias;
    // What the client adds comes first, and may not loosen what the operator wrote.
    found.suffixes = [outer.suffixes, found.suffixes].concat();
    if let Some(pin) = outer.pin {
        found = found.kept(target)?;
        found.pin = Some(pin.to_owned());
    }
    found.kept(text)
}

/// What a name that is no alias means, before its pin and suffixes are heeded.
fn named(catalog: &Catalog, text: &str) -> Result<Found, String> {
    let name = match Name::parse(text, |name| look_up(catalog, name).is_some()) {
        Ok(name) => name,
        Err(mistake) => return passed_through(catalog, text, &mistake),
    };
    let Some((model, reached)) = look_up(catalog, name.base) else {
        return passed_through(catalog, text, &Mistake::Unknown);
    };
    Ok(Found {
        slug: model.slug.clone(),
        reached,
        endpoints: model.endpoints.clone(),
        excluded: Vec::new(),
        suffixes: name.suffixes,
        pin: name.pin.map(str::to_owned),
    })
}

fn look_up(catalog: &Catalog, name: &str) -> Option<(Arc<Model>, Reached)> {
    let direct = catalog.known(name).map(|model| (model, Reached::Direct));
    let found = direct.or_else(|| catalog.latest(name).map(|model| (model, Reached::Latest)));
    found.map(|(model, reached)| (Arc::clone(model), reached))
}

/// A name that the catalogue does not know may be a provider's own, which gets it as it
/// is. Where only the suffix of a model is unknown, the client meant something else.
fn passed_through(catalog: &Catalog, text: &str, mistake: &Mistake<'_>) -> Result<Found, String> {
    match mistake {
        Mistake::Suffix { base, suffix } if catalog.models.contains_key(*base) => {
            return Err(unknown_suffix(text, suffix));
        }
        Mistake::Pin => {
            return Err(format!("`{}` names no provider behind its `@`.", shown(text)));
        }
        _ => {}
    }
    match catalog.resolve(text) {
        Resolution::Passthrough { provider, upstream_model } => {
            let endpoint = Arc::new(Endpoint::passthrough(&provider, &upstream_model));
            Ok(Found {
                slug: endpoint.model_slug.clone(),
                reached: Reached::Direct,
                endpoints: vec![endpoint],
                excluded: Vec::new(),
                suffixes: Vec::new(),
                pin: None,
            })
        }
        Resolution::Inactive { provider, remedy } => Err(format!(
            "The provider `{provider}` is not turned on; {remedy}, where the router runs."
        )),
        Resolution::Known(_) | Resolution::Unknown { .. } => Err(match mistake {
            Mistake::Suffix { suffix, .. } => unknown_suffix(text, suffix),
            _ => unknown(text, &near(catalog, text)),
        }),
    }
}

impl Found {
    /// With those endpoints alone that the pin and the suffixes admit. `text` is what
    /// the client wrote.
    fn kept(mut self, text: &str) -> Result<Self, String> {
        if let Some(pin) = &self.pin {
            let is_of = |it: &Endpoint| names(pin, it);
            let serving: BTreeSet<_> =
                self.endpoints.iter().map(|it| it.provider.name.clone()).collect();
            let reason = format!("the name of the model pins the request to `{}`", shown(pin));
            shut_out(&mut self.endpoints, &mut self.excluded, is_of, Cause::Pin, &reason);
            if self.endpoints.is_empty() {
                let serving: Vec<_> = serving.into_iter().collect();
                return Err(format!(
                    "`{}` is pinned to `{}`, which does not serve it; `{}` does.",
                    shown(text),
                    shown(pin),
                    serving.join("` and `"),
                ));
            }
        }
        if self.suffixes.contains(&Suffix::Free) {
            let reason = "the suffix `:free` is for endpoints whose price is zero";
            shut_out(&mut self.endpoints, &mut self.excluded, is_free, Cause::Price, reason);
            if self.endpoints.is_empty() {
                return Err(format!(
                    "`{}` asks for an endpoint that is free of charge, and there is none; leave \
                     out `:free`.",
                    shown(text)
                ));
            }
        }
        Ok(self)
    }
}

fn shut_out(
    endpoints: &mut Vec<Arc<Endpoint>>,
    excluded: &mut Vec<Excluded>,
    admits: impl Fn(&Endpoint) -> bool,
    cause: Cause,
    reason: &str,
) {
    endpoints.retain(|endpoint| {
        let is_admitted = admits(endpoint);
        if !is_admitted {
            excluded.push(Excluded::new(endpoint, cause, reason));
        }
        is_admitted
    });
}

/// What suffixes ask for, below what the client says outright. The first one counts
/// where two would sort; a tier is asked for of the suffix's own model.
fn apply(found: &[Found], routing: &mut Routing) {
    // An order names endpoints; nothing else is to be added to them.
    if !routing.order.is_empty() {
        return;
    }
    let suffixes = found.iter().flat_map(|it| it.suffixes.iter().map(|suffix| (&it.slug, suffix)));
    for (model, suffix) in suffixes {
        let (sort, tier) = match suffix {
            Suffix::Nitro => (Sort::Throughput, Some("priority")),
            Suffix::Floor => (Sort::Price, Some("flex")),
            Suffix::Exacto => (Sort::Exacto, None),
            Suffix::Free => continue,
        };
        routing.sort.get_or_insert(sort);
        routing.tiers.extend(tier.map(|tier| (model.clone(), tier.to_owned())));
    }
}

/// Whom the request is pinned to: all of its models by their names, or by its lists.
fn pin(found: &[Found], routing: &Routing) -> Option<String> {
    let quoted = |names: BTreeSet<&str>| {
        let names: Vec<_> = names.into_iter().map(shown).collect();
        format!("`{}`", names.join("` and `"))
    };
    let pins: Option<BTreeSet<&str>> = found.iter().map(|it| it.pin.as_deref()).collect();
    let by_list = routing.no_fallbacks && !routing.only.is_empty();
    match pins {
        Some(pins) => Some(quoted(pins)),
        None if by_list => Some(quoted(routing.only.iter().map(String::as_str).collect())),
        None => None,
    }
}

fn near(catalog: &Catalog, text: &str) -> Vec<String> {
    if text.starts_with('~') {
        return catalog.near_families(text);
    }
    let base = text.split(['@', ':']).next().unwrap_or(text);
    match catalog.resolve(base) {
        Resolution::Unknown { near } => near,
        _ => Vec::new(),
    }
}

fn unknown(text: &str, near: &[String]) -> String {
    let name = shown(text);
    match near {
        [] => format!("There is no model `{name}` here; GET /v1/models lists what there is."),
        near => format!("There is no model `{name}` here; did you mean `{}`?", near.join("` or `")),
    }
}

fn unknown_suffix(text: &str, suffix: &str) -> String {
    let (name, suffix) = (shown(text), shown(suffix));
    match &*suffix {
        "online" => format!("`{name}`: no web search is run here; leave out `:online`."),
        _ => format!("`{name}`: no model has the suffix `:{suffix}`; there are {}.", suffixes()),
    }
}

/// A name from the client, fit to be shown.
fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(128).collect()
}
