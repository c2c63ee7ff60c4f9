//! Each dialect at the front door, in front of adapters of other families.

mod messages;
