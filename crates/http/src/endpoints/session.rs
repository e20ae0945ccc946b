//! Who a credential stands for, with the session behind it.

pub(crate) mod responses;

use std::sync::Arc;
use std::time::Duration;

use poem::Request;
use poem::http::header;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Query;
use vestibule_flows::SessionNarrowing;

use super::handler::handler;
use super::tag::Tag;
use crate::app::App;
use crate::authn::SessionCredentials;
use crate::error::{ApiError, Documented, ErrorFormat, Status, Statuses};

use responses::{SessionDocument, VersionedSession};

/// Seconds: twice as long as it takes until the use of a session is noted again, so that one that is in use never looks unused.
const SHORTEST_IDLE: u64 = 600;

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
        Status::retry(503, "The database is out of reach, or a token handler cannot say whose the token is."),
    ];
    const FORMAT: ErrorFormat = ErrorFormat::Typed;
}

handler!(handle_read(app, context, _) => async {
    let expiry_time = Query(seconds("expiry_time", context.query("expiry_time").0.as_deref(), SHORTEST_IDLE)?);
    let max_age = Query(seconds("max_age", context.query("max_age").0.as_deref(), 0)?);
    SessionApi.read_session(Data(app), context.request, SessionCredentials(context.credentials), expiry_time, max_age).await
});

#[OpenApi]
impl SessionApi {
    /// Reads who is signed in, and the session
    ///
    /// For pages of the service itself, for apps and for programs: the same answer for every kind of credential, also a bearer token that
    /// a token handler knows. The parameters ask more of the session for this request alone; they end nothing. `data` is what the app keeps
    /// in the session whose page asks, the one at the origin that the request names; with a session handle, the app that it is for.
    #[oai(path = "/auth/session", method = "get", tag = "Tag::Sessions", operation_id = "read_session")]
    async fn read_session(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        credentials: SessionCredentials<'_>,
        /// How many seconds ago the session may have been used last.
        #[oai(validator(minimum(value = "600")))]
        expiry_time: Query<Option<u64>>,
        /// How many seconds ago the person may have signed in.
        #[oai(validator(minimum(value = "0")))]
        max_age: Query<Option<u64>>,
    ) -> Result<VersionedSession, Documented<ReadFailures>> {
        let narrowing = SessionNarrowing {
            idle: expiry_time.0.map(Duration::from_secs),
            max_age: max_age.0.map(Duration::from_secs),
        };
        let credentials = credentials.0.single_of_anybody(&app, None)?;
        let principal = app.flows.authenticate_within(credentials, narrowing).await?.require()?;
        let record = app.flows.read_session(principal, request.header(header::ORIGIN)).await?;
        Ok(VersionedSession(SessionDocument::from(&record)))
    }
}

/// Reads a number of seconds. Empty means absent; what is larger than can be counted asks for nothing, as the largest that can.
fn seconds(name: &'static str, text: Option<&str>, least: u64) -> Result<Option<u64>, ApiError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = is_number.then(|| text.parse().unwrap_or(u64::MAX)).filter(|number| *number >= least);
    number.map(Some).ok_or(ApiError::NotSeconds { name, least })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn g11_what_is_no_number_of_seconds_is_refused_and_names_the_parameter() {
        let read = |text| seconds("max_age", Some(text), 0);
        assert_eq!(read("").unwrap(), None);
        assert_eq!(read("0").unwrap(), Some(0));
        for largest in ["18446744073709551615", "18446744073709551616", "99999999999999999999999"] {
            assert_eq!(read(largest).unwrap(), Some(u64::MAX));
        }
        for odd in ["-1", "+1", "1e400", "1.5", "1 ", "0x10", "\u{661}", "never"] {
            let refused = read(odd).unwrap_err().to_string();
            assert!(refused.contains("max_age"), "{refused}");
        }
        assert!(seconds("expiry_time", Some("599"), SHORTEST_IDLE).is_err());
        assert!(seconds("expiry_time", Some("600"), SHORTEST_IDLE).is_ok());
    }

    proptest! {
        #[test]
        fn g11_no_text_is_read_as_another_number(text in "\\PC{0,24}") {
            if let Ok(Some(read)) = seconds("max_age", Some(&text), 0) {
                prop_assert_eq!(text.parse::<u64>().unwrap_or(u64::MAX), read);
            }
        }
    }
}
