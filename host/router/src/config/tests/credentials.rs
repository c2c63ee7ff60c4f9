//! Credentials that are more than a secret, and URLs with gaps.

use super::*;
use crate::catalog::{AccessKeySource, Credential, FileSource, SecretSource};

fn env(variable: &str) -> Option<String> {
    let value = match variable {
        "KEY_ID" | "KEY" | "CLIENT" => "value",
        "REGION" => "north-1",
        "TENANT" => "our.tenant",
        "CLIMBING" => "../x",
        "EMPTY" => "",
        _ => return None,
    };
    Some(value.to_owned())
}

const SIGNED: &str = "[providers.cloud]
base_url = 'https://inference.{region}.example.com/v1'
auth = { sigv4 = 'inference' }
credential = { access_key_id_env = 'KEY_ID', secret_access_key_env = 'KEY', session_token_env = 'UNSET' }
";

const TOKENED: &str = "[providers.cloud]
base_url = 'https://{resource}.example.com'
auth = { oauth = 'https://example.com/.default' }
credential = { client_id_env = 'CLIENT', client_secret_env = 'KEY', token_url = 'https://login.example.com/{tenant}/token' }
";

fn provider(text: &str) -> Arc<crate::catalog::Provider> {
    let config = load_str("plugway.toml", text, &env).unwrap_or_else(|d| panic!("{d}"));
    assert!(config.warnings.is_empty(), "{}", config.warnings);
    config.catalog.providers["cloud"].clone()
}

/// Every line that is printed, without its place.
#[track_caller]
fn told(text: &str, expected: &[&str]) {
    let found = match load_str("plugway.toml", text, &env) {
        Ok(config) => config.warnings.to_string(),
        Err(mistakes) => mistakes.to_string(),
    };
    let found = found.lines().map(|line| line.split_once(": ").unwrap().1.to_owned());
    assert_eq!(found.collect::<Vec<_>>(), expected, "{text}");
}

#[test]
fn requests_are_signed_with_an_access_key_for_a_region() {
    let cloud = provider(&format!("{SIGNED}variables = {{ region = {{ env = 'REGION' }} }}"));
    assert_eq!(cloud.base_url, "https://inference.north-1.example.com/v1");
    assert_eq!(cloud.auth, AuthScheme::Sigv4("inference".to_owned()));
    assert_eq!(cloud.text_option("region").as_deref(), Some("north-1"));
    let name = |name: &str| name.to_owned();
    let source = AccessKeySource::Env {
        id: name("KEY_ID"),
        secret: name("KEY"),
        session_token: Some(name("UNSET")),
    };
    assert_eq!(cloud.credentials[0].source, CredentialSource::AccessKey(source));

    let file = "[providers.cloud]
base_url = 'https://example.com'
auth = { sigv4 = 'inference' }
options = { region = 'north-2' }
credential = { access_key_file = '/dev/null' }
";
    let file = provider(file);
    assert_eq!(file.text_option("region").as_deref(), Some("north-2"));
    let source = AccessKeySource::File("/dev/null".into());
    assert_eq!(file.credentials[0].source, CredentialSource::AccessKey(source));
}

#[test]
fn tokens_are_obtained_for_a_client_or_a_service_account() {
    let cloud = provider(&format!(
        "{TOKENED}variables = {{ resource = 'ours', tenant = {{ env = 'TENANT' }} }}"
    ));
    assert_eq!(cloud.base_url, "https://ours.example.com/");
    let CredentialSource::Client(client) = &cloud.credentials[0].source else {
        panic!("{:?}", cloud.credentials)
    };
    assert_eq!(client.token_url, "https://login.example.com/our.tenant/token");
    assert_eq!(client.secret, SecretSource::Env("KEY".to_owned()));

    let account = "[providers.cloud]
base_url = 'https://example.com'
auth = { oauth = 'scope' }
credential = { service_account_file = '/dev/null' }
";
    let source = FileSource::Path("/dev/null".into());
    let source = CredentialSource::ServiceAccount(source);
    assert_eq!(*provider(account).credentials[0], Credential::sole(source));
}

#[test]
fn an_option_comes_before_a_variable_and_a_variable_before_its_default() {
    let region = |more: &str| provider(&format!("{SIGNED}{more}")).text_option("region").unwrap();
    let default = "{ env = 'UNSET', default = 'd-1' }";
    assert_eq!(region(&format!("variables.region = {default}")), "d-1");
    assert_eq!(region("variables.region = { env = 'EMPTY', default = 'd-1' }"), "d-1");
    assert_eq!(region("variables.region = { env = 'REGION', default = 'd-1' }"), "north-1");
    let option = "variables.region = { env = 'REGION' }\noptions = { region = 'o-1' }";
    assert_eq!(region(option), "o-1");
}

#[test]
fn what_is_missing_is_named() {
    told(
        &format!("{SIGNED}variables = {{ region = {{ env = 'UNSET' }} }}")
            .replace("'KEY_ID'", "'NO_ID'"),
        &[
            "warning: providers.cloud.credential: `NO_ID` is not set; set it, or remove the provider",
            "warning: providers.cloud.variables: `UNSET` is not set; set it, or remove the provider",
        ],
    );
    told(
        SIGNED,
        &[
            "providers.cloud.base_url: nothing fills `{region}`; add `variables = { region = \"...\" }`",
            "providers.cloud.auth: a signature holds for one region, and none is named; add `variables = { region = \"...\" }`",
        ],
    );
}

#[test]
fn no_value_leaves_its_gap() {
    told(
        &format!("{SIGNED}variables = {{ region = {{ env = 'CLIMBING' }} }}"),
        &[
            "warning: providers.cloud.variables: `CLIMBING` holds what cannot be part of a URL; set it, or remove the provider",
        ],
    );
    for value in ["a/b", "a@b", "a:1", "a..b", ".", "a#", "x.evil.example/"] {
        told(
            &format!("{SIGNED}variables = {{ region = '{value}' }}"),
            &[
                "providers.cloud.variables.region: holds what cannot be part of a URL; use letters, digits, `-`, `_` and `.`, and no `.` at an end or beside another",
            ],
        );
        let text = format!("{SIGNED}options = {{ region = '{value}' }}");
        told(
            &text,
            &[
                "providers.cloud.base_url: nothing fills `{region}`; add `variables = { region = \"...\" }`",
            ],
        );
    }
    for url in ["https://{a", "https://a}", "https://{}/", "{a}://host", "https://host:{a}"] {
        let text = format!("[providers.cloud]\nbase_url = '{url}'\nvariables = {{ a = 'x' }}");
        assert!(load_str("plugway.toml", &text, &env).is_err(), "{url}");
    }
}

#[test]
fn a_credential_is_one_and_whole_and_fits() {
    let cloud = |more: &str| {
        format!("[providers.cloud]\nbase_url = 'https://example.com'\noptions.region = 'r'\n{more}")
    };
    told(
        &cloud("auth = { sigv4 = 's' }\ncredential = { access_key_id_env = 'KEY_ID' }"),
        &["providers.cloud.credential.access_key_id_env: lacks `secret_access_key_env`; add it"],
    );
    told(
        &cloud("auth = { sigv4 = 's' }\ncredential = {}"),
        &[
            "providers.cloud.credential: says not who the router is; name an access key, a service account or a client",
        ],
    );
    told(
        &cloud("auth = 'bearer'\ncredential = { access_key_file = '/dev/null' }"),
        &[
            "providers.cloud.auth: the credential cannot be attached so; name one with `api_key_env` or `api_key_file`, or change `auth`",
        ],
    );
    told(
        &cloud("auth = { sigv4 = 's' }\napi_key_env = 'KEY'"),
        &[
            "providers.cloud.auth: the credential cannot be attached so; name a key with `credential = { access_key_id_env = \"..\", secret_access_key_env = \"..\" }`, or change `auth`",
        ],
    );
    told(
        &cloud(
            "auth = { oauth = 's' }\ncredential = { service_account_file = '/dev/null', access_key_file = '/dev/null' }",
        ),
        &[
            "providers.cloud.auth: the credential cannot be attached so; name a `service_account_file` or a client with its `token_url` in `credential`, or change `auth`",
            "providers.cloud.credential.service_account_file: a second credential besides `access_key_file`; keep one of the two",
        ],
    );
    told(
        &cloud(
            "auth = { oauth = 's' }\ncredential = { client_id_env = 'CLIENT', client_secret_env = 'KEY', token_url = 'http://example.com/t' }",
        ),
        &[
            "providers.cloud.credential: sends prompts and credentials readably over the network; use https, or set `allow_plain_http = true`",
        ],
    );
    told(
        &cloud(
            "auth = { sigv4 = 's' }\ncredential = { access_key_id_env = 'sk-very-secret', secret_access_key_env = 'KEY' }",
        ),
        &[
            "providers.cloud.credential.access_key_id_env: is no name of a variable; name the variable that holds the secret, in capitals",
        ],
    );
}

const SEVERAL: &str = "[providers.cloud]
base_url = 'https://example.com'
[[providers.cloud.credentials]]
api_key_env = ['UNSET', 'KEY']
weight = 3
[[providers.cloud.credentials]]
name = 'ours'
api_key_file = '/dev/null'
own = true
";

#[test]
fn a_provider_has_several_credentials_each_with_a_name() {
    let cloud = provider(SEVERAL);
    assert_eq!(cloud.auth, AuthScheme::Bearer);
    let shown = cloud.credentials.iter().map(|it| (&*it.name, &it.source, it.weight, it.own));
    let variable = CredentialSource::Env("KEY".to_owned());
    let file = CredentialSource::File("/dev/null".into());
    let expected = [("1", &variable, 3, false), ("ours", &file, 1, true)];
    assert_eq!(shown.collect::<Vec<_>>(), expected);
    let config = load_str("plugway.toml", SEVERAL, &env).unwrap();
    let summary = crate::config::summary(&config, &env);
    for line in [
        "provider    cloud at https://example.com/, adapter cloud, 2 credentials\n",
        "credential  cloud/1, weight 3, key in KEY (set)\n",
        "credential  cloud/ours, own, weight 1, key in /dev/null\n",
    ] {
        assert!(summary.contains(line), "{summary}");
    }
}

#[test]
fn several_tokens_are_obtained_where_the_gaps_say() {
    let text = "[providers.cloud]
base_url = 'https://example.com'
auth = { oauth = 'scope' }
variables = { tenant = 'ours' }
[[providers.cloud.credentials]]
credential = { client_id_env = 'CLIENT', client_secret_env = 'KEY', token_url = 'https://{tenant}.example.com/t' }
[[providers.cloud.credentials]]
credential = { service_account_file = '/dev/null' }
";
    let cloud = provider(text);
    let CredentialSource::Client(client) = &cloud.credentials[0].source else {
        panic!("{:?}", cloud.credentials)
    };
    assert_eq!(client.token_url, "https://ours.example.com/t");
    let source = CredentialSource::ServiceAccount(FileSource::Path("/dev/null".into()));
    assert_eq!(cloud.credentials[1].source, source);
    told(
        &text.replace("{tenant}", "{other}").replace("https://example.com'", "http://a.example'"),
        &[
            "providers.cloud.base_url: sends prompts and credentials readably over the network; use https, or set `allow_plain_http = true`",
            "providers.cloud.credentials.credential: nothing fills `{other}`; add `variables = { other = \"...\" }`",
        ],
    );
}

#[test]
fn several_replace_what_the_catalogue_knows() {
    let text = "[[providers.openai.credentials]]\napi_key_env = 'KEY'";
    let config = load_str("plugway.toml", text, &env).unwrap_or_else(|d| panic!("{d}"));
    let source = CredentialSource::Env("KEY".to_owned());
    let expected = Credential { name: "1".to_owned(), ..Credential::sole(source) };
    let known = &config.catalog.providers["openai"].credentials;
    assert_eq!(known.iter().map(|it| &**it).collect::<Vec<_>>(), [&expected]);
}

#[test]
fn of_several_some_may_be_missing() {
    told(
        &SEVERAL.replace("'KEY'", "'NO_KEY'"),
        &[
            "warning: providers.cloud.credentials.api_key_env: `UNSET` or `NO_KEY` is not set; set it, or remove the credential",
        ],
    );
    let none = SEVERAL.replace("'KEY'", "'NO_KEY'").replace("/dev/null", "/nonexistent");
    let config = load_str("plugway.toml", &none, &env).unwrap();
    let missing = config.ready().unwrap_err().to_string();
    assert_eq!(missing.lines().count(), 2, "{missing}");
    assert!(missing.contains("remove the provider"), "{missing}");
    let config = load_str("plugway.toml", &SEVERAL.replace("'KEY'", "'NO_KEY'"), &env).unwrap();
    assert!(config.ready().is_ok(), "the rest serves");
}

#[test]
fn every_mistake_in_several_credentials_is_told() {
    let cloud = |more: &str| {
        format!("[providers.cloud]\nbase_url = 'https://example.com'\noptions.region = 'r'\n{more}")
    };
    let one = |more: &str| cloud(&format!("[[providers.cloud.credentials]]\n{more}"));
    let check = |text: &str, expected: &str| told(text, &[expected]);
    check(
        &one("name = 'x'"),
        "providers.cloud.credentials: a credential without a secret; add `api_key_env`, `api_key_file` or `credential`",
    );
    check(
        &one("api_key_env = 'KEY'\napi_key_file = '/dev/null'"),
        "providers.cloud.credentials.api_key_file: a second secret besides `api_key_env`; keep one of the two",
    );
    check(
        &one("api_key_env = 'KEY'\nname = 'Two Words'"),
        "providers.cloud.credentials.name: is no usable name; use lower-case letters, digits, `-`, `_` and `.`",
    );
    check(
        &one(
            "api_key_env = 'KEY'\nname = '2'\n[[providers.cloud.credentials]]\napi_key_env = 'KEY_ID'",
        ),
        "providers.cloud.credentials.name: `2` is a credential already; choose another",
    );
    check(
        &one("api_key_env = 'KEY'\nweight = 0"),
        "providers.cloud.credentials.weight: 0 is out of range; choose 1 to 4294967295",
    );
    check(
        &one("api_key_env = 'KEY'\nweigth = 1"),
        "providers.cloud.credentials.weigth: unknown key; did you mean `weight`?",
    );
    check(
        &one("api_key_env = 'KEY'\napi_key = 'sk-very-secret'"),
        "providers.cloud.credentials.api_key: secrets do not belong into this file; put it into an environment variable or a file, and name that with `api_key_env` or `api_key_file`",
    );
    check(
        &one("credential = { access_key_file = '/dev/null' }"),
        "providers.cloud.credentials: this credential cannot be attached as `auth` says; name one with `api_key_env` or `api_key_file`, or change `auth`",
    );
    check(
        &cloud("api_key_env = 'KEY'\n[[providers.cloud.credentials]]\napi_key_env = 'KEY'"),
        "providers.cloud.credentials: a second secret besides `api_key_env`; keep one of the two",
    );
    check(
        &cloud("credentials = []"),
        "providers.cloud.credentials: names no credential; add one, or leave the key out",
    );
    check(
        &cloud("credentials = 'KEY'"),
        "providers.cloud.credentials: is a string; write an array of tables",
    );
    check(
        &cloud("auth = 'none'\n[[providers.cloud.credentials]]\napi_key_env = 'KEY'"),
        "providers.cloud.auth: `none` leaves the secret unused; remove the secret, or say how it is attached",
    );
    let place = one("api_key_env = 'KEY'\nweight = 0");
    let mistakes = load_str("plugway.toml", &place, &env).unwrap_err().to_string();
    assert!(mistakes.starts_with("plugway.toml:6:10: "), "{mistakes}");
}

#[test]
fn a_provider_may_be_called_with_clients_own_keys_alone() {
    let bare = "[providers.cloud]\nbase_url = 'https://example.com'\nbyok_only = true\n";
    let cloud = provider(bare);
    assert_eq!((&cloud.auth, cloud.credentials.len()), (&AuthScheme::Bearer, 0));
    // The catalogue's variable is not missed.
    let config = load_str("plugway.toml", "[providers.anthropic]\nbyok_only = true", &env);
    let config = config.unwrap().ready().unwrap();
    let known = &config.catalog.providers["anthropic"];
    assert!(known.credentials.is_empty() && matches!(known.auth, AuthScheme::Header(_)));
    told(
        &format!("{bare}api_key_env = 'KEY'"),
        &[
            "providers.cloud.api_key_env: a secret that `byok_only` leaves unused; remove it, or `byok_only`",
        ],
    );
    told(
        &format!("{bare}auth = 'none'"),
        &[
            "providers.cloud.byok_only: the provider takes no keys; remove it, or say how keys are attached",
        ],
    );
}
