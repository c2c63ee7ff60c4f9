//! The reference of the configuration, printed from the same fields that the
//! reader uses, so that it cannot say anything else.

use std::fmt::Write as _;

use plugway_engine::{Grants, Limits};

use super::accounts::{self, AccountTable};
use super::cors;
use super::credential::{self, CredentialTable};
use super::field::Field;
use super::models::{self, EndpointTable, ModelTable};
use super::plugins::{self, PluginTable};
use super::prices::{self, PriceTable};
use super::providers::{self, ProviderTable};
use super::reader::quoted_list;
use super::typed::{SECTIONS, STATE, Typed};
use super::{
    CorsConfig, DecisionsConfig, LedgerConfig, LogConfig, MediaConfig, PluginsConfig,
    RoutingConfig, SecretsConfig, ServerConfig, UpstreamConfig, decisions, ledger, log, media,
    routing, secrets, server, upstream,
};

const INTRODUCTION: &str = "\
# Configuration

<!-- Written by `plugway config-reference`; a test compares. -->

Without a file, `plugway serve` turns on every provider of its catalogue whose
variable is set. A file, `plugway.toml` in the working directory or the one that
`--config` names, says the rest. `plugway check` prints every mistake in it.

- A duration is a whole number with `ms`, `s`, `m` or `h`: `\"250ms\"`, `\"2m\"`.
- A size is a whole number with `B`, `KiB`, `MiB` or `GiB`: `\"32MiB\"`.
- No bound can be zero. A bound that was left out never exceeds one that was
  written: with `total_timeout = \"1m\"` nothing waits longer.
- A relative path counts from the file's directory.
- An unknown key is a mistake.
- A secret never stands in the file: it names the variable or file that holds it.
";

const CORS: &str = "\
Web pages of other origins that may use the router. Browsers are told so before they
send a page's request, and with every answer; cookies and logins of the browser's are
never asked for. Health, metrics and reloading are not for pages.";

const CREDENTIAL: &str = "\
For providers that one secret is not enough for: one of an access key, a service
account and a client.";

const CREDENTIALS: &str = "\
One table for each credential that the provider may be called with. An attempt draws one
by its weight, of the team's own accounts if there are any. One that the provider refuses
(401, 402, 403 or 429) is left alone: as long as `retry-after` says, within
`routing.max_cooldown`, or else for a second, which doubles with each trial that fails, up to
`routing.breaker_max_pause`. Meanwhile the others are used, at once by the request that
found out. Where this machine lacks some of them, the rest serves.";

const PRICE: &str = "\
US dollars per million tokens, or per request. Decimals are read exactly: write
`2.5` or `\"2.5\"`.";

const CATALOGUE: &str = "
## The catalogue

Providers that are known without configuration. Without a file, or with one that
names no provider, the variable turns a provider on; of several, the first that is
set. Where it says \"by name only\", the variable belongs to another provider too, or
there is none: name the provider in the file.

| provider | variables | | adapter |
|---|---|---|---|
";

/// The reference, as Markdown.
#[must_use]
pub fn reference() -> String {
    let mut out = INTRODUCTION.to_owned();
    chapter(&mut out, "Above all sections", "What belongs to none of them.");
    rows(&mut out, &[&[STATE, ledger::LEDGER, ledger::SYNCHRONOUS]], &mut Typed::default());
    chapter(&mut out, "[server]", about("server"));
    rows(&mut out, &[server::FIELDS], &mut ServerConfig::default());
    chapter(&mut out, "[server.cors]", CORS);
    rows(&mut out, &[cors::FIELDS], &mut CorsConfig::default());
    chapter(&mut out, "[upstream]", about("upstream"));
    rows(&mut out, &[upstream::FIELDS], &mut UpstreamConfig::default());
    chapter(&mut out, "[media]", about("media"));
    rows(&mut out, &[media::FIELDS], &mut MediaConfig::default());
    chapter(&mut out, "[routing]", about("routing"));
    rows(&mut out, &[routing::FIELDS], &mut RoutingConfig::default());
    chapter(&mut out, "[decisions]", about("decisions"));
    rows(&mut out, &[decisions::FIELDS], &mut DecisionsConfig::default());
    chapter(&mut out, "[accounting]", about("accounting"));
    rows(&mut out, &[ledger::FIELDS], &mut LedgerConfig::default());
    chapter(&mut out, "[secrets]", about("secrets"));
    rows(&mut out, &[secrets::FIELDS], &mut SecretsConfig::default());
    chapter(&mut out, "[log]", about("log"));
    rows(&mut out, &[log::FIELDS], &mut LogConfig::default());
    chapter(&mut out, "[plugins]", about("plugins"));
    rows(&mut out, &[plugins::FIELDS], &mut PluginsConfig::default());
    chapter(
        &mut out,
        "[plugins.limits]",
        "What any plugin may use; one that exceeds it is stopped, and costs one attempt.",
    );
    rows(&mut out, &[plugins::LIMIT_FIELDS], &mut Limits::default());
    chapter(
        &mut out,
        "[plugins.NAME]",
        "One table for each plugin that gets more than its plain work, by id.",
    );
    rows(&mut out, &[plugins::PLUGIN_FIELDS], &mut PluginTable::default());
    chapter(&mut out, "[plugins.NAME.allow]", "Grants.");
    rows(&mut out, &[plugins::GRANT_FIELDS], &mut Grants::default());
    chapter(&mut out, "[providers.NAME]", about("providers"));
    rows(&mut out, &[providers::FIELDS], &mut ProviderTable::default());
    chapter(&mut out, "credential, of a provider", CREDENTIAL);
    rows(&mut out, &[credential::FIELDS], &mut CredentialTable::default());
    chapter(&mut out, "[[providers.NAME.credentials]]", CREDENTIALS);
    rows(&mut out, &[accounts::FIELDS], &mut AccountTable::default());
    chapter(&mut out, "[models.\"AUTHOR/NAME\"]", about("models"));
    rows(&mut out, &[models::FIELDS], &mut ModelTable::default());
    chapter(
        &mut out,
        "[[models.\"AUTHOR/NAME\".endpoints]]",
        "One table for each provider that serves the model.",
    );
    rows(&mut out, &[models::ENDPOINT_FIELDS], &mut EndpointTable::default());
    chapter(&mut out, "price, of an endpoint", PRICE);
    let price = &[prices::RATE_FIELDS, prices::PRICE_FIELDS];
    rows(&mut out, price, &mut PriceTable::default());
    chapter(
        &mut out,
        "tiers, of a price",
        "What replaces the price when a prompt is long. What is left out falls back within the tier.",
    );
    let tier = &[prices::TIER_FIELDS, prices::RATE_FIELDS];
    rows(&mut out, tier, &mut PriceTable::default());
    // Its keys are the operator's own.
    let _ = write!(out, "\n## `[aliases]`\n\n{}\n", about("aliases"));
    catalogue(&mut out);
    out
}

fn about(section: &str) -> &'static str {
    SECTIONS.iter().find(|field| field.key == section).map_or("", |field| field.about)
}

/// Every provider of the catalogue, and the variables that turn it on.
fn catalogue(out: &mut String) {
    let (known, _) = Typed::embedded();
    // Writing to a string cannot fail.
    let _ = write!(out, "{CATALOGUE}");
    for (name, provider) in known.providers() {
        let variables = quoted_list(provider.identity.api_key_env.iter().map(String::as_str));
        let by_name = if provider.by_name_only { "by name only" } else { "" };
        let adapter = provider.adapter.as_deref().unwrap_or(name);
        let _ = writeln!(out, "| `{name}` | {variables} | {by_name} | `{adapter}` |");
    }
}

fn chapter(out: &mut String, heading: &str, about: &str) {
    let heading =
        if heading.starts_with('[') { format!("`{heading}`") } else { heading.to_owned() };
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        "\n## {heading}\n\n{about}\n\n| key | value | default | meaning |\n|---|---|---|---|\n"
    );
}

fn rows<T>(out: &mut String, fields: &[&[Field<T>]], of: &mut T) {
    for field in fields.iter().copied().flatten() {
        let default = field.default(of);
        let default = default.map_or_else(String::new, |default| format!("`{default}`"));
        let (key, shape, about) = (field.key, field.shape(), field.about);
        let _ = writeln!(out, "| `{key}` | {shape} | {default} | {about} |");
    }
}
