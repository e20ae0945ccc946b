//! A sign-in session: from the callback until sign-out, expiry or revocation.

use crate::{SessionId, Timestamp, UserId};

/// Where a session came from, for the person's own list of sessions and for audits. Cut to bounded lengths.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClientInfo {
    /// The `User-Agent` header, at most 256 characters, without control characters.
    pub user_agent: Option<String>,
    /// The client's address.
    pub ip: Option<String>,
    /// The id of the request, by which the log has more about it.
    pub request_id: Option<String>,
}

impl ClientInfo {
    /// Cleans what a request says about its client.
    pub fn new(user_agent: Option<&str>, ip: Option<String>) -> Self {
        let user_agent = user_agent.map(|text| text.chars().filter(|c| !c.is_control()).take(256).collect());
        Self { user_agent, ip, request_id: None }
    }

    /// The same client by this request.
    #[must_use]
    pub fn by_request(self, id: Option<&str>) -> Self {
        Self { request_id: id.map(str::to_owned), ..self }
    }
}

/// A session that is alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The `sid` of its user token.
    pub id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// The identity that signed in, as `provider:subject`.
    pub provider_id: String,
    /// When the sign-in was.
    pub created_at: Timestamp,
    /// When it was last used, to within some minutes.
    pub last_seen_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_request_says_of_its_client_is_cut_to_text_of_bounded_length() {
        let client =
            ClientInfo::new(Some(&format!("Browser\r\n{}", "ä".repeat(300))), Some("203.0.113.7".into()));
        let agent = client.user_agent.clone().unwrap();
        assert_eq!((agent.chars().count(), agent.starts_with("Browserä")), (256, true));
        assert_eq!((client.ip.as_deref(), &client.request_id), (Some("203.0.113.7"), &None));
        let client = client.by_request(Some("r1"));
        assert_eq!((client.request_id.as_deref(), client.user_agent), (Some("r1"), Some(agent)));
    }
}
