//! Who is to blame for how an attempt ended.

/// How an attempt ended, as far as the endpoint is to blame for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It served.
    Good,
    /// It failed.
    Bad,
    /// It asked for a pause.
    Limited,
    /// Somebody else's doing: says nothing about the endpoint.
    Blameless,
}
