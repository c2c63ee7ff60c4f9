//! Accounts: what is kept comes back, what changes is told, and nothing is lost between two
//! who change at a time.

use super::*;
use crate::testing::{Place, shared, stores};
use crate::{
    KeyFilter, MAX_BYOK, MAX_KEYS, MAX_WORKSPACES, Sealed, keys::KeyRow, workspaces::WorkspaceRow,
};
use sqlx::AssertSqlSafe;

/// Text that means something to somebody, and is text here.
const ODD: [&str; 6] = [
    "'); DROP TABLE keys; --",
    "\" OR \"\"=\"",
    "$1 $2 ? :a @b %s",
    "line\nbreak\ttab\r\u{1b}[0m",
    "ünï\u{1f600}\u{202e}code",
    "\\x00 \\u0000 {\"a\":\"\\u0000\"}",
];

fn key(hash: &str) -> KeyRow {
    KeyRow {
        hash: hash.into(),
        name: "a key".into(),
        label: "sk-...abc".into(),
        workspace: "default".into(),
        is_management: false,
        created_ms: 10,
        updated_ms: 10,
        expires_ms: Some(u64::MAX / 4),
        disabled: false,
        deleted_ms: None,
        limit: Some(u128::MAX),
        reset: Some(Interval::Weekly),
        include_byok: true,
        settings: "{\"rpm\":5}".into(),
        creator: Some("somebody".into()),
    }
}

fn workspace(id: &str) -> WorkspaceRow {
    WorkspaceRow {
        id: id.into(),
        slug: format!("{id}-slug"),
        name: "a workspace".into(),
        created_ms: 20,
        updated_ms: 20,
        settings: "{}".into(),
        budgets: vec![(Interval::Daily, 5), (Interval::Lifetime, u128::MAX)],
    }
}

fn byok(id: &str, position: i64) -> ByokRow {
    ByokRow {
        id: id.into(),
        workspace: None,
        provider: "provider".into(),
        name: "theirs".into(),
        position,
        is_fallback: true,
        disabled: false,
        created_ms: 30,
        updated_ms: 30,
        sealed: vec![0, 255, 39, 92, 0],
        key_id: "master-1".into(),
        label: "sk-...xyz".into(),
        settings: "{}".into(),
    }
}

async fn all_keys(store: &Store) -> Vec<KeyRow> {
    match store.accounts(None).await.unwrap().keys {
        Keys::All(keys) => keys,
        Keys::Changed(keys) => panic!("{keys:?}"),
    }
}

#[tokio::test]
async fn a_key_is_kept_listed_changed_and_deleted_but_for_its_name() {
    for store in stores().await {
        assert!(!store.has_keys().await.unwrap());
        assert_eq!(store.create_key(&key("a")).await.unwrap(), Change::Done);
        assert_eq!(store.create_key(&key("a")).await.unwrap(), Change::Taken);
        let nowhere = KeyRow { workspace: "nowhere".into(), ..key("n") };
        assert_eq!(store.create_key(&nowhere).await.unwrap(), Change::Missing);
        assert_eq!(store.key("a").await.unwrap(), Some(key("a")));
        assert_eq!(store.key("b").await.unwrap(), None);
        let least = KeyRow {
            expires_ms: None,
            limit: None,
            reset: None,
            creator: None,
            created_ms: 11,
            disabled: true,
            is_management: true,
            ..key("b")
        };
        assert_eq!(store.create_key(&least).await.unwrap(), Change::Done);
        let listed = store.keys(&KeyFilter::default(), 0, 9).await.unwrap();
        assert_eq!(listed, (vec![least.clone(), key("a")], 2));
        assert_eq!(store.keys(&KeyFilter::default(), 1, 9).await.unwrap(), (vec![key("a")], 2));
        let enabled = KeyFilter { enabled_only: true, ..KeyFilter::default() };
        assert_eq!(store.keys(&enabled, 0, 9).await.unwrap(), (vec![key("a")], 1));
        let management = KeyFilter { is_management: Some(true), ..KeyFilter::default() };
        assert_eq!(store.keys(&management, 0, 9).await.unwrap(), (vec![least], 1));
        let elsewhere = KeyFilter { workspace: Some("x".into()), ..KeyFilter::default() };
        assert_eq!(store.keys(&elsewhere, 0, 9).await.unwrap(), (vec![], 0));

        let edited = store.update_key("a", |key| {
            (key.hash, key.created_ms, key.deleted_ms) = ("c".into(), 99, Some(1));
            (key.name, key.limit, key.updated_ms) = ("renamed".into(), Some(7), 50);
        });
        let expected =
            KeyRow { name: "renamed".into(), limit: Some(7), updated_ms: 50, ..key("a") };
        assert_eq!(edited.await.unwrap(), Some(expected.clone()));
        assert_eq!(store.update_key("c", |_| ()).await.unwrap(), None);

        assert!(store.delete_key("a", 60).await.unwrap());
        assert!(!store.delete_key("a", 61).await.unwrap());
        assert_eq!(store.update_key("a", |_| ()).await.unwrap(), None);
        assert_eq!(store.create_key(&key("a")).await.unwrap(), Change::Taken);
        let gone = KeyRow { deleted_ms: Some(60), ..expected };
        assert_eq!(store.key("a").await.unwrap().as_ref(), Some(&gone));
        let hashes: Vec<_> = all_keys(&store).await.into_iter().map(|key| key.hash).collect();
        assert_eq!(hashes, ["b"]);
        let all = KeyFilter { with_deleted: true, ..KeyFilter::default() };
        assert_eq!(store.keys(&all, 1, 1).await.unwrap(), (vec![gone], 2));
        assert!(store.delete_key("b", 60).await.unwrap());
        assert!(store.has_keys().await.unwrap());
    }
}

#[tokio::test]
async fn a_workspace_has_budgets_and_goes_once_nothing_rests_on_it() {
    for store in stores().await {
        let default = store.workspace("default").await.unwrap().unwrap();
        assert_eq!((&*default.slug, default.budgets), ("default", vec![]));
        assert_eq!(store.create_workspace(&workspace("w")).await.unwrap(), Change::Done);
        assert_eq!(store.create_workspace(&workspace("w")).await.unwrap(), Change::Taken);
        let same_slug = WorkspaceRow { slug: "w-slug".into(), ..workspace("v") };
        assert_eq!(store.create_workspace(&same_slug).await.unwrap(), Change::Taken);
        for name in ["w", "w-slug"] {
            assert_eq!(store.workspace(name).await.unwrap(), Some(workspace("w")));
        }
        let set = store.set_budget("w", Interval::Daily, Some(9)).await.unwrap();
        assert_eq!(set, Change::Done);
        store.set_budget("w", Interval::Lifetime, None).await.map(|_| ()).unwrap();
        let missing = store.set_budget("nowhere", Interval::Daily, Some(9)).await.unwrap();
        assert_eq!(missing, Change::Missing);
        let edit = |it: &mut WorkspaceRow| (it.id, it.name) = ("z".into(), "renamed".into());
        assert_eq!(store.update_workspace("w", edit).await.unwrap(), Change::Done);
        assert_eq!(store.update_workspace("z", edit).await.unwrap(), Change::Missing);
        let take = |it: &mut WorkspaceRow| it.slug = "default".into();
        assert_eq!(store.update_workspace("w", take).await.unwrap(), Change::Taken);
        let expected = WorkspaceRow {
            name: "renamed".into(),
            budgets: vec![(Interval::Daily, 9)],
            ..workspace("w")
        };
        let (page, count) = store.workspaces(1, 9).await.unwrap();
        assert_eq!((page, count), (vec![expected.clone()], 2));
        assert_eq!(store.accounts(None).await.unwrap().workspaces[1], expected);

        let its_key = KeyRow { workspace: "w".into(), ..key("k") };
        assert_eq!(store.create_key(&its_key).await.unwrap(), Change::Done);
        let its_byok = ByokRow { workspace: Some("w".into()), ..byok("b", 0) };
        assert_eq!(store.create_byok(&its_byok).await.unwrap(), Change::Done);
        assert_eq!(store.delete_workspace("w").await.unwrap(), Change::InUse);
        assert!(store.delete_byok("b").await.unwrap());
        assert_eq!(store.delete_workspace("w").await.unwrap(), Change::InUse);
        assert!(store.delete_key("k", 1).await.unwrap());
        assert_eq!(store.delete_workspace("w").await.unwrap(), Change::Done);
        assert_eq!(store.delete_workspace("w").await.unwrap(), Change::Missing);
        assert_eq!(store.delete_workspace("default").await.unwrap(), Change::InUse);
        assert_eq!(store.workspaces(0, 9).await.unwrap().1, 1);
    }
}

#[tokio::test]
async fn sealed_keys_are_tried_in_order_and_resealed_all_or_none() {
    for store in stores().await {
        let rows = [byok("b", 2), byok("a", 2), byok("c", -1)];
        for row in &rows {
            assert_eq!(store.create_byok(row).await.unwrap(), Change::Done);
        }
        assert_eq!(store.create_byok(&rows[0]).await.unwrap(), Change::Taken);
        let nowhere = ByokRow { workspace: Some("nowhere".into()), ..byok("d", 0) };
        assert_eq!(store.create_byok(&nowhere).await.unwrap(), Change::Missing);
        assert_eq!(store.byok("c").await.unwrap(), Some(byok("c", -1)));
        let ids = |rows: Vec<ByokRow>| rows.into_iter().map(|it| it.id).collect::<Vec<_>>();
        let (page, count) = store.byoks(None, Some("provider"), 1, 1).await.unwrap();
        assert_eq!((ids(page), count), (vec!["a".to_owned()], 3));
        assert_eq!(store.byoks(Some("default"), None, 0, 9).await.unwrap(), (vec![], 0));
        assert_eq!(ids(store.accounts(None).await.unwrap().byok), ["c", "a", "b"]);
        let edited = store.update_byok("c", |it| (it.id, it.position) = ("x".into(), 9));
        assert_eq!(edited.await.unwrap(), Some(byok("c", 9)));

        let refused = store.reseal_byok(99, |row| match &*row.id {
            "b" => Err("cannot be opened"),
            _ => Ok(Some(Sealed { sealed: vec![1], key_id: "master-2".into() })),
        });
        assert_eq!(refused.await.unwrap(), Err("cannot be opened"));
        assert_eq!(store.byok("a").await.unwrap(), Some(byok("a", 2)));
        let resealed = store.reseal_byok(99, |row| {
            let sealed = Sealed { sealed: vec![1], key_id: "master-2".into() };
            Ok::<_, ()>((row.id != "b").then_some(sealed))
        });
        assert_eq!(resealed.await.unwrap(), Ok(2));
        let row = store.byok("a").await.unwrap().unwrap();
        assert_eq!((row.sealed, &*row.key_id, row.updated_ms), (vec![1], "master-2", 99));
        assert_eq!(store.byok("b").await.unwrap(), Some(byok("b", 2)));
        assert!(store.delete_byok("b").await.unwrap());
        assert!(!store.delete_byok("b").await.unwrap());
        assert!(!format!("{:?}", byok("a", 0)).contains("255"));
    }
}

#[tokio::test]
async fn every_change_moves_the_revision_and_nothing_else_does() {
    for store in stores().await {
        let mut last = store.revision().await.unwrap();
        let mut moved = async |is_change: bool| {
            let now = store.revision().await.unwrap();
            assert_eq!(now > last, is_change, "{last} {now}");
            assert_eq!(store.accounts(None).await.unwrap().revision, now);
            last = now;
        };
        moved(false).await;
        let done = |change: Change| assert_eq!(change, Change::Done);
        done(store.create_workspace(&workspace("w")).await.unwrap());
        moved(true).await;
        done(store.set_budget("w", Interval::Weekly, Some(1)).await.unwrap());
        moved(true).await;
        done(store.update_workspace("w", |it| it.updated_ms += 1).await.unwrap());
        moved(true).await;
        done(store.create_key(&key("k")).await.unwrap());
        moved(true).await;
        store.update_key("k", |it| it.disabled = true).await.unwrap().unwrap();
        moved(true).await;
        done(store.create_byok(&byok("b", 0)).await.unwrap());
        moved(true).await;
        store.update_byok("b", |it| it.disabled = true).await.unwrap().unwrap();
        moved(true).await;
        let reseal = |row: &ByokRow| {
            Ok::<_, ()>(Some(Sealed { sealed: row.sealed.clone(), key_id: "2".into() }))
        };
        assert_eq!(store.reseal_byok(1, reseal).await.unwrap(), Ok(1));
        moved(true).await;
        assert!(store.delete_byok("b").await.unwrap());
        moved(true).await;
        assert!(store.delete_key("k", 1).await.unwrap());
        moved(true).await;
        done(store.delete_workspace("w").await.unwrap());
        moved(true).await;
        // What was refused.
        assert!(!store.delete_key("k", 1).await.unwrap());
        assert!(!store.delete_byok("b").await.unwrap());
        assert_eq!(store.create_key(&key("k")).await.unwrap(), Change::Taken);
        assert_eq!(store.delete_workspace("w").await.unwrap(), Change::Missing);
        assert_eq!(store.update_key("k", |_| ()).await.unwrap(), None);
        moved(false).await;
    }
}

#[tokio::test]
async fn odd_text_is_text() {
    for store in stores().await {
        for (number, text) in ODD.into_iter().enumerate() {
            let text = text.to_owned();
            let row = KeyRow {
                hash: text.clone(),
                name: text.clone(),
                label: text.clone(),
                settings: text.clone(),
                creator: Some(text.clone()),
                created_ms: number as u64,
                ..key("")
            };
            assert_eq!(store.create_key(&row).await.unwrap(), Change::Done);
            assert_eq!(store.key(&text).await.unwrap(), Some(row));
        }
        assert_eq!(store.keys(&KeyFilter::default(), 0, 99).await.unwrap().1, ODD.len() as u64);
        // PostgreSQL refuses NUL: in both it becomes what stands for nothing readable.
        let row = KeyRow { name: "a\0b".into(), ..key("n\0l") };
        assert_eq!(store.create_key(&row).await.unwrap(), Change::Done);
        let kept = store.key("n\0l").await.unwrap().unwrap();
        assert_eq!((&*kept.hash, &*kept.name), ("n\u{fffd}l", "a\u{fffd}b"));
    }
}

#[tokio::test]
async fn what_is_kept_is_bounded() {
    for store in stores().await {
        fill(
            &store,
            MAX_KEYS,
            "keys (hash, name, label, workspace, is_management, created_ms, \
            updated_ms, disabled, include_byok, settings, revision) \
            SELECT 'h' || i, '', '', 'default', 0, 0, 0, 0, 0, '{}', 0",
        )
        .await;
        assert_eq!(store.create_key(&key("one-more")).await.unwrap(), Change::Full);
        assert!(store.delete_key("h1", 1).await.unwrap());
        assert_eq!(store.create_key(&key("one-more")).await.unwrap(), Change::Done);

        fill(
            &store,
            MAX_WORKSPACES - 1,
            "workspaces (id, slug, name, created_ms, updated_ms, \
            settings) SELECT 'w' || i, 'w' || i, '', 0, 0, '{}'",
        )
        .await;
        assert_eq!(store.create_workspace(&workspace("w")).await.unwrap(), Change::Full);

        fill(
            &store,
            MAX_BYOK,
            "byok (id, provider, name, position, is_fallback, disabled, \
            created_ms, updated_ms, sealed, key_id, label, settings) SELECT 'b' || i, '', '', \
            0, 0, 0, 0, 0, CAST('x' AS BLOB), '', '', '{}'",
        )
        .await;
        assert_eq!(store.create_byok(&byok("b", 0)).await.unwrap(), Change::Full);
    }
}

/// So many rows at once.
async fn fill(store: &Place, rows: u32, what: &str) {
    let what = match store.location.is_postgres() {
        true => what.replace("BLOB", "BYTEA"),
        false => what.to_owned(),
    };
    let query = format!(
        "INSERT INTO {what} FROM (WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL \
         SELECT i + 1 FROM numbers WHERE i < {rows}) SELECT i FROM numbers) AS numbers"
    );
    let mut work = store.work().await.unwrap();
    sqlx::query(AssertSqlSafe(query)).execute(&mut *work).await.unwrap();
    work.commit().await.unwrap();
}

#[tokio::test]
async fn two_who_change_the_same_key_lose_nothing() {
    const TIMES: u64 = 20;
    for place in shared().await {
        assert_eq!(place.create_key(&key("k")).await.unwrap(), Change::Done);
        let other = place.again().await;
        let before = place.revision().await.unwrap();
        let raise = async |store: &Store| {
            for _ in 0..TIMES {
                store.update_key("k", |key| key.updated_ms += 1).await.unwrap().unwrap();
            }
        };
        tokio::join!(raise(&place), raise(&other));
        let key = place.key("k").await.unwrap().unwrap();
        assert_eq!(key.updated_ms, 10 + 2 * TIMES);
        assert_eq!(other.revision().await.unwrap(), before + 2 * TIMES.cast_signed());
        other.close().await;
    }
}

#[tokio::test]
async fn a_hash_is_given_once_though_many_ask_for_it_at_a_time() {
    for place in shared().await {
        let stores = [place.again().await, place.again().await, place.again().await];
        let create = async |store: &Store| store.create_key(&key("k")).await.unwrap();
        let (a, b, c) = tokio::join!(create(&stores[0]), create(&stores[1]), create(&stores[2]));
        let done = [a, b, c].into_iter().filter(|change| *change == Change::Done).count();
        assert_eq!(done, 1);
        for store in stores {
            store.close().await;
        }
    }
}

#[tokio::test]
async fn of_keys_those_are_told_that_have_changed_since() {
    for store in stores().await {
        for hash in ["a", "b", "c"] {
            assert_eq!(store.create_key(&key(hash)).await.unwrap(), Change::Done);
        }
        let mut since = store.revision().await.unwrap();
        let mut told = async || {
            let Accounts { revision, keys, .. } = store.accounts(Some(since)).await.unwrap();
            since = revision;
            let Keys::Changed(keys) = keys else { panic!("{keys:?}") };
            keys.into_iter().map(|it| (it.hash, it.deleted_ms.is_some())).collect::<Vec<_>>()
        };
        assert_eq!(told().await, []);
        store.update_key("b", |key| key.disabled = true).await.unwrap();
        assert_eq!(told().await, [("b".to_owned(), false)]);
        assert_eq!(store.create_key(&key("d")).await.unwrap(), Change::Done);
        assert!(store.delete_key("a", 60).await.unwrap());
        // What changes nothing of keys tells of none.
        store.set_budget("default", Interval::Daily, Some(9)).await.map(drop).unwrap();
        assert_eq!(told().await, [("a".to_owned(), true), ("d".to_owned(), false)]);
        assert_eq!(told().await, []);
        // Of another database's future nothing is known: all are told.
        let ahead = store.accounts(Some(i64::MAX)).await.unwrap();
        assert_eq!(ahead.keys, Keys::All(all_keys(&store).await));
        assert_eq!(all_keys(&store).await.len(), 3);
    }
}

#[tokio::test]
async fn what_was_changed_by_hand_is_told_and_not_guessed() {
    for store in stores().await {
        assert_eq!(store.create_key(&key("k")).await.unwrap(), Change::Done);
        let mut work = store.work().await.unwrap();
        let query = sqlx::query("UPDATE keys SET spend_limit = '1e6'");
        query.execute(&mut *work).await.unwrap();
        work.commit().await.unwrap();
        let error = store.accounts(None).await.unwrap_err();
        assert!(error.to_string().contains("spend limit"), "{error}");
        assert!(!error.is_passing());
    }
}
