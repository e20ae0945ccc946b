//! `vestibule tokens`.

pub(super) mod shown;

use std::collections::HashSet;
use std::io::Read;

use serde_json::json;
use vestibule_domain::{ApiToken, ApiTokenId, SecretDigest, User};
use vestibule_flows::{AdminError, Administration, describe_user};
use vestibule_tokens::{OpaqueText, find_secrets};

use super::administration::{administer, find_user};
use super::database::open;
use super::grants;
use super::support::{block_on, say};
use crate::arguments::{RevokeArguments, TokensCommand};
use crate::error::CommandError;
use crate::settings::{Settings, Sources};

/// How much of standard input is looked at at a time.
const CHUNK: usize = 64 * 1024;
/// One byte less than a secret has: so much of one may stand at the end of a chunk.
const CARRIED: usize = 42;

pub(crate) fn tokens(sources: &Sources, command: &TokensCommand) -> Result<(), CommandError> {
    let url = Settings::read_database(sources)?;
    block_on(async {
        let storage = open(&url, sources.dev()).await?;
        let admin = administer(&storage);
        match command {
            TokensCommand::List { user, json } => {
                let user = find_user(&admin, user.named_user()).await?;
                shown::say_tokens(&admin.list_tokens(&user).await?, *json)
            }
            TokensCommand::Revoke(arguments) => revoke(&admin, arguments).await,
        }
    })
}

async fn revoke(admin: &Administration<'_>, arguments: &RevokeArguments) -> Result<(), CommandError> {
    if arguments.stdin {
        return revoke_leaked(admin, arguments.json).await;
    }
    if arguments.all {
        let user = find_user(admin, arguments.user.named_user()).await?;
        return revoke_all(admin, &user, arguments.json).await;
    }
    let mut unknown = Vec::new();
    for id in &arguments.tokens {
        match admin.find_token(id).await {
            Ok(token) => revoke_one(admin, &token, arguments.json).await?,
            Err(error @ AdminError::UnknownToken(_)) => unknown.push(error.to_string()),
            Err(error) => return Err(error.into()),
        }
    }
    if unknown.is_empty() { Ok(()) } else { Err(CommandError::from_texts(unknown)) }
}

/// Revokes one, and says so; also of one that ended meanwhile, since it is over either way.
pub(super) async fn revoke_one(
    admin: &Administration<'_>,
    token: &ApiToken,
    as_json: bool,
) -> Result<(), CommandError> {
    admin.revoke_token(token).await?;
    say_revoked(&token.id, &format!("{} ({}) of {}: revoked", token.id, token.name, token.user_id), as_json)
}

fn say_revoked(id: &ApiTokenId, text: &str, as_json: bool) -> Result<(), CommandError> {
    if as_json { say(json!({"id": id.as_str(), "revoked": true})) } else { say(text) }
}

async fn revoke_all(admin: &Administration<'_>, user: &User, as_json: bool) -> Result<(), CommandError> {
    let ended = admin.revoke_all_tokens(user).await?;
    if as_json {
        return say(json!({"user": user.id.as_str(), "revoked": ended}));
    }
    say(format_args!("{}: tokens that are revoked: {ended}", describe_user(user)))
}

async fn revoke_leaked(admin: &Administration<'_>, as_json: bool) -> Result<(), CommandError> {
    let digests = find_digests(std::io::stdin().lock())?;
    let living = admin.find_leaked_tokens(&digests).await?;
    for token in &living {
        revoke_one(admin, token, as_json).await?;
    }
    let grants = admin.find_leaked_grants(&digests).await?;
    for grant in &grants {
        grants::revoke_one(admin, grant, as_json).await?;
    }
    if as_json {
        return Ok(());
    }
    say(format_args!(
        "texts of the form of a secret: {}; living tokens among them: {}; grants by an access or refresh token: {}",
        digests.len(),
        living.len(),
        grants.len()
    ))
}

/// The digests of all secrets that stand in a text, each once.
fn find_digests(mut text: impl Read) -> Result<Vec<SecretDigest>, CommandError> {
    let (mut digests, mut seen) = (Vec::new(), HashSet::new());
    let (mut window, mut chunk) = (Vec::new(), vec![0; CHUNK]);
    loop {
        let length = text.read(&mut chunk)?;
        if length == 0 {
            return Ok(digests);
        }
        window.extend(chunk.iter().take(length));
        digests.extend(find_secrets(&window).map(OpaqueText::digest).filter(|digest| seen.insert(*digest)));
        let before = window.len().saturating_sub(CARRIED);
        window.drain(..before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text that comes a byte at a time.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
            buffer[0] = *first;
            self.0 = rest;
            Ok(1)
        }
    }

    #[test]
    fn secrets_are_found_once_each_wherever_the_pieces_end() {
        let secret = "vstp_0123456789ABCDEFGHIJKLMNOPQRSTUV0rpNjO";
        let text = format!("{}{secret}{}\u{ff}{secret}", "x".repeat(CHUNK - 20), "y".repeat(CHUNK));
        let whole = find_digests(text.as_bytes()).unwrap();
        assert_eq!(whole.len(), 1);
        assert_eq!(find_digests(Slow(secret.as_bytes())).unwrap(), whole);
        assert!(find_digests(&secret.as_bytes()[1..]).unwrap().is_empty());
    }
}
