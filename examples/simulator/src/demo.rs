//! Three providers for a demonstration: two that answer and one that often
//! does not, slow enough for streaming to be seen.

use std::io;

use crate::fault::{Failure, When};
use crate::kind::Kind;
use crate::script::{Behaviour, Script};
use crate::simulator::Simulator;

/// A speed at which a person sees the words arrive.
const TOKENS_PER_SECOND: u32 = 40;

/// The model that all providers have, for seeing a failover.
const SHARED_MODEL: &str = "demo-small";

/// The model that only the steady providers have.
const STEADY_MODEL: &str = "demo-large";

/// A simulated provider and what a router's configuration says about it.
#[derive(Debug)]
pub struct DemoProvider {
    /// The provider's name.
    pub name: String,
    /// The id of the adapter that speaks its format.
    pub adapter: &'static str,
    /// Where it is.
    pub base_url: String,
    /// The models that it has.
    pub models: Vec<String>,
    /// What it does, and what fails when: one sentence for people.
    pub description: String,
    /// The running server: it ends when this is dropped.
    pub simulator: Simulator,
}

impl DemoProvider {
    pub(crate) fn fleet() -> io::Result<Vec<DemoProvider>> {
        let steady = Behaviour::new().first_token_ms(200).tokens_per_second(TOKENS_PER_SECOND);
        let flaky = steady.clone().fault(When::Every(2), Failure::status(503));
        let both = [SHARED_MODEL, STEADY_MODEL];
        Ok(vec![
            DemoProvider::start(
                "steady-one",
                Kind::OpenAi,
                &both,
                steady.clone(),
                "speaks OpenAI's format and answers every request",
            )?,
            DemoProvider::start(
                "steady-two",
                Kind::Anthropic,
                &both,
                steady,
                "speaks Anthropic's format and answers every request",
            )?,
            DemoProvider::start(
                "flaky",
                Kind::OpenAi,
                &[SHARED_MODEL],
                flaky,
                "speaks OpenAI's format and fails every second request with status 503 \
                 before its first token",
            )?,
        ])
    }

    fn start(
        name: &str,
        kind: Kind,
        models: &[&str],
        behaviour: Behaviour,
        description: &str,
    ) -> io::Result<DemoProvider> {
        let mut script = Script::from(behaviour.reply(format!(
            "You have reached {name}. I am no model: these words were chosen before you asked. \
             They left as server-sent events, were read by an adapter inside a sandbox, and \
             arrive at about the speed of a real provider."
        )));
        script.known_models = models.iter().map(|&model| model.to_owned()).collect();
        let models = script.known_models.clone();
        let simulator = Simulator::start(kind, script)?;
        Ok(DemoProvider {
            name: name.to_owned(),
            adapter: kind.adapter(),
            base_url: simulator.base_url(),
            models,
            description: description.to_owned(),
            simulator,
        })
    }
}
