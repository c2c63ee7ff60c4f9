//! Limits of endpoints and providers.

use super::*;

#[test]
fn endpoints_and_providers_have_limits_where_the_operator_says_so() {
    let text = "[providers.cloud]
base_url = 'https://example.com'
api_key_env = 'KEY'
requests_per_minute = 60
concurrent_requests = 4_000_000_000
[[models.'a/m'.endpoints]]
provider = 'cloud'
tokens_per_minute = 1000
";
    let env = |_: &str| Some("value".to_owned());
    let config = load_str("plugway.toml", text, &env).unwrap();
    let endpoint = &config.catalog.models["a/m"].endpoints[0];
    assert_eq!(endpoint.rates.tokens_per_minute.unwrap().get(), 1000);
    assert_eq!(endpoint.rates.requests_per_minute, None);
    let rates = endpoint.provider.rates;
    assert_eq!(rates.requests_per_minute.unwrap().get(), 60);
    assert_eq!(rates.concurrent_requests.unwrap().get(), 1_000_000_000);
    let mistakes = load_str("plugway.toml", &text.replace("= 60", "= 0"), &env).unwrap_err();
    let expected = "providers.cloud.requests_per_minute: 0 is out of range";
    assert!(mistakes.to_string().contains(expected), "{mistakes}");
}
