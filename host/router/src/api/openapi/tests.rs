//! The description and the routes are the same.

use super::super::accounts::AccountRoute;
use super::super::activity::ActivityRoute;
use super::super::presets::PresetRoute;
use super::super::{Route, route};
use super::*;
use http::HeaderMap;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Method names by path.
fn described() -> BTreeMap<String, BTreeSet<String>> {
    let document: Value = serde_json::from_slice(&DOCUMENT).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &Value)| {
        let methods = item.as_object().unwrap().keys().map(|it| it.to_uppercase()).collect();
        (path.clone(), methods)
    };
    paths.iter().map(of_path).collect()
}

/// The same of a route's own word; HEAD goes with GET.
fn taken(methods: &str) -> BTreeSet<String> {
    methods.split(", ").filter(|it| *it != "HEAD").map(str::to_owned).collect()
}

#[test]
fn all_that_is_described_is_answered_with_these_methods() {
    for (path, methods) in described() {
        let example = path.replace("{version}", "1").replace(['{', '}'], "");
        let found = route(&example, &HeaderMap::new()).unwrap_or_else(|| panic!("{path}"));
        assert_eq!(found.name(), path);
        assert_eq!(taken(found.methods()), methods, "{path}");
    }
}

#[test]
fn every_route_of_the_administration_is_described() {
    let described = described();
    let own = [Route::Generation, Route::Health, Route::Ready, Route::Metrics, Route::Reload]
        .map(|it| (it.name(), it.methods()));
    let usage = [ActivityRoute::Sums, ActivityRoute::Rows].map(|it| (it.name(), "GET, HEAD"));
    let presets = PresetRoute::all().into_iter().map(|it| (it.name(), it.methods()));
    for (path, methods) in AccountRoute::all().chain(own).chain(usage).chain(presets) {
        assert_eq!(described.get(path), Some(&taken(methods)), "{path}");
    }
}

#[test]
fn whoever_must_have_a_key_is_told_so() {
    let document: Value = serde_json::from_slice(&DOCUMENT).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let schemes = document["components"]["securitySchemes"].as_object().unwrap();
    for (path, methods) in AccountRoute::all() {
        for method in taken(methods) {
            let operation = &document["paths"][path][method.to_lowercase()];
            let security = operation["security"].as_array().unwrap();
            for requirement in security {
                let names = requirement.as_object().unwrap();
                assert!(names.keys().all(|name| schemes.contains_key(name)), "{path}");
                assert_eq!(names.len(), 1, "{method} {path} is open");
            }
        }
    }
}
