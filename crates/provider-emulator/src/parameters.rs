//! The parameters of a query or a form.

use url::form_urlencoded;

/// The name of a parameter that came twice, which RFC 6749 section 3.1 forbids.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Repeated(pub(crate) String);

/// Parameters in the order in which they came, each name once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads `a=1&b=2`.
    pub(crate) fn parse(encoded: &[u8]) -> Result<Self, Repeated> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(encoded) {
            if pairs.iter().any(|(known, _)| *known == name) {
                return Err(Repeated(name.into_owned()));
            }
            pairs.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(pairs))
    }

    /// The value of this name; an empty one counts as absent (RFC 6749 section 3.1).
    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        let pair = self.0.iter().find(|(known, _)| known == name);
        pair.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// The same parameters with this one set, encoded.
    pub(crate) fn encode_with(&self, name: &str, value: &str) -> String {
        let others = self.0.iter().filter(|(known, _)| known != name);
        form_urlencoded::Serializer::new(String::new()).extend_pairs(others).append_pair(name, value).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_name_is_refused_and_an_empty_value_is_absent() {
        assert_eq!(Parameters::parse(b"a=1&a=2").unwrap_err(), Repeated("a".to_owned()));
        let parameters = Parameters::parse(b"a=&b=x+y").unwrap();
        assert_eq!(parameters.find("a"), None);
        assert_eq!(parameters.find("b"), Some("x y"));
    }

    #[test]
    fn setting_a_parameter_replaces_it() {
        let parameters = Parameters::parse(b"state=%26&persona=ada").unwrap();
        assert_eq!(parameters.encode_with("persona", "grace"), "state=%26&persona=grace");
    }
}
