//! Takes handles from the host and gives none back.

use plugway_sdk::chat::{Failure, Request};
use plugway_sdk::provider::{Endpoint, UpstreamRequest};
use plugway_test_guests::{Adapter, Misbehave};

#[cfg(target_family = "wasm")]
#[allow(unsafe_code, reason = "generated bindings")]
mod bindings {
    wit_bindgen::generate!({
        inline: "
            package plugway:guests;
            world hoarder { import wasi:clocks/monotonic-clock@0.2.6; }
            package wasi:io@0.2.6 {
                interface poll {
                    resource pollable { ready: func() -> bool; block: func(); }
                    poll: func(in: list<borrow<pollable>>) -> list<u32>;
                }
            }
            package wasi:clocks@0.2.6 {
                interface monotonic-clock {
                    use wasi:io/poll@0.2.6.{pollable};
                    type instant = u64;
                    type duration = u64;
                    now: func() -> instant;
                    resolution: func() -> duration;
                    subscribe-instant: func(when: instant) -> pollable;
                    subscribe-duration: func(when: duration) -> pollable;
                }
            }
        ",
        world: "plugway:guests/hoarder",
        generate_all,
    });
}

/// Keeps everything.
pub struct HoardHandles;

impl Misbehave for HoardHandles {
    fn encode(_: &Request, _: &Endpoint) -> Result<UpstreamRequest, Failure> {
        loop {
            take();
        }
    }
}

#[cfg(target_family = "wasm")]
fn take() {
    std::mem::forget(bindings::wasi::clocks::monotonic_clock::subscribe_duration(1));
}

#[cfg(not(target_family = "wasm"))]
fn take() {}

plugway_sdk::export!(provider: Adapter<HoardHandles>);
