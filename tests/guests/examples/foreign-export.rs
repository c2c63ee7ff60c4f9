//! Exports a provider in a version of the contract that no router speaks.

#[cfg(target_family = "wasm")]
#[allow(unsafe_code, reason = "generated bindings")]
mod component {
    wit_bindgen::generate!({
        inline: "
            package plugway:provider@0.9.0;
            interface provider { describe: func() -> string; }
            world adapter { export provider; }
        ",
        world: "adapter",
    });

    struct ForeignExport;

    impl exports::plugway::provider::provider::Guest for ForeignExport {
        fn describe() -> String {
            "from another time".to_owned()
        }
    }

    export!(ForeignExport);
}
