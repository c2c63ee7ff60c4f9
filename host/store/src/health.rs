//! How endpoints have fared, over a restart: a row for each, which is written whole.

use crate::sql::{integer, text};
use crate::{Error, Store};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// What was not saved for so long is deleted: no window is longer.
const MAX_AGE: Duration = Duration::from_secs(24 * 3600);

/// What is kept of one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthRow<T> {
    /// Its id.
    pub endpoint: String,
    /// Milliseconds since the Unix epoch.
    pub saved_ms: u64,
    /// What is known of it.
    pub record: T,
}

/// As it is in the table: endpoint, when it was saved, form, checksum, record.
type Stored = (String, i64, i64, i64, Vec<u8>);

impl Store {
    /// Puts these rows in the place of those that there are of the same endpoints.
    /// `format` is the form of `T`, to be counted up when that changes.
    ///
    /// # Errors
    /// When the database fails; then none is written.
    pub async fn save_health<T: Serialize + Sync>(
        &self,
        format: u32,
        now_ms: u64,
        rows: &[HealthRow<T>],
    ) -> Result<(), Error> {
        self.within(async {
            let max_age_ms = u64::try_from(MAX_AGE.as_millis()).unwrap_or(u64::MAX);
            let mut transaction = self.work().await?;
            let expired = sqlx::query("DELETE FROM health WHERE saved_ms < $1");
            expired
                .bind(integer(now_ms.saturating_sub(max_age_ms)))
                .execute(&mut *transaction)
                .await?;
            // In one order, so that of two routers none waits for the other in a circle.
            let mut rows: Vec<_> = rows.iter().collect();
            rows.sort_unstable_by(|a, b| a.endpoint.cmp(&b.endpoint));
            for row in rows {
                let Ok(record) = postcard::to_allocvec(&row.record) else {
                    tracing::warn!(endpoint = row.endpoint, "its health cannot be written down");
                    continue;
                };
                sqlx::query(SAVE)
                    .bind(text(&row.endpoint))
                    .bind(integer(row.saved_ms))
                    .bind(i64::from(format))
                    .bind(checksum(&record))
                    .bind(record)
                    .execute(&mut *transaction)
                    .await?;
            }
            transaction.commit().await?;
            Ok(())
        })
        .await
    }

    /// The rows that were saved in this form. Those that cannot be read are told in the
    /// log and left out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn load_health<T: DeserializeOwned>(
        &self,
        format: u32,
    ) -> Result<Vec<HealthRow<T>>, Error> {
        self.within(async {
            let query = "SELECT endpoint, saved_ms, format, checksum, record FROM health";
            let rows = sqlx::query_as::<_, Stored>(query).fetch_all(self.readers()).await?;
            Ok(rows.into_iter().filter_map(|row| read(row, format)).collect())
        })
        .await
    }
}

const SAVE: &str = "INSERT INTO health (endpoint, saved_ms, format, checksum, record) \
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (endpoint) DO UPDATE SET \
    saved_ms = excluded.saved_ms, format = excluded.format, checksum = excluded.checksum, \
    record = excluded.record";

fn read<T: DeserializeOwned>(stored: Stored, wanted: u32) -> Option<HealthRow<T>> {
    let (endpoint, saved_ms, format, sum, bytes) = stored;
    if format != i64::from(wanted) {
        tracing::info!(endpoint, "its health was saved by another version, and is forgotten");
        return None;
    }
    let record = match checksum(&bytes) == sum {
        true => postcard::from_bytes(&bytes).ok(),
        false => None,
    };
    let Some(record) = record else {
        tracing::warn!(endpoint, "its health was saved and cannot be read; it is forgotten");
        return None;
    };
    Some(HealthRow { endpoint, saved_ms: u64::try_from(saved_ms).unwrap_or(0), record })
}

/// FNV-1a: what a disk or a hand has changed is not to be made sense of.
fn checksum(bytes: &[u8]) -> i64 {
    let sum = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    sum.cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::stores;

    type Record = (f64, Vec<u32>);

    const DAY: u64 = 24 * 3_600_000;

    fn row(endpoint: &str, saved_ms: u64, value: f64) -> HealthRow<Record> {
        HealthRow { endpoint: endpoint.into(), saved_ms, record: (value, vec![1, 2, 3]) }
    }

    async fn loaded(store: &Store) -> Vec<(String, u64, u64)> {
        let mut rows = store.load_health::<Record>(1).await.unwrap();
        rows.sort_by(|a, b| a.endpoint.cmp(&b.endpoint));
        let shown = |it: HealthRow<Record>| (it.endpoint, it.saved_ms, it.record.0.to_bits());
        rows.into_iter().map(shown).collect()
    }

    #[tokio::test]
    async fn the_newest_row_of_each_endpoint_is_kept_for_a_day() {
        for store in stores().await {
            let (third, half) = (1.0 / 3.0, 0.5_f64);
            let rows = [row("a/m", DAY, 0.1), row("b/m", DAY, half)];
            store.save_health(1, DAY, &rows).await.unwrap();
            store.save_health(1, DAY + 5, &[row("a/m", DAY + 5, third)]).await.unwrap();
            let (a, b) =
                (("a/m".into(), DAY + 5, third.to_bits()), ("b/m".into(), DAY, half.to_bits()));
            assert_eq!(loaded(&store).await, [a.clone(), b]);
            store.save_health::<Record>(1, 2 * DAY + 1, &[]).await.unwrap();
            assert_eq!(loaded(&store).await, [a]);
        }
    }

    #[tokio::test]
    async fn a_row_that_is_broken_or_of_another_form_harms_no_other() {
        for store in stores().await {
            let rows = [row("a/m", 1, 0.1), row("b/m", 1, 0.2), row("c/m", 1, 0.3)];
            store.save_health(1, 1, &rows).await.unwrap();
            store.save_health(2, 1, &[row("d/m", 1, 0.4)]).await.unwrap();
            let query = "UPDATE health SET record = $1 WHERE endpoint = 'b/m'";
            let mut work = store.work().await.unwrap();
            sqlx::query(query).bind(vec![0_u8; 9]).execute(&mut *work).await.unwrap();
            work.commit().await.unwrap();
            let endpoints: Vec<_> = loaded(&store).await.into_iter().map(|it| it.0).collect();
            assert_eq!(endpoints, ["a/m", "c/m"]);
        }
    }
}
