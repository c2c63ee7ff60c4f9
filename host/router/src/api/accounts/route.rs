//! The routes of the administration, in one table: what is not in it is not answered,
//! and a test holds the published description against it.

use http::Method;

/// What is at a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    Current,
    Credits,
    Keys,
    Key,
    Workspaces,
    Workspace,
    Budgets,
    Budget,
    Byoks,
    Byok,
}

/// One route: its pattern, and the methods that it takes.
type Row = (&'static str, At, &'static str);

const READ: &str = "GET, HEAD";
const READ_CREATE: &str = "GET, HEAD, POST";
const READ_CHANGE: &str = "GET, HEAD, PATCH, DELETE";

const TABLE: [Row; 11] = [
    ("/v1/key", At::Current, READ),
    ("/v1/auth/key", At::Current, READ),
    ("/v1/credits", At::Credits, READ),
    ("/v1/keys", At::Keys, READ_CREATE),
    ("/v1/keys/{hash}", At::Key, READ_CHANGE),
    ("/v1/workspaces", At::Workspaces, READ_CREATE),
    ("/v1/workspaces/{id}", At::Workspace, READ_CHANGE),
    ("/v1/workspaces/{id}/budgets", At::Budgets, READ),
    ("/v1/workspaces/{id}/budgets/{interval}", At::Budget, "GET, HEAD, PUT, DELETE"),
    ("/v1/byok", At::Byoks, READ_CREATE),
    ("/v1/byok/{id}", At::Byok, READ_CHANGE),
];

/// A route that was asked for.
pub(in crate::api) struct AccountRoute {
    pattern: &'static str,
    pub(super) at: At,
    methods: &'static str,
    /// What stands in the places of the pattern's names.
    pub(super) parts: Vec<String>,
}

impl AccountRoute {
    /// The route at this path.
    pub(in crate::api) fn of(path: &str) -> Option<Self> {
        TABLE.into_iter().find_map(|(pattern, at, methods)| {
            Some(Self { pattern, at, methods, parts: parts(pattern, path)? })
        })
    }

    /// The pattern, for logs and metrics.
    pub(in crate::api) fn name(&self) -> &'static str {
        self.pattern
    }

    pub(in crate::api) fn methods(&self) -> &'static str {
        self.methods
    }

    pub(super) fn takes(&self, method: &Method) -> bool {
        self.methods.split(", ").any(|it| it == method.as_str())
    }

    /// Pattern and methods of each route.
    #[cfg(test)]
    pub(in crate::api) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
        TABLE.into_iter().map(|(pattern, _, methods)| (pattern, methods))
    }
}

fn parts(pattern: &str, path: &str) -> Option<Vec<String>> {
    if pattern.split('/').count() != path.split('/').count() {
        return None;
    }
    let mut parts = Vec::new();
    for (wanted, found) in pattern.split('/').zip(path.split('/')) {
        match wanted.starts_with('{') {
            true if found.is_empty() => return None,
            true => parts.push(found.to_owned()),
            false if wanted != found => return None,
            false => {}
        }
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_found_with_its_parts_or_not_at_all() {
        let found = |path: &str| AccountRoute::of(path).map(|it| (it.at, it.parts.join(",")));
        assert_eq!(found("/v1/keys"), Some((At::Keys, String::new())));
        assert_eq!(found("/v1/keys/ab"), Some((At::Key, "ab".to_owned())));
        let budget = found("/v1/workspaces/team/budgets/daily");
        assert_eq!(budget, Some((At::Budget, "team,daily".to_owned())));
        for path in
            ["/v1/keys/", "/v1/keys/a/b", "/v1/key/", "/v1", "/v2/keys", "/v1/workspaces//budgets"]
        {
            assert_eq!(found(path), None, "{path}");
        }
    }
}
