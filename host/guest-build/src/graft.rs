//! Components that no compiler would write: a good one with a bad one inside it.

/// Bytes of the header in front of a component's sections.
const HEADER: usize = 8;

const COMPONENT_SECTION: u8 = 4;
const INSTANCE_SECTION: u8 = 5;

/// `host` with `graft` inside it, which needs nothing and is instantiated after
/// everything else of the host's. None where the host is no component.
pub fn graft(host: &[u8], graft: &[u8]) -> Option<Vec<u8>> {
    let mut components: u32 = 0;
    let mut rest = host.get(HEADER..)?;
    while let Some((&id, after)) = rest.split_first() {
        let (size, content) = take_number(after)?;
        rest = content.get(usize::try_from(size).ok()?..)?;
        components += u32::from(id == COMPONENT_SECTION);
    }
    let mut grafted = host.to_vec();
    section(&mut grafted, COMPONENT_SECTION, graft);
    // One instance, of a component, by its index, with no arguments.
    let mut instance = vec![1, 0];
    put_number(&mut instance, components);
    instance.push(0);
    section(&mut grafted, INSTANCE_SECTION, &instance);
    Some(grafted)
}

fn section(into: &mut Vec<u8>, id: u8, content: &[u8]) {
    into.push(id);
    // Test components are far below four gigabytes.
    put_number(into, u32::try_from(content.len()).unwrap_or(u32::MAX));
    into.extend_from_slice(content);
}

/// Reads a number in LEB128; what follows it is left.
fn take_number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let mut number = 0;
    for (at, byte) in bytes.iter().enumerate().take(5) {
        number |= u32::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((number, &bytes[at + 1..]));
        }
    }
    None
}

fn put_number(into: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        into.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    into.push(number.to_le_bytes()[0]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_were_written() {
        for number in [0, 1, 127, 128, 300, 1 << 20, u32::MAX] {
            let mut bytes = Vec::new();
            put_number(&mut bytes, number);
            bytes.push(7);
            assert_eq!(take_number(&bytes), Some((number, &[7][..])));
        }
    }

    #[test]
    fn the_graft_is_instantiated_by_its_index() {
        let empty = b"\0asm\x0d\0\x01\0";
        let once = graft(empty, empty).unwrap();
        let twice = graft(&once, empty).unwrap();
        assert!(once.ends_with(&[5, 4, 1, 0, 0, 0]), "{once:?}");
        assert!(twice.ends_with(&[5, 4, 1, 0, 1, 0]), "{twice:?}");
        assert_eq!(graft(b"\0asm\x0d\0\x01\0\x04\x09", empty), None, "it is cut");
    }
}
