//! Claims names that nobody would have given.

use plugway_sdk::provider::Info;
use plugway_test_guests::{Adapter, Misbehave, info};

/// Of many names.
pub struct HugeNames;

impl Misbehave for HugeNames {
    fn describe() -> Info {
        let huge = "n".repeat(1 << 20);
        Info {
            name: huge.clone(),
            default_base_url: Some(huge.clone()),
            dialects: vec![huge.clone(), "two\nlines".into()],
            reasoning_formats: vec![huge],
            supported_parameters: vec!["tools".into(); 100_000],
            ..info()
        }
    }
}

plugway_sdk::export!(provider: Adapter<HugeNames>);
