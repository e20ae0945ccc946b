use super::*;

#[test]
fn a_user_token_verifies_and_says_whose_it_is() {
    let (service, _) = service();
    let claims = service.verify_user_token(&user_token(&service)).unwrap();
    assert_eq!((&claims.user_id, &claims.session_id), (&user(), &session()));
    assert_eq!(claims.issued_at, START);
    assert_eq!(claims.expires_at, START.plus(USER_TTL));
}

#[test]
fn a_user_token_has_exactly_the_header_and_claims_of_the_contract() {
    let (service, _) = service();
    let token = user_token(&service);
    assert_eq!(part(&token, 0), good_header());
    let claims: Value = serde_json::from_str(&part(&token, 1)).unwrap();
    let (now, jti) = (START.seconds(), claims["jti"].as_str().unwrap());
    let expected = format!(
        r#"{{"iss":"{ISSUER}","sub":"ada","userid":"ada","aud":"{ISSUER}","sid":"session-1","iat":{now},"exp":{},"jti":"{jti}"}}"#,
        now + 14 * 24 * 3600
    );
    assert_eq!(part(&token, 1), expected);
    assert_eq!(jti.len(), 32);
}

#[test]
fn a_permission_token_has_exactly_the_header_and_claims_of_the_contract() {
    let (service, _) = service();
    let name = ServiceName::parse("neuroglancer").unwrap();
    let permissions = object(&json!({"read": true, "groups": ["a", "b"]}));
    let issued = service.issue_permission_token(&user(), &name, &permissions).unwrap();
    let token = text(&issued.token);
    assert_eq!(part(&token, 0), header("RS256", "permission+jwt", &first().kid));
    let claims: Value = serde_json::from_str(&part(&token, 1)).unwrap();
    let now = START.seconds();
    assert_eq!(
        claims,
        json!({"iss": ISSUER, "sub": "ada", "userid": "ada", "service": "neuroglancer",
            "permissions": {"read": true, "groups": ["a", "b"]}, "iat": now, "exp": now + 900, "jti": claims["jti"]})
    );
    assert_eq!(issued.key_id, first().kid);
    assert_eq!((issued.issued_at, issued.expires_at), (START, START.plus(PERMISSION_TTL)));
}

#[test]
fn no_two_tokens_are_alike() {
    let (service, _) = service();
    assert_ne!(user_token(&service), user_token(&service));
    assert_ne!(permission_token(&service), permission_token(&service));
}

#[test]
fn a_token_ends_with_its_session() {
    let (service, _) = service();
    let ends = START.plus(Duration::from_secs(60));
    let token = service.issue_user_token(&user(), &session(), ends).unwrap();
    assert_eq!(service.verify_user_token(&text(&token)).unwrap().expires_at, ends);
    let ended = service.issue_user_token(&user(), &session(), START);
    assert_eq!(ended.unwrap_err(), SignError::Ended);
}

#[test]
fn what_would_be_refused_for_its_size_is_not_issued() {
    let (service, _) = service_with(first().ring(), &format!("https://{}", "a".repeat(2000)));
    assert_eq!(service.issue_user_token(&user(), &session(), far()).unwrap_err(), SignError::TooLarge);
    let permissions = object(&json!({"x": "y".repeat(128 * 1024)}));
    let name = ServiceName::parse("s").unwrap();
    let token = service.issue_permission_token(&user(), &name, &permissions);
    assert_eq!(token.unwrap_err(), SignError::TooLarge);
}

#[test]
fn the_longest_user_token_that_is_issued_is_accepted() {
    let (service, _) = service_with(first().ring(), &format!("https://{}", "a".repeat(1262)));
    let of_session = |length: usize| {
        let session = SessionId::parse(&"s".repeat(length)).unwrap();
        service.issue_user_token(&user(), &session, far()).map(|token| text(&token))
    };
    let longest = (1..=128).map_while(|length| of_session(length).ok()).last().unwrap();
    assert_eq!(longest.len(), 4096);
    assert!(service.verify_user_token(&longest).is_ok());
    assert!(service.find_cached_user_token(&longest).is_some());
    assert_eq!(of_session(128), Err(SignError::TooLarge));
}

#[test]
fn a_permission_token_has_at_most_128_kib() {
    let (service, _) = service();
    let name = ServiceName::parse("s").unwrap();
    let of_answer = |length: usize| {
        let permissions = object(&json!({"x": "y".repeat(length)}));
        service.issue_permission_token(&user(), &name, &permissions).map(|issued| text(&issued.token))
    };
    let longest = (97_700..97_900).map_while(|length| of_answer(length).ok()).last().unwrap();
    assert_eq!(longest.len(), 128 * 1024);
}

#[tokio::test]
async fn a_token_that_was_queued_says_what_one_says_that_was_not() {
    let (service, _) = service();
    let without_id = |token: &str| {
        let mut claims: Value = serde_json::from_str(&part(token, 1)).unwrap();
        claims.as_object_mut().unwrap().remove("jti");
        (part(token, 0), claims)
    };
    let queued = text(&service.issue_user_token_queued(&user(), &session(), far()).await.unwrap());
    assert!(service.verify_user_token(&queued).is_ok());
    assert_eq!(without_id(&queued), without_id(&user_token(&service)));
    let ended = service.issue_user_token_queued(&user(), &session(), START).await;
    assert_eq!(ended.unwrap_err(), SignError::Ended);

    let name = ServiceName::parse("neuroglancer").unwrap();
    let permissions = object(&json!({"read": true}));
    let user = user();
    let holder = PermissionHolder { user: &user, is_role_account: false, ends_at: None };
    let queued = service.issue_permission_token_queued(&holder, &name, &permissions).await.unwrap();
    assert_eq!(without_id(&text(&queued.token)), without_id(&permission_token(&service)));
    assert_eq!((queued.issued_at, queued.expires_at), (START, START.plus(PERMISSION_TTL)));
}

#[test]
fn m4_the_jwks_has_public_members_alone() {
    let (service, _) = service();
    let keys = serde_json::to_value(service.jwks()).unwrap();
    let keys = keys["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 1);
    let members: Vec<_> = keys[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["alg", "e", "kid", "kty", "n", "use"]);
    assert_eq!(keys[0]["kid"], first().kid);
    assert_eq!(keys[0]["n"], base64url(&first().modulus));
    assert_eq!(keys[0]["e"], "AQAB");
}

#[test]
fn the_public_key_is_a_pem_that_ends_in_a_line_end() {
    let (service, _) = service();
    assert_eq!(service.public_key_pem(), first().spki);
    assert!(service.public_key_pem().ends_with("-----END PUBLIC KEY-----\n"));
    assert_eq!(service.signing_key_id(), first().kid);
    assert!(service.is_usable());
}

#[test]
fn n5_debug_shows_no_token_and_no_key() {
    let (service, _) = service();
    let name = ServiceName::parse("s").unwrap();
    let token = service.issue_permission_token(&user(), &name, &Map::new()).unwrap();
    assert!(!format!("{token:?}").contains(token.token.expose_secret()));
    let shown = format!("{service:?}");
    assert!(
        shown.contains(&first().kid)
            && !shown.contains("BEGIN")
            && !shown.contains(&base64url(&first().modulus))
    );
}

#[test]
fn d6_the_verifier_of_services_takes_permission_tokens_alone() {
    use vestibule_verifier::{Verifier, VerifyError};

    let (service, _) = service();
    let now = u64::try_from(START.seconds()).unwrap();
    let jwks = serde_json::to_string(&service.jwks()).unwrap();
    let verifier = || Verifier::new(ISSUER, "neuroglancer");
    for verifier in [
        verifier().with_jwks(&jwks).unwrap(),
        verifier().with_public_key_pem(&service.public_key_pem()).unwrap(),
    ] {
        let grant = verifier.verify(&permission_token(&service), now).unwrap();
        assert_eq!(grant.user_id, "ada");
        assert!(grant.allows("read"));
        assert_eq!(verifier.verify(&user_token(&service), now), Err(VerifyError::Kind));
    }
}
