//! Imports the host's log in a version that no router has.

use plugway_sdk::chat::{Failure, Request};
use plugway_sdk::provider::{Endpoint, UpstreamRequest};
use plugway_test_guests::{Adapter, Misbehave, post};

#[cfg(target_family = "wasm")]
#[allow(unsafe_code, reason = "generated bindings")]
mod bindings {
    wit_bindgen::generate!({
        inline: "
            package plugway:host@0.9.0;
            interface log { write: func(message: string); }
            world speaker { import log; }
        ",
        world: "speaker",
    });
}

/// From another time.
pub struct ForeignImport;

impl Misbehave for ForeignImport {
    fn encode(request: &Request, _: &Endpoint) -> Result<UpstreamRequest, Failure> {
        #[cfg(target_family = "wasm")]
        bindings::plugway::host::log::write("hello");
        Ok(post(request))
    }
}

plugway_sdk::export!(provider: Adapter<ForeignImport>);
