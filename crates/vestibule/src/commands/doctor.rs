//! `vestibule doctor`: looks at everything that a service needs, side by side, and says of each whether it is as it should be. It
//! changes nothing.
//!
//! To look at more: a variant of `Check`, a file here with a function that answers [`Findings`], a line in [`look`], and a row in
//! docs/operations/doctor.md.

mod address;
mod database;
mod findings;
mod keys;
mod limits;
mod plugins;
mod providers;

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Builder;
use vestibule_domain::{Clock, SystemClock};
use vestibule_plugin_host::exit_now;

use super::support::say;
use crate::error::CommandError;
use crate::settings::{Settings, Sources, Understood};

use findings::{Check, Findings};

/// The settings, and the mistakes of the file that they stand in; or why it cannot be read at all.
type Read = Result<(Sources, Vec<String>), CommandError>;

/// Two clocks that are further apart than this are worth a word.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(30);
const KEEP_TIME: &str = "let both machines keep time, by chrony or systemd-timesyncd";

/// Prints what was found, and ends the process: a plugin may have threads that still run.
pub(crate) fn doctor(sources: Read, json: bool) -> Result<(), CommandError> {
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let findings = runtime.block_on(look(sources));
    if json {
        say(findings.to_json())?;
    } else {
        say(&findings)?;
    }
    std::io::stdout().flush()?;
    exit_now(i32::from(findings.has_failure()))
}

async fn look(sources: Read) -> Findings {
    let mut findings = Findings::default();
    let (sources, mistakes) = match sources {
        Ok(read) => read,
        Err(error) => {
            report_mistakes(&mut findings, error);
            return findings;
        }
    };
    let settings = read_settings(&mut findings, &sources, mistakes);
    let understood = Understood::read(&sources);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    findings.append(limits::look(settings.as_ref(), &understood));
    findings.append(keys::look(&understood, clock.now()));
    let (database, providers, plugins, address) = tokio::join!(
        database::look(&understood, clock.as_ref()),
        providers::look(&understood, &clock),
        plugins::look(&understood),
        address::look(&understood, clock.as_ref()),
    );
    for found in [database, providers, plugins, address] {
        findings.append(found);
    }
    findings
}

/// The settings as `serve` would read them, if it could.
fn read_settings(findings: &mut Findings, sources: &Sources, mistakes: Vec<String>) -> Option<Settings> {
    let has_mistakes = !mistakes.is_empty();
    report_mistakes(findings, CommandError::from_texts(mistakes));
    match Settings::read(sources) {
        Ok(settings) if has_mistakes => Some(settings),
        Ok(settings) => {
            let file = sources.file();
            let place = file.map_or_else(|| "the environment".to_owned(), |file| file.display().to_string());
            findings.ok(Check::Settings, place, "they can be read, and make sense");
            Some(settings)
        }
        Err(error) => {
            report_mistakes(findings, error);
            None
        }
    }
}

fn report_mistakes(findings: &mut Findings, error: CommandError) {
    for mistake in error.into_texts() {
        let (setting, reason) = match mistake.split_once(" is not set: ") {
            Some((setting, meaning)) => (setting, format!("not set: {meaning}")),
            None => mistake
                .split_once(": ")
                .map_or(("the settings", mistake.clone()), |(setting, reason)| (setting, reason.to_owned())),
        };
        findings.failure(Check::Settings, setting, reason, "`vestibule serve` does not start with it");
    }
}
