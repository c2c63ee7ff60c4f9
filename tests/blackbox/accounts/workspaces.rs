//! Workspaces and their budgets.

use super::Office;
use http::Method;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_is_made_found_by_id_and_slug_changed_and_deleted() {
    let office = Office::open().await;
    let body = json!({
        "name": "Team", "slug": "team-1", "description": "them", "requests_per_minute": 60,
    });
    let made = office.done(Method::POST, "/v1/workspaces", &body).await["data"].clone();
    let id = made["id"].as_str().unwrap();
    assert_eq!(office.get(&format!("/v1/workspaces/{id}")).await["data"], made);
    assert_eq!(office.get("/v1/workspaces/team-1").await["data"], made);
    let change = json!({"description": null, "slug": "team-2", "requests_per_minute": null});
    let changed = office.done(Method::PATCH, "/v1/workspaces/team-1", &change).await;
    let changed = &changed["data"];
    assert_eq!((&changed["name"], &changed["slug"]), (&json!("Team"), &json!("team-2")));
    assert_eq!(
        (&changed["description"], &changed["requests_per_minute"]),
        (&Value::Null, &Value::Null)
    );
    let gone = office.manage(Method::GET, "/v1/workspaces/team-1", &Value::Null).await;
    assert_eq!(gone.status, 404);
    office.done(Method::DELETE, &format!("/v1/workspaces/{id}"), &Value::Null).await;
    assert_eq!(office.get("/v1/workspaces").await["total_count"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_contradicts_what_is_there_is_a_conflict() {
    let office = Office::open().await;
    let body = json!({"name": "Team", "slug": "team"});
    office.done(Method::POST, "/v1/workspaces", &body).await;
    let again = office.manage(Method::POST, "/v1/workspaces", &body).await;
    assert_eq!((again.status.as_u16(), &again.json()["error"]["param"]), (409, &json!("slug")));
    let renamed = json!({"slug": "default"});
    let renamed = office.manage(Method::PATCH, "/v1/workspaces/team", &renamed).await;
    assert_eq!(renamed.status, 409);
    let team = office.get("/v1/workspaces/team").await["data"]["id"].clone();
    let (_, hash) = office.key(&json!({"name": "app", "workspace_id": team})).await;
    let kept = office.manage(Method::DELETE, "/v1/workspaces/team", &Value::Null).await;
    assert_eq!(kept.status, 409, "{}", kept.text());
    office.done(Method::DELETE, &format!("/v1/keys/{hash}"), &Value::Null).await;
    office.done(Method::DELETE, "/v1/workspaces/team", &Value::Null).await;
    let kept = office.manage(Method::DELETE, "/v1/workspaces/default", &Value::Null).await;
    assert_eq!(kept.status, 403);
    let nowhere = json!({"name": "app", "workspace_id": team});
    let nowhere = office.manage(Method::POST, "/v1/keys", &nowhere).await;
    assert_eq!(
        (nowhere.status.as_u16(), &nowhere.json()["error"]["param"]),
        (404, &json!("workspace_id"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn slugs_are_what_can_stand_in_a_url() {
    let office = Office::open().await;
    for slug in ["", "A", "a--b", "-a", "a-", "a b", "a/b", "ä", &"a".repeat(51)] {
        let body = json!({"name": "Team", "slug": slug});
        let refused = office.manage(Method::POST, "/v1/workspaces", &body).await;
        assert_eq!(refused.status, 400, "{slug}");
        assert_eq!(refused.json()["error"]["param"], "slug", "{slug}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn budgets_of_longer_intervals_are_larger() {
    let office = Office::open().await;
    let path = |interval: &str| format!("/v1/workspaces/default/budgets/{interval}");
    let missing = office.manage(Method::GET, &path("daily"), &Value::Null).await;
    assert_eq!(missing.status, 404);
    let set = async |interval: &str, limit: &str| {
        let mut headers = http::HeaderMap::new();
        headers.insert("authorization", format!("Bearer {}", office.manager).parse().unwrap());
        let body = format!(r#"{{"limit_usd":{limit}}}"#);
        super::send(&office.router.client(), Method::PUT, &path(interval), headers, body).await
    };
    for (interval, limit, status) in [
        ("monthly", "500.000000000001", 200),
        ("weekly", "500.000000000001", 400),
        ("weekly", "500", 200),
        ("daily", "500", 400),
        ("daily", "100", 200),
        ("lifetime", "400", 400),
        ("lifetime", "4000", 200),
        ("monthly", "5000", 400),
        ("monthly", "600.5", 200),
        ("daily", "0", 400),
        ("daily", "-1", 400),
        ("hourly", "1", 400),
    ] {
        let answer = set(interval, limit).await;
        assert_eq!(answer.status, status, "{interval} {limit}: {}", answer.text());
        if status == 200 {
            assert!(
                answer.text().contains(&format!(r#""limit_usd":{limit},"#)),
                "{}",
                answer.text()
            );
        }
    }
    let all = office.get("/v1/workspaces/default/budgets").await;
    let all: Vec<_> = all["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (&it["reset_interval"], &it["limit_usd"]))
        .collect();
    assert_eq!(
        all,
        [
            (&json!("daily"), &json!(100)),
            (&json!("weekly"), &json!(500)),
            (&json!("monthly"), &json!(600.5)),
            (&Value::Null, &json!(4000)),
        ]
    );
    assert_eq!(
        office.get("/v1/credits").await["data"],
        json!({"total_credits": 4000, "total_usage": 0})
    );
    for _ in 0..2 {
        office.done(Method::DELETE, &path("daily"), &Value::Null).await;
    }
    let missing = office.manage(Method::GET, &path("daily"), &Value::Null).await;
    assert_eq!(missing.status, 404);
    let include = json!({"limit_usd": 50, "include_byok_in_budgets": true});
    let set = office.done(Method::PUT, &path("daily"), &include).await;
    assert_eq!(set["include_byok_in_budgets"], true);
    let told = office.get("/v1/workspaces/default").await;
    assert_eq!(told["data"]["include_byok_in_budgets"], true);
}
