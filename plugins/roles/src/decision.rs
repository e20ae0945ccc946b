//! What the rules come to for one person at one service.

use std::collections::{BTreeMap, BTreeSet};

use vestibule_plugin_sdk::{AssignedRole, Map, Reason, Value};

use crate::config::Format;
use crate::policy::{Policy, Rule};
use crate::policy_input::PolicyInput;

/// Under which names the sources of roles stand that are no rules of the operator's.
const DEFAULT_ROLES: &str = "default_roles";
const DATABASE: &str = "database";

/// The roles of a person at a service, and where they come from.
pub(crate) struct Decision {
    grants: Vec<Grant>,
    unknown: Vec<String>,
}

/// What one rule gave.
struct Grant {
    rule: String,
    text: String,
    /// The scopes of each role that it gave.
    gave: BTreeMap<String, BTreeSet<String>>,
}

impl Policy {
    /// Every role counts, wherever it comes from: there is no rule that takes one away.
    pub(crate) fn decide(&self, input: &PolicyInput<'_>) -> Decision {
        let mut decision = Decision { grants: Vec::new(), unknown: Vec::new() };
        if !self.default_roles.is_empty() {
            let text = "Everybody who is signed in has it.".to_owned();
            decision.grants.push(Grant {
                rule: DEFAULT_ROLES.to_owned(),
                text,
                gave: self.scopes_of(&self.default_roles),
            });
        }
        let rules = self.rules.iter().filter(|rule| rule.counts_at(input.service));
        decision.grants.extend(rules.filter_map(|rule| self.apply(rule, input)));
        if self.database {
            for assigned in input.assigned.iter().filter(|assigned| assigned.counts_at(input.service)) {
                self.count(assigned, &mut decision);
            }
        }
        decision
    }

    fn apply(&self, rule: &Rule, input: &PolicyInput<'_>) -> Option<Grant> {
        let text = rule.subject.find_in(input)?;
        Some(Grant { rule: rule.name.clone(), text, gave: self.scopes_of(&rule.roles) })
    }

    /// A role that is assigned and not defined gives nothing, and says so.
    fn count(&self, assigned: &AssignedRole, decision: &mut Decision) {
        let gave = self.scopes_of(std::slice::from_ref(&assigned.role));
        let place = assigned.service.as_deref().map_or("every service", |service| service);
        let mut text = format!("{} at {place} is assigned to {}.", assigned.role, assigned.because);
        if gave.is_empty() {
            text.push_str(" No such role is defined.");
            decision.unknown.push(assigned.role.clone());
        }
        decision.grants.push(Grant { rule: DATABASE.to_owned(), text, gave });
    }

    fn scopes_of(&self, roles: &[String]) -> BTreeMap<String, BTreeSet<String>> {
        roles.iter().filter_map(|role| Some((role.clone(), self.roles.get(role)?.clone()))).collect()
    }
}

impl Decision {
    /// The answer, in the form that the operator chose.
    pub(crate) fn permissions(&self, format: Format) -> Map<String, Value> {
        let gifts = || self.grants.iter().flat_map(|grant| &grant.gave);
        let scopes: BTreeSet<&String> = gifts().flat_map(|(_, scopes)| scopes).collect();
        match format {
            Format::Scopes => scopes.into_iter().map(|scope| (scope.clone(), Value::Bool(true))).collect(),
            Format::List => {
                let roles: BTreeSet<&String> = gifts().map(|(role, _)| role).collect();
                let list =
                    |texts: BTreeSet<&String>| texts.into_iter().map(String::as_str).collect::<Value>();
                Map::from_iter([("roles".to_owned(), list(roles)), ("scopes".to_owned(), list(scopes))])
            }
        }
    }

    /// Which rule gave which roles, and why it applies.
    pub(crate) fn reasons(&self) -> Vec<Reason> {
        let gave = |grant: &Grant| {
            let scopes = |scopes: &BTreeSet<String>| scopes.iter().map(String::as_str).collect::<Value>();
            let roles = grant.gave.iter().map(|(role, list)| (role.clone(), scopes(list)));
            Value::Object(roles.collect())
        };
        self.grants.iter().map(|grant| Reason::new(&grant.rule, gave(grant), &grant.text)).collect()
    }

    /// Roles that are assigned in the database and not defined.
    pub(crate) fn unknown_roles(&self) -> impl Iterator<Item = &str> {
        self.unknown.iter().map(String::as_str)
    }
}
