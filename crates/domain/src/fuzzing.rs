//! The targets of the fuzzer in this crate: what must hold of any text at all that stands in an address, a form or a
//! statement.
//!
//! To add one: a function, its line in [`TARGETS`], a file in `fuzz/fuzz_targets`, and inputs to begin with in `fuzz/corpus`.

#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a target that finds something fails loudly"
)]

use serde_json::{Map, Value};
use url::Url;

use crate::{
    AllowedOrigins, Attributes, AuditName, AvatarUrl, DisplayName, EmailAddress, EmailDomain,
    ExternalAddress, Next, NextUrl, OrganizationLogin, Origin, ProviderName, RoleName, Scope, Scopes,
    ServiceName, Services, SessionData, SessionDataError, UpstreamClaims, UserId, UserPatch, Username,
};

/// A target, behind its name.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] = &[
    ("next", next),
    ("origins", origins),
    ("usernames", usernames),
    ("emails", emails),
    ("names", names),
    ("profiles", profiles),
    ("limits", limits),
    ("lent_permissions", lent_permissions),
    ("session_data", session_data),
];

const HOME: &str = "https://auth.example.com/";

fn allowed_origins() -> AllowedOrigins {
    let origins = ["https://app.example.com", "https://other.example.com:8443", "http://localhost:3000"];
    AllowedOrigins::new(origins.map(|origin| Origin::parse(origin).unwrap()).to_vec())
}

/// Whatever is taken for `next` leads to an allowed origin in the eyes of a browser, and comes back with our parameter and
/// every other byte of its own.
pub fn next(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let allowed = allowed_origins();
    let Ok(next) = Next::parse(Some(text), &allowed) else { return };
    let Next::Url(address) = &next else {
        assert!(text.is_empty());
        return;
    };
    assert_eq!(address.as_str(), text);
    assert_eq!(Next::parse(Some(next.as_parameter()), &allowed).as_ref(), Ok(&next));
    assert!(text.bytes().all(|byte| byte.is_ascii_graphic()), "it fits in a header");
    assert_leads_to_an_allowed_origin(&url(text), &allowed);
    let token = next.with_token(HOME, "header.claims.signature");
    assert_differs_in_our_parameter(text, &token, ("jwt", "header.claims.signature"), &["jwt"]);
    let error = next.with_error(HOME, "access_denied");
    assert_differs_in_our_parameter(text, &error, ("error", "access_denied"), &["error", "jwt"]);
    // A sign-in may begin at an address that an earlier one has ended at.
    if let Ok(again) = NextUrl::parse(&token, &allowed) {
        assert_eq!(Next::Url(again).with_token(HOME, "header.claims.signature"), token);
    }
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn assert_leads_to_an_allowed_origin(url: &Url, allowed: &AllowedOrigins) {
    let origin = url.origin().ascii_serialization();
    assert!(allowed.iter().any(|allowed| allowed.as_str() == origin), "{origin}");
    assert!(url.username().is_empty() && url.password().is_none());
}

fn assert_differs_in_our_parameter(before: &str, after: &str, (name, value): (&str, &str), dropped: &[&str]) {
    let (before, after) = (url(before), url(after));
    assert_eq!(before.origin(), after.origin());
    assert_eq!((before.path(), before.fragment()), (after.path(), after.fragment()));
    let kept = before.query_pairs().filter(|(name, _)| !dropped.contains(&name.as_ref()));
    let expected: Vec<_> = kept.chain([(name.into(), value.into())]).collect();
    assert_eq!(after.query_pairs().collect::<Vec<_>>(), expected);
    let raw = |url: &Url| url.query().unwrap_or_default().len();
    assert!(raw(&after) <= raw(&before) + name.len() + value.len() + "&=".len());
}

/// An origin is safe to send a token to and reads back as itself; a header counts byte for byte.
pub fn origins(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(origin) = Origin::parse(text) {
        assert_eq!(Origin::parse(origin.as_str()).as_ref(), Ok(&origin));
        assert_eq!(url(origin.as_str()).origin().ascii_serialization(), origin.as_str());
        assert!(origin.is_https() || origin.is_loopback());
        let allowed = AllowedOrigins::new(vec![origin.clone()]);
        assert_eq!(allowed.allow_header(text), text == origin.as_str());
    }
    let allowed = allowed_origins();
    assert_eq!(allowed.allow_header(text), allowed.iter().any(|origin| origin.as_str() == text));
    if let Ok(address) = ExternalAddress::parse(text) {
        assert_eq!(ExternalAddress::parse(address.issuer()).as_ref(), Ok(&address));
        assert_eq!(Origin::parse(address.issuer()).as_ref(), Ok(address.origin()));
        assert_eq!(url(&address.join("/auth/check")).path(), "/auth/check");
    }
}

/// `^[a-z0-9][a-z0-9_-]{1,31}$` after lower-casing, and nothing else that could pass for it.
pub fn usernames(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let Ok(name) = Username::parse(text) else { return };
    assert_eq!(name.as_str(), text.to_ascii_lowercase());
    assert_eq!(Username::parse(name.as_str()).as_ref(), Ok(&name));
    assert_eq!(Username::from_stored(name.as_str()).as_ref(), Ok(&name));
    assert_eq!(text.to_lowercase(), name.as_str(), "no letter outside of ASCII becomes one inside");
    let may_begin = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    assert!((2..=32).contains(&name.as_str().len()));
    assert!(name.as_str().bytes().all(|byte| may_begin(byte) || b"_-".contains(&byte)));
    assert!(name.as_str().bytes().next().is_some_and(may_begin));
    for reserved in ["admin", "root", "auth", "api", "null", "me", "system", "support"] {
        assert_ne!(name.as_str(), reserved);
    }
}

/// An address has one way to be read, and one key.
pub fn emails(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let Ok(address) = EmailAddress::parse(text) else { return };
    assert!(address.as_str() == text.trim_ascii() || !text.is_ascii());
    assert_eq!(EmailAddress::parse(address.as_str()).as_ref(), Ok(&address));
    assert!(address.as_str().len() <= 254 && address.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
    assert_eq!(address.as_str().matches('@').count(), 1);
    let key = EmailAddress::parse(&address.key()).unwrap();
    assert_eq!(key.key(), address.key());
    assert_eq!(address.key(), address.as_str().to_lowercase());
    let domain = EmailDomain::of_address(&address);
    assert!(address.key().ends_with(&format!("@{}", domain.as_str())));
    // Of the longest addresses the domain alone is as long as a domain may be.
    assert_eq!(EmailDomain::parse(domain.as_str()).as_ref(), Ok(&domain));
    let id = UserId::from_email_md5(&address);
    assert_eq!(UserId::parse(id.as_str()), Ok(id));
}

/// The short names that stand in addresses, settings, rows and lines of the log.
pub fn names(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let parsed = [
        ProviderName::parse(text).ok().map(|name| name.as_str().to_owned()),
        ServiceName::parse(text).ok().map(|name| name.as_str().to_owned()),
        RoleName::parse(text).ok().map(|name| name.as_str().to_owned()),
        OrganizationLogin::parse(text).ok().map(|name| name.as_str().to_owned()),
        UserId::parse(text).ok().map(|id| id.as_str().to_owned()),
        EmailDomain::parse(text).ok().map(|domain| domain.as_str().to_owned()),
        text.parse::<AuditName>().ok().map(|name| name.as_str().to_owned()),
    ];
    for name in parsed.into_iter().flatten() {
        assert!(name.eq_ignore_ascii_case(text) || EmailDomain::parse(text).is_ok() && !text.is_ascii());
        assert!(name.len() <= 253);
        assert!(name.bytes().all(|byte| byte.is_ascii_graphic()));
    }
    if let Ok(organization) = OrganizationLogin::parse(text) {
        assert_eq!(OrganizationLogin::parse(&organization.key()).as_ref(), Ok(&organization));
    }
}

/// The two lists of a lent credential: what is read is bounded, and is read alike from what is kept of it.
pub fn limits(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(scopes) = Scopes::parse(text) {
        let kept = scopes.to_string();
        assert_eq!(Scopes::parse(&kept).as_ref(), Ok(&scopes));
        assert!(scopes.len() <= 50 && kept.len() <= 50 * 65 && kept.len() <= text.len());
        assert!(kept.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic() && byte != b','));
        let words = text.split(' ').filter(|word| !word.is_empty());
        assert!(words.clone().all(|word| scopes.contains(word)) && scopes.len() <= words.count());
    }
    if let Ok(services) = Services::parse(text) {
        assert_eq!(Services::parse(&services.to_string()).as_ref(), Ok(&services));
        assert_eq!(services == Services::Every, text.contains('*'));
        assert!(text.split(' ').all(|name| name.is_empty() || services.fits(name)));
    }
}

/// The first line is what a credential lends, the second what its owner may do: nothing is lent that the owner may not do, and
/// without `permissions` nothing but what is named.
pub fn lent_permissions(bytes: &[u8]) {
    let Some((scopes, answer)) = str::from_utf8(bytes).ok().and_then(|text| text.split_once('\n')) else {
        return;
    };
    let (Ok(scopes), Ok(Value::Object(answer))) = (Scopes::parse(scopes), serde_json::from_str(answer))
    else {
        return;
    };
    let lent = crate::lent_permissions(answer.clone(), &scopes);
    if scopes.contains(Scope::PERMISSIONS) {
        assert_eq!(lent, answer);
        return;
    }
    for (name, value) in &lent {
        match (value, answer.get(name)) {
            (Value::Bool(true), Some(Value::Bool(true))) => assert!(scopes.lends(name)),
            (Value::Array(some), Some(Value::Array(all))) if name == "scopes" => {
                assert!(
                    some.iter().all(|entry| all.contains(entry) && scopes.lends(entry.as_str().unwrap()))
                );
            }
            other => unreachable!("{name}: {other:?}"),
        }
    }
    assert!(crate::lent_permissions(answer, &Scopes::default()).is_empty());
}

/// The first line is what an app keeps in a session, the rest a merge patch: what becomes of it is what RFC 7396 says, is bounded, and is
/// read alike from what is kept of it.
pub fn session_data(bytes: &[u8]) {
    let Some((kept, patch)) = str::from_utf8(bytes).ok().and_then(|text| text.split_once('\n')) else {
        return;
    };
    let (Ok(kept), Ok(patch)) = (serde_json::from_str::<Value>(kept), serde_json::from_str::<Value>(patch))
    else {
        return;
    };
    let Ok(data) = SessionData::new(kept.clone()) else { return };
    assert_kept(&data);
    match data.patched(&patch) {
        Ok(patched) => {
            assert_kept(&patched);
            assert_eq!(Value::Object(patched.as_object().clone()), merged(kept, &patch));
            assert_eq!(patched.clone().patched(&patch).as_ref(), Ok(&patched), "twice is as once");
        }
        Err(SessionDataError::NotObject) => assert!(!patch.is_object()),
        Err(SessionDataError::TooLarge) => {
            let merged = merged(kept, &patch);
            assert!(levels(&patch) > 8 || levels(&merged) > 8 || merged.to_string().len() > 8_192);
        }
    }
}

fn assert_kept(data: &SessionData) {
    let text = data.to_text();
    assert!(text.len() <= 8_192 && levels(&Value::Object(data.as_object().clone())) <= 8);
    let again = SessionData::new(serde_json::from_str(&text).unwrap()).unwrap();
    assert_eq!(again.to_text(), text);
}

/// How many objects and arrays are in each other.
fn levels(value: &Value) -> usize {
    match value {
        Value::Array(entries) => 1 + entries.iter().map(levels).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(levels).max().unwrap_or_default(),
        _ => 0,
    }
}

/// As the pseudocode of RFC 7396 section 2 has it.
fn merged(target: Value, patch: &Value) -> Value {
    let Value::Object(patch) = patch else { return patch.clone() };
    let mut target = if let Value::Object(members) = target { members } else { Map::new() };
    for (name, value) in patch {
        if value.is_null() {
            target.remove(name);
        } else {
            let before = target.remove(name).unwrap_or_default();
            target.insert(name.clone(), merged(before, value));
        }
    }
    Value::Object(target)
}

/// What providers and plugins say about a person is cleaned, bounded, and never more than it may be.
pub fn profiles(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    assert_clean(text);
    let Ok(Value::Object(object)) = serde_json::from_str(text) else { return };
    assert_stored_claims_are_bounded(&object);
    let present = Attributes::new(Map::from_iter([("team".to_owned(), Value::from("red"))])).unwrap();
    let members = object.len();
    let (patch, refused) = UserPatch::from_merge_patch(object);
    let applied = [patch.name.is_some(), patch.avatar_url.is_some(), patch.attributes.is_some()];
    assert_eq!(applied.iter().filter(|applied| **applied).count() + refused.len(), members);
    if let Ok(attributes) = &patch.attributes_after(&present) {
        assert_eq!(Attributes::new(attributes.as_object().clone()).as_ref(), Ok(attributes));
    }
    for text in [patch.name.flatten().map(|name| name.as_str().to_owned())].into_iter().flatten() {
        assert_clean(&text);
    }
}

fn assert_clean(text: &str) {
    if let Some(name) = DisplayName::clean(text) {
        assert!(!name.as_str().chars().any(|c| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c)));
        assert!((1..=200).contains(&name.as_str().chars().count()));
        assert_eq!(DisplayName::clean(name.as_str()).as_ref(), Some(&name));
    }
    if let Some(avatar) = AvatarUrl::clean(text) {
        assert!(avatar.as_str().starts_with("https://") && avatar.as_str().len() <= 1024);
        assert!(!avatar.as_str().contains(['"', '<', '>', ' ']) && avatar.as_str().is_ascii());
        assert_eq!(AvatarUrl::clean(avatar.as_str()).as_ref(), Some(&avatar));
    }
}

fn assert_stored_claims_are_bounded(object: &Map<String, Value>) {
    let mut claims = UpstreamClaims::default();
    for (name, value) in object {
        let before = claims.clone();
        match claims.insert(name, value.clone()) {
            Ok(()) => assert_eq!(claims.as_object().get(name), Some(value)),
            Err(_) => assert_eq!(claims, before),
        }
    }
    assert!(Value::Object(claims.as_object().clone()).to_string().len() <= 16 * 1024);
}

#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replay;
