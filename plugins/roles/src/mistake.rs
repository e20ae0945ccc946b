//! What is wrong with the roles and rules of the operator.

use thiserror::Error;

/// What is wrong with the roles and rules of the operator.
#[derive(Debug, PartialEq, Eq, Error)]
pub(crate) enum Mistake {
    #[error("{0:?}: {1}")]
    Rule(String, Box<Mistake>),
    #[error("rule number {0} has no name, or one of more than 100 characters")]
    RuleName(usize),
    #[error("two rules have this name")]
    Twice,
    #[error("a rule has exactly one of user, email, domain, organization and claim")]
    Subject,
    #[error("the provider stands in the rule and in its claim; once is enough")]
    ProviderTwice,
    #[error("the {0} is empty, or has spaces around it or characters that cannot be seen")]
    Text(&'static str),
    #[error(
        "the email is not an address of the form local@domain in ASCII; a domain with other letters is written xn--..."
    )]
    Email,
    #[error(
        "the domain is not what stands behind the @ of an address, such as example.org; one with letters beyond ASCII is written xn--..."
    )]
    Domain,
    #[error("a rule gives at least one role")]
    NoRoles,
    #[error("there is no role {0:?}")]
    UnknownRole(String),
    #[error("services is empty; leave it out for every service")]
    NoServices,
    #[error("default_roles: there is no role {0:?}")]
    UnknownDefaultRole(String),
    #[error("roles: a role or one of its scopes has no name, or one that cannot be seen")]
    Name,
}
