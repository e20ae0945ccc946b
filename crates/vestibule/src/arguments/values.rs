//! Values of arguments that are of no other use in the program.

use std::ffi::OsStr;
use std::path::PathBuf;

use vestibule_domain::ProviderName;

/// An identity: `provider:subject`.
#[derive(Debug, Clone)]
pub(crate) struct ProviderId {
    pub(crate) provider: ProviderName,
    pub(crate) subject: String,
}

impl ProviderId {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (provider, subject) = text.split_once(':').unwrap_or((text, ""));
        let provider = ProviderName::parse(provider).map_err(|error| error.to_string())?;
        if subject.is_empty() {
            return Err("expected the provider and the subject there, such as github:42".to_owned());
        }
        Ok(Self { provider, subject: subject.to_owned() })
    }
}

/// A file whose name says in which format it is.
pub(super) fn parse_configuration_file(path: &str) -> Result<PathBuf, &'static str> {
    let path = PathBuf::from(path);
    match path.extension().and_then(OsStr::to_str) {
        Some("toml" | "json") => Ok(path),
        _ => Err("the name must end in .toml or .json"),
    }
}
