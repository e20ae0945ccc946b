//! A person chooses a username, once.

use vestibule_domain::{AuditEvent, AuditName, ClientInfo, Username};
use vestibule_storage::UsernameChoice;

use crate::{FlowError, Flows, FullPerson};

/// What came of it. The refusals are texts for the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UsernameOutcome {
    /// The username is theirs, or there was nothing to change.
    Done,
    /// Nothing has changed, for this reason.
    Refused(String),
}

impl UsernameOutcome {
    fn refused(reason: &str) -> Self {
        Self::Refused(reason.to_owned())
    }
}

impl Flows {
    /// Sets the username of a person. Without a username there is nothing to do, which is a success.
    pub async fn choose_username(
        &self,
        person: Option<&FullPerson>,
        username: Option<&str>,
        client: &ClientInfo,
    ) -> Result<UsernameOutcome, FlowError> {
        let Some(person) = person else { return Ok(UsernameOutcome::refused("not signed in")) };
        let Some(username) = username else { return Ok(UsernameOutcome::Done) };
        self.admit_update(&person.user().id)?;
        let username = match Username::parse(username) {
            Ok(username) => username,
            Err(reason) => return Ok(UsernameOutcome::refused(&reason.to_string())),
        };
        let (user, now) = (&person.user().id, self.dependencies.clock.now());
        let event = AuditEvent::by_user(AuditName::UsernameChosen, user, client, now);
        let event = event.in_session(&person.session().id);
        Ok(match self.dependencies.storage.choose_username(user, &username, &event).await? {
            UsernameChoice::Chosen => UsernameOutcome::Done,
            UsernameChoice::AlreadyChosen => {
                UsernameOutcome::refused("the username is already set and cannot be changed")
            }
            UsernameChoice::Taken => UsernameOutcome::refused("this username is taken"),
            UsernameChoice::UnknownUser => UsernameOutcome::refused("not signed in"),
        })
    }
}
