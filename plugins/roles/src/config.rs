//! What the operator writes. Whether it makes sense is for `policy` to say; `schema.json` says the same for people and tools.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use vestibule_plugin_sdk::{Value, hide_texts};

/// The plugin's own settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Where the rules are, unless they stand here.
    pub(crate) file: Option<PathBuf>,
    /// The form of the answer.
    #[serde(default)]
    pub(crate) format: Format,
    /// How long the host may use an answer again.
    pub(crate) cache_seconds: Option<u64>,
    roles: Option<RoleTable>,
    rules: Option<Vec<RuleText>>,
    default_roles: Option<Vec<String>>,
    database: Option<bool>,
}

/// The scopes of each role.
pub(crate) type RoleTable = BTreeMap<String, Vec<String>>;

/// The form of the answer.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// `{"read":true,"write":true}`
    #[default]
    Scopes,
    /// `{"roles":["Moderator"],"scopes":["read","write"]}`
    List,
}

/// What the file holds, or the settings in its place.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleSet {
    pub(crate) roles: Option<RoleTable>,
    pub(crate) rules: Option<Vec<RuleText>>,
    pub(crate) default_roles: Option<Vec<String>>,
    pub(crate) database: Option<bool>,
}

/// One rule.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleText {
    pub(crate) name: String,
    pub(crate) user: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) domain: Option<String>,
    pub(crate) organization: Option<OrganizationText>,
    pub(crate) claim: Option<ClaimText>,
    pub(crate) provider: Option<String>,
    pub(crate) roles: Vec<String>,
    pub(crate) services: Option<Vec<String>>,
}

/// An organization at GitHub.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected the number of an organization, or its login")]
pub(crate) enum OrganizationText {
    Number(u64),
    Login(String),
}

/// A claim that an identity has.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClaimText {
    pub(crate) provider: Option<String>,
    pub(crate) name: String,
    pub(crate) value: ClaimValue,
}

/// The value of a claim, or one of its values.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a text, a whole number, or true or false as the value of a claim")]
pub(crate) enum ClaimValue {
    Text(String),
    Truth(bool),
    Number(i64),
}

impl From<ClaimValue> for Value {
    fn from(value: ClaimValue) -> Self {
        match value {
            ClaimValue::Text(text) => text.into(),
            ClaimValue::Truth(truth) => truth.into(),
            ClaimValue::Number(number) => number.into(),
        }
    }
}

impl Config {
    /// The rules that stand in the settings themselves.
    pub(crate) fn rule_set(self) -> RuleSet {
        let Self { roles, rules, default_roles, database, .. } = self;
        RuleSet { roles, rules, default_roles, database }
    }
}

impl RuleSet {
    /// Whether nothing is said at all.
    pub(crate) fn is_empty(&self) -> bool {
        let Self { roles, rules, default_roles, database } = self;
        roles.is_none() && rules.is_none() && default_roles.is_none() && database.is_none()
    }

    /// Reads a file. What is wrong is said with its line and without the operator's texts, which may be addresses.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            format!("line {line}: {}", hide_texts(error.message()))
        })
    }
}
