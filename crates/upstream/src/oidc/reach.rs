//! Whom an issuer has accounts for, as far as its address tells.
//!
//! Who is the authority over an address is decided by who gives it out. An issuer at which everybody can have an account gives out
//! none, or only those of its own domain; and one of many tenants states whatever the administrator of any of them has written.

use url::Url;

/// Whom an issuer has accounts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssuerReach {
    /// Those of whoever runs it, as far as anybody can tell.
    OneOrganization,
    /// Everybody. It asks the owner of an address before it calls it verified.
    Everybody,
    /// Those of many organizations, whose administrators each state what they like.
    ManyOrganizations,
}

/// Hosts of issuers at which everybody can have an account.
const FOR_EVERYBODY: [&str; 20] = [
    "accounts.google.com",
    "appleid.apple.com",
    "account.apple.com",
    "github.com",
    "gitlab.com",
    "bitbucket.org",
    "www.linkedin.com",
    "www.facebook.com",
    "limited.facebook.com",
    "api.login.yahoo.com",
    "auth.login.yahoo.co.jp",
    "access.line.me",
    "kauth.kakao.com",
    "id.twitch.tv",
    "discord.com",
    "www.paypal.com",
    "www.amazon.com",
    "slack.com",
    "orcid.org",
    "oauth.telegram.org",
];

/// Hosts of issuers whose one address stands for the directories of many organizations.
const OF_MANY: [&str; 4] =
    ["login.salesforce.com", "test.salesforce.com", "accounts.zoho.com", "auth.atlassian.com"];

/// Hosts of Microsoft's directories. The first part of the path says which.
const OF_MICROSOFT: [&str; 8] = [
    "login.microsoftonline.com",
    "login.microsoftonline.us",
    "login.microsoftonline.de",
    "login.partner.microsoftonline.cn",
    "login.chinacloudapi.cn",
    "login.microsoft.com",
    "login.windows.net",
    "sts.windows.net",
];

/// Microsoft's directory of personal accounts, by its number.
const PERSONAL_ACCOUNTS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

impl IssuerReach {
    /// Whom the issuer of this address has accounts for.
    pub fn of(issuer: &str) -> Self {
        let Ok(url) = Url::parse(issuer) else { return Self::OneOrganization };
        let host = url.host_str().unwrap_or_default().trim_end_matches('.');
        let is_template =
            ["{", "}", "%7b", "%7d"].iter().any(|brace| issuer.to_ascii_lowercase().contains(brace));
        let tenant = url.path_segments().and_then(|mut segments| segments.next()).unwrap_or_default();
        if is_template || OF_MANY.contains(&host) || (OF_MICROSOFT.contains(&host) && is_shared(tenant)) {
            Self::ManyOrganizations
        } else if FOR_EVERYBODY.contains(&host) {
            Self::Everybody
        } else {
            Self::OneOrganization
        }
    }
}

/// Whether the name of a Microsoft directory means more than one.
fn is_shared(tenant: &str) -> bool {
    ["", "common", "organizations", "consumers", PERSONAL_ACCOUNTS]
        .iter()
        .any(|shared| tenant.eq_ignore_ascii_case(shared))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c18_an_issuer_of_many_tenants_is_known_by_its_address() {
        for issuer in [
            "https://login.microsoftonline.com/common/v2.0",
            "https://login.microsoftonline.com/Organizations/v2.0",
            "https://login.microsoftonline.com/consumers/v2.0",
            "https://login.microsoftonline.com/9188040D-6c67-4c5b-b112-36a304b66dad/v2.0",
            "https://login.microsoftonline.com/{tenantid}/v2.0",
            "https://login.microsoftonline.com/%7Btenantid%7D/v2.0",
            "https://LOGIN.microsoftonline.us/common/v2.0",
            "https://sts.windows.net/",
            "https://login.microsoftonline.com",
            "https://id.example/{realm}",
            "https://login.salesforce.com",
        ] {
            assert_eq!(IssuerReach::of(issuer), IssuerReach::ManyOrganizations, "{issuer}");
        }
        for issuer in [
            "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0",
            "https://login.microsoftonline.com/corp.onmicrosoft.com/v2.0",
            "https://id.example/common",
            "https://corp.okta.com",
            "http://keycloak:8080/realms/corp",
            "not an address",
        ] {
            assert_eq!(IssuerReach::of(issuer), IssuerReach::OneOrganization, "{issuer}");
        }
        for issuer in ["https://accounts.google.com", "https://Gitlab.com", "https://www.linkedin.com/oauth"]
        {
            assert_eq!(IssuerReach::of(issuer), IssuerReach::Everybody, "{issuer}");
        }
    }
}
