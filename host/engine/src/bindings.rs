//! The generated half of the contract, fenced in: nothing here but `chat`, and the
//! records of what adapters offer beside it, leaves the crate. One module per world
//! that the engine calls.

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
        // Requests and events can be written down, and read again.
        additional_derives: [Clone, PartialEq, serde::Serialize, serde::Deserialize],
    });
}

/// What the engine calls of an adapter that exports `embeddings`.
pub(crate) mod embeddings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "
            package plugway:engine;
            world embeddings {
                export plugway:provider/embeddings@0.1.0;
            }
        ",
        world: "plugway:engine/embeddings",
        with: {
            "plugway:chat/chat": super::adapter::plugway::chat::chat,
            "plugway:provider/types": super::adapter::plugway::provider::types,
        },
        additional_derives: [Clone, PartialEq, serde::Serialize, serde::Deserialize],
    });
}

/// What the engine calls of an adapter that exports `rerank`.
pub(crate) mod rerank {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "
            package plugway:engine;
            world rerank {
                export plugway:provider/rerank@0.1.0;
            }
        ",
        world: "plugway:engine/rerank",
        with: {
            "plugway:chat/chat": super::adapter::plugway::chat::chat,
            "plugway:provider/types": super::adapter::plugway::provider::types,
        },
        additional_derives: [Clone, PartialEq, serde::Serialize, serde::Deserialize],
    });
}

/// What the engine calls of an adapter that exports `token-count`.
pub(crate) mod token_count {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "
            package plugway:engine;
            world token-count {
                export plugway:provider/token-count@0.1.0;
            }
        ",
        world: "plugway:engine/token-count",
        with: {
            "plugway:chat/chat": super::adapter::plugway::chat::chat,
            "plugway:provider/types": super::adapter::plugway::provider::types,
        },
    });
}

/// What the engine calls of an adapter that exports `models`.
pub(crate) mod models {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "
            package plugway:engine;
            world models {
                export plugway:provider/models@0.1.0;
            }
        ",
        world: "plugway:engine/models",
        with: {
            "plugway:chat/chat": super::adapter::plugway::chat::chat,
            "plugway:provider/types": super::adapter::plugway::provider::types,
        },
        additional_derives: [Clone, PartialEq, serde::Serialize, serde::Deserialize],
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
