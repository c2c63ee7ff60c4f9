//! Which endpoints a request may go to, rule by rule.
