//! The models that the mock lists, in the formats in which it does.

use super::{DIALECTS, Mock};
use crate::setup::{lines_with, listed};

#[tokio::test(flavor = "multi_thread")]
async fn the_models_of_a_mocked_provider_are_listed_in_four_formats() {
    let names = ["openai", "openrouter", "anthropic", "ollama"];
    let list = move || {
        let mock = Mock::shared()?;
        let mut toml = String::new();
        for dialect in DIALECTS.iter().filter(|dialect| names.contains(&dialect.name)) {
            dialect.configure(&mock.base_url, "listings", &mut toml);
        }
        Some(listed(&toml))
    };
    let Some(found) = tokio::task::spawn_blocking(list).await.unwrap() else { return };
    for dialect in DIALECTS.iter().filter(|dialect| names.contains(&dialect.name)) {
        // It tells of the models of its fixtures, and those here name none.
        let provider = format!("mock-{}", dialect.name);
        assert_eq!(lines_with(&found, &["-", &provider, dialect.model]), 1, "{found:?}");
        assert!(lines_with(&found, &["+", &provider]) > 1, "{found:?}");
    }
}
