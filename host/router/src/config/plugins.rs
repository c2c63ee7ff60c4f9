//! `[plugins]`: where plugins are, what each may do and how much it may use.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use plugway_engine::{Grants, Limits, Setting};

use super::field::{Field, Slot};
use super::options::read_options;
use super::reader::Section;

/// Which plugins are loaded, and under which conditions.
#[derive(Clone, Debug)]
pub struct PluginsConfig {
    /// Watched for `*.wasm` files. None: only the embedded plugins.
    pub directory: Option<PathBuf>,
    /// Between two looks at the directory, besides those on its events.
    pub rescan_interval: Duration,
    /// Private directory for compiled code. None: nothing is kept.
    pub cache_directory: Option<PathBuf>,
    /// For every plugin alike.
    pub limits: Limits,
    /// What was granted, by plugin id. A plugin that is missing has no grants.
    pub grants: BTreeMap<String, Grants>,
    /// What a plugin is opened with, by plugin id: names and JSON values.
    pub options: BTreeMap<String, Vec<Setting>>,
    /// Embedded adapters that a file of the directory may replace.
    pub replace: BTreeSet<String>,
}

impl Default for PluginsConfig {
    fn default() -> Self {
        PluginsConfig {
            directory: None,
            rescan_interval: Duration::from_secs(5),
            cache_directory: None,
            limits: Limits::default(),
            grants: BTreeMap::new(),
            options: BTreeMap::new(),
            replace: BTreeSet::new(),
        }
    }
}

pub(super) const FIELDS: &[Field<PluginsConfig>] = &[
    Field {
        key: "directory",
        slot: Slot::Path(|c| &mut c.directory),
        about: "Directory whose `*.wasm` files are loaded, and loaded again when they change. A plugin's id is its file's name without `.wasm`.",
    },
    Field {
        key: "rescan_interval",
        slot: Slot::Duration(|c| &mut c.rescan_interval),
        about: "The directory is looked through at least this often, because file events get lost.",
    },
    Field {
        key: "cache_directory",
        slot: Slot::Path(|c| &mut c.cache_directory),
        about: "Private directory for compiled plugins. It holds native code: nobody else may be able to write there. Default: `plugway` in the user's cache directory.",
    },
];

pub(super) const LIMIT_FIELDS: &[Field<Limits>] = &[
    Field {
        key: "call_budget",
        slot: Slot::Duration(|c| &mut c.call_budget),
        about: "Processor time of one call into a plugin, as the calling thread's clock counts it; what computes for longer is stopped within about two milliseconds.",
    },
    Field {
        key: "wall_deadline",
        slot: Slot::Duration(|c| &mut c.wall_deadline),
        about: "Elapsed time of one call, whoever is to blame.",
    },
    Field {
        key: "max_memory",
        slot: Slot::Size(|c| &mut c.max_memory_bytes),
        about: "Memory of one instance.",
    },
    Field {
        key: "max_output",
        slot: Slot::Size(|c| &mut c.max_output_bytes),
        about: "What one call may hand to the router.",
    },
    Field {
        key: "max_events_per_call",
        slot: Slot::Items(|c| &mut c.max_events_per_call),
        about: "Events that one call may return.",
    },
    Field {
        key: "max_table_elements",
        slot: Slot::Items(|c| &mut c.max_table_elements),
        about: "Elements of one WebAssembly table.",
    },
    Field {
        key: "max_core_instances",
        slot: Slot::Items(|c| &mut c.max_core_instances),
        about: "Core modules of one component. Rust needs 4, Python 38.",
    },
    Field {
        key: "max_handles",
        slot: Slot::Items(|c| &mut c.max_handles),
        about: "Resource handles that one instance may hold.",
    },
    Field {
        key: "max_log_lines",
        slot: Slot::Count(|c| &mut c.max_log_lines),
        about: "Log lines of one call; further ones are dropped.",
    },
    Field {
        key: "max_log_lines_per_second",
        slot: Slot::Count(|c| &mut c.max_log_lines_per_second),
        about: "Log lines of all instances of one plugin; further ones are dropped.",
    },
    Field {
        key: "max_component",
        slot: Slot::Size(|c| &mut c.max_component_bytes),
        about: "Largest plugin file.",
    },
    Field {
        key: "compile_timeout",
        slot: Slot::Duration(|c| &mut c.compile_timeout),
        about: "Longest time that compiling one plugin may take.",
    },
    Field {
        key: "max_compile_memory",
        slot: Slot::Size(|c| &mut c.max_compile_memory_bytes),
        about: "Address space of the process that compiles one plugin.",
    },
    Field {
        key: "max_compiles",
        slot: Slot::Items(|c| &mut c.max_compiles),
        about: "Plugins that are loaded at the same time.",
    },
    Field {
        key: "max_plugins",
        slot: Slot::Items(|c| &mut c.max_plugins),
        about: "Files of the plugins directory that are loaded, the first ones by name; the rest is left alone, and `/readyz` says so.",
    },
    Field {
        key: "max_instances",
        slot: Slot::Count(|c| &mut c.max_instances),
        about: "Instances alive at once: each attempt under way holds one. The router takes fewer where the machine cannot hold them.",
    },
    Field {
        key: "max_warm_instances",
        slot: Slot::Items(|c| &mut c.max_warm_instances),
        about: "Idle instances that a strategy keeps for the next request.",
    },
    Field {
        key: "calls_per_instance",
        slot: Slot::Count(|c| &mut c.calls_per_instance),
        about: "Requests that one instance of a strategy decides before it is replaced.",
    },
];

/// What `[plugins.NAME]` says.
#[derive(Clone, Debug, Default)]
pub(super) struct PluginTable {
    grants: Grants,
    replace: bool,
    options: Vec<Setting>,
}

pub(super) const PLUGIN_FIELDS: &[Field<PluginTable>] = &[
    Field {
        key: "allow",
        slot: Slot::Nested {
            shape: "table of grants",
            read: |value, plugin| {
                if let Some(section) = value.table() {
                    section.read(GRANT_FIELDS, &mut plugin.grants);
                }
            },
        },
        about: "What the plugin may do beyond its plain work; nothing unless said here.",
    },
    Field {
        key: "replace",
        slot: Slot::Flag(|c| &mut c.replace),
        about: "A file of this name in the plugins directory may take the place of the embedded adapter, and with it its provider's traffic.",
    },
    Field {
        key: "options",
        slot: Slot::Nested {
            shape: "table of any values",
            read: |value, plugin| plugin.options = read_options(value),
        },
        about: "Handed to the plugin when it is opened.",
    },
];

pub(super) const GRANT_FIELDS: &[Field<Grants>] = &[Field {
    key: "content",
    slot: Slot::Flag(|c| &mut c.content),
    about: "The plugin sees prompts in the open, not as seals.",
}];

/// Reads `[plugins]` and what is below it: the known keys, and one table for
/// each plugin.
pub(super) fn read(section: &Section<'_>, plugins: &mut PluginsConfig) {
    section.read_with(&[FIELDS], plugins, |value, plugins| {
        let Some(table) = value.subtable() else {
            return false;
        };
        if table.name() == "limits" {
            table.read(LIMIT_FIELDS, &mut plugins.limits);
            let wall = ("wall_deadline", plugins.limits.wall_deadline);
            table.at_most("call_budget", &mut plugins.limits.call_budget, wall);
        } else {
            read_plugin(&table, plugins);
        }
        true
    });
    if let Some(directory) = &plugins.directory
        && !directory.is_dir()
    {
        let problem = format!("`{}` is no directory", directory.display());
        section.error("directory", problem, "create it, or leave the key out");
    }
}

fn read_plugin(table: &Section<'_>, plugins: &mut PluginsConfig) {
    let mut plugin = PluginTable::default();
    table.read(PLUGIN_FIELDS, &mut plugin);
    let id = table.name().to_owned();
    if plugin.replace {
        plugins.replace.insert(id.clone());
    }
    if !plugin.options.is_empty() {
        plugins.options.insert(id.clone(), plugin.options);
    }
    plugins.grants.insert(id, plugin.grants);
}
