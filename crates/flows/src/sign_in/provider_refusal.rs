//! What a provider says in the place of a code: whose no it is.

use std::borrow::Cow;

use crate::SignInResult;

/// Who said no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// The person, or the provider because it would have had to ask them.
    Person,
    /// The provider, which is not well.
    Outage,
    /// The provider, for good: something about the settings here or there, or the rules of an organization.
    Provider,
}

/// The error code of an authorization response, out of those that are known. Everything else is one code, `other`: the text comes
/// through the browser, and anybody can make it up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProviderRefusal {
    code: &'static str,
    by: By,
}

/// RFC 6749 section 4.1.2.1, OpenID Connect Core section 3.1.2.6, RFC 8707, RFC 9470, and what providers add.
const KNOWN: [(&str, By); 33] = [
    ("access_denied", By::Person),
    ("account_selection_required", By::Person),
    ("consent_required", By::Person),
    ("interaction_required", By::Person),
    ("login_required", By::Person),
    ("user_cancelled_authorize", By::Person),
    ("user_cancelled_login", By::Person),
    ("user_denied", By::Person),
    ("server_error", By::Outage),
    ("temporarily_unavailable", By::Outage),
    ("admin_policy_enforced", By::Provider),
    ("app_not_configured_for_user", By::Provider),
    ("application_suspended", By::Provider),
    ("deleted_client", By::Provider),
    ("disabled_client", By::Provider),
    ("disallowed_useragent", By::Provider),
    ("insufficient_scope", By::Provider),
    ("invalid_client", By::Provider),
    ("invalid_grant", By::Provider),
    ("invalid_request", By::Provider),
    ("invalid_request_object", By::Provider),
    ("invalid_request_uri", By::Provider),
    ("invalid_resource", By::Provider),
    ("invalid_scope", By::Provider),
    ("invalid_target", By::Provider),
    ("org_internal", By::Provider),
    ("redirect_uri_mismatch", By::Provider),
    ("registration_not_supported", By::Provider),
    ("request_not_supported", By::Provider),
    ("request_uri_not_supported", By::Provider),
    ("unauthorized_client", By::Provider),
    ("unmet_authentication_requirements", By::Provider),
    ("unsupported_response_type", By::Provider),
];

/// The longest code that is worth a place in the log.
const MAX_LOGGED: usize = 48;

impl ProviderRefusal {
    /// Reads the parameter `error`.
    pub(crate) fn of(text: &str) -> Self {
        let known = KNOWN.iter().find(|(code, _)| *code == text);
        known.map_or(Self { code: "other", by: By::Provider }, |(code, by)| Self { code, by: *by })
    }

    /// For a label of a metric, and for the log where no state shows that a sign-in was under way.
    pub const fn code(self) -> &'static str {
        self.code
    }

    /// Whether the person said no, or could not be asked.
    pub(crate) fn is_of_person(self) -> bool {
        self.by == By::Person
    }

    /// The `error` parameter that the frontend gets.
    pub(crate) fn error(self) -> &'static str {
        match self.by {
            By::Person => "access_denied",
            By::Outage => "temporarily_unavailable",
            By::Provider => "sign_in_failed",
        }
    }

    /// What such a sign-in is counted as.
    pub(crate) fn result(self) -> SignInResult {
        match self.by {
            By::Person => SignInResult::DeclinedAtProvider,
            By::Outage => SignInResult::ProviderUnavailable,
            By::Provider => SignInResult::RefusedByProvider,
        }
    }

    /// The code for the log: as it came if it is a word as codes are, of small letters and underscores, which holds neither a
    /// token nor an address.
    pub(crate) fn for_log(text: &str) -> Cow<'static, str> {
        let is_word = (1..=MAX_LOGGED).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        if is_word { Cow::Owned(text.to_owned()) } else { Cow::Borrowed("other") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_persons_no_is_told_from_that_of_the_provider() {
        for (code, error, result) in [
            ("access_denied", "access_denied", SignInResult::DeclinedAtProvider),
            ("user_cancelled_login", "access_denied", SignInResult::DeclinedAtProvider),
            ("consent_required", "access_denied", SignInResult::DeclinedAtProvider),
            ("account_selection_required", "access_denied", SignInResult::DeclinedAtProvider),
            ("temporarily_unavailable", "temporarily_unavailable", SignInResult::ProviderUnavailable),
            ("server_error", "temporarily_unavailable", SignInResult::ProviderUnavailable),
            ("invalid_scope", "sign_in_failed", SignInResult::RefusedByProvider),
            ("unauthorized_client", "sign_in_failed", SignInResult::RefusedByProvider),
            ("Access_Denied", "sign_in_failed", SignInResult::RefusedByProvider),
            ("made up", "sign_in_failed", SignInResult::RefusedByProvider),
        ] {
            let refusal = ProviderRefusal::of(code);
            assert_eq!((refusal.error(), refusal.result()), (error, result), "{code}");
        }
    }

    #[test]
    fn each_known_code_stands_once_and_is_its_own_label() {
        for (at, (code, _)) in KNOWN.iter().enumerate() {
            assert_eq!(ProviderRefusal::of(code).code(), *code);
            assert!(KNOWN.iter().skip(at + 1).all(|(other, _)| other != code), "{code}");
            assert_eq!(ProviderRefusal::for_log(code), *code);
        }
        assert_eq!(ProviderRefusal::of("anything else").code(), "other");
    }

    #[test]
    fn n5_no_free_text_reaches_the_log() {
        assert_eq!(ProviderRefusal::for_log("a_new_code"), "a_new_code");
        let long = "x".repeat(MAX_LOGGED + 1);
        for text in ["", "ya29.A0", "a b", "ada@example.org", "code\nforged=1", "<b>", "\u{202e}", &long] {
            assert_eq!(ProviderRefusal::for_log(text), "other", "{text:?}");
        }
    }
}
