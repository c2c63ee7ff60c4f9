//! Would like to call out.

use plugway_sdk::chat::{Failure, Request};
use plugway_sdk::provider::{Endpoint, UpstreamRequest};
use plugway_test_guests::{Adapter, Misbehave, post_text};

#[cfg(target_family = "wasm")]
#[allow(unsafe_code, reason = "generated bindings")]
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "
            package plugway:guests;
            world caller { import plugway:host/http@0.1.0; }
        ",
        world: "plugway:guests/caller",
        generate_all,
    });
}

/// Asks for what it was not granted.
pub struct UngrantedHttp;

impl Misbehave for UngrantedHttp {
    fn encode(request: &Request, _: &Endpoint) -> Result<UpstreamRequest, Failure> {
        Ok(post_text(request, &sent().to_string()))
    }
}

#[cfg(target_family = "wasm")]
fn sent() -> bool {
    use bindings::plugway::host::http;
    let (method, url) = ("GET".into(), "https://example.com".into());
    let (headers, body, credential) = (Vec::new(), Vec::new(), None);
    http::send(&http::Outgoing { method, url, headers, body, credential }).is_ok()
}

#[cfg(not(target_family = "wasm"))]
fn sent() -> bool {
    false
}

plugway_sdk::export!(provider: Adapter<UngrantedHttp>);
