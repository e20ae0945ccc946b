use proptest::prelude::*;

use super::*;

const HOME: &str = "https://auth.example.com/";

fn allowed() -> AllowedOrigins {
    AllowedOrigins::new(vec![
        Origin::parse("https://app.example.com").unwrap(),
        Origin::parse("https://other.example.com:8443").unwrap(),
        Origin::parse("http://localhost:3000").unwrap(),
    ])
}

fn parse(text: &str) -> Result<NextUrl, NextError> {
    NextUrl::parse(text, &allowed())
}

fn with_token(text: &str) -> String {
    Next::parse(Some(text), &allowed()).unwrap().with_token(HOME, "T")
}

#[test]
fn allowed_addresses_are_kept_byte_for_byte() {
    for good in [
        "https://app.example.com",
        "https://app.example.com/",
        "https://app.example.com:443/a/../b?x=%7e&x=%7E#f",
        "https://APP.example.com/x",
        "https://other.example.com:8443?q={\"a\":1}",
        "http://localhost:3000/#/route?x=1",
    ] {
        assert_eq!(parse(good).unwrap().as_str(), good);
    }
}

#[test]
fn a2_an_origin_is_compared_whole() {
    for bad in [
        "https://app.example.com.evil.tld/",
        "https://evilapp.example.com/",
        "https://appXexample.com/",
        "https://app.example.com:444/",
        "https://example.com/",
        "https://other.example.com/",
        "http://localhost/",
        "http://localhost:3001/",
    ] {
        assert_eq!(parse(bad), Err(NextError::Origin), "{bad}");
    }
}

#[test]
fn a3_what_two_parsers_may_read_differently_is_refused() {
    for bad in [
        "https://app.example.com@evil.tld/",
        "https://a@b@evil.tld/",
        "https://app.example.com\\@evil.tld/",
        "https:/\\evil.tld",
        "//evil.tld",
        "/\\evil.tld",
        "/%09/evil.tld",
        "ht\ttps://app.example.com/",
        "https://app.example.com\n/",
        " https://app.example.com/",
        "https://app\u{ff0e}example.com/",
        "https://app%2eexample.com/",
        "https:///app.example.com/",
        "https:app.example.com",
        "https://0x7f.1/",
        "https://@app.example.com/",
        "https://app.example.com:/@evil.tld:x/\u{0}",
    ] {
        assert!(parse(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn a4_only_https_and_listed_loopback_http() {
    for bad in [
        "javascript:alert(1)",
        "data:text/html,x",
        "blob:https://app.example.com/x",
        "file:///etc/passwd",
        "myapp://cb",
        "http://app.example.com/",
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn a7_odd_bytes_and_long_addresses_are_refused() {
    for bad in [
        "https://app.example.com/\r\nSet-Cookie:x=y",
        "https://app.example.com/\0",
        "https://app.example.com/ä",
        "https://app.example.com/a b",
    ] {
        assert_eq!(parse(bad), Err(NextError::Character), "{bad:?}");
    }
    let long = format!("https://app.example.com/{}", "a".repeat(2048));
    assert_eq!(parse(&long), Err(NextError::TooLong));
}

#[test]
fn a6_exactly_one_jwt_is_ours_and_the_rest_stays() {
    assert_eq!(
        with_token("https://app.example.com/?a=1&a=2&b=&q=a+b%20c&jwt=old#frag"),
        "https://app.example.com/?a=1&a=2&b=&q=a+b%20c&jwt=T#frag"
    );
    assert_eq!(with_token("https://app.example.com"), "https://app.example.com?jwt=T");
    assert_eq!(with_token("https://app.example.com/?"), "https://app.example.com/?jwt=T");
    assert_eq!(
        with_token("https://app.example.com/?jwt=a&x&%6Awt=b&jwt"),
        "https://app.example.com/?x&jwt=T"
    );
    assert_eq!(with_token("https://app.example.com/?a&"), "https://app.example.com/?a&&jwt=T");
    assert_eq!(
        with_token("http://localhost:3000/#/route?jwt=1"),
        "http://localhost:3000/?jwt=T#/route?jwt=1"
    );
}

#[test]
fn a_refusal_comes_back_without_a_token() {
    let next = Next::parse(Some("https://app.example.com/?jwt=old&error=x&a=1"), &allowed()).unwrap();
    assert_eq!(next.with_error(HOME, "access_denied"), "https://app.example.com/?a=1&error=access_denied");
    assert_eq!(Next::Home.with_error(HOME, "access_denied"), "https://auth.example.com/?error=access_denied");
}

#[test]
fn an_address_has_at_most_2048_bytes() {
    let with_length = |length: usize| {
        let base = "https://app.example.com/";
        format!("{base}{}", "a".repeat(length - base.len()))
    };
    assert_eq!(parse(&with_length(2048)).unwrap().as_str().len(), 2048);
    assert_eq!(parse(&with_length(2049)), Err(NextError::TooLong));
}

#[test]
fn the_characters_at_both_ends_of_visible_ascii_are_taken() {
    let edges = "https://app.example.com/!~";
    assert_eq!(parse(edges).unwrap().as_str(), edges);
    for beyond in [' ', '\u{7f}'] {
        assert_eq!(parse(&format!("https://app.example.com/{beyond}")), Err(NextError::Character));
    }
}

#[test]
fn a_value_that_needs_it_is_percent_encoded() {
    let next = Next::parse(Some("https://app.example.com/?a=1"), &allowed()).unwrap();
    assert_eq!(next.with_error(HOME, "a&b=c#d"), "https://app.example.com/?a=1&error=a%26b%3Dc%23d");
}

#[test]
fn a_next_reads_back_from_its_parameter() {
    let url = "https://app.example.com/x?y#z";
    for (text, parameter) in [(None, ""), (Some(url), url)] {
        let next = Next::parse(text, &allowed()).unwrap();
        assert_eq!(next.as_parameter(), parameter);
        assert_eq!(Next::parse(Some(next.as_parameter()), &allowed()), Ok(next));
    }
}

#[test]
fn debug_shows_neither_query_nor_fragment() {
    for secret in ["https://app.example.com/x?secret=1", "https://app.example.com/x#secret"] {
        assert_eq!(format!("{:?}", parse(secret).unwrap()), "https://app.example.com/x");
    }
}

#[test]
fn absent_and_empty_mean_home() {
    assert_eq!(Next::parse(None, &allowed()), Ok(Next::Home));
    assert_eq!(Next::parse(Some(""), &allowed()), Ok(Next::Home));
}

proptest! {
    #[test]
    fn a6_every_other_byte_survives(
        path in "(/[!-\\[\\]-~]{0,20})?",
        query in proptest::option::of("[ac-ik-z0-9=&+%.;:@/?!$'()*,~_-]{0,40}"),
        fragment in proptest::option::of("[!-\\[\\]-~]{0,20}"),
    ) {
        let path = path.replace(['?', '#'], "");
        let mut text = format!("https://app.example.com{path}");
        if let Some(query) = &query { text.push('?'); text.push_str(query); }
        let query_is_empty = query.as_deref().unwrap_or_default().is_empty();
        if let Some(fragment) = &fragment { text.push('#'); text.push_str(fragment); }
        let sent = with_token(&text);
        let added = if query_is_empty { "jwt=T" } else { "&jwt=T" };
        let at = sent.find(added).expect("our parameter is there");
        let mut without = sent.clone();
        without.replace_range(at..at + added.len(), "");
        // A query that is only there because of ours takes its question mark with it.
        if query.is_none() { without = without.replacen('?', "", 1); }
        prop_assert_eq!(without, text);
    }

    #[test]
    fn a3_whatever_is_accepted_has_an_allowed_origin_and_parses_again(text in "(https?:)?[/\\\\@]{0,4}(app\\.example\\.com|evil\\.tld|localhost)?(:[0-9]{0,5})?[ -~\\t\\n]{0,30}") {
        if let Ok(next) = parse(&text) {
            let url = Url::parse(next.as_str()).unwrap();
            prop_assert!(url.username().is_empty() && url.password().is_none());
            prop_assert!(allowed().allow(&Origin::from_url(&url).unwrap()));
        }
    }
}
