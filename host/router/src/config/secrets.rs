//! `[secrets]`: where the master key is found that clients' own provider keys are
//! encrypted with. It is read when it is first needed, and never kept in the database.

use std::path::PathBuf;

use super::field::{Field, Slot};
use super::reader::Section;
use super::typed::Typed;

/// Where the master key is found, and the one before it while there is a change from one to the
/// other; of each three at most one is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretsConfig {
    /// In this variable.
    pub master_key_env: Option<String>,
    /// In this file.
    pub master_key_file: Option<PathBuf>,
    /// On standard output of this program, with its arguments.
    pub master_key_command: Vec<String>,
    /// The one before in this variable.
    pub previous_master_key_env: Option<String>,
    /// In this file.
    pub previous_master_key_file: Option<PathBuf>,
    /// On standard output of this program.
    pub previous_master_key_command: Vec<String>,
}

impl SecretsConfig {
    /// Where the master key of before is found, as if it were the one of now; none where there
    /// is no change under way.
    #[must_use]
    pub fn previous(&self) -> Option<Self> {
        let previous = Self {
            master_key_env: self.previous_master_key_env.clone(),
            master_key_file: self.previous_master_key_file.clone(),
            master_key_command: self.previous_master_key_command.clone(),
            ..Self::default()
        };
        (previous != Self::default()).then_some(previous)
    }

    /// Each key that is written, by its name: those of now, and those of before.
    fn written(&self) -> [Vec<&'static str>; 2] {
        let of = |all: [(&'static str, bool); 3]| {
            let written = all.into_iter().filter(|(_, is_written)| *is_written);
            written.map(|(name, _)| name).collect()
        };
        [
            of([
                ("master_key_env", self.master_key_env.is_some()),
                ("master_key_file", self.master_key_file.is_some()),
                ("master_key_command", !self.master_key_command.is_empty()),
            ]),
            of([
                ("previous_master_key_env", self.previous_master_key_env.is_some()),
                ("previous_master_key_file", self.previous_master_key_file.is_some()),
                ("previous_master_key_command", !self.previous_master_key_command.is_empty()),
            ]),
        ]
    }
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
    about: "What clients' own provider keys (`/v1/byok`) are encrypted with: one of the first three. While it is changed, one of the others says where the one before is found.",
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
    Field {
        key: "previous_master_key_env",
        slot: Slot::Text(|c| &mut c.previous_master_key_env),
        about: "Variable that holds the master key of before: it still opens what it has encrypted, until `plugway byok rotate` has encrypted all of it with the one of now.",
    },
    Field {
        key: "previous_master_key_file",
        slot: Slot::Path(|c| &mut c.previous_master_key_file),
        about: "File that holds the one of before.",
    },
    Field {
        key: "previous_master_key_command",
        slot: Slot::Words(|c| &mut c.previous_master_key_command),
        about: "Program that prints the one of before.",
    },
];

/// What holds between keys.
pub(super) fn check(section: &Section<'_>, secrets: &SecretsConfig) {
    let [now, previous] = secrets.written();
    for written in [&now, &previous] {
        if let [first, second, ..] = written[..] {
            section.error(second, format!("`{first}` says so already"), "leave one of the two out");
        }
    }
    if let ([], [first, ..]) = (&now[..], &previous[..]) {
        section.error(
            first,
            "there is one of before, and none of now".to_owned(),
            "say where the master key of now is found, e.g. with `master_key_env`",
        );
    }
}
