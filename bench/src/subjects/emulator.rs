//! The provider emulator in a process of its own, with many ordinary people.

use std::net::SocketAddr;

use serde_json::{Value, json};
use vestibule_provider_emulator::{Client, Emulator, EmulatorOptions, Persona};

use crate::failure::{Outcome, While};
use crate::process::Process;

use super::{ourselves, start_and_read_line, wait_for_end_of_input};

/// A running emulator and the settings that lead to it.
pub(crate) struct Provider {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    settings: Value,
}

impl Provider {
    /// Starts it with so many people.
    pub(crate) fn start(people: u32) -> Outcome<Self> {
        let (process, line) = start_and_read_line(ourselves(&["emulator", &people.to_string()])?)?;
        let settings: Value = serde_json::from_str(&line).doing("its settings")?;
        let address = settings
            .get("address")
            .and_then(Value::as_str)
            .and_then(|text| text.parse().ok())
            .doing("its address")?;
        Ok(Self { process, address, settings })
    }

    /// Settings of the service that make this its Google and its GitHub.
    pub(crate) fn settings(&self) -> impl Iterator<Item = (&str, &str)> {
        let members = self.settings.as_object().into_iter().flatten();
        let settings = members.filter(|(name, _)| *name != "address");
        settings.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
    }
}

/// The name of a person.
pub(crate) fn persona(number: usize) -> String {
    format!("person-{number:06}")
}

/// Serves until the input ends.
pub(crate) fn serve(people: u32) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().doing("a runtime")?;
    runtime.block_on(async {
        let emulator = Emulator::start(EmulatorOptions::default()).await.doing("the emulator")?;
        let control = emulator.control();
        for number in 0..people {
            let name = persona(usize::try_from(number).unwrap_or_default());
            control.put_persona(Persona::ordinary(&name, "A Person Of Many", number + 1));
        }
        println!("{}", settings(&emulator));
        // The waiting cannot fail.
        tokio::task::spawn_blocking(wait_for_end_of_input).await.ok();
        emulator.stop().await.doing("the emulator")
    })
}

fn settings(emulator: &Emulator) -> Value {
    let (google, github): (&Client, &Client) = (emulator.google_client(), emulator.github_client());
    json!({
        "address": emulator.address().to_string(),
        "GOOGLE_ISSUER": emulator.google_issuer(),
        "GOOGLE_KEY": google.id,
        "GOOGLE_SECRET": google.secret,
        "GITHUB_URL": emulator.github_url(),
        "GITHUB_API_URL": emulator.github_api_url(),
        "GITHUB_KEY": github.id,
        "GITHUB_SECRET": github.secret,
    })
}
