//! The providers: each takes the steps of a sign-in that need no person.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::timeout;
use vestibule_domain::{Clock, ClockDifference, ClockReading, ProviderName, PublicUrls, Timestamp};
use vestibule_upstream::{
    CLOCK_LEEWAY, Diagnosis, ExchangeLimit, Provider, ProviderError, Reason, RegistrationDiagnosis,
    RegistrationVerdict, UpstreamObserver, UpstreamOutcome, UsableKeys,
};

use super::findings::{Check, Findings};
use super::{CLOCK_TOLERANCE, KEEP_TIME};
use crate::serve::make_providers;
use crate::settings::table::OUTBOUND_PROXY;
use crate::settings::{Understood, provider_setting};

/// Longer than all steps may take one after the other.
const LIMIT: Duration = Duration::from_secs(40);
/// In the place of a redirect URI that cannot be known.
const NO_REDIRECT_URI: &str = "https://unknown.invalid/";

/// What the providers said about the time, the last word of each.
struct Clocks {
    clock: Arc<dyn Clock>,
    readings: Mutex<BTreeMap<ProviderName, ClockReading>>,
}

impl UpstreamObserver for Clocks {
    fn request(&self, _: &ProviderName, _: UpstreamOutcome, _: Duration) {}

    fn second(&self, provider: &ProviderName, second: Timestamp, duration: Duration) {
        let answered = self.clock.now();
        let asked = answered.minus(duration);
        let reading = ClockReading { asked, answered, theirs: second, precision: Duration::from_secs(1) };
        self.readings.lock().unwrap_or_else(PoisonError::into_inner).insert(provider.clone(), reading);
    }
}

impl Clocks {
    fn find(&self, provider: &ProviderName) -> Option<ClockReading> {
        self.readings.lock().unwrap_or_else(PoisonError::into_inner).get(provider).copied()
    }
}

pub(super) async fn look(settings: &Understood, clock: &Arc<dyn Clock>) -> Findings {
    let mut findings = Findings::default();
    if !settings.knows_way_out {
        let message = "no provider is asked: through which proxy is not known";
        let mending = format_args!("mend {} first; its own line says what is wrong", OUTBOUND_PROXY.name());
        findings.warning(Check::Issuer, "providers", message, mending);
        return findings;
    }
    let clocks = Arc::new(Clocks { clock: Arc::clone(clock), readings: Mutex::default() });
    let observer: Arc<dyn UpstreamObserver> = clocks.clone();
    let providers = match make_providers(&settings.providers, clock, ExchangeLimit::MOST, Some(&observer)) {
        Ok(providers) => providers,
        Err(error) => {
            findings.failure(
                Check::Issuer,
                "providers",
                error,
                "no provider can be asked until this is mended",
            );
            return findings;
        }
    };
    let address = settings.external_address.as_ref();
    let begin = |provider: &Arc<dyn Provider>| {
        let redirect_uri = address.map(|address| PublicUrls(address).redirect_uri(provider.name()));
        tokio::spawn(ask(Arc::clone(provider), redirect_uri))
    };
    let looks: Vec<_> = providers.iter().map(begin).collect();
    for (provider, asked) in providers.iter().zip(looks) {
        let name = provider.name();
        match asked.await {
            Ok(Some((diagnosis, redirect_uri))) => {
                let mut about = About { name, findings: &mut findings };
                about.report(diagnosis, redirect_uri.as_deref(), clocks.find(name));
            }
            _ => findings.failure(Check::Issuer, name, "it gave no answer in time", REACH),
        }
    }
    findings
}

type Asked = Option<(Diagnosis, Option<String>)>;

async fn ask(provider: Arc<dyn Provider>, redirect_uri: Option<String>) -> Asked {
    let diagnosis =
        timeout(LIMIT, provider.diagnose(redirect_uri.as_deref().unwrap_or(NO_REDIRECT_URI))).await.ok()?;
    Some((diagnosis, redirect_uri))
}

const REACH: &str = "see that this machine reaches it: name, network, certificate";

/// The lines about one provider.
struct About<'a> {
    name: &'a ProviderName,
    findings: &'a mut Findings,
}

impl About<'_> {
    fn report(&mut self, diagnosis: Diagnosis, redirect_uri: Option<&str>, reading: Option<ClockReading>) {
        let has_tokens = diagnosis.metadata.is_some();
        self.report_metadata(diagnosis.metadata);
        self.report_keys(diagnosis.keys);
        self.report_api(diagnosis.api);
        let is_mismatch = self.report_registration(diagnosis.registration);
        self.report_redirect_uri(redirect_uri, is_mismatch);
        if let Some(reading) = reading {
            self.report_clock(reading.difference(), has_tokens);
        }
    }

    /// A step that failed: because there was no answer, or because of what the answer was.
    fn fail(&mut self, check: Check, failure: &ProviderError, mending: &dyn fmt::Display) {
        let reason = reason_of(failure);
        let is_away = matches!(reason, Reason::Timeout | Reason::Connection | Reason::Interrupted);
        let mending = if is_away { &REACH } else { mending };
        self.findings.failure(check, self.name, reason, mending);
    }

    fn report_metadata(&mut self, outcome: Option<Result<(), ProviderError>>) {
        match outcome {
            None => {}
            Some(Ok(())) => self.findings.ok(
                Check::Issuer,
                self.name,
                "its discovery document can be read, and is its own",
            ),
            Some(Err(failure)) => {
                let setting = provider_setting(self.name, "issuer");
                let mending = match reason_of(&failure) {
                    // It says itself what to write.
                    Reason::Mismatch(_) => format!("the setting is {setting}"),
                    Reason::ClientAuthentication => {
                        format!(
                            "the setting is [providers.{}] token_endpoint_auth_method",
                            table_of(self.name)
                        )
                    }
                    Reason::Algorithms { .. } => "let it sign ID tokens in one of these ways".to_owned(),
                    _ => format!("{setting} must be the issuer as it stands in its own discovery document"),
                };
                self.fail(Check::Issuer, &failure, &mending);
            }
        }
    }

    fn report_keys(&mut self, outcome: Option<Result<UsableKeys, ProviderError>>) {
        const CHECK: Check = Check::IssuerKeys;
        match outcome {
            None => {}
            Some(Ok(UsableKeys { count: 0, algorithms })) => {
                let message =
                    format_args!("no published key can check a signature of {}", algorithms.join(" or "));
                let mending =
                    "let the provider sign ID tokens with one of the algorithms of docs/settings.md";
                self.findings.failure(CHECK, self.name, message, mending);
            }
            Some(Ok(UsableKeys { count, algorithms })) => {
                let keys = if count == 1 { "key" } else { "keys" };
                let message = format_args!("{count} {keys} for signatures of {}", algorithms.join(", "));
                self.findings.ok(CHECK, self.name, message);
            }
            Some(Err(failure)) => self.fail(
                CHECK,
                &failure,
                &"see what the address in `jwks_uri` of its discovery document answers",
            ),
        }
    }

    fn report_api(&mut self, outcome: Option<Result<(), ProviderError>>) {
        match outcome {
            None => {}
            Some(Ok(())) => self.findings.ok(Check::Api, self.name, "its API answers"),
            Some(Err(failure)) => {
                let [api, site] = ["api_url", "url"].map(|field| provider_setting(self.name, field));
                self.fail(Check::Api, &failure, &format_args!("{api} must be the API of {site}"));
            }
        }
    }

    /// Says whether the redirect URI alone is wrong.
    fn report_registration(&mut self, outcome: Option<RegistrationDiagnosis>) -> bool {
        const CHECK: Check = Check::Client;
        use RegistrationVerdict::{CodeTaken, Known, RedirectUriUnknown, Unclear, Unknown};
        let Some(RegistrationDiagnosis { method, verdict }) = outcome else { return false };
        let (name, findings) = (self.name, &mut *self.findings);
        let setting = |field| provider_setting(name, field);
        match verdict {
            Known | RedirectUriUnknown => {
                findings.ok(CHECK, name, format_args!("the provider knows the client (by {method})"));
                return verdict == RedirectUriUnknown;
            }
            Unknown { code, known_by: Some(other) } => {
                let message =
                    format_args!("the provider knows the client by {other}, and not by {method} ({code})");
                let table = table_of(name);
                let mending =
                    format_args!("say token_endpoint_auth_method = \"{other}\" in [providers.{table}]");
                findings.failure(CHECK, name, message, mending);
            }
            Unknown { code, known_by: None } => {
                let message = format_args!("the provider does not know the client ({code}, by {method})");
                let mending = format_args!("check {} and {}", setting("client_id"), setting("client_secret"));
                findings.failure(CHECK, name, message, mending);
            }
            Unclear(failure @ ProviderError::Unavailable { .. }) => {
                self.fail(CHECK, &failure, &"see what the token endpoint of the provider answers");
            }
            Unclear(failure) => {
                let message = format_args!("unclear (by {method}): {}", reason_of(&failure));
                findings.warning(CHECK, name, message, "sign in once to see whether the client is known");
            }
            CodeTaken => {
                let message = "the provider gave a token for a code that it never gave";
                findings.failure(CHECK, name, message, "do not let people sign in with it");
            }
        }
        false
    }

    fn report_redirect_uri(&mut self, redirect_uri: Option<&str>, is_mismatch: bool) {
        match redirect_uri {
            None => {}
            Some(uri) if is_mismatch => {
                let message = format_args!("{uri} is not registered");
                self.findings.failure(Check::RedirectUri, self.name, message, "register it at the provider");
            }
            Some(uri) => {
                self.findings.ok(Check::RedirectUri, self.name, format_args!("{uri} is the one to register"));
            }
        }
    }

    /// A provider without ID tokens states no times that we would believe.
    fn report_clock(&mut self, difference: ClockDifference, has_tokens: bool) {
        const CHECK: Check = Check::ProviderClock;
        let length = difference.length();
        let apart = describe(difference);
        if length <= CLOCK_TOLERANCE {
            self.findings.ok(CHECK, self.name, "its clock and ours agree");
        } else if has_tokens && length > CLOCK_LEEWAY {
            let leeway = humantime::format_duration(CLOCK_LEEWAY);
            let message = format_args!("its clock is {apart} ours: ID tokens are refused beyond {leeway}");
            self.findings.failure(CHECK, self.name, message, KEEP_TIME);
        } else {
            self.findings.warning(CHECK, self.name, format_args!("its clock is {apart} ours"), KEEP_TIME);
        }
    }
}

/// The table that may say how the client authenticates: those of providers with settings of their own have no such key.
fn table_of(name: &ProviderName) -> &str {
    if name.as_str() == "google" { "NAME" } else { name.as_str() }
}

fn reason_of(failure: &ProviderError) -> Reason {
    match failure {
        ProviderError::Unavailable { reason, .. } | ProviderError::Refused { reason, .. } => *reason,
    }
}

/// `10m ahead of`, in seconds up to two minutes, then in minutes.
pub(super) fn describe(difference: ClockDifference) -> String {
    let (seconds, direction) = match difference {
        ClockDifference::None => (0, "ahead of"),
        ClockDifference::Ahead(length) => (length.as_secs(), "ahead of"),
        ClockDifference::Behind(length) => (length.as_secs(), "behind"),
    };
    if seconds < 120 {
        format!("{seconds}s {direction}")
    } else {
        format!("{}m {direction}", (seconds + 30) / 60)
    }
}
