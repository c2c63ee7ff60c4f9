//! Native fields of a response, merged as they come and bounded: a provider may
//! repeat them in every frame, and a plugin may make them up.

/// All native fields of one response, in bytes. What does not fit is left out:
/// they are for people who debug, not what a client asked for.
const MAX_BYTES: usize = 64 * 1024;

/// Native fields of one response.
const MAX_FIELDS: usize = 64;

/// Takes over `more`; of a name the last value stands.
pub(crate) fn merge(extra: &mut Vec<(String, String)>, more: &[(String, String)]) {
    for (name, value) in more {
        let others = extra.iter().filter(|(known, _)| known != name);
        let (fields, bytes) = others
            .fold((0, 0), |(n, bytes), (name, value)| (n + 1, bytes + name.len() + value.len()));
        if fields >= MAX_FIELDS || bytes + name.len() + value.len() > MAX_BYTES {
            continue;
        }
        match extra.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => value.clone_into(known),
            None => extra.push((name.clone(), value.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, value: &str) -> (String, String) {
        (name.into(), value.into())
    }

    #[test]
    fn of_a_name_the_last_value_stands() {
        let mut extra = vec![field("a", "1")];
        merge(&mut extra, &[field("b", "2"), field("a", "3")]);
        assert_eq!(extra, [field("a", "3"), field("b", "2")]);
    }

    #[test]
    fn what_does_not_fit_is_left_out() {
        let mut extra = Vec::new();
        let large = "x".repeat(MAX_BYTES);
        merge(&mut extra, &[field("large", &large), field("small", "1")]);
        assert_eq!(extra, [field("small", "1")]);
        let many: Vec<_> = (0..1000).map(|n| field(&n.to_string(), "0")).collect();
        merge(&mut extra, &many);
        assert_eq!(extra.len(), MAX_FIELDS);
    }
}
