//! What can be said of a component without compiling it: whether it is one, how
//! much there is to compile, what it exports and imports. Takes milliseconds, so
//! that a file that is not to be run never costs more than a look.

use wasmparser::component_types::ComponentEntityType;
use wasmparser::{Encoding, Error, Parser, Payload, ValidPayload, Validator, WasmFeatures};

use crate::error::LoadErrorKind;
use crate::spoken;

/// What every WebAssembly binary begins with.
const MAGIC: &[u8] = b"\0asm";

/// Core modules in one component. Python has 38, everybody else less.
const MAX_MODULES: u32 = 128;

/// Components within a component.
const MAX_COMPONENTS: u32 = 64;

/// How deep components may nest. Toolchains need two levels.
const MAX_DEPTH: usize = 8;

/// Functions of all modules together. CPython has some twenty thousand.
const MAX_FUNCTIONS: u32 = 200_000;

/// Types, imports, exports and other declarations of all levels together: what
/// checking costs.
const MAX_ITEMS: u32 = 100_000;

/// The outside of a component. Its functions have not been looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Names, as the component spells them.
    pub(crate) exports: Vec<String>,
    pub(crate) imports: Vec<Import>,
}

/// One import of a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Import {
    /// As the component spells it.
    pub(crate) name: String,
    /// An interface without functions: it needs nothing from the host.
    pub(crate) only_types: bool,
}

/// Reads the shape of a component.
///
/// # Errors
/// When it is none, or there is too much of it.
pub(crate) fn inspect(wasm: &[u8]) -> Result<Shape, LoadErrorKind> {
    if !wasm.starts_with(MAGIC) {
        return Err(LoadErrorKind::Invalid("it does not begin as WebAssembly does".to_owned()));
    }
    // What the engine does not run, its compiler refuses; here anything may pass, but
    // for garbage collection, with which one group declares a million types.
    let features = WasmFeatures::all().difference(WasmFeatures::GC);
    let mut validator = Validator::new_with_features(features);
    let mut found = Found::default();
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload.map_err(|flaw| invalid(&flaw))?;
        let outermost = found.depth == 0;
        found.count(&payload)?;
        if let ValidPayload::End(types) = validator.payload(&payload).map_err(|it| invalid(&it))?
            && outermost
        {
            found.shape.imports = found.names.drain(..).map(|it| import(&types, it)).collect();
        }
    }
    Ok(found.shape)
}

/// What has been seen so far.
#[derive(Default)]
struct Found {
    shape: Shape,
    /// Of imports of the outermost component.
    names: Vec<String>,
    /// Modules and components that are open around what comes next.
    depth: usize,
    modules: u32,
    components: u32,
    functions: u32,
    items: u32,
}

impl Found {
    fn count(&mut self, payload: &Payload<'_>) -> Result<(), LoadErrorKind> {
        match payload {
            Payload::Version { encoding: Encoding::Module, .. } if self.depth == 0 => {
                return Err(LoadErrorKind::CoreModule);
            }
            Payload::ModuleSection { .. } => {
                self.depth += 1;
                add("core modules", &mut self.modules, 1, MAX_MODULES)?;
            }
            Payload::ComponentSection { .. } => {
                self.depth += 1;
                add("components", &mut self.components, 1, MAX_COMPONENTS)?;
                if self.depth > MAX_DEPTH {
                    let (count, limit) = (self.depth as u64, MAX_DEPTH as u64);
                    return Err(LoadErrorKind::TooMany { what: "levels of nesting", count, limit });
                }
            }
            Payload::End(_) => self.depth = self.depth.saturating_sub(1),
            Payload::FunctionSection(section) => {
                add("functions", &mut self.functions, section.count(), MAX_FUNCTIONS)?;
            }
            Payload::TypeSection(section) => self.items(section.count())?,
            Payload::ImportSection(section) => self.items(section.count())?,
            Payload::ExportSection(section) => self.items(section.count())?,
            Payload::ComponentTypeSection(section) => self.items(section.count())?,
            Payload::ComponentAliasSection(section) => self.items(section.count())?,
            Payload::CoreTypeSection(section) => self.items(section.count())?,
            Payload::InstanceSection(section) => self.items(section.count())?,
            Payload::ComponentInstanceSection(section) => self.items(section.count())?,
            Payload::ComponentCanonicalSection(section) => self.items(section.count())?,
            Payload::GlobalSection(section) => self.items(section.count())?,
            Payload::ElementSection(section) => self.items(section.count())?,
            Payload::TagSection(section) => self.items(section.count())?,
            Payload::ComponentImportSection(section) => {
                self.items(section.count())?;
                if self.depth == 0 {
                    for import in section.clone() {
                        let import = import.map_err(|flaw| invalid(&flaw))?;
                        self.names.push(import.name.name.to_owned());
                    }
                }
            }
            Payload::ComponentExportSection(section) => {
                self.items(section.count())?;
                if self.depth == 0 {
                    for export in section.clone() {
                        let export = export.map_err(|flaw| invalid(&flaw))?;
                        self.shape.exports.push(export.name.name.to_owned());
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn items(&mut self, more: u32) -> Result<(), LoadErrorKind> {
        add("declarations", &mut self.items, more, MAX_ITEMS)
    }
}

fn add(what: &'static str, sum: &mut u32, more: u32, limit: u32) -> Result<(), LoadErrorKind> {
    *sum = sum.saturating_add(more);
    if *sum > limit {
        let (count, limit) = (u64::from(*sum), u64::from(limit));
        return Err(LoadErrorKind::TooMany { what, count, limit });
    }
    Ok(())
}

fn import(types: &wasmparser::types::Types, name: String) -> Import {
    let types = types.as_ref();
    let only_types = match types.component_item_for_import(&name).map(|item| item.ty) {
        Some(ComponentEntityType::Instance(id)) => types[id]
            .exports
            .values()
            .all(|export| matches!(export.ty, ComponentEntityType::Type { .. })),
        _ => false,
    };
    Import { name, only_types }
}

fn invalid(flaw: &Error) -> LoadErrorKind {
    LoadErrorKind::Invalid(spoken::sentence(&flaw.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
    const MODULE: &[u8] = b"\0asm\x01\0\0\0";

    /// A component of `count` empty core modules.
    fn modules(count: usize) -> Vec<u8> {
        let section = [&[1, MODULE.len() as u8], MODULE].concat();
        [COMPONENT, &section.repeat(count)].concat()
    }

    /// Components within components.
    fn nested(levels: usize) -> Vec<u8> {
        (0..levels).fold(COMPONENT.to_vec(), |inner, _| {
            let (low, high) = (inner.len() as u8 & 0x7f | 0x80, (inner.len() >> 7) as u8);
            [COMPONENT, &[4, low, high], &inner].concat()
        })
    }

    #[test]
    fn a_component_is_told_from_what_is_none() {
        assert_eq!(inspect(COMPONENT).unwrap(), Shape::default());
        assert!(matches!(inspect(MODULE), Err(LoadErrorKind::CoreModule)));
        for none in [&b""[..], b"\0asm", b"<html>", &COMPONENT[..7]] {
            assert!(matches!(inspect(none), Err(LoadErrorKind::Invalid(_))), "{none:?}");
        }
    }

    #[test]
    fn there_may_be_only_so_much_of_it() {
        let refused = |wasm: &[u8], named: &str| match inspect(wasm) {
            Err(LoadErrorKind::TooMany { what, count, limit }) => {
                assert_eq!((what, count), (named, limit + 1));
            }
            other => panic!("{other:?}"),
        };
        assert!(inspect(&modules(MAX_MODULES as usize)).is_ok());
        refused(&modules(MAX_MODULES as usize + 1), "core modules");
        assert!(inspect(&nested(MAX_DEPTH)).is_ok());
        refused(&nested(MAX_DEPTH + 1), "levels of nesting");
    }
}
