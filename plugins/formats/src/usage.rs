//! Counts that are told again.

use plugway_sdk::chat::Usage;

/// Later usage, in which nothing is less than it was: servers that count as they go
/// sometimes begin anew.
pub fn grown(former: Option<&Usage>, mut usage: Usage) -> Usage {
    let Some(former) = former else { return usage };
    let counts = [
        (&mut usage.prompt_tokens, former.prompt_tokens),
        (&mut usage.completion_tokens, former.completion_tokens),
        (&mut usage.cache_read_tokens, former.cache_read_tokens),
        (&mut usage.cache_write_tokens, former.cache_write_tokens),
        (&mut usage.reasoning_tokens, former.reasoning_tokens),
    ];
    for (count, former) in counts {
        *count = former.max(*count);
    }
    for (name, former) in &former.meters {
        match usage.meters.iter_mut().find(|(known, _)| known == name) {
            Some((_, count)) => *count = (*count).max(*former),
            None => usage.meters.push((name.clone(), *former)),
        }
    }
    usage.cost = usage.cost.max(former.cost);
    usage
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(prompt_tokens: u64, completion_tokens: u64) -> Usage {
        Usage { prompt_tokens, completion_tokens, ..Usage::default() }
    }

    #[test]
    fn usage_never_shrinks() {
        let searched = |count| vec![("web-searches".to_owned(), count)];
        let former = Usage { meters: searched(2), cost: Some(5), ..plain(9, 4) };
        let later = Usage { cache_read_tokens: 3, ..plain(8, 6) };
        let expected =
            Usage { cache_read_tokens: 3, meters: searched(2), cost: Some(5), ..plain(9, 6) };
        assert_eq!(grown(Some(&former), later), expected);
    }
}
