//! What is kept comes back bit by bit, and no more is kept than may be.

use super::*;
use crate::Location;

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
        health: Readings::Inline(vec![health(); 10]),
        imports: Vec::new(),
        read_prompts: false,
        ruling: Ruling::Plan(Plan {
            steps: (0..10).map(step).collect(),
            reason: "Weighted by price among 10 healthy endpoints.".into(),
            note: String::new(),
        }),
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

fn health() -> Health {
    let percentiles =
        Percentiles { p50: 310.0, p75: 420.0, p90: 640.0, p99: 1_300.0, samples: 812 };
    Health {
        uptime_30s: Some(0.996),
        uptime_5m: Some(0.998),
        uptime_30m: Some(0.999),
        rate_limited_5m: Some(0.001),
        bad_tool_calls: Some(0.0),
        in_flight: 17,
        capacity: Some(96),
        latency_ms: Some(percentiles),
        throughput: Some(percentiles),
        ..Health::default()
    }
}

async fn memory() -> Store {
    Store::open(&Location::Memory).await.unwrap()
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
    let mut record = full("gen-0123456789abcdefghjkmnpqrs", 1_764_300_000_000);
    let whole = record.encode().unwrap().len();
    record.decision.as_mut().unwrap().health = Readings::Inline(Vec::new());
    let bare = record.encode().unwrap().len();
    println!("{whole} bytes with ten candidates, {} of them their health", whole - bare);
    assert!(whole <= 3 * 1024, "{whole}");
}

#[test]
fn what_another_version_wrote_is_refused_and_so_is_what_is_damaged() {
    let mut bytes = full("gen-1", 1).encode().unwrap();
    assert!(matches!(Record::decode(&bytes[..bytes.len() - 1]), Err(Error::Record(_))));
    assert!(matches!(Record::decode(&[]), Err(Error::Record(_))));
    bytes[0] = 99;
    assert!(matches!(Record::decode(&bytes), Err(Error::Form(99))));
}

#[tokio::test]
async fn what_is_kept_is_found_by_its_id() {
    let store = memory().await;
    let records = [full("gen-1", 1), full("gen-2", 2)];
    let bytes = store.keep_decisions(&records).await.unwrap();
    assert_eq!(store.decisions_bytes().await.unwrap(), bytes);
    assert_eq!(store.decision("gen-2").await.unwrap().as_ref(), Some(&records[1]));
    assert_eq!(store.decision("gen-3").await.unwrap(), None);
    let last = store.last_decisions(1).await.unwrap();
    assert_eq!(last, [records[1].clone()]);
}

#[tokio::test]
async fn what_is_older_than_may_be_kept_goes() {
    let store = memory().await;
    let records: Vec<Record> = (0..20).map(|n| full(&format!("gen-{n}"), 1_000 + n)).collect();
    let bytes = store.keep_decisions(&records).await.unwrap();
    let gone = store.remove_decisions_before(1_010).await.unwrap();
    assert_eq!(store.decisions_bytes().await.unwrap(), bytes - gone);
    assert_eq!(store.decision("gen-9").await.unwrap(), None);
    assert_eq!(store.decision("gen-10").await.unwrap().as_ref(), Some(&records[10]));
    assert_eq!(store.remove_decisions_before(1_010).await.unwrap(), 0);
}

#[tokio::test]
async fn the_oldest_go_where_there_is_too_much() {
    let store = memory().await;
    let count = ROWS_AT_ONCE as u64 + 500;
    let records: Vec<Record> = (0..count).map(|n| full(&format!("gen-{n:05}"), n)).collect();
    let bytes = store.keep_decisions(&records).await.unwrap();
    let each = bytes / count;
    // More than one turn's rows.
    let excess = bytes - 100 * each;
    let gone = store.remove_oldest_decisions(excess).await.unwrap();
    assert!(gone >= excess && gone < excess + 2 * each, "{gone} of {excess}");
    assert_eq!(store.decisions_bytes().await.unwrap(), bytes - gone);
    let last = store.last_decisions(MAX_LISTED).await.unwrap();
    assert!((98..=100).contains(&last.len()), "{}", last.len());
    assert_eq!(last[0].id, format!("gen-{:05}", count - 1));
    assert_eq!(store.remove_oldest_decisions(u64::MAX).await.unwrap(), bytes - gone);
    assert_eq!(store.decisions_bytes().await.unwrap(), 0);
}
