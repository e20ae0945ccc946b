//! The secrets of a run, to be looked for where they must not be.

use std::collections::BTreeMap;

use crate::world::World;

/// What random secrets and tokens look like: so many characters of base64url in a row.
const SECRET_LENGTH: usize = 40;

/// Secrets by what they are.
#[derive(Default)]
pub(super) struct Canaries(BTreeMap<String, String>);

impl Canaries {
    /// What the program was given at its start: client secrets and the private key.
    pub(super) fn of_settings(world: &World) -> Self {
        let mut canaries = Self::default();
        for client in [
            world.emulator.google_client(),
            world.emulator.github_client(),
            world.emulator.corporate_client(),
        ] {
            canaries.add(&format!("the client secret of {}", client.id), &client.secret);
        }
        for file in std::fs::read_dir(world.program.keys_dir()).unwrap() {
            let Ok(pem) = std::fs::read_to_string(file.unwrap().path()) else { continue };
            for (number, line) in pem.lines().enumerate().filter(|(_, line)| !line.starts_with("-----")) {
                canaries.add(&format!("line {number} of the private key"), line);
            }
        }
        assert!(canaries.0.len() > 10, "there is a private key");
        canaries
    }

    pub(super) fn add(&mut self, what: &str, secret: &str) {
        assert!(secret.len() >= 8, "{what} is too short to be looked for: {secret:?}");
        self.0.insert(what.to_owned(), secret.to_owned());
    }

    /// A token as a whole, and its signature, which is what makes it one.
    pub(super) fn add_token(&mut self, what: &str, token: &str) {
        self.add(what, token);
        self.add(&format!("the signature of {what}"), token.rsplit('.').next().unwrap());
        self.add(&format!("the claims of {what}"), token.split('.').nth(1).unwrap());
    }

    /// Leaves out what a database is there to keep: names and addresses of people.
    pub(super) fn without_people(self) -> Self {
        let is_secret = |(what, _): &(String, String)| {
            !what.starts_with("the address of") && !what.starts_with("the name of")
        };
        Self(self.0.into_iter().filter(is_secret).collect())
    }

    pub(super) fn assert_absent(&self, place: &str, text: &str) {
        for (what, secret) in &self.0 {
            assert!(!text.contains(secret.as_str()), "{what} is in {place}: {}", around(text, secret));
        }
    }
}

/// Also what no test has seen, such as the verifier of a code or a provider's access token, looks like a secret. The ids
/// of keys do as well, and may be seen.
pub(super) fn assert_no_unknown_secret(place: &str, text: &str, key_ids: &[String]) {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    for line in text.lines() {
        let runs = line.split(|c| !is_part(c)).filter(|run| run.len() >= SECRET_LENGTH);
        let mut unknown = runs.filter(|run| !key_ids.iter().any(|id| id == run));
        let suspect = unknown.find(|run| has_digits_and_letters(run));
        assert!(suspect.is_none(), "{suspect:?} is in {place}: {line}");
    }
}

fn has_digits_and_letters(run: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| run.as_bytes().iter().any(kind);
    has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)
}

fn around<'a>(text: &'a str, secret: &str) -> &'a str {
    text.lines().find(|line| line.contains(secret)).unwrap_or_default()
}
