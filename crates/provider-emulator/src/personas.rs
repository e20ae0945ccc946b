//! The invented people who can sign in.

mod cast;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::lock::lock;
use crate::provider::{Issuer, Provider};

/// A person with an account at every provider. All that a provider tells is plain JSON, so that a test can make
/// a provider tell anything.
#[derive(Debug, Clone, PartialEq)]
pub struct Persona {
    /// What `persona=` in an authorization request names.
    pub id: String,
    /// The name shown on the page.
    pub title: String,
    /// The sentence shown under it: what is special about this person.
    pub explanation: String,
    /// Claims at Google. Members of an object; `sub` too, so leaving it out makes an ID token without one.
    pub google: Value,
    /// Claims at the company's issuer.
    pub corporate: Value,
    /// The account at GitHub.
    pub github: GithubAccount,
    /// What the person, or the provider for this person, does.
    pub behaviour: Behaviour,
}

/// What GitHub's API tells about a person.
#[derive(Debug, Clone, PartialEq)]
pub struct GithubAccount {
    /// The answer of `/user`.
    pub user: Value,
    /// The answer of `/user/emails`: an array is cut into pages, anything else is given as it is.
    pub emails: Value,
    /// The answer of `/user/orgs`: an array is cut into pages, anything else is given as it is.
    pub organizations: Value,
}

impl GithubAccount {
    /// Makes the person belong to these organizations and to no others. Each has the [`organization_id`] of its login.
    pub fn join(&mut self, logins: &[&str]) {
        self.organizations =
            logins.iter().map(|login| github_organization(organization_id(login), login)).collect();
    }

    /// Makes the person belong to an organization of another number: one that was renamed, or that took up the login of one
    /// which was.
    pub fn join_renamed(&mut self, id: u64, login: &str) {
        self.organizations = json!([github_organization(id, login)]);
    }
}

/// What a person, or the provider for this person, does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Behaviour {
    /// Consents, and all is well.
    #[default]
    Ordinary,
    /// Has another login and name at each sign-in; the ids stay.
    Renamed,
    /// Consents, but the token endpoint takes its time.
    Slow,
    /// Refuses: the browser comes back with `error=access_denied`.
    Refuses,
}

impl Persona {
    /// A person without anything unusual: `NAME@example.com`, verified everywhere, where NAME is the id. The
    /// subjects follow from `number`, which must differ between people.
    pub fn ordinary(id: &str, title: &str, number: u32) -> Self {
        let email = format!("{id}@example.com");
        Self {
            id: id.to_owned(),
            title: title.to_owned(),
            explanation: "Nothing unusual.".to_owned(),
            google: claims(
                &format!("1082042680333{number:08}"),
                title,
                &email,
                "https://pictures.example.com",
            ),
            corporate: claims(
                &format!("employee-{number}"),
                title,
                &email,
                "https://intranet.example.com/faces",
            ),
            github: GithubAccount {
                user: github_user(number, id, title, &email),
                emails: json!([github_email(&email, true, true)]),
                organizations: json!([]),
            },
            behaviour: Behaviour::Ordinary,
        }
    }

    /// The same person with this address, verified everywhere.
    #[must_use]
    pub fn with_email(mut self, address: &str) -> Self {
        for claims in [&mut self.google, &mut self.corporate].into_iter().filter_map(Value::as_object_mut) {
            claims.insert("email".to_owned(), json!(address));
            claims.insert("email_verified".to_owned(), json!(true));
        }
        if let Some(account) = self.github.user.as_object_mut() {
            account.insert("email".to_owned(), json!(address));
        }
        self.github.emails = json!([github_email(address, true, true)]);
        self
    }

    /// The claims at one issuer.
    pub(crate) fn claims(&self, issuer: Issuer) -> &Value {
        match issuer {
            Issuer::Google => &self.google,
            Issuer::Corporate => &self.corporate,
        }
    }

    /// The person as they are at their sign-in number `visit`, counted from 0.
    fn at_visit(&self, visit: usize) -> Self {
        let mut persona = self.clone();
        if self.behaviour == Behaviour::Renamed && visit > 0 {
            cast::rename(&mut persona, visit);
        }
        persona
    }
}

fn claims(subject: &str, name: &str, email: &str, pictures: &str) -> Value {
    json!({
        "sub": subject,
        "name": name,
        "email": email,
        "email_verified": true,
        "picture": format!("{pictures}/{subject}.jpg"),
    })
}

fn github_user(id: u32, login: &str, name: &str, public_email: &str) -> Value {
    json!({
        "id": id,
        "login": login,
        "node_id": format!("U_kgDO{id:08}"),
        "avatar_url": format!("https://avatars.example.com/u/{id}?v=4"),
        "html_url": format!("https://github.example.com/{login}"),
        "type": "User",
        "site_admin": false,
        "name": name,
        "company": null,
        "email": public_email,
        "created_at": "2014-03-02T09:41:17Z",
    })
}

fn github_email(address: &str, primary: bool, verified: bool) -> Value {
    let visibility = if primary { json!("private") } else { Value::Null };
    json!({ "email": address, "primary": primary, "verified": verified, "visibility": visibility })
}

/// The number of the organization that has had a login from the beginning. Logins are compared without regard to case.
pub fn organization_id(login: &str) -> u64 {
    let digits = login.bytes().map(|byte| u64::from(byte.to_ascii_lowercase()));
    9_000_000 + digits.fold(7, |hash, digit| (hash * 131 + digit) % 1_000_003)
}

fn github_organization(id: u64, login: &str) -> Value {
    json!({
        "login": login,
        "id": id,
        "node_id": format!("O_kgDO{id:08}"),
        "url": format!("https://api.github.example.com/orgs/{login}"),
        "avatar_url": format!("https://avatars.example.com/o/{login}?v=4"),
        "description": "",
    })
}

/// Everybody, in the order of the page, and how often each consented at each provider.
#[derive(Debug)]
pub(crate) struct Personas {
    people: Mutex<Vec<Persona>>,
    visits: Mutex<HashMap<(Provider, String), usize>>,
}

impl Default for Personas {
    fn default() -> Self {
        Self { people: Mutex::new(cast::cast()), visits: Mutex::default() }
    }
}

impl Personas {
    pub(crate) fn list(&self) -> Vec<Persona> {
        lock(&self.people).clone()
    }

    pub(crate) fn find(&self, id: &str) -> Option<Persona> {
        lock(&self.people).iter().find(|persona| persona.id == id).cloned()
    }

    /// Replaces the person of the same id, or adds a new one at the end.
    pub(crate) fn put(&self, persona: Persona) {
        let mut people = lock(&self.people);
        match people.iter_mut().find(|known| known.id == persona.id) {
            Some(known) => *known = persona,
            None => people.push(persona),
        }
    }

    /// The person as they are now at this provider, and one more visit counted.
    pub(crate) fn visit(&self, provider: Provider, persona: &Persona) -> Arc<Persona> {
        let mut visits = lock(&self.visits);
        let count = visits.entry((provider, persona.id.clone())).or_default();
        let visit = *count;
        *count += 1;
        Arc::new(persona.at_visit(visit))
    }
}
