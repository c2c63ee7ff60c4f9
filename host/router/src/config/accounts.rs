//! `[[providers.NAME.credentials]]`: several ways in which the router is known to one
//! provider, and which of them comes first.

use std::collections::BTreeSet;

use plugway_engine::AuthScheme;

use super::credential::{self, Form};
use super::diagnostic::Severity;
use super::field::{Field, Slot};
use super::identity::{self, IdentityTable, check_names, read_names, refuse_secret};
use super::load::Environment;
use super::providers::is_slug;
use super::reader::{Entry, Section};
use crate::catalog::{Credential, CredentialSource};

/// More than this many to one provider are a mistake: each is a label of metrics.
const MAX_ACCOUNTS: usize = 100;

/// As typed.
#[derive(Clone, Debug)]
pub(super) struct AccountTable {
    name: Option<String>,
    pub(super) identity: IdentityTable,
    weight: u32,
    own: bool,
}

impl Default for AccountTable {
    fn default() -> Self {
        Self { name: None, identity: IdentityTable::default(), weight: 1, own: false }
    }
}

pub(super) const FIELDS: &[Field<AccountTable>] = &[
    Field {
        key: "name",
        slot: Slot::Text(|c| &mut c.name),
        about: "What logs, metrics and `/readyz` call it. Default: its position, from 1.",
    },
    Field {
        key: "api_key_env",
        slot: Slot::Nested {
            shape: "string or array of strings",
            read: |entry, account| account.identity.api_key_env = read_names(entry),
        },
        about: "As the provider's.",
    },
    Field {
        key: "api_key_file",
        slot: Slot::Path(|c| &mut c.identity.api_key_file),
        about: "As the provider's.",
    },
    Field {
        key: "credential",
        slot: Slot::Nested {
            shape: "table",
            read: |entry, account| account.identity.credential = credential::read(entry),
        },
        about: "As the provider's.",
    },
    Field {
        key: "weight",
        slot: Slot::Count(|c| &mut c.weight),
        about: "Its share of the attempts: one of weight 2 gets twice as many as one of weight 1.",
    },
    Field {
        key: "own",
        slot: Slot::Flag(|c| &mut c.own),
        about: "It is the team's own account with the provider: it comes before all that are not, and an answer that it got costs its client nothing (`usage.is_byok`); what the provider charges is told apart.",
    },
];

/// Reads `credentials`, in place of what was inherited.
pub(super) fn read(entry: &Entry<'_>) -> Vec<AccountTable> {
    let sections = entry.tables();
    if sections.is_empty() && entry.value().is_array() {
        entry.error("names no credential", "add one, or leave the key out");
    }
    if sections.len() > MAX_ACCOUNTS {
        let problem = format!("holds {} credentials", sections.len());
        entry.error(problem, format!("keep at most {MAX_ACCOUNTS}"));
    }
    let mut names = BTreeSet::new();
    let accounts = sections.iter().enumerate();
    accounts.map(|(at, section)| read_one(section, at, &mut names)).collect()
}

fn read_one(section: &Section<'_>, at: usize, names: &mut BTreeSet<String>) -> AccountTable {
    let mut account = AccountTable::default();
    section.read_with(&[FIELDS], &mut account, |entry, _| refuse_secret(section, entry.key()));
    check_names(section, &mut account.identity);
    if identity::written(section, identity::KEYS).is_none() {
        const REMEDY: &str = "add `api_key_env`, `api_key_file` or `credential`";
        section.error("", "a credential without a secret", REMEDY);
    }
    let name = account.name_at(at);
    if !is_slug(&name) {
        const REMEDY: &str = "use lower-case letters, digits, `-`, `_` and `.`";
        section.error("name", "is no usable name", REMEDY);
    } else if !names.insert(name.clone()) {
        section.error("name", format!("`{name}` is a credential already"), "choose another");
    }
    account
}

/// Notes what this machine lacks, and what cannot be attached as `auth` says. Where one
/// of them is there, the others may be missing.
pub(super) fn check(
    sections: &[Section<'_>],
    accounts: &[AccountTable],
    auth: &AuthScheme,
    env: Environment<'_>,
) {
    let (severity, remedy) = match is_any_there(accounts, env) {
        true => (Severity::Warning, "set it, or remove the credential"),
        false => (Severity::Missing, "set it, or remove the provider"),
    };
    for (section, AccountTable { identity, .. }) in sections.iter().zip(accounts) {
        for missing in identity.missing(env) {
            section.remark(severity, missing.key, missing.problem, remedy);
        }
        let form = identity.form();
        if form != Form::Nothing && !form.fits(auth) {
            let problem = "this credential cannot be attached as `auth` says";
            section.error("", problem, identity::remedy(auth));
        }
    }
}

/// Whether this machine has all that one of them needs.
pub(super) fn is_any_there(accounts: &[AccountTable], env: Environment<'_>) -> bool {
    accounts.iter().any(|account| account.identity.missing(env).is_empty())
}

impl AccountTable {
    /// What it is called where it is the one at this index.
    fn name_at(&self, at: usize) -> String {
        self.name.clone().unwrap_or_else(|| (at + 1).to_string())
    }

    /// As used.
    pub(super) fn finish(self, at: usize, source: CredentialSource) -> Credential {
        Credential { name: self.name_at(at), source, weight: self.weight, own: self.own }
    }
}
