//! Rows and sums, told once or often.

use super::*;
use crate::testing::stores;

fn row(id: &str) -> Row {
    Row {
        id: id.into(),
        run: 7,
        came_ms: 1_764_300_000_000,
        key: Some("ab".repeat(32)),
        workspace: "default".into(),
        route: "/v1/chat/completions".into(),
        model: "model-name".into(),
        served_model: "author/model-name".into(),
        endpoint: "provider/model-name".into(),
        provider: "provider".into(),
        credential: "default".into(),
        outcome: "open".into(),
        cost: Some(5),
        detail: "{}".into(),
        ..Row::default()
    }
}

fn settled(id: &str, cost: u64) -> Row {
    Row { cost: Some(cost), outcome: "ok".into(), status: 200, state: State::Settled, ..row(id) }
}

#[tokio::test]
async fn a_row_is_opened_and_settles_once() {
    for store in stores().await {
        let written = store.write_ledger(&[Entry::Open(row("gen-1"))]).await.unwrap();
        assert_eq!(written, Written::default());
        assert_eq!(store.generation("gen-1").await.unwrap(), Some(row("gen-1")));
        assert_eq!(store.daily(&DayFilter::default()).await.unwrap(), []);
        let batch = [Entry::Settled(settled("gen-1", 11))];
        assert_eq!(store.write_ledger(&batch).await.unwrap().settled, 1);
        let again = store.write_ledger(&batch).await.unwrap();
        assert_eq!((again.settled, &*again.repeated), (0, &["gen-1".to_owned()][..]));
        store.write_ledger(&[Entry::Open(row("gen-1"))]).await.unwrap();
        assert_eq!(store.generation("gen-1").await.unwrap(), Some(settled("gen-1", 11)));
        let daily = store.daily(&DayFilter::default()).await.unwrap();
        assert_eq!((daily.len(), daily[0].requests, daily[0].cost), (1, 1, 11));
    }
}
