//! The claims of an ID token or a userinfo answer, and what they say about a person.

use serde::Deserialize;
use serde_json::{Map, Value};
use vestibule_domain::{AvatarUrl, DisplayName, EmailAddress};

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

    /// A `NumericDate` in whole seconds.
    pub(super) fn seconds(&self, name: &str) -> Option<i64> {
        self.get(name)?.as_i64()
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

    /// What the claims say about the person. A claim of the wrong type counts as absent, `email_verified` as false
    /// unless it is the boolean `true`: some issuers write texts, and for `"false"` it would be a costly guess. The claims named in
    /// `kept` come along as they are.
    pub(super) fn user_claims(&self, kept: &[String]) -> UserClaims {
        let email = self.text("email").and_then(|text| EmailAddress::parse(text).ok());
        let verified = self.get("email_verified") == Some(&Value::Bool(true));
        UserClaims {
            subject: self.subject().unwrap_or_default().to_owned(),
            email: email.map(|email| StatedEmail { email, verified }),
            name: self.text("name").and_then(DisplayName::clean),
            login: self
                .text("preferred_username")
                .and_then(DisplayName::clean)
                .map(|login| login.as_str().to_owned()),
            avatar_url: self.text("picture").and_then(AvatarUrl::clean),
            kept: kept.iter().filter_map(|name| Some((name.clone(), self.get(name)?.clone()))).collect(),
        }
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
    pub(super) name: Option<DisplayName>,
    pub(super) login: Option<String>,
    pub(super) avatar_url: Option<AvatarUrl>,
    /// The claims that are to be kept, as far as they were stated.
    pub(super) kept: Map<String, Value>,
}

impl UserClaims {
    /// Whether nothing is missing that is worth another request.
    pub(super) fn is_complete(&self, kept: &[String]) -> bool {
        self.email.is_some() && self.name.is_some() && kept.iter().all(|name| self.kept.contains_key(name))
    }

    /// This person, with what `more` knows in addition. An address comes with its own verification, never with that of
    /// another address.
    pub(super) fn completed_by(self, more: Self) -> Self {
        let mut kept = more.kept;
        kept.extend(self.kept);
        Self {
            kept,
            subject: self.subject,
            email: self.email.or(more.email),
            name: self.name.or(more.name),
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
    fn c2_only_the_boolean_true_verifies_an_address() {
        for unverified in
            [json!(false), json!("false"), json!("true"), json!(1), Value::Null, json!({}), json!([true])]
        {
            let person =
                person(&json!({"sub": "1", "email": "ada@example.org", "email_verified": unverified}));
            let (verified, unverified) = person.emails();
            assert!(verified.is_none() && unverified.is_some());
        }
        let missing = person(&json!({"sub": "1", "email": "ada@example.org"}));
        assert!(missing.emails().0.is_none());
        let good = person(&json!({"sub": "1", "email": "ada@example.org", "email_verified": true}));
        assert_eq!(good.emails().0.unwrap().as_str(), "ada@example.org");
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
        assert_eq!(hostile.name.as_ref().unwrap().as_str(), "Ada<script>");
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
            let is_true = object["email_verified"] == Value::Bool(true);
            let (verified, _) = person(&Value::Object(object)).emails();
            prop_assert!(verified.is_none() || is_true);
        }
    }
}
