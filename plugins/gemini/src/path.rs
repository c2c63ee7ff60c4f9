//! Where a model's methods are, below the base URL.

use plugway_formats::path::percent_encoded;
use plugway_formats::report::invalid;
use plugway_sdk::chat::Failure;

use crate::options::{Options, Platform};

/// The path of a method of a model, e.g. `generateContent`.
///
/// # Errors
/// Of kind `invalid-request` for a name that is no name of a model.
pub(crate) fn method(options: &Options, model: &str, method: &str) -> Result<String, Failure> {
    Ok(format!("{}/{}:{method}", version(options), resource(options, model)?))
}

/// The path of the list of models.
pub(crate) fn models(options: &Options) -> String {
    let version = version(options);
    match options.platform {
        Platform::AiStudio => format!("{version}/models"),
        Platform::Vertex => format!("{version}/publishers/{}/models", segment(&options.publisher)),
    }
}

/// Empty where the base URL ends with it.
fn version(options: &Options) -> String {
    options.api_version.as_ref().map(|version| format!("/{}", segment(version))).unwrap_or_default()
}

/// The model's name as the API writes it in full: a client may write it so, too.
pub(crate) fn resource(options: &Options, model: &str) -> Result<String, Failure> {
    let names = ["models/", "tunedModels/", "publishers/", "endpoints/", "projects/"];
    let is_full = names.iter().any(|prefix| model.starts_with(prefix));
    let name = if is_full { segments(model)? } else { segment(model) };
    if name.is_empty() {
        return Err(invalid("model", "is empty"));
    }
    Ok(match options.platform {
        Platform::AiStudio if is_full => name,
        Platform::AiStudio => format!("models/{name}"),
        Platform::Vertex if name.starts_with("projects/") => name,
        Platform::Vertex => format!("{}{}", place(options), published(options, &name)),
    })
}

/// The project and location that pay; empty in express mode.
fn place(options: &Options) -> String {
    let Some(project) = &options.project else {
        return String::new();
    };
    format!("projects/{}/locations/{}/", segment(project), segment(&options.location))
}

fn published(options: &Options, name: &str) -> String {
    if name.starts_with("publishers/") || name.starts_with("endpoints/") {
        return name.to_owned();
    }
    let name = name.strip_prefix("models/").unwrap_or(name);
    format!("publishers/{}/models/{name}", segment(&options.publisher))
}

fn segments(path: &str) -> Result<String, Failure> {
    let parts: Vec<&str> = path.split('/').collect();
    if parts.iter().any(|part| matches!(*part, "" | "." | "..")) {
        return Err(invalid("model", "is not the name of a model"));
    }
    Ok(parts.iter().map(|part| segment(part)).collect::<Vec<_>>().join("/"))
}

/// The text as one segment of a path, or as a value of a query. Vertex writes versions
/// of models behind an `@`, which may stand in a path as it is.
pub(crate) fn segment(text: &str) -> String {
    percent_encoded(text).replace("%40", "@")
}

#[cfg(test)]
mod tests {
    use super::*;
    use plugway_sdk::testing::endpoint;

    fn path(options: &[(&str, &str)], model: &str) -> String {
        let options = Options::of(&endpoint(options)).unwrap();
        method(&options, model, "generateContent").unwrap_or_else(|failure| failure.message)
    }

    #[test]
    fn ai_studio_has_models_and_tuned_models() {
        let check = |model, expected: &str| assert_eq!(path(&[], model), expected);
        check("gemini-9-flash", "/models/gemini-9-flash:generateContent");
        check("models/gemini-9-flash", "/models/gemini-9-flash:generateContent");
        check("tunedModels/mine-7", "/tunedModels/mine-7:generateContent");
        check("a/b?c#d", "/models/a%2Fb%3Fc%23d:generateContent");
        check("models/../files", "model is not the name of a model");
        check("", "model is empty");
    }

    #[test]
    fn vertex_has_projects_locations_and_publishers() {
        let vertex = [
            ("platform", "\"vertex\""),
            ("project", "\"acme\""),
            ("location", "\"europe-west4\""),
            ("api_version", "\"v1\""),
        ];
        let here = "/v1/projects/acme/locations/europe-west4";
        let check = |model, expected: &str| {
            assert_eq!(path(&vertex, model), format!("{expected}:generateContent"));
        };
        check("gemini-9-pro", &format!("{here}/publishers/google/models/gemini-9-pro"));
        check("publishers/other/models/m@1", &format!("{here}/publishers/other/models/m@1"));
        check("endpoints/123", &format!("{here}/endpoints/123"));
        check("projects/p/locations/l/endpoints/5", "/v1/projects/p/locations/l/endpoints/5");
        assert_eq!(
            path(&[("platform", "\"vertex\"")], "gemini-9-pro"),
            "/publishers/google/models/gemini-9-pro:generateContent"
        );
    }
}
