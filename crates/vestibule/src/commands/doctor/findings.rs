//! What was found: one line for each look.

use std::fmt;

use serde_json::{Value, json};

/// What was looked at. The names are part of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    Settings,
    User,
    OpenFiles,
    Memory,
    Disk,
    SigningKey,
    Database,
    Schema,
    Rights,
    DatabaseClock,
    Connections,
    Notifications,
    Issuer,
    IssuerKeys,
    Client,
    RedirectUri,
    ProviderClock,
    Api,
    Plugin,
    Address,
    Proxies,
}

impl Check {
    fn as_str(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::User => "user",
            Self::OpenFiles => "open_files",
            Self::Memory => "memory",
            Self::Disk => "disk",
            Self::SigningKey => "signing_key",
            Self::Database => "database",
            Self::Schema => "schema",
            Self::Rights => "rights",
            Self::DatabaseClock => "database_clock",
            Self::Connections => "connections",
            Self::Notifications => "notifications",
            Self::Issuer => "issuer",
            Self::IssuerKeys => "issuer_keys",
            Self::Client => "client",
            Self::RedirectUri => "redirect_uri",
            Self::ProviderClock => "provider_clock",
            Self::Api => "api",
            Self::Plugin => "plugin",
            Self::Address => "address",
            Self::Proxies => "proxies",
        }
    }
}

/// What came of a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    /// As it should be.
    Ok,
    /// The service works, less well than it could, or not for long.
    Warning,
    /// The service does not start, or a part of it cannot work.
    Failure,
}

impl Status {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failure => "failure",
        }
    }
}

#[derive(Debug)]
struct Finding {
    check: Check,
    subject: String,
    status: Status,
    message: String,
    mending: Option<String>,
}

/// What was found, in the order in which it is printed.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    /// Something is as it should be.
    pub(super) fn ok(&mut self, check: Check, subject: impl fmt::Display, message: impl fmt::Display) {
        self.add(check, Status::Ok, &subject, &message, None);
    }

    /// Something should be better; `mending` says how.
    pub(super) fn warning(
        &mut self,
        check: Check,
        subject: impl fmt::Display,
        message: impl fmt::Display,
        mending: impl fmt::Display,
    ) {
        self.add(check, Status::Warning, &subject, &message, Some(&mending));
    }

    /// Something cannot work; `mending` says what to do.
    pub(super) fn failure(
        &mut self,
        check: Check,
        subject: impl fmt::Display,
        message: impl fmt::Display,
        mending: impl fmt::Display,
    ) {
        self.add(check, Status::Failure, &subject, &message, Some(&mending));
    }

    fn add(
        &mut self,
        check: Check,
        status: Status,
        subject: &dyn fmt::Display,
        message: &dyn fmt::Display,
        mending: Option<&dyn fmt::Display>,
    ) {
        let mending = mending.map(ToString::to_string);
        let (subject, message) = (subject.to_string(), message.to_string());
        self.0.push(Finding { check, subject, status, message, mending });
    }

    pub(super) fn append(&mut self, mut others: Self) {
        self.0.append(&mut others.0);
    }

    pub(super) fn has_failure(&self) -> bool {
        self.0.iter().any(|finding| finding.status == Status::Failure)
    }

    /// The list as JSON, on one line.
    pub(super) fn to_json(&self) -> Value {
        self.0.iter().map(Finding::to_json).collect()
    }
}

/// A line for each.
impl fmt::Display for Findings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        formatter.write_str(&lines.join("\n"))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { check, subject, status, message, mending } = self;
        write!(formatter, "{:<8} {} {subject}: {message}", status.as_str(), check.as_str())?;
        mending.iter().try_for_each(|mending| write!(formatter, "; {mending}"))
    }
}

impl Finding {
    fn to_json(&self) -> Value {
        let mut members = json!({
            "check": self.check.as_str(),
            "subject": self.subject,
            "status": self.status.as_str(),
            "message": self.message,
        });
        if let (Some(mending), Some(members)) = (&self.mending, members.as_object_mut()) {
            members.insert("mending".to_owned(), Value::from(mending.as_str()));
        }
        members
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_one_line_and_one_object() {
        let mut findings = Findings::default();
        findings.ok(Check::Disk, "/var", "there is room");
        assert!(!findings.has_failure());
        findings.failure(Check::Issuer, "corp", "it is away", "wait");
        assert!(findings.has_failure());
        let text = "ok       disk /var: there is room\nfailure  issuer corp: it is away; wait";
        assert_eq!(findings.to_string(), text);
        let objects = json!([
            { "check": "disk", "subject": "/var", "status": "ok", "message": "there is room" },
            { "check": "issuer", "subject": "corp", "status": "failure", "message": "it is away", "mending": "wait" },
        ]);
        assert_eq!(findings.to_json(), objects);
    }
}
