//! Writing JSON in the order that it is written in. Values that are JSON already,
//! such as the schemas of tools, are copied as they are: the order of their fields
//! means something to models.

use serde::Serialize;

/// An object being written.
#[derive(Debug, Default)]
pub(crate) struct Object {
    fields: String,
    names: Vec<String>,
}

impl Object {
    /// An object with this field, e.g. the type that most objects open with.
    pub(crate) fn with<T: Serialize + ?Sized>(name: &str, value: &T) -> Self {
        let mut object = Self::default();
        object.set(name, value);
        object
    }

    pub(crate) fn set<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> &mut Self {
        self.name(name);
        write(&mut self.fields, value);
        self
    }

    pub(crate) fn some<T: Serialize>(&mut self, name: &str, value: Option<T>) -> &mut Self {
        if let Some(value) = value {
            self.set(name, &value);
        }
        self
    }

    /// A value that is JSON already.
    pub(crate) fn raw(&mut self, name: &str, json: &str) -> &mut Self {
        self.name(name);
        self.fields.push_str(json);
        self
    }

    /// Native fields, less those that are written already.
    pub(crate) fn extras(&mut self, extra: &[(String, String)]) -> &mut Self {
        for (name, json) in extra {
            if !self.names.contains(name) {
                self.raw(name, json);
            }
        }
        self
    }

    pub(crate) fn into_json(self) -> String {
        format!("{{{}}}", self.fields)
    }

    fn name(&mut self, name: &str) {
        if !self.names.is_empty() {
            self.fields.push(',');
        }
        write(&mut self.fields, name);
        self.fields.push(':');
        self.names.push(name.into());
    }
}

/// An array of values that are JSON already.
pub(crate) fn array(items: impl IntoIterator<Item = String>) -> String {
    let items: Vec<String> = items.into_iter().collect();
    format!("[{}]", items.join(","))
}

fn write<T: Serialize + ?Sized>(out: &mut String, value: &T) {
    // Strings, numbers and lists of them have no way to fail in memory.
    out.push_str(serde_json::to_string(value).as_deref().unwrap_or("null"));
}
