//! Presets as they are told, described: they are written without types of their own.

#![expect(dead_code, reason = "there to be described")]

use utoipa::{IntoParams, ToSchema};

/// A preset.
#[derive(ToSchema)]
pub(in crate::api) struct PresetInfo {
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
pub(in crate::api) struct PresetData {
    data: PresetWithVersion,
}

#[derive(ToSchema)]
pub(in crate::api) struct PresetWithVersion {
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
pub(in crate::api) struct PresetVersionInfo {
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
pub(in crate::api) struct PresetVersionData {
    data: PresetVersionInfo,
}

/// A page of presets.
#[derive(ToSchema)]
pub(in crate::api) struct Presets {
    data: Vec<PresetInfo>,
    total_count: u64,
}

/// A page of versions.
#[derive(ToSchema)]
pub(in crate::api) struct PresetVersions {
    data: Vec<PresetVersionInfo>,
    total_count: u64,
}

#[derive(ToSchema)]
pub(in crate::api) struct PresetDeleted {
    deleted: bool,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct Page {
    /// Records to skip.
    #[param(minimum = 0, maximum = 10_000_000)]
    offset: Option<u32>,
    /// Records of a page, 50 where it is left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(in crate::api) struct Slug {
    /// The preset's slug.
    #[param(pattern = "^[A-Za-z0-9_.-]{1,64}$")]
    slug: String,
}
