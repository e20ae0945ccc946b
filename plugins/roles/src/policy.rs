//! Checked rules: every role that a rule names is defined, and each rule has exactly one subject.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{RoleTable, RuleSet, RuleText};
use crate::mistake::Mistake;
use crate::subject::Subject;

/// The default roles, the rules, and the scopes of each role.
pub(crate) struct Policy {
    pub(crate) roles: BTreeMap<String, BTreeSet<String>>,
    pub(crate) default_roles: Vec<String>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) database: bool,
}

/// Roles for the users that it applies to.
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) subject: Subject,
    pub(crate) roles: Vec<String>,
    services: Option<Vec<String>>,
}

impl Policy {
    pub(crate) fn new(set: RuleSet) -> Result<Self, Mistake> {
        let defined = read_roles(set.roles.unwrap_or_else(usual_roles))?;
        let default_roles = set.default_roles.unwrap_or_default();
        if let Some(unknown) = default_roles.iter().find(|role| !defined.contains_key(*role)) {
            return Err(Mistake::UnknownDefaultRole(unknown.clone()));
        }
        let rules = read_rules(set.rules.unwrap_or_default(), &defined)?;
        Ok(Self { roles: defined, default_roles, rules, database: set.database.unwrap_or(true) })
    }
}

impl Rule {
    /// Whether the rule says anything about this service.
    pub(crate) fn counts_at(&self, service: &str) -> bool {
        self.services.as_ref().is_none_or(|services| services.iter().any(|name| name == service))
    }
}

/// Reader, Writer, Moderator and Administrator: what there is when the operator defines no roles.
fn usual_roles() -> RoleTable {
    let scopes = |scopes: &[&str]| scopes.iter().map(|scope| (*scope).to_owned()).collect();
    [
        ("Reader", scopes(&["read"])),
        ("Writer", scopes(&["write"])),
        ("Moderator", scopes(&["read", "write"])),
        ("Administrator", scopes(&["read", "write", "execute"])),
    ]
    .map(|(role, scopes)| (role.to_owned(), scopes))
    .into()
}

fn read_roles(table: RoleTable) -> Result<BTreeMap<String, BTreeSet<String>>, Mistake> {
    let is_name =
        |text: &String| !text.is_empty() && text.trim() == text && !text.chars().any(char::is_control);
    if table.iter().any(|(role, scopes)| !is_name(role) || !scopes.iter().all(is_name)) {
        return Err(Mistake::Name);
    }
    Ok(table.into_iter().map(|(role, scopes)| (role, scopes.into_iter().collect())).collect())
}

fn read_rules(
    texts: Vec<RuleText>,
    defined: &BTreeMap<String, BTreeSet<String>>,
) -> Result<Vec<Rule>, Mistake> {
    let mut rules: Vec<Rule> = Vec::new();
    for (text, number) in texts.into_iter().zip(1..) {
        let name = text.name.clone();
        if name.trim().is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
            return Err(Mistake::RuleName(number));
        }
        let in_rule = |mistake| Mistake::Rule(name.clone(), Box::new(mistake));
        if rules.iter().any(|rule| rule.name == name) {
            return Err(in_rule(Mistake::Twice));
        }
        rules.push(read_rule(text, defined).map_err(in_rule)?);
    }
    Ok(rules)
}

fn read_rule(mut text: RuleText, defined: &BTreeMap<String, BTreeSet<String>>) -> Result<Rule, Mistake> {
    let subject = Subject::of(&mut text)?;
    if text.roles.is_empty() {
        return Err(Mistake::NoRoles);
    }
    if let Some(unknown) = text.roles.iter().find(|role| !defined.contains_key(*role)) {
        return Err(Mistake::UnknownRole(unknown.clone()));
    }
    if text.services.as_ref().is_some_and(Vec::is_empty) {
        return Err(Mistake::NoServices);
    }
    Ok(Rule { name: text.name, subject, roles: text.roles, services: text.services })
}
