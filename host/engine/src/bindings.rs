//! The generated half of the contract, fenced in: nothing here but `chat` leaves
//! the crate. One module per world that the engine calls.

#![expect(missing_docs, reason = "generated; the contract in `wit/` is the documentation")]

/// What the engine links and calls for an adapter.
pub(crate) mod adapter {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "
            package plugway:engine;
            world adapter {
                import plugway:host/log@0.1.0;
                import plugway:host/sealed@0.1.0;
                export plugway:provider/provider@0.1.0;
            }
        ",
        world: "plugway:engine/adapter",
        additional_derives: [Clone, PartialEq],
    });
}

/// What the engine links and calls for a strategy. Types borrow: a question
/// with a thousand candidates goes in without a copy of its strings.
pub(crate) mod strategy {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "
            package plugway:engine;
            world strategy {
                import plugway:host/log@0.1.0;
                export plugway:strategy/strategy@0.1.0;
            }
        ",
        world: "plugway:engine/strategy",
        with: { "plugway:host/log": super::adapter::plugway::host::log },
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}

/// One chat exchange, free of any provider's wire format: the types of
/// `plugway:chat/chat`.
pub mod chat {
    pub use super::adapter::plugway::chat::chat::*;
}
