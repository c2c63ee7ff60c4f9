//! What a configuration says, and what is said about a wrong one.

use std::time::Duration;

use plugway_engine::AuthScheme;
use plugway_store::Location;

mod credentials;
mod rates;

use super::*;
use crate::catalog::{CredentialSource, Resolution};

const SECRET: &str = "sk-very-secret";

fn keys_of_both(variable: &str) -> Option<String> {
    let known = ["OPENAI_API_KEY", "ANTHROPIC_API_KEY"];
    known.contains(&variable).then(|| SECRET.to_owned())
}

fn no_keys(_: &str) -> Option<String> {
    None
}

fn read(text: &str) -> Config {
    load_str("plugway.toml", text, &keys_of_both).unwrap_or_else(|d| panic!("{d}"))
}

/// Every line that is printed for `text`, in order.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let found = match load_str("plugway.toml", text, &keys_of_both) {
        Ok(config) => config.warnings.to_string(),
        Err(mistakes) => mistakes.to_string(),
    };
    let found: Vec<&str> = found.lines().collect();
    assert_eq!(found, expected, "{text}");
}

/// A provider to hang models on.
const LOCAL: &str =
    "providers.local = { adapter = 'openai', base_url = 'http://127.0.0.1:8080/v1' }";

#[test]
fn defaults_are_consistent() {
    check("[server]\n[upstream]\n[routing]\n[log]\n[plugins.limits]", &[]);
}

#[test]
fn origins_are_written_as_browsers_write_them() {
    let cors = |lines: &str| format!("[server.cors]\n{lines}");
    check(&cors("origins = ['https://a.example', 'http://localhost:3000', 'app://x']"), &[]);
    for origin in ["a.example", "https://a.example/", "https://A.example", "null", "https://u@a"] {
        let problem = format!(
            "plugway.toml:2:1: server.cors.origins: `{origin}` is no origin; write it as browsers \
             do, like `https://chat.example.com` or `http://localhost:3000`"
        );
        check(&cors(&format!("origins = ['{origin}']")), &[&problem]);
    }
    check(
        &cors("origins = ['*', 'https://a.example']\nheaders = ['a b']"),
        &[
            "plugway.toml:2:1: server.cors.origins: `*` stands for every origin; write it alone, \
             or leave it out",
            "plugway.toml:3:1: server.cors.headers: `a b` is no header; write names of headers, \
             like `authorization`",
        ],
    );
    check(
        &cors("headers = ['content-type', '*']"),
        &[
            "plugway.toml:2:1: server.cors.headers: to browsers `*` does not cover `authorization`, \
           which carries the key; leave headers out to allow whichever a page asks for",
        ],
    );
    let open = read(&cors("origins = ['*']\nheaders = ['Authorization']"));
    assert!(open.warnings.to_string().contains("every web page can use this router"));
    assert_eq!(open.server.cors.headers, ["authorization"]);
}

#[test]
fn every_mistake_is_reported_at_once() {
    check(
        r#"
[server]
listen = "localhost"
max_body = 32
head_hold = "10"
drain_timeout = "0s"
max_connections = 0

[upsteam]

[providers.openai]
  base_ulr = "https://example.com"
"#,
        &[
            "plugway.toml:3:10: server.listen: is \"localhost\"; write an address and port, such as \"127.0.0.1:8787\"",
            "plugway.toml:4:12: server.max_body: is 32, without a unit; write a size above zero, such as \"512B\", \"64KiB\", \"32MiB\" or \"1GiB\"",
            "plugway.toml:5:13: server.head_hold: is \"10\"; write a duration above zero, such as \"250ms\", \"10s\", \"2m\" or \"1h\"",
            "plugway.toml:6:17: server.drain_timeout: is \"0s\"; write a duration above zero, such as \"250ms\", \"10s\", \"2m\" or \"1h\"",
            "plugway.toml:7:19: server.max_connections: 0 is out of range; choose 1 to 4294967295",
            "plugway.toml:9:2: upsteam: unknown key; did you mean `upstream`?",
            "plugway.toml:12:3: providers.openai.base_ulr: unknown key; did you mean `base_url`?",
        ],
    );
}

#[test]
fn types_are_checked() {
    check(
        "server = 1\nproviders = []\n[log]\nlevel = 3\nformat = 'xml'\n[routing]\nstrategies = ['a', 1]",
        &[
            "plugway.toml:1:10: server: is an integer; write a table",
            "plugway.toml:2:13: providers: is an array; write a table",
            "plugway.toml:4:9: log.level: is an integer; write a string",
            "plugway.toml:5:10: log.format: `xml` is unknown; choose one of `pretty`, `json`",
            "plugway.toml:7:14: routing.strategies: is an array; write an array of strings",
        ],
    );
}

#[test]
fn syntax_errors_come_with_the_other_mistakes() {
    check(
        "[server\nlisten = '127.0.0.1:1'\n[log]\nlevle = 'info'\nformat = json\nformat = 'json'\n",
        &[
            "plugway.toml:1:8: unclosed table, expected `]`",
            "plugway.toml:4:1: log.levle: unknown key; did you mean `level`?",
            "plugway.toml:5:10: string values must be quoted, expected literal string",
            "plugway.toml:6:1: duplicate key",
        ],
    );
}

#[test]
fn bounds_hold_between_keys() {
    check(
        "[upstream]\nfirst_token_timeout = '11m'\n[server]\nmax_body = '2GiB'",
        &[
            "plugway.toml:2:1: upstream.first_token_timeout: 11m is more than `total_timeout`, which is 10m; lower it, or raise `total_timeout`",
            "plugway.toml:4:1: server.max_body: 2GiB is more than `max_buffered`, which is 1GiB; lower it, or raise `max_buffered`",
        ],
    );
    // Only what was written can be wrong: defaults give way.
    let config = read("[upstream]\ntotal_timeout = '1m'");
    assert_eq!(config.upstream.first_token_timeout, Duration::from_secs(60));
    assert_eq!(config.upstream.idle_timeout, Duration::from_secs(60));
    assert_eq!(config.upstream.connect_timeout, Duration::from_secs(10));
}

#[test]
fn routing_is_checked() {
    check("[routing]\nhedge_percent = 0", &[]);
    assert_eq!(read("[routing]\nhedge_percent = 0").routing.hedge_percent, 0);
    check(
        "[routing]\nhedge_percent = -1",
        &["plugway.toml:2:17: routing.hedge_percent: -1 is out of range; choose 0 to 4294967295"],
    );
    check(
        "[routing]\nbreaker_failures = 1001\nretry_percent = 0\nstrategies = []",
        &[
            "plugway.toml:2:1: routing.breaker_failures: is more than a breaker can count; choose at most 1000",
            "plugway.toml:3:17: routing.retry_percent: 0 is out of range; choose 1 to 4294967295",
            "plugway.toml:4:1: routing.strategies: names no strategy; name at least one, e.g. `[\"balanced\"]`",
        ],
    );
    let routing = read("[routing]\nmax_cooldown = '2m'\nbreaker_max_pause = '5s'").routing;
    assert_eq!(routing.max_cooldown, Duration::from_secs(120));
    assert_eq!(routing.breaker_max_pause, Duration::from_secs(5));
}

#[test]
fn the_way_to_providers_is_checked() {
    check(
        "[upstream]\nproxy = 'https://proxy:3128'\nca_files = ['/nowhere.pem']",
        &[
            "plugway.toml:2:1: upstream.proxy: is no http URL; proxies are reached by plain http; TLS runs through them",
            "plugway.toml:3:1: upstream.ca_files: cannot open `/nowhere.pem`: No such file or directory (os error 2); name a readable PEM file",
        ],
    );
    let config = read("[upstream]\nproxy = 'http://proxy:3128'\nno_proxy = ['.internal']");
    assert_eq!(config.upstream.proxy, Some(http::Uri::from_static("http://proxy:3128/")));
    assert_eq!(config.upstream.no_proxy, [".internal"]);
}

#[test]
fn urls_are_checked() {
    let remedy = "write a URL such as \"https://host/path\"";
    let check_url = |url: &str, problem: &str| {
        let expected = format!("plugway.toml:1:32: providers.local.base_url: {problem}; {remedy}");
        check(&format!("providers.local = {{ base_url = '{url}' }}"), &[&expected]);
    };
    check_url("host/v1", "is no URL");
    check_url("ftp://host/v1", "is no http or https URL");
    check_url("https://", "is no http or https URL");
    check_url("https://me:secret@host/v1", "holds a user name; credentials do not belong in URLs");
    check_url(
        "https://host/v1?key=1",
        "has a query or fragment, which cannot be joined with a path",
    );
    check_url("https://host/a/../b", "has a `.` or `..` in its path");

    let plain = "plugway.toml:1:21: providers.local.base_url: sends prompts and credentials readably over the network; use https, or set `allow_plain_http = true`";
    check("providers.local = { base_url = 'http://10.0.0.1/v1' }", &[plain]);
    check("providers.local = { base_url = 'http://10.0.0.1/v1', allow_plain_http = true }", &[]);
    for host in ["localhost", "127.0.0.1:8080", "[::1]:80"] {
        check(&format!("providers.local = {{ base_url = 'http://{host}/v1/' }}"), &[]);
    }
}

#[test]
fn providers_are_checked() {
    check(
        r#"
[providers.local]
[providers."Big Co"]
base_url = "https://example.com"
api_key = "sk-very-secret"
auth = "basic"
[providers.twice]
base_url = "https://example.com"
api_key_env = "OPENAI_API_KEY"
api_key_file = "key"
auth = { header = "bad header" }
headers = { host = "x", ok = "y", Authorization = "z" }
[providers.keyless]
base_url = "https://example.com"
auth = "bearer"
"#,
        &[
            "plugway.toml:2:12: providers.local.base_url: is missing; add it, e.g. `base_url = \"https://host/v1\"`",
            "plugway.toml:3:12: providers.\"Big Co\": is no usable name; use lower-case letters, digits, `-`, `_` and `.`",
            "plugway.toml:5:1: providers.\"Big Co\".api_key: secrets do not belong into this file; put it into an environment variable or a file, and name that with `api_key_env` or `api_key_file`",
            "plugway.toml:6:1: providers.\"Big Co\".auth: there is no secret to attach; name one with `api_key_env` or `api_key_file`",
            "plugway.toml:6:8: providers.\"Big Co\".auth: is no known way to attach a secret; choose \"bearer\", \"none\", { header = \"name\" }, { query = \"name\" }, { sigv4 = \"service\" } or { oauth = \"scope\" }",
            "plugway.toml:10:1: providers.twice.api_key_file: a second secret besides `api_key_env`; keep one of the two",
            "plugway.toml:10:1: warning: providers.twice.api_key_file: cannot open the file: No such file or directory (os error 2); set it, or remove the provider",
            "plugway.toml:11:8: providers.twice.auth: is no known way to attach a secret; choose \"bearer\", \"none\", { header = \"name\" }, { query = \"name\" }, { sigv4 = \"service\" } or { oauth = \"scope\" }",
            "plugway.toml:12:20: providers.twice.headers.host: is set by the router itself; remove it",
            "plugway.toml:12:51: providers.twice.headers.Authorization: is set by the router itself; remove it",
            "plugway.toml:15:1: providers.keyless.auth: there is no secret to attach; name one with `api_key_env` or `api_key_file`",
        ],
    );
}

#[test]
fn models_are_checked() {
    let text = r#"
[models."acme/one"]
[models.two]
endpoints = [{ provider = "local", price = { prompt = -1, completion = "a" } }]
[models."acme/three"]
input_modalities = ["smell"]
released = "yesterday"
[[models."acme/three".endpoints]]
provider = "lokal"
[[models."acme/three".endpoints]]
model = "x"
price = { prompt = 0.0000001 }
[[models."acme/three".endpoints]]
provider = "local"
model = "two"
[[models."acme/three".endpoints]]
provider = "openai"
[models."acme/three".endpoints.price]
prompt = 1
completion = 2
tiers = [{ prompt = 1, request = 1 }]
"#;
    check(
        &format!("{LOCAL}{text}"),
        &[
            "plugway.toml:2:9: models.\"acme/one\".endpoints: nobody serves this model; add `[[models.\"acme/one\".endpoints]]` with a `provider`",
            "plugway.toml:3:9: models.two: is no model slug; name models `author/name`",
            "plugway.toml:4:55: models.two.endpoints.price.prompt: `-1` is negative; write US dollars, such as 2.5",
            "plugway.toml:4:72: models.two.endpoints.price.completion: `a` is no decimal number; write US dollars, such as 2.5",
            "plugway.toml:6:1: models.\"acme/three\".input_modalities: `smell` is unknown; choose of `text`, `image`, `file`, `audio`, `video`",
            "plugway.toml:7:12: models.\"acme/three\".released: is no date since 1970; write a date such as 2026-03-05",
            "plugway.toml:9:1: models.\"acme/three\".endpoints.provider: there is no provider `lokal`; did you mean `local`?",
            "plugway.toml:10:1: models.\"acme/three\".endpoints.provider: is missing; name the provider that serves the model",
            "plugway.toml:12:1: models.\"acme/three\".endpoints.price.completion: is missing; write it, even if it is 0",
            "plugway.toml:12:20: models.\"acme/three\".endpoints.price.prompt: `0.0000001` has more than 6 decimals, finer than money is counted; write US dollars, such as 2.5",
            "plugway.toml:14:1: models.\"acme/three\".endpoints.provider: `local/two` is an endpoint already; remove one of the two",
            "plugway.toml:17:1: models.\"acme/three\".endpoints.provider: the provider `openai` is not active; add `[providers.openai]`",
            "plugway.toml:21:10: models.\"acme/three\".endpoints.price.tiers.above_prompt_tokens: is missing; write it, even if it is 0",
            "plugway.toml:21:10: models.\"acme/three\".endpoints.price.tiers.completion: is missing; write it, even if it is 0",
            "plugway.toml:21:24: models.\"acme/three\".endpoints.price.tiers.request: unknown key; known are `above_prompt_tokens`, `prompt`, `completion`, `cache_read`, `cache_write`, `cache_write_1h`, `reasoning`, `meters`",
        ],
    );
}

#[test]
fn missing_secrets_are_warnings_until_it_is_served() {
    let text = "[providers.openai]\n[providers.anthropic]\napi_key_file = '/nowhere/key'";
    let config = load_str("plugway.toml", text, &no_keys).unwrap();
    let lines = config.warnings.to_string();
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(
        lines,
        [
            "plugway.toml:1:12: warning: providers.openai.api_key_env: `OPENAI_API_KEY` is not set; set it, or remove the provider",
            "plugway.toml:3:1: warning: providers.anthropic.api_key_file: cannot open the file: No such file or directory (os error 2); set it, or remove the provider",
        ]
    );
    let mistakes = config.ready().unwrap_err().to_string();
    assert!(
        mistakes.starts_with("plugway.toml:1:12: providers.openai.api_key_env: "),
        "{mistakes}"
    );
    assert!(read("[providers.openai]").ready().is_ok());
}

#[test]
fn the_environment_turns_providers_on() {
    let only_openai = |name: &str| (name == "OPENAI_API_KEY").then(|| SECRET.to_owned());
    let config = load_str("", "", &only_openai).unwrap();
    let names: Vec<&String> = config.catalog.providers.keys().collect();
    assert_eq!(names, ["openai"]);
    assert!(config.catalog.models.keys().all(|slug| slug.starts_with("openai/")));

    let empty = |name: &str| (name == "OPENAI_API_KEY").then(String::new);
    let none = load_str("", "", &empty).unwrap_err().to_string();
    assert!(
        none.starts_with(
            "no provider is configured; set a provider's variable (ANTHROPIC_API_KEY, "
        ),
        "{none}"
    );
    assert!(none.contains("OPENAI_API_KEY, "), "{none}");
}

#[test]
fn a_file_that_names_providers_names_them_all() {
    let config = read("[providers.anthropic]");
    let names: Vec<&String> = config.catalog.providers.keys().collect();
    assert_eq!(names, ["anthropic"]);
    // One that names none leaves it to the environment.
    assert_eq!(read("[log]\nlevel = 'warn'").catalog.providers.len(), 2);
}

#[test]
fn embedded_providers_can_be_overridden() {
    let config = read(
        "[providers.anthropic]\nbase_url = 'https://proxy.example/x/'\n\
         [providers.openai]\nauth = 'none'\n\
         [providers.mirror]\nadapter = 'anthropic'\nbase_url = 'https://mirror.example'\napi_key_env = 'OPENAI_API_KEY'\n\
         [providers.custom]\nbase_url = 'https://custom.example'\napi_key_env = 'OPENAI_API_KEY'\n",
    );
    let check = |name: &str, url: &str, auth: AuthScheme, credential: Option<&str>| {
        let provider = &config.catalog.providers[name];
        assert_eq!(provider.base_url.to_string(), url);
        assert_eq!(provider.auth, auth);
        let credential = credential.map(|name| CredentialSource::Env(name.to_owned()));
        assert_eq!(provider.credentials.first().map(|it| it.source.clone()), credential);
    };
    let header = || AuthScheme::Header("x-api-key".to_owned());
    check("anthropic", "https://proxy.example/x", header(), Some("ANTHROPIC_API_KEY"));
    check("openai", "https://api.openai.com/v1", AuthScheme::None, None);
    check("mirror", "https://mirror.example/", header(), Some("OPENAI_API_KEY"));
    check("custom", "https://custom.example/", AuthScheme::Bearer, Some("OPENAI_API_KEY"));
}

#[test]
fn names_resolve() {
    let config = read("[providers.anthropic]\n[providers.local]\nbase_url = 'http://localhost/v1'");
    let check = |name: &str, expected: &str| {
        let found = match config.catalog.resolve(name) {
            Resolution::Known(model) => format!("known {}", model.slug),
            Resolution::Passthrough { provider, upstream_model } => {
                format!("pass {upstream_model} to {}", provider.name)
            }
            Resolution::Inactive { remedy, .. } => remedy,
            Resolution::Unknown { near } => format!("unknown {near:?}"),
        };
        assert_eq!(found, expected, "{name}");
    };
    check("anthropic/claude-haiku-4.5", "known anthropic/claude-haiku-4.5");
    check("anthropic/claude-haiku-4-5", "known anthropic/claude-haiku-4.5");
    check("claude-haiku-4.5", "known anthropic/claude-haiku-4.5");
    check("anthropic/claude-next", "pass claude-next to anthropic");
    check("local/org/model:7b", "pass org/model:7b to local");
    check("local/", "unknown []");
    check("openai/gpt-4o", "add `[providers.openai]` to the configuration");
    check(
        "claude-haiku-4.6",
        "unknown [\"anthropic/claude-haiku-4.5\", \"anthropic/claude-haiku-5-5\", \"anthropic/claude-opus-4.6\"]",
    );
    check("llama", "unknown []");
    check(&"x".repeat(1_000_000), "unknown []");
}

#[test]
fn endpoints_inherit_and_override() {
    let config = read(
        r#"
[providers.openai]
options = { a = 1, b = [true, 0x10, 1.5, "x"] }
tags = { tier = "gold" }
[models."acme/m"]
released = 2026-03-05
context_length = 1000
max_output_tokens = 100
[[models."acme/m".endpoints]]
provider = "openai"
model = "m-1"
max_output_tokens = 50
options = { a = { c = 2026-01-01 } }
price = { prompt = "0.10", completion = 3, request = 0.000000000001 }
[models."openai/gpt-4o"]
[[models."openai/gpt-4o".endpoints]]
provider = "openai"
model = "gpt-4o"
"#,
    );
    let model = &config.catalog.models["acme/m"];
    assert_eq!(model.created, 1_772_668_800);
    let endpoint = &model.endpoints[0];
    assert_eq!(endpoint.id, "openai/m-1");
    assert_eq!((endpoint.context_length, endpoint.max_output_tokens), (Some(1000), Some(50)));
    let option = |name: &str, json: &str| (name.to_owned(), json.to_owned());
    let options = [option("b", r#"[true,16,1.5,"x"]"#), option("a", r#"{"c":"2026-01-01"}"#)];
    assert_eq!(endpoint.options, options);
    assert_eq!(endpoint.tags, [option("tier", "gold")]);
    let price = endpoint.price.clone().unwrap();
    assert_eq!((price.prompt, price.completion, price.request), (100_000, 3_000_000, 1));
    // The operator's endpoint replaced the embedded one.
    let replaced = &config.catalog.models["openai/gpt-4o"];
    assert_eq!(replaced.endpoints.len(), 1);
    assert_eq!(replaced.endpoints[0].price, None);
    assert_eq!(replaced.context_length, Some(128_000));
}

#[test]
fn plugins_get_what_they_are_given() {
    let config = read(
        r#"
[plugins]
rescan_interval = "1s"
[plugins.limits]
max_memory = "64MiB"
[plugins.openai]
replace = true
allow.content = true
[plugins.balanced.options]
exponent = 3
"#,
    );
    assert_eq!(config.plugins.limits.max_memory_bytes, 64 << 20);
    assert!(config.plugins.replace.contains("openai"));
    assert!(config.plugins.grants["openai"].content);
    assert!(!config.plugins.grants["balanced"].content);
    assert_eq!(config.plugins.options["balanced"], [("exponent".to_owned(), "3".to_owned())]);
    check(
        "[plugins]\nrescan = '1s'\ndirectory = '/nowhere'\n[plugins.x]\nallow = { contents = true }",
        &[
            "plugway.toml:2:1: plugins.rescan: unknown key; did you mean `rescan_interval`?",
            "plugway.toml:3:1: plugins.directory: `/nowhere` is no directory; create it, or leave the key out",
            "plugway.toml:5:11: plugins.x.allow.contents: unknown key; did you mean `content`?",
        ],
    );
}

#[test]
fn the_cache_is_kept_where_the_user_keeps_caches() {
    let check = |env: &dyn Fn(&str) -> Option<String>, expected: Option<&str>| {
        let config = load_str("", LOCAL, env).unwrap();
        assert_eq!(config.plugins.cache_directory, expected.map(Into::into));
    };
    check(&no_keys, None);
    check(&|name| (name == "XDG_CACHE_HOME").then(|| "/c".into()), Some("/c/plugway"));
    let home =
        if cfg!(target_os = "macos") { "/h/Library/Caches/plugway" } else { "/h/.cache/plugway" };
    check(&|name| (name == "HOME").then(|| "/h".into()), Some(home));
}

#[test]
fn state_is_kept_where_the_user_keeps_it() {
    let check = |text: &str, env: &dyn Fn(&str) -> Option<String>, expected: Location| {
        let config = load_str("/etc/plugway.toml", &format!("{text}{LOCAL}"), env).unwrap();
        let is_chosen = !text.is_empty();
        assert_eq!(config.state, StateConfig { location: expected, is_chosen });
    };
    check("", &no_keys, Location::Memory);
    let env = |name: &str| (name == "XDG_STATE_HOME").then(|| "/s".to_owned());
    check("", &env, Location::File("/s/plugway/plugway.db".into()));
    check("state = 'a.db'\n", &env, Location::File("/etc/a.db".into()));
}

#[test]
fn paths_count_from_the_file() {
    let text = format!("{LOCAL}\n[plugins]\ncache_directory = 'cache'");
    let config = load_str("/etc/plugway/plugway.toml", &text, &no_keys).unwrap();
    assert_eq!(config.plugins.cache_directory, Some("/etc/plugway/cache".into()));
}

#[test]
fn strangers_on_the_network_are_worth_a_warning_where_they_need_no_key() {
    check("[server]\nlisten = '0.0.0.0:80'", &[]);
    check(
        "[server]\nlisten = '0.0.0.0:80'\nrequire_keys = false",
        &[
            "plugway.toml:2:1: warning: server.listen: other machines can reach this address, and clients are not authenticated; let only trusted ones through to it",
        ],
    );
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let mistakes = load(Some("nowhere.toml".as_ref()), &no_keys).unwrap_err().to_string();
    assert!(mistakes.starts_with("cannot read `nowhere.toml`: "), "{mistakes}");
}

#[test]
fn no_secret_is_ever_shown() {
    let config = read("[providers.openai]\n[providers.anthropic]");
    let shown = format!("{config:?}{}", summary(&config, &keys_of_both));
    assert!(shown.contains("key in OPENAI_API_KEY (set)"), "{shown}");
    assert!(!shown.contains(SECRET));
    let text = format!(
        "providers.x = {{ base_url = 'https://u:{SECRET}@h', token = '{SECRET}' }}\n\
         providers.y = {{ base_url = 'https://h', api_key_env = '{SECRET}' }}\n\
         providers.z = {{ base_url = 'https://h', api_key_file = '{SECRET}' }}"
    );
    let mistakes = load_str("", &text, &no_keys).unwrap_err();
    assert!(!format!("{mistakes}{mistakes:?}").contains(SECRET));
}

#[test]
fn state_is_a_file_or_a_database_whose_password_is_not_shown() {
    let url = format!("postgres://me:{SECRET}@db.internal:5432/plugway");
    let config = read(&format!("state = '{url}'\n[providers.openai]"));
    assert_eq!(config.state.location, Location::Postgres(url));
    let shown = format!("{config:?}{}", summary(&config, &keys_of_both));
    assert!(shown.contains("db.internal") && !shown.contains(SECRET), "{shown}");
    let remedy = "write `postgres://USER@HOST:PORT/DATABASE`, or a path";
    let problem = "plugway.toml:1:9: state: is the URL of no database that is known here";
    check(&format!("state = 'mysql://me:{SECRET}@h/d'"), &[&format!("{problem}; {remedy}")]);
    check(
        "state = ''",
        &["plugway.toml:1:9: state: is empty; write a value, or leave the key out"],
    );
    check("state = 5", &["plugway.toml:1:9: state: is an integer; write a string"]);
}

#[test]
fn a_master_key_is_in_one_place() {
    check(
        "[secrets]\nmaster_key_env = 'A'\nmaster_key_command = ['a']",
        &["plugway.toml:3:1: secrets.master_key_command: `master_key_env` says so already; \
           leave one of the two out"],
    );
    check(
        "[secrets]\nmaster_key_env = 'A'\nprevious_master_key_env = 'B'\n\
         previous_master_key_file = 'b'",
        &["plugway.toml:4:1: secrets.previous_master_key_file: `previous_master_key_env` says so \
           already; leave one of the two out"],
    );
    check(
        "[secrets]\nprevious_master_key_env = 'B'",
        &[
            "plugway.toml:2:1: secrets.previous_master_key_env: there is one of before, and none of \
           now; say where the master key of now is found, e.g. with `master_key_env`",
        ],
    );
    let keys = "master_key_file = 'key'\nprevious_master_key_file = 'old'";
    let text = format!("{LOCAL}\n[secrets]\n{keys}");
    let config = load_str("/etc/plugway/plugway.toml", &text, &no_keys).unwrap();
    assert_eq!(config.secrets.master_key_file, Some("/etc/plugway/key".into()));
    let previous = config.secrets.previous().unwrap();
    assert_eq!(previous.master_key_file, Some("/etc/plugway/old".into()));
}

#[test]
fn the_reference_is_checked_in() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/CONFIG.md");
    let checked_in = std::fs::read_to_string(path).unwrap();
    assert!(checked_in == reference(), "run `plugway config-reference > docs/CONFIG.md`");
}

#[test]
fn the_example_is_fine() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/plugway.toml");
    let config = load_file(path.as_ref(), &keys_of_both).unwrap_or_else(|d| panic!("{d}"));
    assert!(config.warnings.is_empty(), "{}", config.warnings);
}
