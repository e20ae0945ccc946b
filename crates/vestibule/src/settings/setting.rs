//! What a row of the [table](super::table) consists of.

use super::kinds::words::trimmed;
use super::kinds::{Kind, Reasons};

/// The text that counts when a setting is absent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Default {
    /// This one. It is read like any other.
    Value(&'static str),
    /// None. The words say what that means.
    Absent(&'static str),
}

/// A row without the type of its value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// The lines of its documentation, in Markdown.
    lines: &'static [&'static str],
    pub(super) default: Default,
    /// The default with `--dev`, where that is another.
    pub(super) development: Option<&'static str>,
    /// Whether the value is a secret, which may stand in a file of its own.
    pub(super) is_secret: bool,
    /// What joins the items of a list of `vestibule.toml` to the text that the environment would have.
    pub(super) separator: &'static str,
}

impl Row {
    /// The text that counts when the setting is absent.
    pub(super) fn default_text(&self, dev: bool) -> Option<&'static str> {
        match self.default {
            _ if dev && self.development.is_some() => self.development,
            Default::Value(text) => Some(text),
            Default::Absent(_) => None,
        }
    }

    /// The name of the setting that names a file with the value.
    pub(super) fn file_name(&self) -> String {
        format!("{}_FILE", self.name)
    }

    /// What the setting is, in a few words: the first paragraph of its documentation.
    pub(crate) fn sentence(&self) -> String {
        self.paragraphs().next().unwrap_or_default()
    }

    /// What else there is to know about it.
    pub(crate) fn details(&self) -> String {
        self.paragraphs().skip(1).collect::<Vec<_>>().join(" ")
    }

    fn paragraphs(&self) -> impl Iterator<Item = String> {
        let paragraphs = self.lines.split(|line| line.trim().is_empty());
        paragraphs.map(|lines| lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" "))
    }
}

/// A setting that always has a value: what an operator wrote, or its default.
pub(crate) struct Setting<T: 'static> {
    row: Row,
    kind: Kind<T>,
}

/// A setting that may be absent.
pub(crate) struct Optional<T: 'static>(Setting<T>);

impl<T> Setting<T> {
    /// Of a kind, with the text of its default.
    pub(super) const fn new(kind: Kind<T>, default: &'static str) -> Self {
        Self::of_kind(kind, Default::Value(default))
    }

    const fn of_kind(kind: Kind<T>, default: Default) -> Self {
        let separator = kind.separator;
        let row = Row { name: "", lines: &[], default, development: None, is_secret: false, separator };
        Self { row, kind }
    }

    /// With another default when `--dev` is given.
    pub(super) const fn in_development(mut self, default: &'static str) -> Self {
        self.row.development = Some(default);
        self
    }

    /// The value is a secret.
    pub(super) const fn secret(mut self) -> Self {
        self.row.is_secret = true;
        self
    }

    /// As the table has it.
    pub(super) const fn named(mut self, name: &'static str, lines: &'static [&'static str]) -> Self {
        self.row.name = name;
        self.row.lines = lines;
        self
    }

    pub(super) const fn row(&self) -> Row {
        self.row
    }

    /// What an operator calls it.
    pub(crate) const fn name(&self) -> &'static str {
        self.row.name
    }

    /// The value that a text stands for. White space around the text means nothing.
    pub(super) fn parse(&self, text: &str) -> Result<T, Reasons> {
        self.kind.parse(trimmed(text))
    }
}

impl<T> Optional<T> {
    /// Of a kind; the words say what it means that the setting is absent.
    pub(super) const fn new(kind: Kind<T>, absent: &'static str) -> Self {
        Self(Setting::of_kind(kind, Default::Absent(absent)))
    }

    /// With a default when `--dev` is given.
    pub(super) const fn in_development(self, default: &'static str) -> Self {
        Self(self.0.in_development(default))
    }

    /// The value is a secret.
    pub(super) const fn secret(self) -> Self {
        Self(self.0.secret())
    }

    /// As the table has it.
    pub(super) const fn named(self, name: &'static str, lines: &'static [&'static str]) -> Self {
        Self(self.0.named(name, lines))
    }

    pub(super) const fn row(&self) -> Row {
        self.0.row
    }

    /// What an operator calls it.
    pub(crate) const fn name(&self) -> &'static str {
        self.0.row.name
    }

    /// The value that a text stands for.
    pub(super) fn parse(&self, text: &str) -> Result<T, Reasons> {
        self.0.parse(text)
    }
}

/// Declares sections of settings: a constant for each row, by which the program reads it, and the list of all rows.
///
/// INVARIANT: the list does not use the constants. So the compiler finds a row that nothing reads, as it finds a setting
/// that is read and has no row.
macro_rules! settings {
    ($($section:literal { $($(#[doc = $line:literal])+ $name:ident: $type:ty = $setting:expr;)+ })+) => {
        $($(
            $(#[doc = $line])+
            pub(crate) const $name: $type = $setting.named(stringify!($name), &[$($line),+]);
        )+)+

        /// All settings, by the sections of docs/settings.md.
        pub(crate) const SECTIONS: &[(&str, &[Row])] = &[$(($section, &[$({
            const SETTING: $type = $setting.named(stringify!($name), &[$($line),+]);
            SETTING.row()
        }),+])),+];

        /// Why a setting cannot have this value.
        #[cfg(test)]
        pub(super) fn find_mistake(name: &str, text: &str) -> Option<String> {
            match name {
                $($(stringify!($name) => {
                    const SETTING: $type = $setting.named(stringify!($name), &[]);
                    SETTING.parse(text).err().map(|reasons| reasons.join("; "))
                })+)+
                _ => Some("there is no such setting".to_owned()),
            }
        }
    };
}
pub(super) use settings;
