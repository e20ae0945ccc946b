//! Who a credential stands for, with the session behind it.

pub(crate) mod responses;

use std::sync::Arc;
use std::time::Duration;

use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Query;
use vestibule_flows::SessionNarrowing;

use super::handler::handler;
use super::tag::Tag;
use crate::app::App;
use crate::authn::AnyCredentials;
use crate::error::{ApiError, Documented, ErrorFormat, Status, Statuses};

use responses::{SessionDocument, VersionedSession};

/// Twice as long as it takes until the use of a session is noted again: a session that is in use never looks unused.
const SHORTEST_IDLE: Duration = Duration::from_secs(600);

pub(crate) struct SessionApi;

pub(crate) struct ReadFailures;

impl Statuses for ReadFailures {
    const ALL: &'static [Status] = &[
        Status::new(400, "A parameter cannot be read, or the request has two different tokens."),
        Status::new(
            401,
            "Not signed in (`not_signed_in`, `invalid_token`); or the session was not used (`session_idle`) or the person did not \
             sign in (`session_not_fresh`) as recently as the request asks.",
        ),
        Status::retry(503, "The database is out of reach."),
    ];
    const FORMAT: ErrorFormat = ErrorFormat::Typed;
}

handler!(handle_read(app, context, _) => async {
    let [expiry_time, max_age] = ["expiry_time", "max_age"].map(|name| context.query(name));
    SessionApi.read_session(Data(app), AnyCredentials(context.credentials), expiry_time, max_age).await
});

#[OpenApi]
impl SessionApi {
    /// Reads who is signed in, and the session
    ///
    /// For pages of the service itself, for apps and for programs: the same answer for every kind of credential. The parameters ask
    /// more of the session for this request alone; they end nothing.
    #[oai(path = "/auth/session", method = "get", tag = "Tag::Sessions", operation_id = "read_session")]
    async fn read_session(
        &self,
        app: Data<&Arc<App>>,
        credentials: AnyCredentials<'_>,
        /// How many seconds ago the session may have been used last: at least 600.
        expiry_time: Query<Option<String>>,
        /// How many seconds ago the person may have signed in.
        max_age: Query<Option<String>>,
    ) -> Result<VersionedSession, Documented<ReadFailures>> {
        let narrowing = SessionNarrowing {
            idle: seconds("expiry_time", expiry_time.0.as_deref(), SHORTEST_IDLE)?,
            max_age: seconds("max_age", max_age.0.as_deref(), Duration::ZERO)?,
        };
        let credentials = credentials.0.single()?;
        let principal = app.flows.authenticate_within(credentials, narrowing).await?.require()?;
        let record = app.flows.read_session(principal).await?;
        Ok(VersionedSession(SessionDocument::from(&record)))
    }
}

/// Reads a number of seconds. Empty means absent.
fn seconds(name: &'static str, text: Option<&str>, least: Duration) -> Result<Option<Duration>, ApiError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let duration = text.parse().ok().filter(|_| digits).map(Duration::from_secs);
    match duration.filter(|duration| *duration >= least) {
        Some(duration) => Ok(Some(duration)),
        None => Err(ApiError::NotSeconds { name, least: least.as_secs() }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn g11_what_is_no_number_of_seconds_is_refused_and_names_the_parameter() {
        let read = |text| seconds("max_age", Some(text), Duration::ZERO);
        assert_eq!(read("").unwrap(), None);
        assert_eq!(read("0").unwrap(), Some(Duration::ZERO));
        assert_eq!(read("18446744073709551615").unwrap(), Some(Duration::from_secs(u64::MAX)));
        for odd in ["-1", "+1", "1e400", "1.5", "1 ", "0x10", "18446744073709551616", "\u{661}", "never"] {
            let refused = read(odd).unwrap_err().to_string();
            assert!(refused.contains("max_age"), "{refused}");
        }
        assert!(seconds("expiry_time", Some("599"), SHORTEST_IDLE).is_err());
        assert!(seconds("expiry_time", Some("600"), SHORTEST_IDLE).is_ok());
    }

    proptest! {
        #[test]
        fn g11_no_text_is_read_as_another_number(text in "\\PC{0,24}") {
            if let Ok(Some(read)) = seconds("max_age", Some(&text), Duration::ZERO) {
                prop_assert_eq!(text.parse::<u64>().ok(), Some(read.as_secs()));
            }
        }
    }
}
