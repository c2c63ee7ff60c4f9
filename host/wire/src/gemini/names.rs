//! Names as the API takes them: each field has one in camel case, and one in snake case.

use bytes::BytesMut;

use crate::BadRequest;
use crate::json::{Fields, Node, Writer};

impl<'b, 'p> Fields<'b, 'p> {
    /// Takes a field that has either of two names, and not both. One word is both.
    pub(super) fn either(
        &mut self,
        camel: &'static str,
        snake: &'static str,
    ) -> Result<Option<Node<'b, 'p>>, BadRequest> {
        if camel == snake {
            return Ok(self.take(camel));
        }
        match (self.take(camel), self.take(snake)) {
            (Some(_), Some(node)) => {
                let message = format!("is given more than once: it is `{camel}` by its other name");
                Err(node.fault("duplicate_field", message))
            }
            (one, other) => Ok(one.or(other)),
        }
    }
}

/// The items of an array, or the one value that stands for an array of it.
pub(super) fn items<'b, 'p>(node: &'p Node<'b, 'p>) -> Result<Vec<Node<'b, 'p>>, BadRequest> {
    if node.is_object() { Ok(vec![*node]) } else { node.array() }
}

/// An object of these fields, as JSON.
pub(super) fn object(fields: &[(String, String)]) -> String {
    let mut out = BytesMut::new();
    let mut json = Writer::new(&mut out);
    json.open(b'{');
    for (name, value) in fields {
        json.foreign_key(name).raw(value);
    }
    json.close(b'}');
    // Written from texts alone.
    String::from_utf8_lossy(&out).into_owned()
}

/// A field that the provider is shown inside an object of the router's making; none
/// where nothing is left for it.
pub(super) fn inside(
    name: &str,
    left: Vec<(String, String)>,
) -> impl Iterator<Item = (String, String)> {
    let field = (!left.is_empty()).then(|| (name.to_owned(), object(&left)));
    field.into_iter()
}
