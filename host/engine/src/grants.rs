//! What a component says of itself in its type: its exports say which kind it
//! is, its imports what it needs. Both are read before it runs.

use std::fmt;

use crate::error::LoadErrorKind;
use crate::inspect::Shape;
use crate::spoken;

/// What the operator allows a plugin beyond `plugway:host/log`. By default
/// nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// Text in clear instead of seals (`allow.content`).
    pub content: bool,
}

/// The two kinds of plugin that the engine calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PluginKind {
    /// Translates for one provider.
    Adapter,
    /// Orders the endpoints.
    Strategy,
}

impl fmt::Display for PluginKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Adapter => "adapter",
            Self::Strategy => "strategy",
        })
    }
}

/// An import that the plugin may not have, and how it could get it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{import} ({remedy})")]
pub struct Ungranted {
    /// As the component spells it.
    pub import: String,
    /// The line of configuration that would grant it, or why none does.
    pub remedy: String,
}

/// Reads a component's kind from its exports. Further exports are not refused:
/// some toolchains leave their own.
pub(crate) fn kind(shape: &Shape) -> Result<PluginKind, LoadErrorKind> {
    let mut found = None;
    for export in &shape.exports {
        let (interface, version) = split(export);
        let kind = match interface {
            "plugway:provider/provider" => PluginKind::Adapter,
            "plugway:strategy/strategy" => PluginKind::Strategy,
            _ => continue,
        };
        if !version.starts_with("0.1.") {
            return Err(LoadErrorKind::Version { export: spoken::sentence(export) });
        }
        if found.replace(kind).is_some() {
            return Err(LoadErrorKind::TwoKinds);
        }
    }
    found.ok_or(LoadErrorKind::NoKind)
}

/// Refuses every import that is neither harmless nor granted.
pub(crate) fn check(
    id: &str,
    kind: PluginKind,
    shape: &Shape,
    grants: &Grants,
) -> Result<(), LoadErrorKind> {
    let imports = shape.imports.iter().filter(|import| !import.only_types);
    let ungranted: Vec<Ungranted> = imports
        .filter_map(|import| {
            let (interface, version) = split(&import.name);
            let foreign = interface.starts_with("plugway:") && !version.starts_with("0.1.");
            let remedy = if foreign {
                "this router speaks 0.1; build the plugin against that version".to_owned()
            } else {
                remedy(id, kind, interface, grants)?
            };
            Some(Ungranted { import: spoken::sentence(&import.name), remedy })
        })
        .collect();
    if ungranted.is_empty() { Ok(()) } else { Err(LoadErrorKind::Ungranted(ungranted)) }
}

/// `plugway:host/log@0.1.0` to `plugway:host/log` and `0.1.0`.
pub(crate) fn split(name: &str) -> (&str, &str) {
    name.split_once('@').unwrap_or((name, ""))
}

/// Whether [`crate::wasi`] stands in for this interface.
pub(crate) fn is_inert_wasi(interface: &str) -> bool {
    ["wasi:cli/", "wasi:clocks/", "wasi:filesystem/", "wasi:io/", "wasi:random/"]
        .iter()
        .any(|package| interface.starts_with(package))
}

/// What would have to change for the plugin to get this import; none where it
/// has it.
fn remedy(id: &str, kind: PluginKind, interface: &str, grants: &Grants) -> Option<String> {
    match interface {
        "plugway:host/log" => None,
        "plugway:host/sealed" if kind != PluginKind::Adapter => {
            Some("a strategy carries no content; remove the import".to_owned())
        }
        "plugway:host/sealed" if grants.content => None,
        "plugway:host/sealed" => {
            Some(format!("grant it with `allow.content = true` under [plugins.{id}]"))
        }
        "plugway:host/store" | "plugway:host/prompt" | "plugway:host/http" => {
            let name = interface.rsplit('/').next().unwrap_or_default();
            Some(format!(
                "`allow.{name}` under [plugins.{id}] would grant it, but this version of the \
                 router does not offer it yet"
            ))
        }
        _ if is_inert_wasi(interface) => None,
        _ if interface.starts_with("wasi:sockets/") || interface.starts_with("wasi:http/") => {
            Some(format!(
                "no grant opens sockets; use plugway:host/http and `allow.http` under [plugins.{id}]"
            ))
        }
        _ => Some("no grant exists for it; remove the import".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_granted_by_name() {
        let none = Grants::default();
        let content = Grants { content: true };
        let check = |kind, interface, grants: &Grants, expected: Option<&str>| {
            let remedy = remedy("x", kind, interface, grants);
            match expected {
                None => assert_eq!(remedy, None, "{interface}"),
                Some(part) => {
                    let remedy = remedy.unwrap();
                    assert!(remedy.contains(part), "{interface}: {remedy}");
                }
            }
        };
        use PluginKind::{Adapter, Strategy};
        check(Adapter, "plugway:host/log", &none, None);
        check(Adapter, "wasi:io/streams", &none, None);
        check(Adapter, "plugway:host/sealed", &content, None);
        check(
            Adapter,
            "plugway:host/sealed",
            &none,
            Some("`allow.content = true` under [plugins.x]"),
        );
        check(Strategy, "plugway:host/sealed", &content, Some("remove the import"));
        check(Strategy, "plugway:host/http", &none, Some("`allow.http` under [plugins.x]"));
        check(Strategy, "plugway:host/store", &none, Some("does not offer it yet"));
        check(Adapter, "wasi:sockets/tcp", &none, Some("`allow.http` under [plugins.x]"));
        check(Adapter, "acme:secret/door", &none, Some("no grant exists"));
    }
}
