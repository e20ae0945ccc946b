//! Every address of the service that others are told.

use url::form_urlencoded;

use crate::{CallbackPath, ExternalAddress, Next, ProviderName};

/// The public addresses of a service that is reachable at this address.
#[derive(Debug, Clone, Copy)]
pub struct PublicUrls<'a>(pub &'a ExternalAddress);

impl PublicUrls<'_> {
    /// The service's own page, where a sign-in without `next` ends.
    pub fn home(self) -> String {
        self.0.join("/")
    }

    /// Where a sign-in with a provider begins.
    pub fn login(self, provider: &ProviderName, next: &Next) -> String {
        let login = self.0.join(&format!("/auth/login/{provider}"));
        match next {
            Next::Home => login,
            Next::Url(url) => {
                let next: String = form_urlencoded::byte_serialize(url.as_str().as_bytes()).collect();
                format!("{login}?next={next}")
            }
        }
    }

    /// The redirect URI that is to be registered at a provider.
    pub fn redirect_uri(self, provider: &ProviderName) -> String {
        self.0.join(&CallbackPath::for_provider(provider).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AllowedOrigins, Origin};

    #[test]
    fn addresses_are_below_the_external_one_and_a_next_is_encoded() {
        let external = ExternalAddress::parse("auth.example.com").unwrap();
        let urls = PublicUrls(&external);
        let [google, work] = ["google", "work"].map(|name| ProviderName::parse(name).unwrap());
        assert_eq!(urls.home(), "https://auth.example.com/");
        assert_eq!(urls.redirect_uri(&google), "https://auth.example.com/auth/oauth_callback");
        assert_eq!(urls.redirect_uri(&work), "https://auth.example.com/auth/callback/work");
        assert_eq!(urls.login(&work, &Next::Home), "https://auth.example.com/auth/login/work");
        let allowed = AllowedOrigins::new(vec![Origin::parse("https://app.example.com").unwrap()]);
        let next = Next::parse(Some("https://app.example.com/?a=b&c#d"), &allowed).unwrap();
        let expected =
            "https://auth.example.com/auth/login/work?next=https%3A%2F%2Fapp.example.com%2F%3Fa%3Db%26c%23d";
        assert_eq!(urls.login(&work, &next), expected);
    }
}
