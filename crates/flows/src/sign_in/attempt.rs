//! One attempt to sign in, on its way through the provider inside the `state` parameter.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vestibule_domain::{AttemptId, CallbackPath, Destination, ProviderName, Timestamp};
use vestibule_tokens::{SealPurpose, TokenService};

use crate::{BrowserSecret, CallbackRefusal, FlowError};

/// How long a person may take at the provider.
pub(crate) const ATTEMPT_LIFE: Duration = Duration::from_secs(600);

/// What the callback must know of the redirect that led to it. It is sealed, so that only the service can read or change it, and it is
/// stored nowhere: a flood of started sign-ins grows nothing. Not `Debug`: what is sealed stays so.
///
/// A replica reads what a newer one has sealed as long as the version is one that it knows: members that it does not know only add
/// to it. What changes the meaning of the others gets a higher version.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Attempt {
    #[serde(rename = "v", default = "first_version", skip_serializing_if = "is_first_version")]
    version: u32,
    #[serde(rename = "a")]
    pub(crate) id: AttemptId,
    #[serde(rename = "p")]
    pub(crate) provider: String,
    #[serde(rename = "n")]
    pub(crate) next: String,
    #[serde(rename = "e")]
    expires_at_micros: i64,
    #[serde(rename = "b")]
    browser_binding: String,
    /// Whether the person was to show once more who they are.
    #[serde(rename = "s", default, skip_serializing_if = "is_false")]
    is_step_up: bool,
}

/// The highest version that is known: an attempt that ends with a session cookie, where those of the first one end with a token in the
/// address. The first one is not written, because the replicas before versions refuse the member.
const VERSION: u32 = 2;

const fn first_version() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
const fn is_false(value: &bool) -> bool {
    !*value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
const fn is_first_version(version: &u32) -> bool {
    *version == first_version()
}

impl Attempt {
    pub(crate) fn new(
        id: AttemptId,
        provider: &ProviderName,
        next: &Destination,
        browser: &BrowserSecret,
        now: Timestamp,
    ) -> Self {
        Self {
            version: match next {
                Destination::Next(_) => first_version(),
                Destination::OwnPage(_) => VERSION,
            },
            id,
            provider: provider.as_str().to_owned(),
            next: next.as_parameter().to_owned(),
            expires_at_micros: now.plus(ATTEMPT_LIFE).micros(),
            browser_binding: browser.binding(),
            is_step_up: false,
        }
    }

    /// The same, for a person who is to show once more who they are.
    pub(crate) fn with_step_up(self, is_step_up: bool) -> Self {
        Self { is_step_up, ..self }
    }

    /// When it began, if the person was to show once more who they are.
    pub(crate) fn stepping_up_since(&self) -> Option<Timestamp> {
        self.is_step_up.then(|| self.expires_at().minus(ATTEMPT_LIFE))
    }

    pub(crate) fn expires_at(&self) -> Timestamp {
        Timestamp::from_micros(self.expires_at_micros)
    }

    /// The `state` parameter.
    pub(crate) fn seal(&self, tokens: &TokenService) -> Result<String, FlowError> {
        let plain = serde_json::to_vec(self).map_err(|error| FlowError::Internal(error.to_string()))?;
        tokens.seal(SealPurpose::LoginAttempt, &plain).map_err(|error| FlowError::Internal(error.to_string()))
    }

    /// Reads a `state` parameter that came back, and makes sure that it came to the path that its provider was told, is
    /// fresh and from this browser. The path comes first: whatever else may be done about a state that is good but for its
    /// age, or for a cookie that is lost, is done for the right provider alone.
    pub(crate) fn open<'b>(
        state: &str,
        path: &CallbackPath,
        browser: Option<&'b BrowserSecret>,
        tokens: &TokenService,
        now: Timestamp,
    ) -> Result<(Self, &'b BrowserSecret), CallbackRefusal> {
        let plain = tokens.open(SealPurpose::LoginAttempt, state).ok_or(CallbackRefusal::StateForged)?;
        let attempt: Self = serde_json::from_slice(&plain).map_err(|_| CallbackRefusal::StateForged)?;
        if attempt.version > VERSION {
            return Err(CallbackRefusal::StateForged);
        }
        let provider = ProviderName::parse(&attempt.provider).map_err(|_| CallbackRefusal::StateForged)?;
        if CallbackPath::for_provider(&provider) != *path {
            return Err(CallbackRefusal::WrongCallback);
        }
        if attempt.expires_at() <= now {
            return Err(CallbackRefusal::StateExpired);
        }
        match browser {
            Some(browser) if browser.matches(&attempt.browser_binding) => Ok((attempt, browser)),
            _ => Err(CallbackRefusal::OtherBrowser),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use vestibule_domain::{AllowedOrigins, ExternalAddress, Next, SystemRandom};

    use super::*;

    /// What one replica seals and another reads, with a member more or another value.
    fn sealed_elsewhere(
        next: &Destination,
        edit: impl FnOnce(&mut Value),
    ) -> Result<Attempt, serde_json::Error> {
        let browser = BrowserSecret::random(&SystemRandom);
        let (id, provider) = (AttemptId::random(&SystemRandom), ProviderName::parse("work").unwrap());
        let attempt = Attempt::new(id, &provider, next, &browser, Timestamp::from_seconds(0));
        let mut members = serde_json::to_value(&attempt).unwrap();
        edit(&mut members);
        serde_json::from_value(members)
    }

    #[test]
    fn an_attempt_outlives_an_upgrade_of_the_replica_that_reads_it_and_of_the_one_that_sealed_it() {
        let home = Destination::Next(Next::Home);
        let same = sealed_elsewhere(&home, |members| assert_eq!(members.get("v"), None)).unwrap();
        assert_eq!(same.version, 1, "as the replicas before versions write and read it");
        let newer = sealed_elsewhere(&home, |members| members["m"] = json!("a member of later")).unwrap();
        assert_eq!((newer.version, newer.provider.as_str()), (1, "work"));
        assert_eq!(sealed_elsewhere(&home, |members| members["v"] = json!(3)).unwrap().version, 3);
    }

    #[test]
    fn g1_a_replica_that_knows_no_session_cookies_refuses_an_attempt_that_is_to_end_with_one() {
        let external = ExternalAddress::parse("auth.example.com").unwrap();
        let page =
            Destination::parse(Some("/account"), &AllowedOrigins::new(vec![]), Some(&external)).unwrap();
        let attempt = sealed_elsewhere(&page, |members| assert_eq!(members["v"], json!(2))).unwrap();
        assert_eq!((attempt.version, attempt.next.as_str()), (2, "/account"));
    }
}
