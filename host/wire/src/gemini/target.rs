//! What a path asks for, and of which model.

use http::Uri;

use super::Framing;
use crate::BadRequest;

/// Bytes that the name of a model may have. Names go into logs.
const MAX_NAME_BYTES: usize = 256;

/// Where the API begins, in the versions that it has.
pub(super) const VERSIONS: [&str; 3] = ["/v1beta/", "/v1/", "/v1beta1/"];

/// What can be asked of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// An answer in one piece.
    GenerateContent,
    /// An answer as it is being told.
    StreamGenerateContent,
    /// How much a request would read.
    CountTokens,
    /// The vector of one content.
    EmbedContent,
    /// The vectors of several.
    BatchEmbedContents,
}

/// What a request is aimed at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What is asked for.
    pub method: Method,
    /// The client's word for the model.
    pub model: String,
    /// How an answer is to be streamed.
    pub framing: Framing,
}

impl Method {
    /// What a path asks for; none where it is no path of this API's.
    pub fn of(path: &str) -> Option<Self> {
        split(path).map(|(method, _)| method)
    }

    /// Whether it asks for an answer.
    pub fn is_chat(self) -> bool {
        matches!(self, Self::GenerateContent | Self::StreamGenerateContent)
    }

    /// The pattern of such paths, for logs and metrics.
    pub fn route(self) -> &'static str {
        match self {
            Self::GenerateContent => "/v1beta/models/{model}:generateContent",
            Self::StreamGenerateContent => "/v1beta/models/{model}:streamGenerateContent",
            Self::CountTokens => "/v1beta/models/{model}:countTokens",
            Self::EmbedContent => "/v1beta/models/{model}:embedContent",
            Self::BatchEmbedContents => "/v1beta/models/{model}:batchEmbedContents",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "generateContent" => Self::GenerateContent,
            "streamGenerateContent" => Self::StreamGenerateContent,
            "countTokens" => Self::CountTokens,
            "embedContent" => Self::EmbedContent,
            "batchEmbedContents" => Self::BatchEmbedContents,
            _ => return None,
        })
    }
}

impl Target {
    /// Reads the address of a request.
    ///
    /// # Errors
    /// Where it names no model.
    pub fn of(uri: &Uri) -> Result<Self, BadRequest> {
        let bad = |message: String| BadRequest::at("model".to_owned(), "invalid_value", message);
        let (method, resource) = split(uri.path())
            .ok_or_else(|| bad("must stand in the path, before the method".to_owned()))?;
        let model = model(resource).filter(|model| !model.is_empty());
        let model =
            model.ok_or_else(|| bad("must be the name of a model, percent-encoded".to_owned()))?;
        if model.len() > MAX_NAME_BYTES {
            return Err(bad(format!("must have at most {MAX_NAME_BYTES} bytes")));
        }
        Ok(Self { method, model, framing: framing(uri.query().unwrap_or_default()) })
    }
}

/// The method, and what stands between the version and it.
fn split(path: &str) -> Option<(Method, &str)> {
    let resource = VERSIONS.iter().find_map(|version| path.strip_prefix(version))?;
    // The name of a model may have a colon of its own, or one that is encoded.
    let (resource, method) = resource.rsplit_once(':').or_else(|| {
        let at = resource.to_ascii_lowercase().rfind("%3a")?;
        Some((resource.get(..at)?, resource.get(at + 3..)?))
    })?;
    Some((Method::named(method)?, resource))
}

/// The model by the name that a catalogue has for it. A publisher other than Google is
/// part of it, as the author is of `author/slug`; a project and its location are not.
/// Some clients take `author/slug` for a whole resource, and put no `models/` before it.
fn model(resource: &str) -> Option<String> {
    let resource = decoded(resource)?;
    let mut rest = resource.as_str();
    if let Some(project) = rest.strip_prefix("projects/") {
        let (_, after) = project.split_once("/locations/")?;
        (_, rest) = after.split_once('/')?;
    }
    if let Some(name) = rest.strip_prefix("models/") {
        return Some(name.to_owned());
    }
    if let Some(published) = rest.strip_prefix("publishers/") {
        let (publisher, name) = published.split_once("/models/")?;
        let is_own = publisher == "google";
        return Some(if is_own { name.to_owned() } else { format!("{publisher}/{name}") });
    }
    (rest.contains('/') && !rest.contains("models/")).then(|| rest.to_owned())
}

/// The text that is percent-encoded; none where it is none.
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        let digits = std::str::from_utf8(digits).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

fn framing(query: &str) -> Framing {
    let wants_events = query.split('&').any(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        matches!(decoded(name).as_deref(), Some("alt" | "$alt")) && value.starts_with("sse")
    });
    if wants_events { Framing::Events } else { Framing::Array }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_named_in_many_ways() {
        for (path, model) in [
            ("/v1beta/models/gemini-9-flash", "gemini-9-flash"),
            ("/v1/models/gemini-9-flash", "gemini-9-flash"),
            ("/v1beta/models/author/slug", "author/slug"),
            ("/v1beta/models/author%2Fslug", "author/slug"),
            ("/v1beta/author/slug", "author/slug"),
            ("/v1beta/models/author/slug:free", "author/slug:free"),
            ("/v1beta/models/author/slug%3Afree", "author/slug:free"),
            ("/v1beta/models/caf%C3%A9", "caf\u{e9}"),
            ("/v1beta/tunedModels/mine-7", "tunedModels/mine-7"),
            ("/v1beta1/publishers/google/models/gemini-9-pro", "gemini-9-pro"),
            ("/v1beta1/publishers/other/models/m@1", "other/m@1"),
            ("/v1/projects/p/locations/l/publishers/google/models/g", "g"),
            ("/v1/projects/p/locations/l/publishers/author/models/slug", "author/slug"),
        ] {
            let uri: Uri = format!("{path}:generateContent").parse().unwrap();
            let target = Target::of(&uri).unwrap();
            assert_eq!((&*target.model, target.method), (model, Method::GenerateContent), "{path}");
        }
    }

    #[test]
    fn other_paths_are_not_this_apis() {
        for path in [
            "/v1/models",
            "/v1/models/a/b/endpoints",
            "/v1beta/models/m",
            "/v1beta/models/m:predict",
            "/v2/models/m:generateContent",
        ] {
            assert_eq!(Method::of(path), None, "{path}");
        }
    }

    #[test]
    fn what_names_no_model_is_refused() {
        let long = format!("/v1beta/models/{}:countTokens", "m".repeat(257));
        for path in [
            "/v1beta/models/:countTokens",
            "/v1beta/models/%FF:countTokens",
            "/v1beta/models/%4:countTokens",
            "/v1/projects/p/models/m:countTokens",
            "/v1beta/somewhere/models/m:countTokens",
            "/v1beta/m:countTokens",
            &long,
        ] {
            let error = Target::of(&path.parse().unwrap()).unwrap_err();
            assert_eq!((error.param.as_deref(), error.code), (Some("model"), "invalid_value"));
        }
    }

    #[test]
    fn streams_are_events_where_the_query_asks_for_them() {
        for (query, expected) in [
            ("?alt=sse", Framing::Events),
            ("?key=k&alt=sse", Framing::Events),
            ("?%24alt=sse", Framing::Events),
            ("?alt=json", Framing::Array),
            ("?salt=sse", Framing::Array),
            ("", Framing::Array),
        ] {
            let uri = format!("/v1beta/models/m:streamGenerateContent{query}").parse().unwrap();
            assert_eq!(Target::of(&uri).unwrap().framing, expected, "{query}");
        }
    }
}
