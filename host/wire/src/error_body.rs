//! An error as every dialect tells it in an envelope of its own.

use crate::json::Writer;

/// An error as the client is to see it. What happened, and which status it makes,
/// is the router's judgement.
#[derive(Clone, Debug, Default)]
pub struct ErrorBody {
    /// HTTP status.
    pub status: u16,
    /// One sentence.
    pub message: String,
    /// The kind of error by OpenRouter's name for it, e.g. `rate_limit_exceeded`.
    pub kind: &'static str,
    /// `type` as OpenAI has it, e.g. `invalid_request_error`.
    pub class: &'static str,
    /// Stable code finer than the kind, e.g. `missing_required_parameter`.
    pub code: Option<String>,
    /// The request field at fault.
    pub param: Option<String>,
    /// Display name of the provider whose fault it was.
    pub provider_name: Option<String>,
    /// That provider's own code.
    pub provider_code: Option<String>,
    /// Name and JSON of whatever else is worth telling.
    pub metadata: Vec<(String, String)>,
    /// JSON of OpenRouter's object about the availability of what was asked for.
    pub availability: Option<String>,
    /// The router's id of the generation, where there is one.
    pub id: Option<String>,
    /// How the request was routed, a JSON object; none where nobody asked.
    pub router: Option<String>,
}

impl ErrorBody {
    /// The fields of `metadata` that say which error it is and whose, and what else is
    /// worth telling. Each dialect has some of the others elsewhere.
    pub(crate) fn write_metadata(&self, json: &mut Writer<'_>) {
        for (name, value) in self.named() {
            json.key(name).string(value);
        }
        for (name, value) in &self.metadata {
            json.foreign_key(name).raw(value);
        }
    }

    /// The availability, in the object of the error.
    pub(crate) fn write_availability(&self, json: &mut Writer<'_>) {
        if let Some(availability) = &self.availability {
            json.key("availability").raw(availability);
        }
    }

    /// The texts of `metadata`, as far as there are any.
    pub(crate) fn named(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let named = [
            ("code", &self.code),
            ("provider_name", &self.provider_name),
            ("provider_code", &self.provider_code),
        ];
        named.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)))
    }
}
