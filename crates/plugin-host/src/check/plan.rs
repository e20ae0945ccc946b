//! The checks, in their order.

use std::time::Duration;

use crate::process::CREATE_TIMEOUT;
use serde::{Deserialize, Serialize};

/// One check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Check {
    File,
    Table,
    Schema,
    Create,
    BrokenConfigurations,
    Answers,
    OddStrings,
    Threads,
    Deadlines,
    Leaks,
    Speed,
}

impl Check {
    pub(super) const ALL: [Self; 11] = [
        Self::File,
        Self::Table,
        Self::Schema,
        Self::Create,
        Self::BrokenConfigurations,
        Self::Answers,
        Self::OddStrings,
        Self::Threads,
        Self::Deadlines,
        Self::Leaks,
        Self::Speed,
    ];

    /// As it stands in the report.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Table => "table",
            Self::Schema => "schema",
            Self::Create => "create",
            Self::BrokenConfigurations => "broken configurations",
            Self::Answers => "answers",
            Self::OddStrings => "odd strings",
            Self::Threads => "threads",
            Self::Deadlines => "deadlines",
            Self::Leaks => "leaks",
            Self::Speed => "speed",
        }
    }

    /// What must have passed before this one can say anything.
    pub(super) fn needs(self) -> &'static [Self] {
        match self {
            Self::File => &[],
            Self::Table => &[Self::File],
            Self::Schema | Self::Create | Self::BrokenConfigurations => &[Self::Table],
            Self::Answers => &[Self::Create],
            _ => &[Self::Answers],
        }
    }

    /// How long one step of the plugin may take before it counts as hanging. `create` has what it has at a start.
    pub(super) fn patience(self) -> Duration {
        match self {
            Self::Create => CREATE_TIMEOUT,
            _ => Duration::from_secs(10),
        }
    }
}

/// How long a check that repeats something goes on before it is content with what it has.
pub(super) const ENOUGH: Duration = Duration::from_secs(15);
