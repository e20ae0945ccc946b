//! Where a sign-in leads, and with it what the browser gets.

use crate::{AllowedOrigins, ExternalAddress, Next, NextError, OwnPage};

/// Where a finished sign-in leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// To a frontend, or the service's page for those who have none: with a user token.
    Next(Next),
    /// To a page of the service itself: with a session cookie and nothing in the address.
    OwnPage(OwnPage),
}

impl Destination {
    /// Reads the `next` parameter. Pages of the service itself are always allowed; without `own_pages`, there are none with a session
    /// cookie.
    pub fn parse(
        parameter: Option<&str>,
        allowed: &AllowedOrigins,
        own_pages: Option<&ExternalAddress>,
    ) -> Result<Self, NextError> {
        let own_page = own_pages.zip(parameter).and_then(|(external, text)| OwnPage::parse(text, external));
        own_page
            .map_or_else(|| Next::parse(parameter, allowed).map(Self::Next), |page| Ok(Self::OwnPage(page)))
    }

    /// The text that [`Destination::parse`] reads back as this value.
    pub fn as_parameter(&self) -> &str {
        match self {
            Self::Next(next) => next.as_parameter(),
            Self::OwnPage(page) => page.as_str(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Origin;

    #[test]
    fn own_pages_are_allowed_whatever_the_list_has_and_only_where_there_is_a_cookie() {
        let external = ExternalAddress::parse("auth.example.com").unwrap();
        let allowed = AllowedOrigins::new(vec![Origin::parse("https://app.example.com").unwrap()]);
        let parse = |text, own| Destination::parse(text, &allowed, own);
        for page in ["/account?x=1", "https://auth.example.com/account?x=1"] {
            let Ok(Destination::OwnPage(found)) = parse(Some(page), Some(&external)) else {
                panic!("{page}")
            };
            assert_eq!(found.as_str(), "/account?x=1");
            assert!(parse(Some(page), None).is_err(), "no cookie: no such page");
        }
        for other in [None, Some(""), Some("https://app.example.com/account")] {
            assert_eq!(parse(other, Some(&external)), Next::parse(other, &allowed).map(Destination::Next));
        }
        assert!(
            parse(Some("/"), Some(&external)).is_err()
                && parse(Some("https://auth.example.com/"), Some(&external)).is_err()
        );
    }
}
