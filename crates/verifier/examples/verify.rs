#![expect(clippy::disallowed_methods, reason = "a service reads its own clock")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command for people")]
//! Says whether a permission token is good: `verify ISSUER SERVICE TOKEN`.

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use vestibule_verifier::{PermissionGrant, Verifier, VerifyError};

const REFRESH: Duration = Duration::from_secs(60 * 60);
/// Anybody can send a token that names an unknown key, so not every such token is worth a request.
const COOLDOWN: Duration = Duration::from_secs(30);

/// A verifier with the keys that the issuer publishes now.
pub(crate) struct Guard {
    issuer: String,
    service: String,
    http: reqwest::Client,
    verifier: Verifier,
    fetched: Instant,
    pub(crate) refresh_after: Duration,
    pub(crate) cooldown: Duration,
}

impl Guard {
    pub(crate) async fn new(issuer: &str, service: &str) -> Result<Self, Box<dyn Error>> {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(5)).build()?;
        Ok(Self {
            verifier: fetch(&http, issuer, service).await?,
            http,
            issuer: issuer.into(),
            service: service.into(),
            fetched: Instant::now(),
            refresh_after: REFRESH,
            cooldown: COOLDOWN,
        })
    }

    pub(crate) async fn check(&mut self, token: &str) -> Result<PermissionGrant, VerifyError> {
        if self.fetched.elapsed() > self.refresh_after {
            self.refresh().await;
        }
        match self.verify(token) {
            Err(VerifyError::UnknownKey) if self.fetched.elapsed() > self.cooldown => {
                self.refresh().await;
                self.verify(token)
            }
            outcome => outcome,
        }
    }

    fn verify(&self, token: &str) -> Result<PermissionGrant, VerifyError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.verifier.verify(token, now.as_secs())
    }

    /// While the issuer cannot be reached, the keys that are known stay good.
    async fn refresh(&mut self) {
        self.fetched = Instant::now();
        if let Ok(verifier) = fetch(&self.http, &self.issuer, &self.service).await {
            self.verifier = verifier;
        }
    }
}

async fn fetch(http: &reqwest::Client, issuer: &str, service: &str) -> Result<Verifier, Box<dyn Error>> {
    let answer = http.get(format!("{issuer}/.well-known/jwks.json")).send().await?.error_for_status()?;
    Ok(Verifier::new(issuer, service).with_jwks(&answer.text().await?)?)
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [issuer, service, token] = arguments.as_slice() else {
        return Err("usage: verify ISSUER SERVICE TOKEN".into());
    };
    match Guard::new(issuer, service).await?.check(token).await {
        Ok(grant) => println!("{} may {}", grant.user_id, serde_json::to_string(&grant.permissions)?),
        Err(refusal) => {
            eprintln!("refused: {refusal}");
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}
