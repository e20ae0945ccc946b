//! What the plugin is asked: ordinary people, and people who do not exist.

use serde_json::{Map, Value, json};

use crate::Hook;
use crate::observer::Operation;
use crate::question::Question;

/// The parts of a question that an odd string can stand in.
#[derive(Clone)]
pub(super) struct Person {
    pub(super) service: String,
    pub(super) user_id: String,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) attribute: String,
    pub(super) token: String,
}

impl Person {
    pub(super) fn new(user_id: &str) -> Self {
        Self {
            service: "storage".to_owned(),
            user_id: user_id.to_owned(),
            name: "Ada Lovelace".to_owned(),
            email: "ada@example.org".to_owned(),
            attribute: "core".to_owned(),
            token: format!("check-{user_id}"),
        }
    }

    /// The same person, asked about by this operation. Names are left out where they are empty, as the host does.
    pub(super) fn question(&self, operation: Operation) -> Question {
        let Self { service, user_id, .. } = self.clone();
        let event = |hook| Question::Event { hook, user_json: self.user().to_string() };
        match operation {
            Operation::Permissions => {
                Question::Permissions { service, user_id, context_json: self.context().to_string().into() }
            }
            Operation::Explain => {
                Question::Explain { service, user_id, context_json: self.context().to_string().into() }
            }
            Operation::NewUser => event(Hook::NewUser),
            Operation::UserLogin => event(Hook::UserLogin),
            Operation::UserLogout => event(Hook::UserLogout),
            Operation::Health => Question::Health,
            Operation::ResolveToken => self.token_question(),
        }
    }

    fn token_question(&self) -> Question {
        let context = json!({
            "purpose": "api",
            "app": self.service,
            "method": "GET",
            "path": "/auth/session",
            "ip": "192.0.2.7",
            "vestibule-later-member": {"of": ["a later version"]},
        });
        Question::Token { token: self.token.clone().into(), context_json: context.to_string() }
    }

    fn user(&self) -> Value {
        let mut user = Map::new();
        for (member, value) in [("name", &self.name), ("email", &self.email)] {
            if !value.is_empty() {
                user.insert(member.to_owned(), value.as_str().into());
            }
        }
        user.insert("id".to_owned(), self.user_id.as_str().into());
        user.insert("provider_id".to_owned(), "github:42".into());
        user.insert("attributes".to_owned(), json!({"team": self.attribute}));
        user.insert("vestibule-later-member".to_owned(), json!({"of": ["a later version"]}));
        user.into()
    }

    /// With all that a plugin may have asked for. Members that a plugin does not know are to be ignored.
    fn context(&self) -> Value {
        json!({
            "user": self.user(),
            "verified_emails": [self.email],
            "identities": [{
                "provider_id": "github:42",
                "issuer": "https://github.com",
                "subject": "42",
                "login": self.name,
                "email": self.email,
                "email_verified": true,
                "claims": {"groups": [self.attribute]},
                "organizations": [{"id": 9_000_001, "login": self.attribute, "login_is_unique": true}],
            }],
            "roles": [],
        })
    }
}

/// One odd string, with words that "a user id" can be put before.
pub(super) struct Odd {
    pub(super) words: &'static str,
    pub(super) text: String,
}

/// Strings that have broken programs.
pub(super) fn odd_strings() -> Vec<Odd> {
    let odd = |words, text: &str| Odd { words, text: text.to_owned() };
    vec![
        odd("that is empty", ""),
        odd("of 1 MiB", &"x".repeat(1 << 20)),
        odd("with a NUL inside", "ada\0lovelace"),
        odd("of control characters", "\u{1}\u{7}\u{8}\u{1b}[31m\r\n\t\u{7f}"),
        odd("that is not ASCII", "Ünïcødé 名前 עברית"),
        odd("of emoji", "👩🏽‍💻🏳️‍🌈🇺🇳"),
        odd("of combining characters", &"e\u{301}\u{323}".repeat(200)),
        odd("of line separators", "a\u{2028}b\u{2029}c\u{85}d\u{feff}e"),
        odd("with quotes and backslashes", "\"\\'`${x}\\u0000\\"),
        odd("of format directives", "%s%n%p%d{}{0}"),
        odd("that looks like a path", "../../../../etc/passwd"),
        odd("that looks like SQL", "'; DROP TABLE users; --"),
    ]
}

/// The longest token that a host asks about.
const MAX_TOKEN_BYTES: usize = 4 * 1024;

/// The same as tokens, of which none is longer than a host would let it be.
pub(super) fn odd_tokens() -> Vec<Odd> {
    let mut tokens = odd_strings();
    tokens.retain(|odd| odd.text.len() <= MAX_TOKEN_BYTES);
    tokens.push(Odd { words: "of 4 KiB", text: "x".repeat(MAX_TOKEN_BYTES) });
    tokens
}

/// Leads to one member of a person.
pub(super) type Member = fn(&mut Person) -> &mut String;

/// Where a token stands.
pub(super) const TOKEN: (&str, Member) = ("a token", |person| &mut person.token);

/// The places that a string can stand in, but for the token, each with its words.
pub(super) const PLACES: [(&str, Member); 5] = [
    ("a user id", |person| &mut person.user_id),
    ("a service", |person| &mut person.service),
    ("a name", |person| &mut person.name),
    ("an e-mail address", |person| &mut person.email),
    ("an attribute", |person| &mut person.attribute),
];
