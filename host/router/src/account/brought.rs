//! Clients' own provider keys as requests find them: by workspace and provider, opened, in
//! the order in which they are tried.

use super::byok::ByokSettings;
use crate::catalog::Credential;
use crate::route::names_model;
use plugway_store::ByokRow;
use std::collections::HashMap;
use std::sync::Arc;

/// A client's own provider key.
pub struct BroughtKey {
    /// As it is kept.
    pub row: Arc<ByokRow>,
    /// Who may use it, and for what.
    settings: ByokSettings,
    pub(super) state: State,
}

/// Whether it can be used.
#[derive(Clone)]
pub(super) enum State {
    /// As attempts are made with it.
    Open(Arc<Credential>),
    /// The same, by what was sealed before: what is new was not opened yet, or cannot be, for
    /// this reason, which may pass. To go without meanwhile would have others pay.
    Outdated(Arc<Credential>, Option<Unusable>),
    /// It was not tried yet.
    Sealed,
    /// It cannot.
    Unusable(Unusable),
}

/// Why a key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Nothing opens it.
    #[error("no master key is found to open it with")]
    NoMasterKey,
    /// It may be found again.
    #[error("it was sealed with another master key than the one that is found")]
    OtherMasterKey,
    /// It was changed, or cut short.
    #[error("what was kept of it is damaged: store it anew")]
    Damaged,
    /// It is in no form that a provider is told in.
    #[error("it has no form that a provider takes")]
    Form,
    /// Nobody can tell who may use it.
    #[error("another version of the router has written who may use it")]
    Settings,
}

impl Unusable {
    /// Whether it may be opened later, as it is.
    pub(super) fn is_passing(self) -> bool {
        matches!(self, Self::NoMasterKey | Self::OtherMasterKey)
    }
}

impl State {
    /// Why what is kept cannot be opened, if that is so.
    pub(super) fn unusable(&self) -> Option<Unusable> {
        match self {
            Self::Unusable(why) => Some(*why),
            Self::Outdated(_, why) => *why,
            Self::Open(_) | Self::Sealed => None,
        }
    }

    /// What comes of it where what is kept cannot be opened.
    pub(super) fn failing(&self, why: Unusable) -> Self {
        match self {
            Self::Open(credential) | Self::Outdated(credential, _) if why.is_passing() => {
                Self::Outdated(credential.clone(), Some(why))
            }
            _ => Self::Unusable(why),
        }
    }
}

impl BroughtKey {
    /// Of a row that is new, or says something else than before.
    pub(super) fn following(row: &Arc<ByokRow>, before: Option<&Self>) -> Self {
        let (row, settings) = (row.clone(), ByokSettings::of(row));
        let Some(settings) = settings else {
            let state = State::Unusable(Unusable::Settings);
            return Self { row, settings: ByokSettings::default(), state };
        };
        let before = before.filter(|it| it.row.provider == row.provider);
        let state = match before.map(|it| (&it.state, it.row.sealed == row.sealed)) {
            // What is not used is not held.
            _ if row.disabled => State::Sealed,
            None | Some((State::Unusable(Unusable::Settings), _)) => State::Sealed,
            Some((state, true)) => state.clone(),
            Some((State::Open(credential) | State::Outdated(credential, _), false)) => {
                State::Outdated(credential.clone(), None)
            }
            Some((State::Sealed | State::Unusable(_), false)) => State::Sealed,
        };
        Self { row, settings, state }
    }

    /// The same, in another state.
    pub(super) fn in_state(&self, state: State) -> Self {
        Self { row: self.row.clone(), settings: self.settings.clone(), state }
    }

    /// As attempts are made with it; none where it cannot be used.
    pub(crate) fn credential(&self) -> Option<&Arc<Credential>> {
        match &self.state {
            State::Open(credential) | State::Outdated(credential, _) => Some(credential),
            State::Sealed | State::Unusable(_) => None,
        }
    }

    /// Why it cannot be opened as it is kept now, if that is so. It may still be used as it
    /// was before.
    pub fn unusable(&self) -> Option<Unusable> {
        self.state.unusable()
    }

    /// It is tried after the router's own credentials.
    pub(crate) fn is_fallback(&self) -> bool {
        self.row.is_fallback
    }

    /// In place of the router's own credentials, which are not tried.
    pub(crate) fn is_always_used(&self) -> bool {
        self.settings.always_use
    }

    /// Whether it may be used for this model, with this key and for this user. Where any of
    /// them is not told and is restricted, it may not.
    pub(super) fn is_for(
        &self,
        model: Option<&str>,
        key: Option<&str>,
        user: Option<&str>,
    ) -> bool {
        let ByokSettings { allowed_models, allowed_api_key_hashes, allowed_user_ids, .. } =
            &self.settings;
        let names = |list: &Option<Vec<String>>, wanted: Option<&str>| {
            let holds = |list: &Vec<String>| list.iter().any(|it| Some(&**it) == wanted);
            list.as_ref().is_none_or(holds)
        };
        let models = allowed_models.as_ref();
        models.is_none_or(|list| model.is_some_and(|model| names_model(list, model)))
            && names(allowed_api_key_hashes, key)
            && names(allowed_user_ids, user)
    }
}

/// All of them at one moment.
#[derive(Default)]
pub struct BroughtKeys {
    /// Disabled ones too, in the order in which they are tried.
    all: Vec<Arc<BroughtKey>>,
    /// Of all workspaces, by provider.
    common: ByProvider,
    /// Of one, by its id.
    of_workspace: HashMap<String, ByProvider>,
}

type ByProvider = HashMap<String, Vec<Arc<BroughtKey>>>;

impl BroughtKeys {
    pub(super) fn new(mut all: Vec<Arc<BroughtKey>>) -> Self {
        let place = |key: &BroughtKey| (key.row.position, key.row.created_ms);
        all.sort_by(|a, b| place(a).cmp(&place(b)).then_with(|| a.row.id.cmp(&b.row.id)));
        let mut keys = Self::default();
        for key in all.iter().filter(|key| !key.row.disabled) {
            // Whom it may serve nobody can tell.
            if key.unusable() == Some(Unusable::Settings) {
                continue;
            }
            let by_provider = match &key.row.workspace {
                Some(workspace) => keys.of_workspace.entry(workspace.clone()).or_default(),
                None => &mut keys.common,
            };
            by_provider.entry(key.row.provider.clone()).or_default().push(key.clone());
        }
        Self { all, ..keys }
    }

    /// All of them, disabled ones too.
    pub fn all(&self) -> &[Arc<BroughtKey>] {
        &self.all
    }

    /// The one of the row with this id.
    pub fn with_id(&self, id: &str) -> Option<&Arc<BroughtKey>> {
        self.all.iter().find(|key| key.row.id == id)
    }

    /// Those of a workspace for a provider, then those of all workspaces.
    pub(super) fn of<'k>(
        &'k self,
        workspace: &str,
        provider: &str,
    ) -> impl Iterator<Item = &'k Arc<BroughtKey>> + use<'k> {
        let own = self.of_workspace.get(workspace).and_then(|it| it.get(provider));
        let common = self.common.get(provider);
        own.into_iter().chain(common).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str, workspace: Option<&str>, position: i64, settings: &str) -> Arc<BroughtKey> {
        let row = ByokRow {
            id: id.to_owned(),
            workspace: workspace.map(str::to_owned),
            provider: "one".to_owned(),
            name: String::new(),
            position,
            is_fallback: false,
            disabled: id == "disabled",
            created_ms: 0,
            updated_ms: 0,
            sealed: Vec::new(),
            key_id: String::new(),
            label: String::new(),
            settings: settings.to_owned(),
        };
        Arc::new(BroughtKey::following(&Arc::new(row), None))
    }

    #[test]
    fn a_workspace_has_its_own_keys_in_their_order_and_then_those_of_all() {
        let keys = BroughtKeys::new(vec![
            key("late", Some("w"), 9, "{}"),
            key("common", None, 0, "{}"),
            key("early", Some("w"), 3, "{}"),
            key("theirs", Some("v"), 1, "{}"),
            key("disabled", Some("w"), 1, "{}"),
            key("strange", Some("w"), 1, r#"{"from": "later"}"#),
        ]);
        let of = |workspace, provider| {
            let keys = keys.of(workspace, provider);
            keys.map(|key| key.row.id.clone()).collect::<Vec<_>>()
        };
        assert_eq!(of("w", "one"), ["early", "late", "common"]);
        assert_eq!(of("v", "one"), ["theirs", "common"]);
        assert_eq!(of("u", "one"), ["common"]);
        assert!(of("w", "two").is_empty());
        assert_eq!(keys.with_id("strange").unwrap().unusable(), Some(Unusable::Settings));
    }

    #[test]
    fn what_is_restricted_and_not_told_is_not_allowed() {
        let check = |settings: &str, model, hash, user, expected| {
            let is_for = key("a", None, 0, settings).is_for(model, hash, user);
            assert_eq!(is_for, expected, "{settings} {model:?} {hash:?} {user:?}");
        };
        check("{}", None, None, None, true);
        let models = r#"{"allowed_models": ["a/m", "b/*"]}"#;
        check(models, Some("a/m"), None, None, true);
        check(models, Some("b/any"), None, None, true);
        check(models, Some("a/n"), None, None, false);
        check(models, None, None, None, false);
        let hashes = r#"{"allowed_api_key_hashes": ["h"]}"#;
        check(hashes, Some("a/m"), Some("h"), None, true);
        check(hashes, Some("a/m"), Some("g"), None, false);
        check(hashes, Some("a/m"), None, None, false);
        let users = r#"{"allowed_user_ids": ["u"]}"#;
        check(users, None, None, Some("u"), true);
        check(users, None, None, None, false);
    }
}
