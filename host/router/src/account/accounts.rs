//! All keys, workspaces and clients' own provider keys as the database has them, read into
//! memory so that no request waits for it. Whatever changes them counts a revision up,
//! which every router looks at: so a revocation takes effect everywhere within a second.
//!
//! What is counted in memory, spending and rates, belongs to a key or workspace for as
//! long as it exists, and is carried from one snapshot to the next.

use arc_swap::ArcSwap;
use super::Caller;
use plugway_accounts::{Account, KeySettings, Limits, RateSettings};
use plugway_routing::Clock;
use plugway_store::{ByokRow, DEFAULT_WORKSPACE, KeyRow, Store, WorkspaceRow};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// Between two looks at the revision.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Who may ask, kept up with the database.
pub struct Accounts {
    store: Store,
    now: ArcSwap<Snapshot>,
    /// Held while they are read, so that an older state never replaces a newer one.
    reading: Mutex<()>,
}

/// All of them at one moment.
pub struct Snapshot {
    /// Of the database; none while nothing was read.
    revision: Option<i64>,
    /// A key was made at some time: from then on one is needed.
    pub has_keys: bool,
    /// By hash, but for the deleted ones.
    pub keys: HashMap<String, Arc<Key>>,
    /// The same, oldest first.
    pub keys_by_age: Vec<Arc<Key>>,
    /// By id.
    pub workspaces: HashMap<String, Arc<Workspace>>,
    /// The same, oldest first.
    pub workspaces_by_age: Vec<Arc<Workspace>>,
    /// Where whoever needs no key belongs.
    pub default_workspace: Arc<Workspace>,
    /// In the order in which they are tried.
    pub byok: Vec<Arc<ByokRow>>,
}

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
    /// What its keys may together.
    pub settings: KeySettings,
    /// What its keys spend.
    pub budget: Arc<Account>,
    /// How fast its keys may ask.
    pub limits: Arc<Limits>,
}

impl Accounts {
    pub(crate) fn new(store: Store, clock: Clock) -> Self {
        let row = WorkspaceRow {
            id: DEFAULT_WORKSPACE.to_owned(),
            slug: DEFAULT_WORKSPACE.to_owned(),
            name: "Default".to_owned(),
            created_ms: 0,
            updated_ms: 0,
            settings: String::new(),
            budgets: Vec::new(),
        };
        let workspace = Arc::new(Workspace {
            row,
            settings: KeySettings::default(),
            budget: Arc::new(Account::new("the workspace")),
            limits: Arc::new(Limits::new("The workspace", RateSettings::default(), clock)),
        });
        let now = Snapshot {
            revision: None,
            has_keys: false,
            keys: HashMap::new(),
            keys_by_age: Vec::new(),
            workspaces: HashMap::new(),
            workspaces_by_age: Vec::new(),
            default_workspace: workspace,
            byok: Vec::new(),
        };
        Self { store, now: ArcSwap::from_pointee(now), reading: Mutex::default() }
    }

    pub(crate) fn now(&self) -> Arc<Snapshot> {
        self.now.load_full()
    }

    /// Who asks where no key is asked for.
    pub(crate) fn nobody(&self) -> Caller {
        Caller { key: None, workspace: self.now().default_workspace.clone() }
    }
}
