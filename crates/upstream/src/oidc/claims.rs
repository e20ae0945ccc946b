//! The claims of an ID token or a userinfo answer, and what they say about a person.

use serde::Deserialize;
use serde_json::{Map, Value};
use vestibule_domain::{AvatarUrl, DisplayName, EmailAddress, find_claim};

use super::stated_time::StatedTime;

/// A set of claims as the issuer wrote it. A claim whose value is `null` is not there.
#[derive(Deserialize)]
pub(super) struct Claims(Map<String, Value>);

impl Claims {
    pub(super) fn parse(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// A `NumericDate` (RFC 7519 section 2), if the claim is there, and what is wrong if it is none.
    pub(super) fn time(&self, name: &str) -> Option<Result<StatedTime, &'static str>> {
        self.get(name).map(StatedTime::read)
    }

    pub(super) fn subject(&self) -> Option<&str> {
        self.text("sub")
    }

    /// `aud`: one text or a list of texts (RFC 7519 section 4.1.3).
    pub(super) fn audience(&self) -> Option<Vec<&str>> {
        match self.get("aud")? {
            Value::String(single) => Some(vec![single]),
            Value::Array(several) => several.iter().map(Value::as_str).collect(),
            _ => None,
        }
    }

    /// What the claims say about the person. A claim of the wrong type counts as absent. The claims named in `kept` come along as
    /// they are.
    pub(super) fn user_claims(&self, kept: &[String]) -> UserClaims {
        let email = self.text("email").and_then(|text| EmailAddress::parse(text).ok());
        let verified = self.states_verified_email();
        let login = self.clean_text("preferred_username");
        UserClaims {
            subject: self.subject().unwrap_or_default().to_owned(),
            email: email.map(|email| StatedEmail { email, verified }),
            name: self.clean_text("name").or_else(|| self.joined_name()),
            nickname: login.clone().or_else(|| self.clean_text("nickname")),
            login: login.map(|login| login.as_str().to_owned()),
            avatar_url: self.text("picture").and_then(AvatarUrl::clean),
            kept: kept
                .iter()
                .filter_map(|name| Some((name.clone(), find_claim(&self.0, name)?.clone())))
                .collect(),
        }
    }

    /// `email_verified`: a boolean (OpenID Connect Core section 5.1), or the text that some issuers write in its place, `"true"` in
    /// whatever case. Nothing else verifies an address.
    fn states_verified_email(&self) -> bool {
        match self.get("email_verified") {
            Some(Value::Bool(verified)) => *verified,
            Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
            _ => false,
        }
    }

    fn clean_text(&self, name: &str) -> Option<DisplayName> {
        self.text(name).and_then(DisplayName::clean)
    }

    /// A name in its parts, in the order in which the standard lists them.
    fn joined_name(&self) -> Option<DisplayName> {
        let parts = ["given_name", "family_name"].into_iter().filter_map(|name| self.clean_text(name));
        let parts: Vec<String> = parts.map(|part| part.as_str().to_owned()).collect();
        DisplayName::clean(&parts.join(" "))
    }
}

/// An address together with whether the same set of claims says that it is verified.
struct StatedEmail {
    email: EmailAddress,
    verified: bool,
}

/// What an issuer says about a person.
pub(super) struct UserClaims {
    pub(super) subject: String,
    email: Option<StatedEmail>,
    /// What the person is called.
    name: Option<DisplayName>,
    /// What they call themselves there, in the place of a name.
    nickname: Option<DisplayName>,
    pub(super) login: Option<String>,
    pub(super) avatar_url: Option<AvatarUrl>,
    /// The claims that are to be kept, as far as they were stated.
    pub(super) kept: Map<String, Value>,
}

impl UserClaims {
    /// Whether nothing is missing that is worth another request.
    pub(super) fn is_complete(&self, kept: &[String]) -> bool {
        self.has_verified_email() && self.name.is_some() && self.find_missing(kept).next().is_none()
    }

    /// Whether there is an address that the issuer states as verified.
    pub(super) fn has_verified_email(&self) -> bool {
        self.email.as_ref().is_some_and(|stated| stated.verified)
    }

    /// Whether there is an address, verified or not.
    pub(super) fn has_email(&self) -> bool {
        self.email.is_some()
    }

    /// The claims that are to be kept and were not stated.
    pub(super) fn find_missing<'k>(&self, kept: &'k [String]) -> impl Iterator<Item = &'k String> {
        kept.iter().filter(|name| !self.kept.contains_key(*name))
    }

    /// The name; in its place what the person is called otherwise.
    pub(super) fn display_name(&self) -> Option<DisplayName> {
        self.name.clone().or_else(|| self.nickname.clone())
    }

    /// This person, with what `more` knows in addition. An address comes with its own verification, never with that of
    /// another address.
    pub(super) fn completed_by(self, more: Self) -> Self {
        let mut kept = more.kept;
        kept.extend(self.kept);
        Self {
            kept,
            subject: self.subject,
            email: completed_email(self.email, more.email),
            name: self.name.or(more.name),
            nickname: self.nickname.or(more.nickname),
            login: self.login.or(more.login),
            avatar_url: self.avatar_url.or(more.avatar_url),
        }
    }

    /// The address if it is verified, and if it is not.
    pub(super) fn emails(&self) -> (Option<EmailAddress>, Option<EmailAddress>) {
        match &self.email {
            Some(stated) if stated.verified => (Some(stated.email.clone()), None),
            Some(stated) => (None, Some(stated.email.clone())),
            None => (None, None),
        }
    }
}

/// The address of the ID token, which another statement about the same address may verify.
fn completed_email(first: Option<StatedEmail>, more: Option<StatedEmail>) -> Option<StatedEmail> {
    let Some(StatedEmail { email, verified }) = first else { return more };
    let verified = verified || more.is_some_and(|more| more.verified && more.email.key() == email.key());
    Some(StatedEmail { email, verified })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn person(claims: &Value) -> UserClaims {
        Claims::parse(claims.to_string().as_bytes())
            .unwrap()
            .user_claims(&["groups".to_owned(), "hd".to_owned()])
    }

    #[test]
    fn c2_true_verifies_an_address_as_a_boolean_or_a_text_and_nothing_else_does() {
        for unverified in [
            json!(false),
            json!("false"),
            json!("False"),
            json!(1),
            json!("1"),
            json!("yes"),
            json!(" true"),
            json!("true "),
            json!("t"),
            json!(""),
            Value::Null,
            json!({}),
            json!([true]),
            json!(["true"]),
        ] {
            let person =
                person(&json!({"sub": "1", "email": "ada@example.org", "email_verified": unverified}));
            let (verified, unverified) = person.emails();
            assert!(verified.is_none() && unverified.is_some());
        }
        let missing = person(&json!({"sub": "1", "email": "ada@example.org"}));
        assert!(missing.emails().0.is_none());
        for verified in [json!(true), json!("true"), json!("True"), json!("TRUE")] {
            let good = person(&json!({"sub": "1", "email": "ada@example.org", "email_verified": verified}));
            assert_eq!(good.emails().0.unwrap().as_str(), "ada@example.org");
        }
    }

    #[test]
    fn c2_userinfo_verifies_the_address_of_the_id_token_if_it_is_the_same() {
        for stated in [json!(null), json!(false)] {
            let token = person(&json!({"sub": "1", "email": "Ada@bücher.example", "email_verified": stated}));
            assert!(!token.is_complete(&[]), "userinfo is worth asking");
            let info = json!({"sub": "1", "email": "ada@xn--bcher-kva.EXAMPLE", "email_verified": "true"});
            let (verified, unverified) = token.completed_by(person(&info)).emails();
            assert_eq!(verified.unwrap().as_str(), "Ada@xn--bcher-kva.example");
            assert!(unverified.is_none());
        }
        let token = person(&json!({"sub": "1", "email": "ada@example.org"}));
        let without_address = person(&json!({"sub": "1", "email_verified": true}));
        assert!(token.completed_by(without_address).emails().0.is_none());
        let token = person(&json!({"sub": "1", "email_verified": true}));
        let without_statement = person(&json!({"sub": "1", "email": "ada@example.org"}));
        assert!(token.completed_by(without_statement).emails().0.is_none());
    }

    #[test]
    fn a_person_goes_by_the_first_of_several_kinds_of_names() {
        let name = |claims: Value| person(&claims).display_name().map(|name| name.as_str().to_owned());
        let mut claims = json!({
            "nickname": "ada", "preferred_username": "alovelace", "family_name": "Lovelace", "given_name": "Ada",
            "name": "Augusta Ada King",
        });
        for (expected, next) in [
            ("Augusta Ada King", "name"),
            ("Ada Lovelace", "given_name"),
            ("Lovelace", "family_name"),
            ("alovelace", "preferred_username"),
            ("ada", "nickname"),
        ] {
            assert_eq!(name(claims.clone()).as_deref(), Some(expected));
            claims[next] = json!(" \u{200b}");
        }
        assert_eq!(name(claims), None);
        let token = person(&json!({"sub": "1", "preferred_username": "ada"}));
        assert!(!token.is_complete(&[]), "userinfo may have a name");
        let info = person(&json!({"sub": "1", "given_name": "Ada", "family_name": "Lovelace"}));
        assert_eq!(token.completed_by(info).display_name().unwrap().as_str(), "Ada Lovelace");
    }

    #[test]
    fn a_claim_inside_another_is_kept_under_the_name_that_was_chosen() {
        let claims = json!({"sub": "1", "realm_access": {"roles": ["staff"]}, "a.b": 1, "a": {"b": 2}});
        let chosen = ["realm_access.roles", "a.b", "realm_access.none"].map(str::to_owned);
        let person = Claims::parse(claims.to_string().as_bytes()).unwrap().user_claims(&chosen);
        assert_eq!(person.find_missing(&chosen).collect::<Vec<_>>(), ["realm_access.none"]);
        assert_eq!(Value::Object(person.kept), json!({"realm_access.roles": ["staff"], "a.b": 1}));
    }

    #[test]
    fn c2_a_verification_never_moves_to_another_address() {
        let token = person(&json!({"sub": "1", "email": "victim@example.org"}));
        let info = person(&json!({"sub": "1", "email": "ada@example.org", "email_verified": true}));
        let (verified, unverified) = token.completed_by(info).emails();
        assert!(verified.is_none());
        assert_eq!(unverified.unwrap().as_str(), "victim@example.org");
    }

    #[test]
    fn chosen_claims_come_along_and_those_of_the_id_token_count_first() {
        let token = person(&json!({"sub": "1", "groups": ["a"], "other": 1, "hd": null}));
        let info = person(&json!({"sub": "1", "groups": ["b"], "hd": "example.org", "other": 2}));
        let kept = token.completed_by(info).kept;
        assert_eq!(Value::Object(kept), json!({"groups": ["a"], "hd": "example.org"}));
    }

    #[test]
    fn c9_hostile_claims_are_cleaned_or_absent() {
        let hostile = person(&json!({
            "sub": "1",
            "name": "A\u{202e}da\r\n<script>",
            "picture": "http://169.254.169.254/",
            "preferred_username": ["x"],
            "email": "a@evil.com@corp.com",
            "email_verified": true,
        }));
        assert_eq!(hostile.display_name().as_ref().unwrap().as_str(), "Ada<script>");
        assert!(hostile.avatar_url.is_none() && hostile.login.is_none());
        assert!(hostile.emails().0.is_none() && hostile.emails().1.is_none());
        for odd in [json!(7), json!(null), json!({"a": 1}), json!(""), json!("\u{200b}")] {
            assert!(person(&json!({"sub": "1", "name": odd})).name.is_none());
        }
        let long = person(&json!({"sub": "1", "name": "x".repeat(1_000_000)}));
        assert_eq!(long.name.unwrap().as_str().len(), 200);
        assert!(person(&json!({"sub": "1", "picture": "javascript:alert(1)"})).avatar_url.is_none());
    }

    /// Any JSON that is not too deep.
    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "\\PC{0,40}".prop_map(Value::from),
            "[a-z]{1,4}@[a-z]{1,4}\\.[a-z]{2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map("[a-z]{1,4}", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn c2_no_claim_but_true_verifies_anything(claims in prop::collection::vec(any_json(), 5)) {
            let names = ["name", "picture", "email", "email_verified", "preferred_username"];
            let object: Map<String, Value> = names.map(str::to_owned).into_iter().zip(claims).collect();
            let stated = &object["email_verified"];
            let is_true = *stated == Value::Bool(true)
                || stated.as_str().is_some_and(|text| text.eq_ignore_ascii_case("true"));
            let (verified, _) = person(&Value::Object(object)).emails();
            prop_assert!(verified.is_none() || is_true);
        }
    }
}
