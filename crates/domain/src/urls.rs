//! Every address of the service that others are told.

use url::form_urlencoded;

use crate::{CallbackPath, Destination, ExternalAddress, OwnPage, ProviderName};

/// The public addresses of a service that is reachable at this address.
#[derive(Debug, Clone, Copy)]
pub struct PublicUrls<'a>(pub &'a ExternalAddress);

impl PublicUrls<'_> {
    /// The service's own page, where a sign-in without `next` ends.
    pub fn home(self) -> String {
        self.0.join("/")
    }

    /// Where a sign-in with a provider begins.
    pub fn login(self, provider: &ProviderName, next: &Destination) -> String {
        let login = self.0.join(&format!("/auth/login/{provider}"));
        match next.as_parameter() {
            "" => login,
            next => {
                let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
                format!("{login}?next={next}")
            }
        }
    }

    /// The absolute address of a page of the service itself.
    pub fn own_page(self, page: &OwnPage) -> String {
        self.0.join(page.as_str())
    }

    /// Where people choose how to sign in, to be led to this page afterwards, with what there is to say about the last attempt.
    pub fn sign_in(self, next: &OwnPage, (name, value): (&str, &str)) -> String {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("next", next.as_str())
            .append_pair(name, value)
            .finish();
        self.0.join(&format!("/sign-in?{query}"))
    }

    /// Where people choose how to sign in, with this to say.
    pub fn sign_in_with_notice(self, notice: &str) -> String {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("notice", notice).finish();
        self.0.join(&format!("/sign-in?{query}"))
    }

    /// The redirect URI that is to be registered at a provider.
    pub fn redirect_uri(self, provider: &ProviderName) -> String {
        self.0.join(&CallbackPath::for_provider(provider).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AllowedOrigins, Next, Origin};

    #[test]
    fn addresses_are_below_the_external_one_and_a_next_is_encoded() {
        let external = ExternalAddress::parse("auth.example.com").unwrap();
        let urls = PublicUrls(&external);
        let [google, work] = ["google", "work"].map(|name| ProviderName::parse(name).unwrap());
        assert_eq!(urls.home(), "https://auth.example.com/");
        assert_eq!(urls.redirect_uri(&google), "https://auth.example.com/auth/oauth_callback");
        assert_eq!(urls.redirect_uri(&work), "https://auth.example.com/auth/callback/work");
        assert_eq!(
            urls.login(&work, &Destination::Next(Next::Home)),
            "https://auth.example.com/auth/login/work"
        );
        let allowed = AllowedOrigins::new(vec![Origin::parse("https://app.example.com").unwrap()]);
        let next = Destination::parse(Some("https://app.example.com/?a=b&c#d"), &allowed, None).unwrap();
        let expected =
            "https://auth.example.com/auth/login/work?next=https%3A%2F%2Fapp.example.com%2F%3Fa%3Db%26c%23d";
        assert_eq!(urls.login(&work, &next), expected);
        let page = OwnPage::parse("/account?x=1", &external).unwrap();
        assert_eq!(urls.own_page(&page), "https://auth.example.com/account?x=1");
        let again = "https://auth.example.com/sign-in?next=%2Faccount%3Fx%3D1&error=access_denied";
        assert_eq!(urls.sign_in(&page, ("error", "access_denied")), again);
    }
}
