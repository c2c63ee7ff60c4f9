//! Two attempts at once: who wins, who is cancelled, who pays.
