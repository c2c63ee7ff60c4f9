//! Who is let in before any key was made: whoever is on this machine, and nobody else
//! unless the operator says so.

use crate::config::ServerConfig;
use std::net::SocketAddr;

/// How a router that is about to listen is guarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Clients need a key.
    Locked,
    /// Whoever reaches it is served: this machine alone can.
    Local,
    /// Whoever reaches it is served: the operator wants it so.
    Open,
}

/// A router without keys that other machines could reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "other machines can reach {0}, and no key was ever made, so that whoever reaches it could \
     spend your money; make a key with `plugway keys create`, or listen on 127.0.0.1, or set \
     `server.require_keys = false` where the network in front authenticates"
)]
pub struct OpenToAll(SocketAddr);

impl Door {
    /// How this router is guarded.
    ///
    /// # Errors
    /// When it must not listen.
    pub fn of(server: &ServerConfig, has_keys: bool) -> Result<Self, OpenToAll> {
        match (server.require_keys, has_keys, server.listen.ip().is_loopback()) {
            (true, true, _) => Ok(Self::Locked),
            (true, false, true) => Ok(Self::Local),
            (true, false, false) => Err(OpenToAll(server.listen)),
            (false, ..) => Ok(Self::Open),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_keys_only_this_machine_is_served_unless_the_operator_says_so() {
        for (require_keys, has_keys, listen, expected) in [
            (true, true, "0.0.0.0:1", Ok(Door::Locked)),
            (true, true, "127.0.0.1:1", Ok(Door::Locked)),
            (true, false, "127.0.0.1:1", Ok(Door::Local)),
            (true, false, "[::1]:1", Ok(Door::Local)),
            (true, false, "[::]:1", Err(())),
            (true, false, "10.0.0.1:1", Err(())),
            (false, false, "0.0.0.0:1", Ok(Door::Open)),
            (false, true, "0.0.0.0:1", Ok(Door::Open)),
        ] {
            let listen = listen.parse().unwrap();
            let server = ServerConfig { listen, require_keys, ..ServerConfig::default() };
            let door = Door::of(&server, has_keys).map_err(|error| {
                assert!(error.to_string().contains("plugway keys create"), "{error}");
            });
            assert_eq!(door, expected, "{listen}");
        }
    }
}
