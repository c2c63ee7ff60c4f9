//! The keys of `[providers.NAME]`, and how those are read that are no plain values.

use super::ProviderTable;
use crate::config::accounts;
use crate::config::credential::{self, read_auth};
use crate::config::field::{Field, Slot};
use crate::config::identity::read_names;
use crate::config::options::{read_headers, read_options, read_pairs};
use crate::config::rates;
use crate::config::reader::Entry;
use crate::config::template::{Template, read_variables};

pub(in crate::config) const FIELDS: &[Field<ProviderTable>] = &[
    Field {
        key: "display_name",
        slot: Slot::Text(|c| &mut c.display_name),
        about: "Name for people. Default: the provider's name.",
    },
    Field {
        key: "adapter",
        slot: Slot::Text(|c| &mut c.adapter),
        about: "Id of the adapter plugin that speaks this provider's format. Default: the provider's name.",
    },
    Field {
        key: "base_url",
        slot: Slot::Nested {
            shape: "URL",
            read: |entry, provider| {
                if let Some(url) = Template::read(entry) {
                    provider.base_url = Some(url);
                }
            },
        },
        about: "Where requests go; adapters' paths are appended. May have gaps, `https://{region}.example.com`, that `variables` and text `options` fill. Required unless the provider is in the catalogue.",
    },
    Field {
        key: "models_url",
        slot: Slot::Nested {
            shape: "URL",
            read: |entry, provider| {
                if let Some(url) = Template::read(entry) {
                    provider.models_url = Some(url);
                }
            },
        },
        about: "Where the provider lists its models, if not under `base_url`; for `plugway models --live`. May have gaps like that.",
    },
    Field {
        key: "allow_plain_http",
        slot: Slot::Flag(|c| &mut c.allow_plain_http),
        about: "Permits a `http` URL of another machine: prompts and credential travel readably.",
    },
    Field {
        key: "api_key_env",
        slot: Slot::Nested {
            shape: "string or array of strings",
            read: |entry, provider| provider.identity.api_key_env = read_names(entry),
        },
        about: "Environment variable that holds the secret; of several, the first that is set.",
    },
    Field {
        key: "api_key_file",
        slot: Slot::Path(|c| &mut c.identity.api_key_file),
        about: "File that holds the secret; read again when it changes.",
    },
    Field {
        key: "auth",
        slot: Slot::Nested {
            shape: "`\"bearer\"`, `\"none\"`, `{ header = \"name\" }`, `{ query = \"name\" }`, `{ sigv4 = \"service\" }` or `{ oauth = \"scope\" }`",
            read: |entry, provider| {
                if let Some(auth) = read_auth(entry) {
                    provider.auth = Some(auth);
                }
            },
        },
        about: "How the secret is attached. `sigv4` signs requests with an access key, for the provider's `region`; `oauth` sends an access token of that scope. Default: as the catalogue's provider of the same adapter, else `\"bearer\"`; without a secret, `\"none\"`.",
    },
    Field {
        key: "credential",
        slot: Slot::Nested {
            shape: "table",
            read: |entry, provider| provider.identity.credential = credential::read(entry),
        },
        about: "In place of a secret: what requests are signed with, or access tokens obtained.",
    },
    Field {
        key: "credentials",
        slot: Slot::Nested {
            shape: "array of tables",
            read: |entry, provider| provider.accounts = accounts::read(entry),
        },
        about: "In place of `api_key_env`, `api_key_file` and `credential`: several of them, to choose from for each attempt. See below.",
    },
    Field {
        key: "byok_only",
        slot: Slot::Flag(|c| &mut c.byok_only),
        about: "The router has no credential of its own there: requests are made with keys that clients bring (`/v1/byok`), attached as `auth` says, and whoever has brought none is not served there.",
    },
    Field {
        key: "variables",
        slot: Slot::Nested {
            shape: "table of strings, or of `{ env = \"NAME\", default = \"value\" }`",
            read: |entry, provider| read_variables(entry, &mut provider.variables),
        },
        about: "Texts that fill the gaps of URLs; also handed to the adapter as options. Letters, digits, `-`, `_` and `.` only. Options of the same names come first.",
    },
    Field {
        key: "headers",
        slot: Slot::Nested {
            shape: "table of strings",
            read: |entry, provider| provider.headers = read_headers(entry),
        },
        about: "Sent with every request to the provider. Not for secrets.",
    },
    Field {
        key: "options",
        slot: Slot::Nested {
            shape: "table of any values",
            read: |entry, provider| provider.options = read_options(entry),
        },
        about: "Handed to the adapter with every request.",
    },
    Field {
        key: "relay",
        slot: Slot::Words(|c| &mut c.relay),
        about: "Paths below the base URL, e.g. `/images`, that are open to clients as `/v1/providers/NAME/images...`: passed on as they are, with this provider's credential, and not accounted. Default: none.",
    },
    Field {
        key: "tags",
        slot: Slot::Nested {
            shape: "table of strings",
            read: |entry, provider| provider.tags = read_pairs(entry),
        },
        about: "Labels for strategies.",
    },
    rates::requests_per_minute(),
    rates::tokens_per_minute(),
    rates::concurrent_requests(),
    Field {
        key: "by_name_only",
        slot: Slot::Flag(|c| &mut c.by_name_only),
        about: "Of the catalogue: the provider's variable alone does not turn it on, for it belongs to another one too, or there is none.",
    },
    Field {
        key: "trains_on_prompts",
        slot: Slot::Nested {
            shape: "boolean",
            read: |entry, provider| provider.facts.trains_on_prompts = read_fact(entry),
        },
        about: "Whether the provider may train models on prompts. Default: unknown, and then a request with `provider.data_collection = \"deny\"` does not go there.",
    },
    Field {
        key: "retains_prompts",
        slot: Slot::Nested {
            shape: "boolean",
            read: |entry, provider| provider.facts.retains_prompts = read_fact(entry),
        },
        about: "Whether the provider keeps prompts, for whatever time and reason. Default: unknown, and then a request with `provider.zdr` does not go there.",
    },
    Field {
        key: "headquarters",
        slot: Slot::Text(|c| &mut c.facts.headquarters),
        about: "Country, e.g. `US`. Shown in `/v1/providers`, as are the next three.",
    },
    Field {
        key: "privacy_policy_url",
        slot: Slot::Text(|c| &mut c.facts.privacy_policy_url),
        about: "Page.",
    },
    Field {
        key: "terms_of_service_url",
        slot: Slot::Text(|c| &mut c.facts.terms_of_service_url),
        about: "Page.",
    },
    Field {
        key: "status_page_url",
        slot: Slot::Text(|c| &mut c.facts.status_page_url),
        about: "Page.",
    },
];

fn read_fact(entry: &Entry<'_>) -> Option<bool> {
    let fact = entry.value().as_bool();
    if fact.is_none() {
        entry.wrong_type("`true` or `false`");
    }
    fact
}
