use poem::http::Method;

use super::*;

/// The one token of a request, if there is not a second one.
fn token(
    build: impl FnOnce(poem::RequestBuilder) -> poem::RequestBuilder,
    form: Option<&str>,
) -> Result<Option<String>, ApiError> {
    let request = build(Request::builder()).finish();
    let presented = PresentedCredentials::parse(&request, &Parameters::parse(&request), Accepts::Token, None);
    presented.single_of(form, false).map(|credentials| credentials.token.map(str::to_owned))
}

#[test]
fn the_places_are_looked_at_in_order_and_empty_means_absent() {
    let found = |build: fn(poem::RequestBuilder) -> poem::RequestBuilder, form| token(build, form).unwrap();
    let empty: fn(poem::RequestBuilder) -> poem::RequestBuilder =
        |r| r.uri_str("/x?jwt=&next=y").header("Auth-Token", "").header("Authorization", "Bearer ");
    assert_eq!(found(empty, None), None);
    assert_eq!(found(empty, Some("form")).as_deref(), Some("form"));
    assert_eq!(found(|r| r.header("authorization", "bearer  a"), None).as_deref(), Some("a"));
    assert_eq!(found(|r| r.header("auth-token", " a "), None).as_deref(), Some("a"));
    assert_eq!(found(|r| r.uri_str("/x?jwt=a%2Eb"), None).as_deref(), Some("a.b"));
    assert_eq!(found(|r| r.uri_str("/x?%6awt=a"), None).as_deref(), Some("a"));
    assert_eq!(found(|r| r.header("authorization", "Basic YTpi"), None), None);
    assert_eq!(found(|r| r.header("authorization", "x"), None), None);
}

#[test]
fn a_token_that_is_written_plainly_is_not_copied() {
    let request = Request::builder().uri_str("/x?jwt=a&jwt=%61").header("auth-token", " a ").finish();
    let presented = PresentedCredentials::parse(&request, &Parameters::parse(&request), Accepts::Token, None);
    let borrowed: Vec<_> = presented.tokens.iter().map(|token| matches!(token, Cow::Borrowed("a"))).collect();
    assert_eq!(borrowed, [true, true, false]);
    assert_eq!(presented.single().unwrap().token, Some("a"));
}

#[test]
fn the_same_token_twice_is_one_and_two_different_ones_are_refused() {
    let twice = |r: poem::RequestBuilder| r.uri_str("/x?jwt=a").header("Auth-Token", "a");
    assert_eq!(token(twice, Some("a")).unwrap().as_deref(), Some("a"));
    assert!(token(twice, Some("b")).is_err());
    assert!(token(|r| r.uri_str("/x?jwt=a&jwt=b"), None).is_err());
    assert!(token(|r| r.uri_str("/x?jwt=a").header("Authorization", "Bearer b"), None).is_err());
}

/// Whether the session cookie of a request counts; an error where the request is refused because of it.
fn counts(
    accepts: Accepts,
    form_asks: bool,
    build: impl FnOnce(poem::RequestBuilder) -> poem::RequestBuilder,
) -> Result<bool, ApiError> {
    let external = ExternalAddress::parse("auth.example.com").unwrap();
    let cookie = SessionCookie::random(&vestibule_domain::SystemRandom).to_cookie();
    let cookie = format!("__Host-vestibule-session={cookie}");
    let request = build(Request::builder().header("cookie", cookie)).finish();
    let parameters = Parameters::parse(&request);
    let presented = PresentedCredentials::parse(&request, &parameters, accepts, Some(&external));
    let none = PresentedCredentials::parse(&request, &parameters, accepts, None);
    assert!(none.single_of(None, true).unwrap().cookie.is_none(), "cookies are off");
    presented.single_of(None, form_asks).map(|credentials| credentials.cookie.is_some())
}

#[test]
fn g5_where_clients_know_no_cookies_one_counts_only_if_it_is_asked_for_and_from_our_own_page() {
    let own = ("sec-fetch-site", "same-origin");
    let ask = |form_asks, method: Method, uri: &'static str, (name, value): (&str, &str)| {
        let (name, value) = (name.to_owned(), value.to_owned());
        counts(Accepts::Token, form_asks, move |r| r.method(method).uri_str(uri).header(name, value)).unwrap()
    };
    assert!(!ask(false, Method::GET, "/auth/check", own));
    assert!(ask(false, Method::GET, "/auth/check?session=cookie", own));
    assert!(!ask(false, Method::GET, "/auth/check?session=cookies", own));
    assert!(!ask(false, Method::GET, "/auth/check?session=cookie", ("sec-fetch-site", "cross-site")));
    assert!(!ask(false, Method::POST, "/auth/logout", own));
    assert!(ask(true, Method::POST, "/auth/logout", own), "the form asks");
    assert!(ask(false, Method::POST, "/auth/logout?session=cookie", own));
    assert!(
        !ask(true, Method::POST, "/auth/logout?session=cookie", ("sec-fetch-site", "same-site")),
        "as nobody"
    );
}

#[test]
fn g12_a_cookie_beside_a_token_is_not_looked_at_wherever_the_token_is() {
    for accepts in [Accepts::Token, Accepts::TokenOrCookie] {
        for uri in ["/x?session=cookie&jwt=a", "/x?session=cookie"] {
            let token = counts(accepts, true, |r| {
                let request = r.uri_str(uri).header("sec-fetch-site", "same-origin");
                if uri.contains("jwt") { request } else { request.header("authorization", "Bearer a") }
            });
            assert!(token.unwrap(), "it is presented; flows looks at the token alone");
        }
    }
    assert!(counts(Accepts::CookieOfPage, false, |r| r.header("sec-fetch-site", "cross-site")).unwrap());
    assert!(matches!(
        counts(Accepts::TokenOrCookie, false, |r| r.method(Method::POST)),
        Err(ApiError::CrossOrigin)
    ));
    assert!(!counts(Accepts::TokenOrCookie, false, |r| r.header("sec-fetch-site", "cross-site")).unwrap());
}
