//! What is kept comes back bit by bit, and no more is kept than may be.

use super::*;
use crate::testing::stores;

/// What a snapshot is here: one number for each endpoint.
type Snapshot = Vec<(String, f64)>;

/// The form of that.
const FORMAT: u32 = 1;

/// To which [`full`] records refer; the first bit is set.
const SNAPSHOT: u64 = 0x8000_0000_0000_0001;

/// A request that had ten endpoints to choose from, as they are in the field.
fn full(id: &str, came_ms: u64) -> Record {
    let candidate = |place: u32| Candidate {
        id: format!("provider-{place}/author-model-name-2026"),
        provider: format!("provider-{place}"),
        model: "author/model-name-2026".into(),
        price: Price { prompt: 3.0, completion: 15.0, cache_read: Some(0.3), ..Price::default() },
        estimated_cost: 0.012_345,
        context_length: 200_000,
        max_output_tokens: Some(64_000),
        region: Some("eu".into()),
        ..Candidate::default()
    };
    let step = |candidate| Step { candidate, ..Step::default() };
    let decision = Decision {
        strategy: Some(Strategy {
            id: "balanced".into(),
            digest: [7; 32].into(),
            options: Vec::new(),
            score_names: Vec::new(),
            state: None,
        }),
        query: Query {
            models: vec!["author/model-name-2026".into()],
            needs: vec!["tools".into(), "streaming".into()],
            seed: u64::MAX,
            now_ms: came_ms,
            ..Query::default()
        },
        candidates: (0..10).map(candidate).collect(),
        snapshot: SNAPSHOT,
        imports: Vec::new(),
        read_prompts: false,
        ruling: Ruling::Plan(Plan {
            steps: (0..10).map(step).collect(),
            reason: "Weighted by price among 10 healthy endpoints.".into(),
            note: String::new(),
        }),
        steps: (0..5).map(step).collect(),
        reason: "Weighted by price among 10 healthy endpoints.".into(),
    };
    Record {
        id: id.into(),
        came_ms,
        request: Request {
            route: "/v1/chat/completions".into(),
            service: Some(Service::Chat),
            models: "author/model-name-2026".into(),
            user_agent: Some("client/1.2.3".into()),
            ..Request::default()
        },
        excluded: Vec::new(),
        decision: Some(decision),
        attempts: vec![Attempt {
            endpoint: "provider-3/author-model-name-2026".into(),
            elapsed_ms: 2_100,
            tokens: Some((1_200, 350)),
            ..Attempt::default()
        }],
        outcome: Outcome { kind: "ok".into(), status: 200, ..Outcome::default() },
    }
}

fn snapshot() -> Snapshot {
    (0..10).map(|place| (format!("provider-{place}/author-model-name-2026"), 0.1)).collect()
}

/// Keeps records that all refer to one snapshot.
async fn keep(store: &Store, records: &[Record]) -> u64 {
    let snapshot = snapshot();
    let by_id = [(SNAPSHOT, &snapshot)].into();
    store.keep_decisions(records, &Snapshots { format: FORMAT, by_id }).await.unwrap()
}

async fn kept_snapshots(store: &Store) -> Vec<u64> {
    let ids: Vec<i64> =
        sqlx::query_scalar("SELECT id FROM snapshots").fetch_all(store.readers()).await.unwrap();
    let mut ids: Vec<u64> = ids.into_iter().map(i64::cast_unsigned).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn every_bit_of_a_number_comes_back() {
    let odd = [f64::from_bits(0x7ff8_0000_dead_beef), -0.0, f64::MIN_POSITIVE / 2.0, 0.1 + 0.2];
    let mut record = full("gen-1", 1);
    let decision = record.decision.as_mut().unwrap();
    for (candidate, value) in decision.candidates.iter_mut().zip(odd) {
        candidate.estimated_cost = value;
    }
    let again = Record::decode(&record.encode().unwrap()).unwrap();
    let costs = again.decision.unwrap().candidates;
    let bits: Vec<u64> = costs.iter().take(4).map(|it| it.estimated_cost.to_bits()).collect();
    assert_eq!(bits, odd.map(f64::to_bits));
}

#[test]
fn a_record_of_ten_candidates_is_compact() {
    let record = full("gen-0123456789abcdefghjkmnpqrs", 1_764_300_000_000);
    let bytes = record.encode().unwrap().len();
    println!("{bytes} bytes with ten candidates");
    assert!(bytes <= 2 * 1024, "{bytes}");
}

#[test]
fn what_another_version_wrote_is_refused_and_so_is_what_is_damaged() {
    let mut bytes = full("gen-1", 1).encode().unwrap();
    assert!(matches!(Record::decode(&bytes[..bytes.len() - 1]), Err(Error::Record(_))));
    assert!(matches!(Record::decode(&[]), Err(Error::Record(_))));
    for form in [1, 99] {
        bytes[0] = form;
        let refused = Record::decode(&bytes).unwrap_err();
        assert!(refused.to_string().contains(&format!("form {form} by another version")));
    }
}

#[tokio::test]
async fn what_is_kept_is_found_by_its_id() {
    for store in stores().await {
        let records = [full("gen-1", 1), full("gen-2", 2)];
        let bytes = keep(&store, &records).await;
        assert_eq!(store.decisions_bytes().await.unwrap(), bytes);
        assert_eq!(store.decision("gen-2").await.unwrap().as_ref(), Some(&records[1]));
        assert_eq!(store.decision("gen-3").await.unwrap(), None);
        let last = store.last_decisions(1).await.unwrap();
        assert_eq!(last, [records[1].clone()]);
    }
}

#[tokio::test]
async fn what_is_older_than_may_be_kept_goes() {
    for store in stores().await {
        let records: Vec<Record> = (0..20).map(|n| full(&format!("gen-{n}"), 1_000 + n)).collect();
        let bytes = keep(&store, &records).await;
        let gone = store.remove_decisions_before(1_010).await.unwrap();
        assert_eq!(store.decisions_bytes().await.unwrap(), bytes - gone);
        assert_eq!(store.decision("gen-9").await.unwrap(), None);
        assert_eq!(store.decision("gen-10").await.unwrap().as_ref(), Some(&records[10]));
        assert_eq!(store.remove_decisions_before(1_010).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn what_is_too_old_goes_though_a_clock_was_ahead_before_it() {
    for store in stores().await {
        let count = ROWS_AT_ONCE as u64;
        let ahead: Vec<Record> = (0..count).map(|n| full(&format!("gen-a{n}"), 9_000)).collect();
        let right: Vec<Record> =
            (0..count + 1).map(|n| full(&format!("gen-b{n}"), 1_000)).collect();
        let bytes = keep(&store, &ahead).await + keep(&store, &right).await;
        let gone = store.remove_decisions_before(2_000).await.unwrap();
        assert!(gone > 0);
        assert_eq!(store.decisions_bytes().await.unwrap(), bytes - gone);
        assert_eq!(store.decision(&format!("gen-b{count}")).await.unwrap(), None);
        assert_eq!(store.decision("gen-a0").await.unwrap().as_ref(), Some(&ahead[0]));
    }
}

#[tokio::test]
async fn the_oldest_go_where_there_is_too_much() {
    for store in stores().await {
        let count = ROWS_AT_ONCE as u64 + 500;
        let records: Vec<Record> = (0..count).map(|n| full(&format!("gen-{n:05}"), n)).collect();
        let bytes = keep(&store, &records).await;
        let each = bytes / count;
        // More than one turn's rows.
        let excess = bytes - 100 * each;
        let gone = store.remove_oldest_decisions(excess).await.unwrap();
        assert!(gone >= excess && gone < excess + 2 * each, "{gone} of {excess}");
        assert_eq!(kept_snapshots(&store).await, [SNAPSHOT]);
        assert_eq!(store.decisions_bytes().await.unwrap(), bytes - gone);
        let last = store.last_decisions(MAX_LISTED).await.unwrap();
        assert!((98..=100).contains(&last.len()), "{}", last.len());
        assert_eq!(last[0].id, format!("gen-{:05}", count - 1));
        assert_eq!(store.remove_oldest_decisions(u64::MAX).await.unwrap(), bytes - gone);
        assert_eq!(store.decisions_bytes().await.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_snapshot_is_kept_once_for_all_records_that_refer_to_it() {
    for store in stores().await {
        let first: Vec<Record> = (0..5).map(|n| full(&format!("gen-{n}"), n)).collect();
        let bytes = keep(&store, &first).await;
        let records: usize = first.iter().map(|it| it.encode().unwrap().len()).sum();
        assert!(bytes > records as u64);
        // No further byte for those who come later, nor is it needed once more.
        let second: Vec<Record> = (5..10).map(|n| full(&format!("gen-{n}"), n)).collect();
        let none = Snapshots::<Snapshot> { format: FORMAT, by_id: BTreeMap::new() };
        let more = store.keep_decisions(&second, &none).await.unwrap();
        assert_eq!(more, records as u64);
        assert_eq!(store.decisions_bytes().await.unwrap(), bytes + more);
        let kept: Option<Snapshot> = store.snapshot(FORMAT, SNAPSHOT).await.unwrap();
        assert_eq!(kept, Some(snapshot()));
        assert_eq!(store.snapshot::<Snapshot>(FORMAT, 7).await.unwrap(), None);
        let other = store.snapshot::<Snapshot>(FORMAT + 1, SNAPSHOT).await;
        assert!(matches!(other, Err(Error::Form(FORMAT))), "{other:?}");
    }
}

#[tokio::test]
async fn a_snapshot_goes_with_the_last_record_that_refers_to_it() {
    for store in stores().await {
        let snapshot = snapshot();
        let by_id: BTreeMap<u64, &Snapshot> =
            [(1, &snapshot), (2, &snapshot), (3, &snapshot)].into();
        let snapshots = Snapshots { format: FORMAT, by_id };
        // Two rest on the first, and the one between them on the second; nobody on the third.
        let mut records: Vec<Record> = (0..4).map(|n| full(&format!("gen-{n}"), n)).collect();
        for (record, id) in records.iter_mut().zip([1, 2, 1, 2]) {
            record.decision.as_mut().unwrap().snapshot = id;
        }
        store.keep_decisions(&records, &snapshots).await.unwrap();
        for (before, expected) in [(1, &[1, 2][..]), (2, &[1, 2]), (3, &[2]), (4, &[])] {
            store.remove_decisions_before(before).await.unwrap();
            assert_eq!(kept_snapshots(&store).await, expected, "{before}");
        }
        assert_eq!(store.decisions_bytes().await.unwrap(), 0);
    }
}

#[tokio::test]
async fn no_more_records_go_than_are_too_much_with_their_snapshots() {
    for store in stores().await {
        let large: Snapshot = vec![("x".repeat(100_000), 0.5)];
        let mut records: Vec<Record> = (0..10).map(|n| full(&format!("gen-{n}"), n)).collect();
        for (record, id) in records.iter_mut().zip(0..) {
            record.decision.as_mut().unwrap().snapshot = id;
        }
        let by_id = (0..10).map(|id| (id, &large)).collect();
        store.keep_decisions(&records, &Snapshots { format: FORMAT, by_id }).await.unwrap();
        // Two snapshots make this up; by their records alone it would be all of them.
        let gone = store.remove_oldest_decisions(150_000).await.unwrap();
        assert!((200_000..250_000).contains(&gone), "{gone}");
        assert_eq!(store.last_decisions(MAX_LISTED).await.unwrap().len(), 8);
        assert_eq!(kept_snapshots(&store).await, Vec::from_iter(2..10));
    }
}

#[tokio::test]
async fn a_row_of_an_earlier_form_is_refused_and_goes_in_its_time() {
    for store in stores().await {
        let mut bytes = full("gen-old", 1).encode().unwrap();
        bytes[0] = 1;
        let query = "INSERT INTO decisions (id, came_ms, record) VALUES ('gen-old', 1, $1)";
        let mut work = store.work().await.unwrap();
        sqlx::query(query).bind(bytes.clone()).execute(&mut *work).await.unwrap();
        work.commit().await.unwrap();
        keep(&store, &[full("gen-new", 2)]).await;
        let refused = store.decision("gen-old").await;
        assert!(matches!(refused, Err(Error::Form(1))), "{refused:?}");
        assert_eq!(store.last_decisions(9).await.unwrap().len(), 1);
        assert!(store.remove_decisions_before(2).await.unwrap() > 0);
        assert_eq!(store.decision("gen-old").await.unwrap(), None);
    }
}
