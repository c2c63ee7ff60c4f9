//! The health that decisions rest on: written once, with the first record that refers to
//! it, and removed with the last. What it looks like is for those who take it to know.

use crate::{Error, Store};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::AnyConnection;
use std::collections::BTreeMap;

/// What records refer to.
#[derive(Clone, Debug)]
pub struct Snapshots<'a, T> {
    /// The form of `T`, to be counted up when that changes.
    pub format: u32,
    /// By the ids that records have of them.
    pub by_id: BTreeMap<u64, &'a T>,
}

const KEEP: &str = "INSERT INTO snapshots (id, format, last_sequence, snapshot) \
    VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO UPDATE SET format = excluded.format, \
    last_sequence = excluded.last_sequence, snapshot = excluded.snapshot";

impl<T: Serialize> Snapshots<'_, T> {
    /// Sees to it that this one is there for as long as the record is that refers to it.
    /// Returns how many bytes it took; none where it was there, or is not at hand.
    pub(super) async fn keep(
        &self,
        id: u64,
        last_sequence: i64,
        to: &mut AnyConnection,
    ) -> Result<u64, Error> {
        let query = "UPDATE snapshots SET last_sequence = $1 WHERE id = $2 AND format = $3";
        let query = sqlx::query(query).bind(last_sequence).bind(id.cast_signed());
        let query = query.bind(i64::from(self.format));
        if query.execute(&mut *to).await?.rows_affected() > 0 {
            return Ok(0);
        }
        let Some(snapshot) = self.by_id.get(&id) else { return Ok(0) };
        let encoded = postcard::to_allocvec(snapshot).map_err(Error::Record)?;
        let bytes = encoded.len() as u64;
        sqlx::query(KEEP)
            .bind(id.cast_signed())
            .bind(i64::from(self.format))
            .bind(last_sequence)
            .bind(encoded)
            .execute(to)
            .await?;
        Ok(bytes)
    }
}

impl Store {
    /// The snapshot that a record refers to, where it is kept.
    ///
    /// # Errors
    /// When the database fails, or the snapshot has another form, or is damaged.
    pub async fn snapshot<T: DeserializeOwned>(
        &self,
        format: u32,
        id: u64,
    ) -> Result<Option<T>, Error> {
        let query = sqlx::query_as("SELECT format, snapshot FROM snapshots WHERE id = $1");
        let found: Option<(i64, Vec<u8>)> =
            query.bind(id.cast_signed()).fetch_optional(self.readers()).await?;
        match found {
            None => Ok(None),
            Some((found, _)) if found != i64::from(format) => {
                Err(Error::Form(u32::try_from(found).unwrap_or(u32::MAX)))
            }
            Some((_, bytes)) => postcard::from_bytes(&bytes).map(Some).map_err(Error::Record),
        }
    }
}

/// Removes those to which no record can refer any more. Returns the bytes of each.
pub(super) async fn remove_unused(from: &mut AnyConnection) -> Result<Vec<i64>, Error> {
    Ok(sqlx::query_scalar(UNUSED).bind(i64::MAX).fetch_all(from).await?)
}

/// Records go in about their order, so a snapshot outlives its last one by little.
const UNUSED: &str = "DELETE FROM snapshots WHERE last_sequence < \
    (SELECT coalesce(min(sequence), $1) FROM decisions) RETURNING length(snapshot)";
