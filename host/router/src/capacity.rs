//! How much fits at once into what the machine grants: each client's connection
//! takes a descriptor, and each request under way a plugin instance and another
//! descriptor, for its provider's connection.

use crate::config::Config;

/// Descriptors left to everything else: logs, timers, the plugins directory, the
/// code cache, one for each plugin's memory, name resolution, connections that
/// are turned away. A share of all, within these.
const MIN_SPARE_DESCRIPTORS: u32 = 32;
const MAX_SPARE_DESCRIPTORS: u32 = 512;

/// With fewer descriptors to share out there is nothing to serve with.
const MIN_SHARED_DESCRIPTORS: u32 = 8;

/// Most plugin instances left to what is no attempt: warm strategies, and plugins
/// that are tried before they serve.
const MAX_SPARE_INSTANCES: u32 = 64;

/// What the operator allows at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// Connections of clients.
    pub(crate) connections: u32,
    /// Requests under way; none: as many as fit.
    pub(crate) requests: Option<u32>,
    /// Unused connections to all providers together.
    pub(crate) idle: u32,
}

/// What fits, all of it at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Capacity {
    /// Files and sockets of this process.
    pub(crate) descriptors: u32,
    /// Plugin instances.
    pub(crate) instances: u32,
    /// Connections of clients.
    pub(crate) connections: u32,
    /// Requests under way.
    pub(crate) requests: u32,
    /// Unused connections to all providers together.
    pub(crate) idle: u32,
}

/// Nothing fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this process may have {descriptors} files and sockets open at once and needs at least \
     {needed}: raise the limit, for example with `ulimit -n 4096`"
)]
pub struct TooFewDescriptors {
    descriptors: u32,
    needed: u32,
}

impl Wanted {
    pub(crate) fn by(config: &Config) -> Self {
        let origins = config.catalog.providers.len();
        let per_origin = config.upstream.pool_max_idle_per_host;
        Self {
            connections: config.server.max_connections,
            requests: config.server.max_requests,
            idle: u32::try_from(origins).unwrap_or(u32::MAX).saturating_mul(per_origin),
        }
    }
}

impl Capacity {
    /// Shares out what there is. Where it does not suffice, requests come first:
    /// their connections to providers, a quarter more for unused ones, and a
    /// client's connection for each; what is left goes to further clients.
    ///
    /// # Errors
    /// When there is too little to serve a single request.
    pub(crate) fn derive(
        descriptors: u32,
        instances: u32,
        wanted: Wanted,
    ) -> Result<Self, TooFewDescriptors> {
        let spare = (descriptors / 16).clamp(MIN_SPARE_DESCRIPTORS, MAX_SPARE_DESCRIPTORS);
        let shared = descriptors.saturating_sub(spare);
        if shared < MIN_SHARED_DESCRIPTORS {
            let needed = MIN_SPARE_DESCRIPTORS + MIN_SHARED_DESCRIPTORS;
            return Err(TooFewDescriptors { descriptors, needed });
        }
        let within_pools = instances - MAX_SPARE_INSTANCES.min(instances / 4);
        // Nine quarters of a descriptor for each request.
        let within_descriptors = shared.saturating_mul(4) / 9;
        let requests =
            wanted.requests.unwrap_or(u32::MAX).min(within_pools).min(within_descriptors);
        let requests = requests.max(1);
        let left = shared - requests;
        let idle = wanted.idle.min((requests / 4).max(left.saturating_sub(wanted.connections)));
        let connections = wanted.connections.min(left - idle);
        Ok(Self { descriptors, instances, connections, requests, idle })
    }

    /// Unused connections to keep to each of so many origins.
    pub(crate) fn idle_per_origin(&self, origins: usize) -> u32 {
        let origins = u32::try_from(origins).unwrap_or(u32::MAX).max(1);
        (self.idle / origins).max(1)
    }

    /// Says once what was derived, and what of it is less than was wanted.
    pub(crate) fn tell(&self, wanted: Wanted) {
        let Self { descriptors, instances, connections, requests, idle } = *self;
        tracing::info!(descriptors, instances, connections, requests, idle, "what fits at once");
        if connections < wanted.connections || wanted.requests.is_some_and(|it| requests < it) {
            tracing::warn!(
                connections,
                requests,
                "this machine holds less than server.max_connections and server.max_requests ask \
                 for: raise its limit on open files, or plugins.limits.max_instances"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: Wanted = Wanted { connections: 10_000, requests: None, idle: 512 };

    #[track_caller]
    fn check(descriptors: u32, instances: u32, wanted: Wanted, expected: (u32, u32, u32)) {
        let it = Capacity::derive(descriptors, instances, wanted).unwrap();
        assert_eq!((it.connections, it.requests, it.idle), expected);
        assert!(it.connections + it.requests + it.idle + MIN_SPARE_DESCRIPTORS <= descriptors);
    }

    #[test]
    fn what_is_wanted_is_given_where_it_fits() {
        check(1 << 20, 4_000, WANTED, (10_000, 3_936, 512));
        check(20_000, 4_000, WANTED, (10_000, 3_936, 512));
        let fewer = Wanted { connections: 20, requests: Some(4), idle: 1 };
        check(20_000, 4_000, fewer, (20, 4, 1));
    }

    #[test]
    fn scarce_descriptors_are_shared_out() {
        check(4_096, 4_000, WANTED, (1_708, 1_706, 426));
        check(1_024, 4_000, WANTED, (428, 426, 106));
        check(64, 4_000, WANTED, (15, 14, 3));
        check(40, 4_000, WANTED, (5, 3, 0));
    }

    #[test]
    fn requests_never_exceed_the_plugin_pool() {
        let many = Wanted { requests: Some(1_000_000), ..WANTED };
        check(1 << 20, 1_000, many, (10_000, 936, 512));
        check(1 << 20, 4, many, (10_000, 3, 512));
        check(1 << 20, 1, many, (10_000, 1, 512));
    }

    #[test]
    fn too_few_descriptors_are_named_with_what_is_needed() {
        let error = Capacity::derive(39, 4_000, WANTED).unwrap_err();
        assert_eq!(error, TooFewDescriptors { descriptors: 39, needed: 40 });
        assert!(error.to_string().contains("ulimit -n"));
    }

    #[test]
    fn unused_connections_are_shared_by_all_origins() {
        let capacity = Capacity::derive(1_024, 4_000, WANTED).unwrap();
        assert_eq!(capacity.idle_per_origin(10), 10);
        assert_eq!(capacity.idle_per_origin(0), capacity.idle);
        assert_eq!(capacity.idle_per_origin(1_000), 1);
    }
}
