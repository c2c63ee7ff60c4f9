//! All keys and workspaces at one moment. What has not changed since the moment before is
//! taken over from there, and so are the books of what has.

use super::workspace::WorkspaceSettings;
use plugway_accounts::key::digest;
use plugway_accounts::{Account, Interval, KeySettings, Limits};
use plugway_routing::Clock;
use plugway_store::{ByokRow, DEFAULT_WORKSPACE, KeyRow, WorkspaceRow};
use std::collections::HashMap;
use std::sync::Arc;

/// A key.
pub struct Key {
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
        let by_id: HashMap<&str, &Arc<Workspace>> =
            workspaces.iter().map(|it| (&*it.row.id, it)).collect();
        let default_workspace = by_id.get(DEFAULT_WORKSPACE).copied();
        let default_workspace = default_workspace.unwrap_or(&self.default_workspace).clone();
        let key = |row: KeyRow| {
            let workspace = by_id.get(&*row.workspace).copied();
            let Some(workspace) = workspace else {
                tracing::error!(hash = row.hash, "a key of no workspace is left out");
                return None;
            };
            let at = digest_of(&row.hash)?;
            Some((at, self.key_after(at, row, workspace, clock)?))
        };
        let keys: HashMap<_, _> = keys.into_iter().filter_map(key).collect();
        let mut keys_by_age: Vec<_> = keys.values().cloned().collect();
        keys_by_age
            .sort_by(|a, b| (a.row.created_ms, &a.row.hash).cmp(&(b.row.created_ms, &b.row.hash)));
        let byok = byok.into_iter().map(Arc::new).collect();
        let revision = Some(revision);
        Self { revision, has_keys, keys, keys_by_age, workspaces, default_workspace, byok }
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
        self.workspaces.iter().find(|it| it.row.id == id_or_slug).or_else(by_slug)
    }

    fn workspace_after(&self, row: WorkspaceRow, clock: &Clock) -> Arc<Workspace> {
        let before = self.workspaces.iter().find(|it| it.row.id == row.id);
        // The default one has counted already, should anything have been before it was read.
        let before = before.or((row.id == DEFAULT_WORKSPACE).then_some(&self.default_workspace));
        match before {
            Some(before) if before.row == row => before.clone(),
            before => Arc::new(Workspace::new(row, before.map(|it| &**it), clock)),
        }
    }

    fn key_after(
        &self,
        at: [u8; 32],
        row: KeyRow,
        workspace: &Arc<Workspace>,
        clock: &Clock,
    ) -> Option<Arc<Key>> {
        match self.keys.get(&at) {
            Some(before) if before.row == row && Arc::ptr_eq(&before.workspace, workspace) => {
                Some(before.clone())
            }
            before => Key::new(row, workspace, before.map(|it| &**it), clock).map(Arc::new),
        }
    }
}

impl Workspace {
    fn new(row: WorkspaceRow, before: Option<&Self>, clock: &Clock) -> Self {
        let settings = WorkspaceSettings::of(&row);
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
        Self { row, settings, budget, limits }
    }
}

impl Key {
    /// None where nobody can tell what it may.
    fn new(
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
        Some(Self { row, settings, budget, limits, workspace: workspace.clone() })
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
