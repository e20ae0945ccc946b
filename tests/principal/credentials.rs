//! The kinds of credentials, and how a request carries one.

use reqwest::RequestBuilder;

use crate::signed_in::SESSION_COOKIE;

/// A kind of credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// The session cookie of a browser.
    BrowserCookie,
    UserToken,
    PermissionToken,
    /// What the backend of an app reaches a session by.
    SessionHandle,
    PersonalToken,
    RoleToken,
    /// The access token of a program of the person.
    AccessToken,
    /// The refresh token beside one.
    RefreshToken,
    /// A bearer that others have made and a token handler knows.
    HandlerToken,
}

impl Kind {
    pub(super) const ALL: [Self; 9] = [
        Self::BrowserCookie,
        Self::UserToken,
        Self::PermissionToken,
        Self::SessionHandle,
        Self::PersonalToken,
        Self::RoleToken,
        Self::AccessToken,
        Self::RefreshToken,
        Self::HandlerToken,
    ];

    /// What logs and plugins call it; `None` for what stands for nobody at the service itself.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::BrowserCookie => Some("browser_cookie"),
            Self::UserToken => Some("user_token"),
            Self::PermissionToken | Self::RefreshToken => None,
            Self::SessionHandle => Some("session_handle"),
            Self::PersonalToken => Some("personal_token"),
            Self::RoleToken => Some("role_token"),
            Self::AccessToken => Some("access_token"),
            Self::HandlerToken => Some("handler_token"),
        }
    }

    /// Whether it lends a part of what its owner may do.
    pub(super) fn is_lent(self) -> bool {
        match self {
            Self::PersonalToken | Self::RoleToken | Self::AccessToken | Self::HandlerToken => true,
            Self::BrowserCookie
            | Self::UserToken
            | Self::PermissionToken
            | Self::SessionHandle
            | Self::RefreshToken => false,
        }
    }
}

/// What a credential lends, if it lends anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lends {
    /// The service that is asked for, who the owner is, and all that the owner may do there.
    Fitting,
    /// The service, and no scope that anything here asks for.
    OtherScope,
    /// All that the owner may do at another service, and who the owner is.
    OtherService,
}

impl Lends {
    pub(super) const ALL: [Self; 3] = [Self::Fitting, Self::OtherScope, Self::OtherService];

    pub(super) fn service(self) -> &'static str {
        match self {
            Self::Fitting | Self::OtherScope => "storage",
            Self::OtherService => "reports",
        }
    }

    pub(super) fn scopes(self) -> &'static [&'static str] {
        match self {
            Self::Fitting | Self::OtherService => &["profile", "permissions"],
            Self::OtherScope => &["read"],
        }
    }
}

/// Which page a browser says that a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Site {
    /// One of the service itself.
    Own,
    /// One of another host of the same site.
    Sibling,
    Foreign,
}

/// How a credential is used: what the answer may depend on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way {
    pub(super) lends: Lends,
    pub(super) site: Site,
    /// Whether the parameter `session=cookie` asks for the cookie.
    pub(super) asks: bool,
    /// Whether the person showed who they are within `STEP_UP_AGE`.
    pub(super) is_fresh: bool,
}

impl Way {
    pub(super) const USUAL: Self =
        Self { lends: Lends::Fitting, site: Site::Own, asks: true, is_fresh: true };

    /// Every way that may make a difference to a kind of credential. What needs a sign-in that is long ago comes last.
    pub(super) fn all(kind: Kind) -> Vec<Self> {
        let lends: &[Lends] = if kind.is_lent() { &Lends::ALL } else { &[Lends::Fitting] };
        let is_browser = kind == Kind::BrowserCookie;
        let sites: &[Site] =
            if is_browser { &[Site::Own, Site::Sibling, Site::Foreign] } else { &[Site::Own] };
        let asks: &[bool] = if is_browser { &[true, false] } else { &[false] };
        let fresh: &[bool] = if is_browser { &[true, false] } else { &[true] };
        let mut ways = Vec::new();
        for &is_fresh in fresh {
            for &lends in lends {
                for &site in sites {
                    ways.extend(asks.iter().map(|&asks| Self { lends, site, asks, is_fresh }));
                }
            }
        }
        ways
    }
}

/// A credential, as it stands where it belongs.
#[derive(Clone)]
pub(super) struct Credential {
    pub(super) kind: Kind,
    pub(super) text: String,
    /// When it was made, by the clock of the service.
    pub(super) since: i64,
}

impl Credential {
    /// The address by which it is asked for something at this path.
    pub(super) fn address(&self, path: &str, way: Way) -> String {
        let asks = self.kind == Kind::BrowserCookie && way.asks;
        if asks { with_parameter(path, ASKS_FOR_COOKIE) } else { path.to_owned() }
    }

    /// Adds it to a request, with what a browser says beside a cookie.
    pub(super) fn put(&self, request: RequestBuilder, way: Way) -> RequestBuilder {
        if self.kind != Kind::BrowserCookie {
            return request.bearer_auth(&self.text);
        }
        let site = match way.site {
            Site::Own => "same-origin",
            Site::Sibling => "same-site",
            Site::Foreign => "cross-site",
        };
        request.header("cookie", self.cookie()).header("sec-fetch-site", site)
    }

    /// The text as a session cookie.
    pub(super) fn cookie(&self) -> String {
        format!("{SESSION_COOKIE}={}", self.text)
    }
}

/// Lets the session cookie count at the operations that clients have always known.
pub(super) const ASKS_FOR_COOKIE: &str = "session=cookie";

/// A path with one parameter more.
pub(super) fn with_parameter(path: &str, parameter: &str) -> String {
    let joint = if path.contains('?') { '&' } else { '?' };
    format!("{path}{joint}{parameter}")
}
