//! All keys and workspaces at one moment. What has not changed since the moment before is
//! taken over from there, and so are the books of what has.

use super::workspace::WorkspaceSettings;
use plugway_accounts::key::digest;
use plugway_accounts::{Account, Interval, KeySettings, Limits};
use plugway_routing::Clock;
use plugway_store::{ByokRow, DEFAULT_WORKSPACE, KeyRow, Keys, WorkspaceRow};
use std::collections::HashMap;
use std::sync::Arc;

/// A key.
pub struct Key {
    /// Of the key itself; its hash, read.
    digest: [u8; 32],
    /// As it is kept.
    pub row: KeyRow,
    /// What it may, and what it prefers.
    pub settings: KeySettings,
    /// What it spends.
    pub budget: Arc<Account>,
    /// How fast it may ask.
    pub limits: Arc<Limits>,
    /// Where it belongs.
    pub workspace: Arc<Workspace>,
}

/// A workspace.
pub struct Workspace {
    /// As it is kept.
    pub row: WorkspaceRow,
    /// What is said of it beside its budgets.
    pub settings: WorkspaceSettings,
    /// Another version has said it, so that nobody here can tell what its keys may: they are
    /// refused.
    pub is_unreadable: bool,
    /// What its keys spend together.
    pub budget: Arc<Account>,
    /// How fast its keys may ask together.
    pub limits: Arc<Limits>,
}

/// All of them.
pub struct Snapshot {
    /// The database's; none while nothing was read.
    pub revision: Option<i64>,
    /// A key was made at some time: from then on one is needed.
    pub has_keys: bool,
    /// By the digest of the key itself.
    keys: HashMap<[u8; 32], Arc<Key>>,
    /// Oldest first; keys that were deleted are not among them.
    pub keys_by_age: Vec<Arc<Key>>,
    /// Oldest first.
    pub workspaces: Vec<Arc<Workspace>>,
    workspaces_by_id: HashMap<String, Arc<Workspace>>,
    /// Where whoever needs no key belongs.
    pub default_workspace: Arc<Workspace>,
    /// Clients' own provider keys, in the order in which they are tried.
    pub byok: Vec<Arc<ByokRow>>,
}

impl Snapshot {
    /// Nobody, and the default workspace without any limit.
    pub(super) fn empty(clock: &Clock) -> Self {
        let row = WorkspaceRow {
            id: DEFAULT_WORKSPACE.to_owned(),
            slug: DEFAULT_WORKSPACE.to_owned(),
            name: "Default".to_owned(),
            created_ms: 0,
            updated_ms: 0,
            settings: "{}".to_owned(),
            budgets: Vec::new(),
        };
        Self {
            revision: None,
            has_keys: false,
            keys: HashMap::new(),
            keys_by_age: Vec::new(),
            workspaces: Vec::new(),
            workspaces_by_id: HashMap::new(),
            default_workspace: Arc::new(Workspace::new(row, None, clock)),
            byok: Vec::new(),
        }
    }

    /// What comes after it.
    pub(super) fn followed_by(
        &self,
        read: plugway_store::Accounts,
        has_keys: bool,
        clock: &Clock,
    ) -> Self {
        let plugway_store::Accounts { revision, keys, mut workspaces, byok } = read;
        workspaces.sort_by(|a, b| (a.created_ms, &a.id).cmp(&(b.created_ms, &b.id)));
        let workspaces: Vec<_> =
            workspaces.into_iter().map(|row| self.workspace_after(row, clock)).collect();
        let workspaces_by_id: HashMap<_, _> =
            workspaces.iter().map(|it| (it.row.id.clone(), it.clone())).collect();
        let default_workspace = workspaces_by_id.get(DEFAULT_WORKSPACE);
        let default_workspace = default_workspace.unwrap_or(&self.default_workspace).clone();
        let after = Self {
            revision: Some(revision),
            has_keys,
            keys: HashMap::new(),
            keys_by_age: Vec::new(),
            workspaces,
            workspaces_by_id,
            default_workspace,
            byok: byok.into_iter().map(Arc::new).collect(),
        };
        after.with_keys(self, keys, clock)
    }

    /// With the keys that are read now, and those of before that have not changed since.
    fn with_keys(mut self, before: &Self, read: Keys, clock: &Clock) -> Self {
        let (rows, mut keys, mut keys_by_age) = match read {
            Keys::All(rows) => (rows, HashMap::new(), Vec::new()),
            Keys::Changed(rows) => (rows, before.keys.clone(), before.keys_by_age.clone()),
        };
        let mut is_in_order = rows.is_empty();
        for row in rows {
            let Some(digest) = digest_of(&row.hash) else { continue };
            match self.key_after(before.keys.get(&digest), digest, row, clock) {
                Some(key) => keys.insert(digest, key),
                None => keys.remove(&digest),
            };
        }
        for key in keys.values_mut() {
            let workspace = self.workspaces_by_id.get(&key.row.workspace);
            if let Some(workspace) = workspace.filter(|it| !Arc::ptr_eq(it, &key.workspace)) {
                *key = Arc::new(key.belonging_to(workspace));
                is_in_order = false;
            }
        }
        if !is_in_order {
            keys_by_age = keys.values().cloned().collect();
            let age = |key: &Arc<Key>| (key.row.created_ms, key.digest);
            keys_by_age.sort_unstable_by_key(age);
        }
        (self.keys, self.keys_by_age) = (keys, keys_by_age);
        self
    }

    /// The key that a client shows.
    pub(super) fn shown(&self, secret: &str) -> Option<&Arc<Key>> {
        self.keys.get(&digest(secret))
    }

    /// The key with this hash.
    pub fn key(&self, hash: &str) -> Option<&Arc<Key>> {
        let key = self.keys.get(&digest_of(hash)?);
        // There is one way to write it.
        key.filter(|key| key.row.hash == hash)
    }

    /// The workspace with this id, or else with this slug.
    pub fn workspace(&self, id_or_slug: &str) -> Option<&Arc<Workspace>> {
        let by_slug = || self.workspaces.iter().find(|it| it.row.slug == id_or_slug);
        self.workspaces_by_id.get(id_or_slug).or_else(by_slug)
    }

    fn workspace_after(&self, row: WorkspaceRow, clock: &Clock) -> Arc<Workspace> {
        let before = self.workspaces_by_id.get(&row.id);
        // The default one has counted already, should anything have been before it was read.
        let before = before.or((row.id == DEFAULT_WORKSPACE).then_some(&self.default_workspace));
        match before {
            Some(before) if before.row == row => before.clone(),
            before => Arc::new(Workspace::new(row, before.map(|it| &**it), clock)),
        }
    }

    /// None where it is gone, or nobody can tell what it may.
    fn key_after(
        &self,
        before: Option<&Arc<Key>>,
        digest: [u8; 32],
        row: KeyRow,
        clock: &Clock,
    ) -> Option<Arc<Key>> {
        if row.deleted_ms.is_some() {
            return None;
        }
        let Some(workspace) = self.workspaces_by_id.get(&row.workspace) else {
            tracing::error!(hash = row.hash, "a key of no workspace is left out");
            return None;
        };
        match before {
            Some(before) if before.row == row && Arc::ptr_eq(&before.workspace, workspace) => {
                Some(before.clone())
            }
            before => Key::new(digest, row, workspace, before.map(|it| &**it), clock).map(Arc::new),
        }
    }
}

impl Workspace {
    fn new(row: WorkspaceRow, before: Option<&Self>, clock: &Clock) -> Self {
        let read = WorkspaceSettings::of(&row);
        let is_unreadable = read.is_none();
        let settings = read.unwrap_or_default();
        let name = format!("the workspace `{}`", row.slug);
        let (budget, limits) = match before {
            Some(before) => (before.budget.clone(), before.limits.clone()),
            None => {
                let limits = Limits::new(&*name, settings.rates(), clock.clone());
                (Arc::new(Account::new(&*name)), Arc::new(limits))
            }
        };
        let budgets = row.budgets.iter().map(|(interval, limit)| (counted(*interval), *limit));
        budget.set_limits(budgets.collect(), settings.include_byok_in_budgets);
        limits.change(settings.rates());
        Self { row, settings, is_unreadable, budget, limits }
    }
}

impl Key {
    /// A key that was just made, before it is read; none where nobody can tell what it may.
    pub(crate) fn made(row: KeyRow, workspace: &Arc<Workspace>, clock: &Clock) -> Option<Self> {
        Self::new(digest_of(&row.hash)?, row, workspace, None, clock)
    }

    /// None where nobody can tell what it may.
    fn new(
        digest: [u8; 32],
        row: KeyRow,
        workspace: &Arc<Workspace>,
        before: Option<&Self>,
        clock: &Clock,
    ) -> Option<Self> {
        let settings: KeySettings = match serde_json::from_str(&row.settings) {
            Ok(settings) => settings,
            Err(error) => {
                tracing::error!(hash = row.hash, %error, "a key with settings of another version is left out");
                return None;
            }
        };
        let name = format!("the API key `{}`", row.label);
        let (budget, limits) = match before {
            Some(before) => (before.budget.clone(), before.limits.clone()),
            None => {
                let limits = Limits::new(&*name, settings.rates(), clock.clone());
                (Arc::new(Account::new(&*name)), Arc::new(limits))
            }
        };
        let reset = row.reset.map_or(Interval::Lifetime, counted);
        budget.set_limits(
            row.limit.map(|limit| (reset, limit)).into_iter().collect(),
            row.include_byok,
        );
        limits.change(settings.rates());
        Some(Self { digest, row, settings, budget, limits, workspace: workspace.clone() })
    }

    /// The same key of a workspace that has changed.
    fn belonging_to(&self, workspace: &Arc<Workspace>) -> Self {
        Self {
            digest: self.digest,
            row: self.row.clone(),
            settings: self.settings.clone(),
            budget: self.budget.clone(),
            limits: self.limits.clone(),
            workspace: workspace.clone(),
        }
    }
}

/// The database's intervals as budgets count over them.
fn counted(interval: plugway_store::Interval) -> Interval {
    match interval {
        plugway_store::Interval::Daily => Interval::Daily,
        plugway_store::Interval::Weekly => Interval::Weekly,
        plugway_store::Interval::Monthly => Interval::Monthly,
        plugway_store::Interval::Lifetime => Interval::Lifetime,
    }
}

/// None where it is no hash.
fn digest_of(hash: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    hex::decode_to_slice(hash, &mut digest).ok().map(|()| digest)
}
