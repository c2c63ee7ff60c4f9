//! Names as the API takes them: each field has one in camel case, and one in snake case.

use crate::BadRequest;
use crate::json::{Fields, Node};

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
