//! The models that can be asked, as this API's clients list them.

use bytes::{Bytes, BytesMut};
use http::HeaderMap;

use super::target::{VERSIONS, decoded};
use crate::json::Writer;

/// What can be asked of every model, though not every provider counts.
const METHODS: [&str; 3] = ["generateContent", "streamGenerateContent", "countTokens"];

/// Headers that only clients of this API send.
const CLIENTS: [&str; 2] = ["x-goog-api-client", "x-goog-api-key"];

/// What is told of a model.
#[derive(Clone, Copy, Debug)]
pub struct Listed<'a> {
    /// The catalogue's name for it.
    pub slug: &'a str,
    /// Its name for people.
    pub name: &'a str,
    /// What it is.
    pub description: &'a str,
    /// Tokens that it can read.
    pub context_length: Option<u64>,
    /// Tokens that it can write.
    pub max_output_tokens: Option<u64>,
}

/// What a path lists: one model, by its name, or all of them where that is none. None
/// where it is no path of this API's. `/v1/models` has another format for everybody
/// else: there it is Google's client libraries that are meant, which name themselves.
pub fn listed(path: &str, headers: &HeaderMap) -> Option<Option<String>> {
    let is_own = CLIENTS.iter().any(|name| headers.contains_key(*name));
    let versions = VERSIONS.iter().filter(|version| is_own || **version != "/v1/");
    let rest = versions.filter_map(|version| path.strip_prefix(version)).next()?;
    if rest == "models" {
        return Some(None);
    }
    let model = decoded(rest.strip_prefix("models/")?)?;
    (!model.is_empty() && !model.contains(':')).then_some(Some(model))
}

/// One model.
pub fn encode_model(model: &Listed<'_>) -> Bytes {
    let mut out = BytesMut::new();
    write(&mut Writer::new(&mut out), model);
    out.freeze()
}

/// All models, on one page.
pub fn encode_models<'a>(models: impl IntoIterator<Item = Listed<'a>>) -> Bytes {
    let mut out = BytesMut::new();
    let mut json = Writer::new(&mut out);
    json.open(b'{');
    json.key("models").open(b'[');
    models.into_iter().for_each(|model| write(&mut json, &model));
    json.close(b']');
    json.close(b'}');
    out.freeze()
}

fn write(json: &mut Writer<'_>, model: &Listed<'_>) {
    json.open(b'{');
    json.key("name").string(&format!("models/{}", model.slug));
    json.key("displayName").string(model.name);
    json.key("description").string(model.description);
    let limits =
        [("inputTokenLimit", model.context_length), ("outputTokenLimit", model.max_output_tokens)];
    for (name, limit) in limits {
        if let Some(limit) = limit {
            json.key(name).number(limit);
        }
    }
    json.key("supportedGenerationMethods").open(b'[');
    METHODS.iter().for_each(|method| json.string(method));
    json.close(b']');
    json.close(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn paths_list_one_model_or_all() {
        for (path, expected) in [
            ("/v1beta/models", Some(None)),
            ("/v1beta/models/a%2Fb", Some(Some("a/b".to_owned()))),
            ("/v1beta/models/a/b", Some(Some("a/b".to_owned()))),
            ("/v1beta/models/", None),
            ("/v1beta/models/m:generateContent", None),
            ("/v1/models", None),
            ("/v1/models/a/b/endpoints", None),
        ] {
            assert_eq!(listed(path, &HeaderMap::new()), expected, "{path}");
        }
        let mut own = HeaderMap::new();
        own.insert("x-goog-api-client", http::HeaderValue::from_static("sdk"));
        assert_eq!(listed("/v1/models", &own), Some(None));
        assert_eq!(listed("/v1/models/a/b", &own), Some(Some("a/b".to_owned())));
    }

    #[test]
    fn a_model_is_shaped_as_googles() {
        let model = Listed {
            slug: "a/b",
            name: "B",
            description: "d",
            context_length: Some(9),
            max_output_tokens: None,
        };
        let expected = json!({"name": "models/a/b", "displayName": "B", "description": "d",
            "inputTokenLimit": 9,
            "supportedGenerationMethods": ["generateContent", "streamGenerateContent",
                "countTokens"]});
        let one: Value = serde_json::from_slice(&encode_model(&model)).unwrap();
        assert_eq!(one, expected);
        let all: Value = serde_json::from_slice(&encode_models([model])).unwrap();
        assert_eq!(all, json!({"models": [expected]}));
    }
}
