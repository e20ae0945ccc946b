//! What `--dev` adds: a stand-in for the providers that have no credentials.

use std::net::SocketAddr;

use vestibule_provider_emulator::{Emulator, EmulatorOptions};
use vestibule_upstream::{GithubSettings, OidcSettings};

use crate::error::CommandError;
use crate::settings::{Settings, emulator_address};

/// Starts the emulator and points the providers without credentials at it. From here on the program takes the same path
/// as with the real ones.
pub(crate) async fn start_emulator(settings: &mut Settings) -> Result<Option<Emulator>, CommandError> {
    let providers = &mut settings.providers;
    if !settings.dev || (providers.google.is_some() && providers.github.is_some()) {
        return Ok(None);
    }
    let emulator =
        start(settings.listen).await.map_err(CommandError::while_doing("the provider emulator"))?;
    if providers.google.is_none() {
        let client = emulator.google_client();
        let (id, secret) = (client.id.clone(), client.secret.clone().into());
        let google = OidcSettings::google(&emulator.google_issuer(), id, secret);
        providers.google = Some(OidcSettings {
            claims: providers.google_claims.clone(),
            authorization_parameters: providers.google_parameters.clone(),
            ..google
        });
    }
    if providers.github.is_none() {
        let client = emulator.github_client();
        providers.github = Some(GithubSettings {
            client_id: client.id.clone(),
            client_secret: client.secret.clone().into(),
            url: emulator.github_url(),
            api_url: emulator.github_api_url(),
            organizations: providers.github_organizations,
            authorization_parameters: providers.github_parameters.clone(),
        });
    }
    Ok(Some(emulator))
}

/// On any free port when the one that it should have is taken.
async fn start(listen: SocketAddr) -> std::io::Result<Emulator> {
    let options = |listen| EmulatorOptions { listen, ..EmulatorOptions::default() };
    match Emulator::start(options(emulator_address(listen))).await {
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            Emulator::start(options(SocketAddr::from(([127, 0, 0, 1], 0)))).await
        }
        outcome => outcome,
    }
}
