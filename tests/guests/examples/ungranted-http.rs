//! Would like to call out.

use plugway_test_guests::Misbehave;

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
    #[cfg(target_family = "wasm")]
    fn misbehave() -> Vec<u8> {
        use bindings::plugway::host::http;
        let (method, url) = ("GET".into(), "https://example.com".into());
        let (headers, body, credential) = (Vec::new(), Vec::new(), None);
        let sent = http::send(&http::Outgoing { method, url, headers, body, credential });
        sent.is_ok().to_string().into_bytes()
    }

    #[cfg(not(target_family = "wasm"))]
    fn misbehave() -> Vec<u8> {
        Vec::new()
    }
}

plugway_sdk::export!(provider: plugway_test_guests::Guest<UngrantedHttp>);
