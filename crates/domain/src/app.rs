//! The apps that stand behind the service, each at an origin of its own.

use crate::{Origin, ServiceName};

/// An app of the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// Its name, among those of services.
    pub name: ServiceName,
    /// Where it is.
    pub origin: Origin,
}

/// All apps of the settings. No two have one origin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Apps(Vec<App>);

impl Apps {
    /// These apps.
    pub fn new(apps: Vec<App>) -> Self {
        Self(apps)
    }

    /// The app of this name.
    pub fn find(&self, name: &str) -> Option<&App> {
        self.0.iter().find(|app| app.name.as_str() == name)
    }

    /// The app at the origin that a browser's `Origin` header names, byte for byte.
    pub fn find_by_origin(&self, header: &str) -> Option<&App> {
        self.0.iter().find(|app| app.origin.as_str() == header)
    }

    /// All of them, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &App> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g10_an_app_is_found_by_its_whole_origin_alone() {
        let wiki = App {
            name: ServiceName::parse("wiki").unwrap(),
            origin: Origin::parse("https://wiki.example.com").unwrap(),
        };
        let apps = Apps::new(vec![wiki.clone()]);
        assert_eq!(apps.find_by_origin("https://wiki.example.com"), Some(&wiki));
        for other in [
            "",
            "null",
            "https://wiki.example.com/",
            "https://wiki.example.com:443",
            "http://wiki.example.com",
            "https://wiki.example.com.evil.example",
            "https://WIKI.example.com",
        ] {
            assert_eq!(apps.find_by_origin(other), None, "{other}");
        }
    }
}
