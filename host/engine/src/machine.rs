//! What the system lets this process have: open files, and memory mappings for
//! plugin instances.

use std::io;

use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Memory mappings that one live instance may take, seen on Linux: its memory's
/// image, heap, guard, and its table.
const MAPPINGS_PER_INSTANCE: u32 = 8;

/// Linux's default for the mappings of one process, where it cannot be read.
const DEFAULT_MAPPINGS: u32 = 65_530;

/// Mappings left to the rest of the process: threads, files, the allocator.
const SPARE_MAPPINGS: u32 = 8_000;

/// Raises this process's soft limit on open files to the hard one, as every
/// process may. Says how many files and sockets it may have open now.
pub fn claim_descriptors() -> u32 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let usable = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        // Some systems take no `unlimited` here; then it stays as it was.
        Err(_) => limit.current,
    };
    usable.and_then(|usable| u32::try_from(usable).ok()).unwrap_or(u32::MAX)
}

/// Files and sockets that are open now; none where the system does not tell.
pub fn open_descriptors() -> Option<u32> {
    let open = std::fs::read_dir("/proc/self/fd").ok()?;
    // Looking takes one too.
    u32::try_from(open.count().saturating_sub(1)).ok()
}

/// Whether something failed only because this process, or the system, has too
/// many files open. Others will be closed; it may succeed later.
pub fn lacks_descriptors(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    errno == Some(Errno::MFILE) || errno == Some(Errno::NFILE)
}

/// Plugin instances that fit into the mappings which this process may have.
pub(crate) fn instances_within_mappings() -> u32 {
    let mappings = std::fs::read_to_string("/proc/sys/vm/max_map_count")
        .ok()
        .and_then(|text| text.trim().parse().ok());
    instances_within(mappings.unwrap_or(DEFAULT_MAPPINGS))
}

fn instances_within(mappings: u32) -> u32 {
    mappings.saturating_sub(SPARE_MAPPINGS) / MAPPINGS_PER_INSTANCE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_leave_mappings_to_the_rest_of_the_process() {
        for (mappings, instances) in [(0, 0), (8_000, 0), (8_008, 1), (65_530, 7_191)] {
            assert_eq!(instances_within(mappings), instances, "{mappings}");
        }
    }

    #[test]
    fn the_soft_limit_is_raised_to_the_hard_one() {
        let descriptors = claim_descriptors();
        assert_eq!(claim_descriptors(), descriptors);
        let limit = getrlimit(Resource::Nofile);
        assert!(limit.current == limit.maximum || limit.maximum.is_none());
    }

    #[test]
    fn want_of_descriptors_is_told_from_other_trouble() {
        assert!(lacks_descriptors(&Errno::MFILE.into()));
        assert!(lacks_descriptors(&Errno::NFILE.into()));
        assert!(!lacks_descriptors(&Errno::NOENT.into()));
        assert!(!lacks_descriptors(&io::Error::other("anything")));
    }
}
