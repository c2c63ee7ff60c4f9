//! One change of a component, read from six bytes of the input.

use crate::binary::{Content, Module, Section, append_number};

/// Bytes that a change may insert or remove at most.
const MAX_SPAN: usize = 64;

pub(crate) struct Change {
    operation: u8,
    /// Which section.
    section: u8,
    /// Where in it, in 65,536ths of its length.
    place: u16,
    span: usize,
    value: u8,
}

impl Change {
    /// Missing bytes are zeros.
    pub(crate) fn from_script(script: &[u8]) -> Self {
        let byte = |at: usize| script.get(at).copied().unwrap_or_default();
        Self {
            operation: byte(0),
            section: byte(1),
            place: u16::from_le_bytes([byte(2), byte(3)]),
            span: usize::from(byte(4)) % MAX_SPAN,
            value: byte(5),
        }
    }

    /// Changes one section, or the order and number of them.
    pub(crate) fn of_sections(&self, module: &mut Module) {
        let mut n = usize::from(self.section) % module.count().max(1);
        let Some((sections, at)) = module.nth(&mut n) else { return };
        match self.operation % 16 {
            0 => {
                sections.remove(at);
            }
            1 => sections.insert(at, sections[at].clone()),
            2 => {
                let other = usize::from(self.value) % sections.len();
                sections.swap(at, other);
            }
            3 => sections[at].id = self.value % 16,
            4 => {
                let again = Content::Module(Module::clone_of(&sections[at]));
                sections[at].content = again;
            }
            5..=12 => {
                if let Content::Bytes(bytes) = &mut sections[at].content {
                    self.of_content(self.operation % 16, bytes);
                }
            }
            _ => {}
        }
    }

    fn of_content(&self, operation: u8, bytes: &mut Vec<u8>) {
        let at = self.at(bytes.len());
        let end = (at + self.span).min(bytes.len());
        match operation {
            5 => bytes.truncate(at),
            6 => drop(bytes.drain(at..end)),
            7 => drop(bytes.splice(at..at, vec![self.value; self.span])),
            8 => drop(bytes.splice(at..at, bytes[at..end].to_vec())),
            9 => {
                // A number where one may stand, as large as it can be said.
                let mut number = Vec::new();
                append_number(&mut number, (usize::from(self.value) << self.span.min(24)) | 1);
                drop(bytes.splice(at..(at + 1).min(bytes.len()), number));
            }
            // The counts stand at the front.
            10 => set(bytes, usize::from(self.value) % 8, |_| self.value),
            11 => set(bytes, at, |byte| byte ^ (1 << (self.value % 8))),
            _ => set(bytes, at, |_| self.value),
        }
    }

    /// Changes the bytes of the whole, lengths and all.
    pub(crate) fn of_bytes(&self, wasm: &mut Vec<u8>) {
        let at = self.at(wasm.len());
        match self.operation % 16 {
            13 => set(wasm, at, |_| self.value),
            14 => wasm.truncate(at),
            15 => set(wasm, self.span % 16, |_| self.value),
            _ => {}
        }
    }

    fn at(&self, length: usize) -> usize {
        length * usize::from(self.place) / 65_536
    }
}

impl Module {
    /// A module that holds the section once more: depth for the loader.
    fn clone_of(section: &Section) -> Module {
        match &section.content {
            Content::Module(module) => {
                let mut outer = module.clone();
                outer.sections.push(section.clone());
                outer
            }
            Content::Bytes(bytes) => crate::binary::parse(bytes),
        }
    }
}

fn set(bytes: &mut [u8], at: usize, to: impl Fn(u8) -> u8) {
    if let Some(byte) = bytes.get_mut(at) {
        *byte = to(*byte);
    }
}
