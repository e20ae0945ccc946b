//! What anybody may learn about the holder of a username.

use vestibule_domain::{EmailAddress, User, UserId, Username};
use vestibule_tokens::sha256;

use crate::{FlowError, Flows};

/// The public part of a profile.
#[derive(Debug)]
pub struct PublicProfile {
    /// The person.
    pub user: User,
    /// The SHA-256 of the trimmed, lower-cased address in hexadecimal: what avatar services know people by.
    pub gravatar: Option<String>,
}

impl Flows {
    /// Finds whose username this is. `None` for a text that cannot be a username.
    pub async fn resolve_username(&self, username: Option<&str>) -> Result<Option<UserId>, FlowError> {
        Ok(self.find_by_username(username).await?.map(|user| user.id))
    }

    /// Finds the public profile of the holder of a username.
    pub async fn find_public_profile(
        &self,
        username: Option<&str>,
    ) -> Result<Option<PublicProfile>, FlowError> {
        let user = self.find_by_username(username).await?;
        Ok(user.map(|user| PublicProfile { gravatar: user.email.as_ref().map(gravatar), user }))
    }

    async fn find_by_username(&self, username: Option<&str>) -> Result<Option<User>, FlowError> {
        match username.map(Username::parse) {
            Some(Ok(username)) => Ok(self.dependencies.storage.find_user_by_username(&username).await?),
            Some(Err(_)) | None => Ok(None),
        }
    }
}

fn gravatar(email: &EmailAddress) -> String {
    hex::encode(sha256(email.key().as_bytes()))
}
