//! Presets: settings by name, of which every version is kept, up to a bound.

use crate::sql::{integer, text};
use crate::{Error, Store};
use sqlx::Row;
use sqlx::any::AnyRow;

/// Presets that are kept.
pub const MAX_PRESETS: u32 = 1_000;

/// Versions that are kept of each preset; beyond them the oldest is dropped.
pub const MAX_VERSIONS: u32 = 100;

/// What a preset holds. `Debug` shows no content.
#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    /// Which format they are in.
    pub dialect: String,
    /// JSON object.
    pub config: String,
    /// What a conversation is to begin with.
    pub system_prompt: Option<String>,
}

/// One version of a preset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresetVersion {
    /// Which preset.
    pub slug: String,
    /// From 1.
    pub version: u32,
    /// When its first version was saved, milliseconds since the Unix epoch.
    pub first_ms: u64,
    /// When this one was.
    pub created_ms: u64,
    /// What it holds.
    pub settings: Settings,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Settings({}, {} bytes)", self.dialect, self.config.len())
    }
}

impl Store {
    /// Saves settings as the newest version of a preset, which is made if it is not
    /// there. None: there is no room for another preset.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn save_preset(
        &self,
        slug: &str,
        settings: &Settings,
        now_ms: u64,
    ) -> Result<Option<PresetVersion>, Error> {
        self.within(async {
            // Writers take turns, so that no version is numbered twice.
            let mut work = self.turn("presets").await?;
            let slug = &text(slug);
            let newest = sqlx::query(NEWEST).bind(slug).fetch_optional(&mut *work).await?;
            let newest = newest.map(|row| read(&row)).transpose()?;
            if newest.is_none() {
                let count =
                    sqlx::query_scalar::<_, i64>("SELECT count(DISTINCT slug) FROM presets");
                if count.fetch_one(&mut *work).await? >= i64::from(MAX_PRESETS) {
                    return Ok(None);
                }
            }
            let version = PresetVersion {
                slug: slug.to_owned(),
                version: newest.as_ref().map_or(1, |it| it.version.saturating_add(1)),
                first_ms: newest.map_or(now_ms, |it| it.first_ms),
                created_ms: now_ms,
                settings: settings.clone(),
            };
            sqlx::query("INSERT INTO presets VALUES ($1, $2, $3, $4, $5, $6, $7)")
                .bind(slug)
                .bind(i64::from(version.version))
                .bind(integer(version.first_ms))
                .bind(integer(now_ms))
                .bind(text(&settings.dialect))
                .bind(text(&settings.config))
                .bind(settings.system_prompt.as_deref().map(text))
                .execute(&mut *work)
                .await?;
            sqlx::query("DELETE FROM presets WHERE slug = $1 AND version <= $2")
                .bind(slug)
                .bind(i64::from(version.version) - i64::from(MAX_VERSIONS))
                .execute(&mut *work)
                .await?;
            work.commit().await?;
            Ok(Some(version))
        })
        .await
    }

    /// Moves with every change of presets, whoever made it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn presets_revision(&self) -> Result<i64, Error> {
        let query = sqlx::query_scalar("SELECT value FROM counters WHERE name = 'presets'");
        self.within(async { Ok(query.fetch_one(self.readers()).await?) }).await
    }

    /// The version of a preset that is in use.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn preset(&self, slug: &str) -> Result<Option<PresetVersion>, Error> {
        self.within(async {
            let row = sqlx::query(NEWEST).bind(text(slug)).fetch_optional(self.readers()).await?;
            row.map(|row| read(&row)).transpose()
        })
        .await
    }

    /// One version of a preset.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn preset_version(
        &self,
        slug: &str,
        version: u32,
    ) -> Result<Option<PresetVersion>, Error> {
        self.within(async {
            let query = sqlx::query("SELECT * FROM presets WHERE slug = $1 AND version = $2");
            let row = query
                .bind(text(slug))
                .bind(i64::from(version))
                .fetch_optional(self.readers())
                .await?;
            row.map(|row| read(&row)).transpose()
        })
        .await
    }

    /// A page of a preset's versions, oldest first, and how many there are.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn preset_versions(
        &self,
        slug: &str,
        offset: u32,
        limit: u32,
    ) -> Result<(Vec<PresetVersion>, u64), Error> {
        self.within(async {
            let query = "SELECT * FROM presets WHERE slug = $1 ORDER BY version LIMIT $2 OFFSET $3";
            let slug = text(slug);
            let query =
                sqlx::query(query).bind(&slug).bind(i64::from(limit)).bind(i64::from(offset));
            let rows = query.fetch_all(self.readers()).await?;
            let count =
                sqlx::query_scalar::<_, i64>("SELECT count(*) FROM presets WHERE slug = $1");
            let count = count.bind(&slug).fetch_one(self.readers()).await?;
            let page: Result<Vec<_>, _> = rows.iter().map(read).collect();
            Ok((page?, count.unsigned_abs()))
        })
        .await
    }

    /// A page of presets, each in the version that is in use, the one that was saved
    /// last first, and how many there are.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn presets(
        &self,
        offset: u32,
        limit: u32,
    ) -> Result<(Vec<PresetVersion>, u64), Error> {
        self.within(async {
            let query = "SELECT * FROM presets AS it WHERE version = \
                         (SELECT max(version) FROM presets WHERE slug = it.slug) \
                         ORDER BY created_ms DESC, slug LIMIT $1 OFFSET $2";
            let query = sqlx::query(query).bind(i64::from(limit)).bind(i64::from(offset));
            let rows = query.fetch_all(self.readers()).await?;
            let count = sqlx::query_scalar::<_, i64>("SELECT count(DISTINCT slug) FROM presets");
            let count = count.fetch_one(self.readers()).await?;
            let page: Result<Vec<_>, _> = rows.iter().map(read).collect();
            Ok((page?, count.unsigned_abs()))
        })
        .await
    }

    /// Forgets a preset and all its versions; whether there was one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_preset(&self, slug: &str) -> Result<bool, Error> {
        self.within(async {
            let mut work = self.turn("presets").await?;
            let query = sqlx::query("DELETE FROM presets WHERE slug = $1").bind(text(slug));
            let gone = query.execute(&mut *work).await?.rows_affected();
            work.commit().await?;
            Ok(gone > 0)
        })
        .await
    }
}

const NEWEST: &str = "SELECT * FROM presets WHERE slug = $1 ORDER BY version DESC LIMIT 1";

fn read(row: &AnyRow) -> Result<PresetVersion, Error> {
    let milliseconds = |name| row.try_get::<i64, _>(name).map(i64::unsigned_abs);
    Ok(PresetVersion {
        slug: row.try_get("slug")?,
        version: u32::try_from(row.try_get::<i64, _>("version")?).unwrap_or(u32::MAX),
        first_ms: milliseconds("first_ms")?,
        created_ms: milliseconds("created_ms")?,
        settings: Settings {
            dialect: row.try_get("dialect")?,
            config: row.try_get("config")?,
            system_prompt: row.try_get("system_prompt")?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::stores;

    fn settings(config: &str) -> Settings {
        let (dialect, config) = ("openai-chat".to_owned(), config.to_owned());
        Settings { dialect, config, system_prompt: Some("Be brief.".to_owned()) }
    }

    #[tokio::test]
    async fn the_newest_version_is_in_use_and_older_ones_are_readable() {
        for store in stores().await {
            assert_eq!(store.preset("a").await.unwrap(), None);
            let first = store.save_preset("a", &settings("{}"), 10).await.unwrap().unwrap();
            let second = store.save_preset("a", &settings("{\"n\":2}"), 20).await.unwrap().unwrap();
            assert_eq!((first.version, second.version), (1, 2));
            assert_eq!((second.first_ms, second.created_ms), (10, 20));
            assert_eq!(store.preset("a").await.unwrap(), Some(second.clone()));
            assert_eq!(store.preset_version("a", 1).await.unwrap(), Some(first.clone()));
            assert_eq!(store.preset_version("a", 3).await.unwrap(), None);
            let versions = store.preset_versions("a", 0, 9).await.unwrap();
            assert_eq!(versions, (vec![first, second.clone()], 2));
            assert_eq!(store.preset_versions("a", 1, 9).await.unwrap(), (vec![second], 2));
        }
    }

    #[tokio::test]
    async fn presets_are_listed_by_their_last_change() {
        for store in stores().await {
            for (slug, now) in [("a", 1), ("b", 2), ("a", 3)] {
                store.save_preset(slug, &settings("{}"), now).await.unwrap();
            }
            let (page, count) = store.presets(0, 9).await.unwrap();
            let page: Vec<_> = page.iter().map(|it| (&*it.slug, it.version)).collect();
            assert_eq!((page, count), (vec![("a", 2), ("b", 1)], 2));
            assert!(store.delete_preset("a").await.unwrap());
            assert!(!store.delete_preset("a").await.unwrap());
            assert_eq!(store.presets(0, 9).await.unwrap().1, 1);
        }
    }

    #[tokio::test]
    async fn versions_and_presets_are_bounded() {
        for store in stores().await {
            for now in 0..=u64::from(MAX_VERSIONS) {
                store.save_preset("a", &settings("{}"), now).await.unwrap();
            }
            let (page, count) = store.preset_versions("a", 0, 1).await.unwrap();
            assert_eq!((page[0].version, page[0].first_ms, count), (2, 0, MAX_VERSIONS.into()));
            for number in 1..MAX_PRESETS {
                let saved =
                    store.save_preset(&format!("p{number}"), &settings("{}"), 1).await.unwrap();
                assert!(saved.is_some());
            }
            assert_eq!(store.save_preset("one-more", &settings("{}"), 1).await.unwrap(), None);
            assert!(store.save_preset("a", &settings("{}"), 1).await.unwrap().is_some());
        }
    }
}
