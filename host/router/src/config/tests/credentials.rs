//! Credentials that are more than a secret, and URLs with gaps.

use super::*;
use crate::catalog::{AccessKeySource, FileSource, SecretSource};

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
    assert_eq!(cloud.credential, CredentialSource::AccessKey(source));

    let file = "[providers.cloud]
base_url = 'https://example.com'
auth = { sigv4 = 'inference' }
options = { region = 'north-2' }
credential = { access_key_file = '/dev/null' }
";
    let file = provider(file);
    assert_eq!(file.text_option("region").as_deref(), Some("north-2"));
    let source = AccessKeySource::File("/dev/null".into());
    assert_eq!(file.credential, CredentialSource::AccessKey(source));
}

#[test]
fn tokens_are_obtained_for_a_client_or_a_service_account() {
    let cloud = provider(&format!(
        "{TOKENED}variables = {{ resource = 'ours', tenant = {{ env = 'TENANT' }} }}"
    ));
    assert_eq!(cloud.base_url, "https://ours.example.com/");
    let CredentialSource::Client(client) = &cloud.credential else {
        panic!("{:?}", cloud.credential)
    };
    assert_eq!(client.token_url, "https://login.example.com/our.tenant/token");
    assert_eq!(client.secret, SecretSource::Env("KEY".to_owned()));

    let account = "[providers.cloud]
base_url = 'https://example.com'
auth = { oauth = 'scope' }
credential = { service_account_file = '/dev/null' }
";
    let source = FileSource::Path("/dev/null".into());
    assert_eq!(provider(account).credential, CredentialSource::ServiceAccount(source));
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
            "providers.cloud.credential.service_account_file: a second credential besides `access_key_file`; keep one of the two",
            "providers.cloud.auth: the credential cannot be attached so; name a `service_account_file` or a client with its `token_url` in `credential`, or change `auth`",
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
