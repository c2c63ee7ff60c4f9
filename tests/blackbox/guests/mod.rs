//! Plugins that misbehave in a running router: one test for each of `tests/guests`,
//! named like it. Without it this does not compile.

mod answers;
mod calls;
mod loading;
mod media;
mod requests;
mod scene;
mod strategies;

#[allow(unused_imports, reason = "what these hold is looked up by name")]
use self::{answers::*, calls::*, loading::*, media::*, requests::*, strategies::*};

macro_rules! assert_test_exists {
    ($guest:ident) => {
        #[allow(unused_imports, reason = "it only has to be there")]
        use self::$guest as _;
    };
}

include!(concat!(env!("OUT_DIR"), "/foreach_guest.rs"));

foreach_guest!(assert_test_exists);
