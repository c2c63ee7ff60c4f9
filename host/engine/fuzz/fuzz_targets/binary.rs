//! A component taken apart into its sections and put together again: as much of
//! the binary format as it takes to change one of them and leave the rest whole.

/// A module or component: its first eight bytes, then its sections.
#[derive(Clone)]
pub(crate) struct Module {
    preamble: [u8; 8],
    pub(crate) sections: Vec<Section>,
}

#[derive(Clone)]
pub(crate) struct Section {
    pub(crate) id: u8,
    pub(crate) content: Content,
}

#[derive(Clone)]
pub(crate) enum Content {
    Bytes(Vec<u8>),
    Module(Module),
}

/// Layer of a component; a module's is 0.
const COMPONENT: u8 = 1;

/// Sections of a component that hold a module or a component.
const NESTED: [u8; 2] = [1, 4];

/// The section of a module that holds its functions.
const CODE: u8 = 10;

/// A function: its length, no locals, `unreachable`, `end`.
const TRAP: [u8; 4] = [3, 0, 0x00, 0x0B];

/// Takes a binary apart. What is no section, from some place on, is left out.
pub(crate) fn parse(binary: &[u8]) -> Module {
    let Some((preamble, mut rest)) = binary.split_first_chunk() else {
        return Module { preamble: [0; 8], sections: Vec::new() };
    };
    let mut sections = Vec::new();
    while let Some((id, after)) = rest.split_first() {
        let Some((length, after)) = number(after) else { break };
        let Some((body, after)) = after.split_at_checked(length) else { break };
        let nested = preamble[6] == COMPONENT && NESTED.contains(id);
        let content =
            if nested { Content::Module(parse(body)) } else { Content::Bytes(body.to_vec()) };
        sections.push(Section { id: *id, content });
        rest = after;
    }
    Module { preamble: *preamble, sections }
}

impl Module {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.preamble.to_vec();
        for section in &self.sections {
            let body = match &section.content {
                Content::Bytes(bytes) => bytes.clone(),
                Content::Module(module) => module.to_bytes(),
            };
            bytes.push(section.id);
            append_number(&mut bytes, body.len());
            bytes.extend(body);
        }
        bytes
    }

    /// With nothing but `unreachable` in every function: compiles in a hundredth of
    /// the time, and has all the structure.
    pub(crate) fn hollow(mut self) -> Self {
        for section in &mut self.sections {
            match &mut section.content {
                Content::Module(module) => *module = module.clone().hollow(),
                Content::Bytes(bytes) if self.preamble[6] != COMPONENT && section.id == CODE => {
                    let functions = number(bytes).map_or(0, |(count, _)| count);
                    bytes.clear();
                    append_number(bytes, functions);
                    bytes.extend(TRAP.repeat(functions));
                }
                Content::Bytes(_) => {}
            }
        }
        self
    }

    /// The list of sections that holds the nth of all, nested ones included, and
    /// its place in there.
    pub(crate) fn nth(&mut self, n: &mut usize) -> Option<(&mut Vec<Section>, usize)> {
        for place in 0..self.sections.len() {
            if *n == 0 {
                return Some((&mut self.sections, place));
            }
            *n -= 1;
            if let Content::Module(module) = &self.sections[place].content
                && *n >= module.count()
            {
                *n -= module.count();
            } else if matches!(self.sections[place].content, Content::Module(_)) {
                let Content::Module(module) = &mut self.sections[place].content else { break };
                return module.nth(n);
            }
        }
        None
    }

    /// Sections, nested ones included.
    pub(crate) fn count(&self) -> usize {
        let nested = self.sections.iter().map(|section| match &section.content {
            Content::Bytes(_) => 0,
            Content::Module(module) => module.count(),
        });
        self.sections.len() + nested.sum::<usize>()
    }
}

/// An unsigned LEB128 number, and what follows it.
fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0_usize;
    for (at, byte) in bytes.iter().enumerate().take(5) {
        value |= usize::from(byte & 0x7F) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[at + 1..]));
        }
    }
    None
}

pub(crate) fn append_number(bytes: &mut Vec<u8>, mut value: usize) {
    loop {
        let low = u8::try_from(value & 0x7F).unwrap_or_default();
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}
