//! Routes that write their answers without types of their own: described here, answered
//! elsewhere.

#![expect(dead_code, reason = "there to be described")]

use super::Refusals;
use utoipa::{IntoParams, ToSchema};

/// That the process answers.
#[derive(ToSchema)]
struct Alive {
    /// `ok`.
    status: String,
}

/// What became of a reload.
#[derive(ToSchema)]
struct Reloaded {
    /// Whether all of it succeeded.
    ok: bool,
    #[schema(value_type = Object)]
    config: (),
    #[schema(value_type = Object)]
    plugins: (),
}

/// Whether requests can be served, and the state of configuration, plugins and providers.
#[derive(ToSchema)]
struct Readiness {
    ready: bool,
    #[schema(value_type = Object)]
    config: (),
    #[schema(value_type = Object)]
    ledger: (),
    #[schema(value_type = Object)]
    plugins_directory: (),
    #[schema(value_type = Vec<Object>)]
    plugins: (),
    #[schema(value_type = Vec<Object>)]
    providers: (),
}

/// A preset.
#[derive(ToSchema)]
struct PresetInfo {
    id: String,
    slug: String,
    name: String,
    status: String,
    designated_version_id: String,
    created_at: String,
    updated_at: String,
}

/// A preset, with the version in use.
#[derive(ToSchema)]
struct PresetData {
    data: PresetWithVersion,
}

#[derive(ToSchema)]
struct PresetWithVersion {
    id: String,
    slug: String,
    name: String,
    status: String,
    designated_version_id: String,
    created_at: String,
    updated_at: String,
    designated_version: PresetVersionInfo,
}

/// A version of a preset.
#[derive(ToSchema)]
struct PresetVersionInfo {
    id: String,
    preset_id: String,
    version: u32,
    #[schema(required = true)]
    system_prompt: Option<String>,
    #[schema(value_type = Object)]
    config: (),
    created_at: String,
}

#[derive(ToSchema)]
struct PresetVersionData {
    data: PresetVersionInfo,
}

/// A page of presets.
#[derive(ToSchema)]
struct Presets {
    data: Vec<PresetInfo>,
    total_count: u64,
}

/// A page of versions.
#[derive(ToSchema)]
struct PresetVersions {
    data: Vec<PresetVersionInfo>,
    total_count: u64,
}

#[derive(ToSchema)]
struct PresetDeleted {
    deleted: bool,
}

/// What became of a request.
#[derive(ToSchema)]
struct GenerationData {
    #[schema(value_type = Object)]
    data: (),
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
struct Page {
    /// Records to skip.
    #[param(minimum = 0, maximum = 10_000_000)]
    offset: Option<u32>,
    /// Records of a page, 50 where it is left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
struct Slug {
    /// The preset's slug.
    #[param(pattern = "^[A-Za-z0-9_.-]{1,64}$")]
    slug: String,
}

/// List presets
#[utoipa::path(
    get, path = "/v1/presets", tag = "presets", operation_id = "listPresets", params(Page),
    security(("api_key" = []), ("management_key" = [])),
    responses((status = 200, description = "A page of presets.", body = Presets), Refusals),
)]
fn list_presets() {}

/// Show a preset
#[utoipa::path(
    get, path = "/v1/presets/{slug}", tag = "presets", operation_id = "getPreset", params(Slug),
    security(("api_key" = []), ("management_key" = [])),
    responses((status = 200, description = "The preset.", body = PresetData), Refusals),
)]
fn show_preset() {}

/// Delete a preset
#[utoipa::path(
    delete, path = "/v1/presets/{slug}", tag = "presets", operation_id = "deletePreset",
    params(Slug), security(("management_key" = [])),
    responses((status = 200, description = "It is gone.", body = PresetDeleted), Refusals),
)]
fn delete_preset() {}

/// List the versions of a preset
#[utoipa::path(
    get, path = "/v1/presets/{slug}/versions", tag = "presets",
    operation_id = "listPresetVersions", params(Slug, Page),
    security(("api_key" = []), ("management_key" = [])),
    responses((status = 200, description = "A page of versions.", body = PresetVersions), Refusals),
)]
fn list_preset_versions() {}

/// Show a version of a preset
#[utoipa::path(
    get, path = "/v1/presets/{slug}/versions/{version}", tag = "presets",
    operation_id = "getPresetVersion",
    params(Slug, ("version" = u32, Path, description = "Its number.")),
    security(("api_key" = []), ("management_key" = [])),
    responses((status = 200, description = "The version.", body = PresetVersionData), Refusals),
)]
fn show_preset_version() {}

/// Save a preset from a chat completion's body
///
/// What the body says of the conversation is left out, but for its system prompt.
#[utoipa::path(
    post, path = "/v1/presets/{slug}/chat/completions", tag = "presets",
    operation_id = "savePresetAsChat", params(Slug), request_body = Object,
    security(("management_key" = [])),
    responses((status = 200, description = "The preset.", body = PresetData), Refusals),
)]
fn save_preset_as_chat() {}

/// Save a preset from the body of a response to be made
#[utoipa::path(
    post, path = "/v1/presets/{slug}/responses", tag = "presets",
    operation_id = "savePresetAsResponse", params(Slug), request_body = Object,
    security(("management_key" = [])),
    responses((status = 200, description = "The preset.", body = PresetData), Refusals),
)]
fn save_preset_as_response() {}

/// Save a preset from the body of a message to be made
#[utoipa::path(
    post, path = "/v1/presets/{slug}/messages", tag = "presets",
    operation_id = "savePresetAsMessage", params(Slug), request_body = Object,
    security(("management_key" = [])),
    responses((status = 200, description = "The preset.", body = PresetData), Refusals),
)]
fn save_preset_as_message() {}

/// Show what became of a request
#[utoipa::path(
    get, path = "/v1/generation", tag = "usage", operation_id = "getGeneration",
    params(("id" = String, Query, description = "As the header `x-generation-id` names it.")),
    security(("api_key" = []), ("management_key" = [])),
    responses((status = 200, description = "The record.", body = GenerationData), Refusals),
)]
fn generation() {}

/// Read configuration and plugins again
#[utoipa::path(
    post, path = "/admin/reload", tag = "operation", operation_id = "reload",
    security(("management_key" = [])),
    responses((status = 200, description = "What became of it.", body = Reloaded), Refusals),
)]
fn reload() {}

/// Tell that the process answers
#[utoipa::path(
    get, path = "/healthz", tag = "operation", operation_id = "health",
    responses((status = 200, description = "It does.", body = Alive), Refusals),
)]
fn healthz() {}

/// Tell whether requests can be served
#[utoipa::path(
    get, path = "/readyz", tag = "operation", operation_id = "readiness",
    responses(
        Refusals,
        (status = 200, description = "They can.", body = Readiness),
        (status = 503, description = "They cannot.", body = Readiness),
    ),
)]
fn readyz() {}

/// Show counters and histograms
#[utoipa::path(
    get, path = "/metrics", tag = "operation", operation_id = "metrics",
    responses(
        (status = 200, description = "In OpenMetrics' format.", body = String, content_type = "application/openmetrics-text"),
        Refusals,
    ),
)]
fn metrics() {}

/// Show this description
#[utoipa::path(
    get, path = "/openapi.json", tag = "operation", operation_id = "description",
    responses((status = 200, description = "OpenAPI 3.1.", body = Object), Refusals),
)]
fn description() {}
