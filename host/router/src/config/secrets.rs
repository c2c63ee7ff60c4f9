//! `[secrets]`: where the master key is found that clients' own provider keys are
//! encrypted with. It is read when it is first needed, and never kept in the database.

use std::path::PathBuf;

use super::field::{Field, Slot};
use super::reader::Section;
use super::typed::Typed;

/// Where the master key is found; at most one is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretsConfig {
    /// In this variable.
    pub master_key_env: Option<String>,
    /// In this file.
    pub master_key_file: Option<PathBuf>,
    /// On standard output of this program, with its arguments.
    pub master_key_command: Vec<String>,
}

/// `[secrets]`.
pub(super) const SECTION: Field<Typed> = Field {
    key: "secrets",
    slot: Slot::Nested {
        shape: "table",
        read: |entry, typed| {
            if let Some(section) = entry.table() {
                section.read(FIELDS, &mut typed.secrets);
                check(&section, &typed.secrets);
            }
        },
    },
    about: "What clients' own provider keys (`/v1/byok`) are encrypted with: one of the three.",
};

pub(super) const FIELDS: &[Field<SecretsConfig>] = &[
    Field {
        key: "master_key_env",
        slot: Slot::Text(|c| &mut c.master_key_env),
        about: "Variable that holds the master key: 32 random bytes in hexadecimal or base64, as `openssl rand -hex 32` prints them.",
    },
    Field {
        key: "master_key_file",
        slot: Slot::Path(|c| &mut c.master_key_file),
        about: "File that holds it.",
    },
    Field {
        key: "master_key_command",
        slot: Slot::Words(|c| &mut c.master_key_command),
        about: "Program that prints it, and its arguments, e.g. of a secrets manager. No shell reads them. It has 10 seconds.",
    },
];

/// What holds between keys.
pub(super) fn check(section: &Section<'_>, secrets: &SecretsConfig) {
    let SecretsConfig { master_key_env, master_key_file, master_key_command } = secrets;
    let written = [
        ("master_key_env", master_key_env.is_some()),
        ("master_key_file", master_key_file.is_some()),
        ("master_key_command", !master_key_command.is_empty()),
    ];
    let mut written = written.iter().filter(|(_, is_written)| *is_written);
    let (first, second) = (written.next(), written.next());
    if let (Some((first, _)), Some((second, _))) = (first, second) {
        section.error(second, format!("`{first}` says so already"), "leave one of the two out");
    }
}
