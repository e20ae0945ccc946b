//! The paths of an operation.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// The paths of an operation.
pub(crate) enum PathPattern {
    /// This one.
    Exact(&'static str),
    /// Those that begin so. What follows is the parameter of the path.
    Prefix(&'static str),
    /// Those that begin and end so, with the parameter of the path between.
    Between(&'static str, &'static str),
    /// Those that begin so, go on so behind their first parameter, and end so behind their second.
    Nested(&'static str, &'static str, &'static str),
}

impl PathPattern {
    pub(crate) fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exact(known) => path == *known,
            Self::Prefix(known) => path.starts_with(known),
            Self::Between(before, after) => {
                path.strip_prefix(before).is_some_and(|rest| rest.ends_with(after))
            }
            Self::Nested(before, between, after) => {
                path.strip_prefix(before).is_some_and(|rest| rest.contains(between) && rest.ends_with(after))
            }
        }
    }

    /// Whether a path that matches is one that there is: with a parameter, if there should be one.
    pub(crate) fn is_complete(&self, path: &str) -> bool {
        matches!(self, Self::Exact(_)) || self.parameter(path).is_some()
    }

    /// The parameter of a path, or the first of two: one segment, decoded.
    pub(crate) fn parameter<'a>(&self, path: &'a str) -> Option<Cow<'a, str>> {
        match self {
            Self::Exact(_) => None,
            Self::Prefix(known) => decoded(path.strip_prefix(known)?),
            Self::Between(before, after) => decoded(path.strip_prefix(before)?.strip_suffix(after)?),
            Self::Nested(..) => self.parameters(path).map(|[first, _]| first),
        }
    }

    /// Both parameters of a path that has two.
    pub(crate) fn parameters<'a>(&self, path: &'a str) -> Option<[Cow<'a, str>; 2]> {
        match self {
            Self::Exact(_) | Self::Prefix(_) | Self::Between(..) => None,
            Self::Nested(before, between, after) => {
                let (first, second) = path.strip_prefix(before)?.strip_suffix(after)?.split_once(between)?;
                Some([decoded(first)?, decoded(second)?])
            }
        }
    }
}

fn decoded(segment: &str) -> Option<Cow<'_, str>> {
    let is_one = !segment.is_empty() && !segment.contains('/');
    is_one.then(|| percent_decode_str(segment).decode_utf8().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parameter_of_a_path_is_one_decoded_segment() {
        let parameter = |path| PathPattern::Prefix("/auth/login/").parameter(path).map(Cow::into_owned);
        assert_eq!(parameter("/auth/login/git%68ub").as_deref(), Some("github"));
        for path in ["/auth/login/", "/auth/login/a/b", "/auth/login/a/", "/auth/login/%ff", "/auth/log"] {
            assert_eq!(parameter(path), None, "{path}");
        }
        assert_eq!(PathPattern::Exact("/a").parameter("/a"), None);
        let between = PathPattern::Between("/auth/tokens/", "/rotate");
        assert_eq!(between.parameter("/auth/tokens/a/rotate").as_deref(), Some("a"));
        for path in ["/auth/tokens//rotate", "/auth/tokens/a/b/rotate", "/auth/tokens/rotate"] {
            assert_eq!(between.parameter(path), None, "{path}");
        }
        let nested = PathPattern::Nested("/auth/role_accounts/", "/tokens/", "/rotate");
        let both = nested.parameters("/auth/role_accounts/a/tokens/%62/rotate").unwrap();
        assert_eq!(both.each_ref().map(AsRef::as_ref), ["a", "b"]);
        for path in [
            "//tokens/b/rotate",
            "/a/tokens//rotate",
            "/a/tokens/b/c/rotate",
            "/a/b/tokens/c/rotate",
            "/a/tokens/rotate",
        ] {
            let path = format!("/auth/role_accounts{path}");
            assert_eq!((nested.parameters(&path), nested.parameter(&path)), (None, None), "{path}");
        }
        assert!(!between.matches("/auth/tokens/a") && between.matches("/auth/tokens/a/rotate"));
    }
}
