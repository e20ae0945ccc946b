//! What a plugin says of itself, for people.

use std::fmt;
use std::path::PathBuf;
use std::slice;

use serde::{Deserialize, Serialize};
use vestibule_plugin_abi::{Plugin, Str, flag};

use super::file::LoadableFile;
use crate::error::LoadFault;
use crate::observer::Operation;
use crate::text::printable;

const MAX_LINE_BYTES: usize = 256;
const MAX_SCHEMA_BYTES: usize = 64 * 1024;

/// What a plugin says of itself, and which file it is. Printed as `vestibule plugin inspect` shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(
    clippy::unsafe_derive_deserialize,
    reason = "what is unsafe is to read a table; the result is plain data"
)]
pub struct PluginDescription {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The version of the ABI that it needs: major, minor.
    pub abi: (u16, u16),
    /// What it provides.
    pub provides: Vec<Operation>,
    /// Whether its instances are called one at a time.
    pub serial: bool,
    /// Whether it wants to know about a person's identities.
    pub wants_identities: bool,
    /// How it was built; may be empty.
    pub build_info: String,
    /// A JSON Schema of its configuration; may be empty.
    pub config_schema: String,
    /// Where it is.
    pub file: PathBuf,
    /// The SHA-256 of the file.
    pub sha256: [u8; 32],
}

impl PluginDescription {
    /// # Safety
    /// The texts of the table point into a library that stays mapped.
    pub(super) unsafe fn read(table: &Plugin, file: &LoadableFile) -> Result<Self, LoadFault> {
        // SAFETY: the caller says so.
        let line = |text: Str| unsafe { copy(text, MAX_LINE_BYTES) };
        // SAFETY: the caller says so.
        let config_schema = unsafe { copy(table.config_schema, MAX_SCHEMA_BYTES) }?;
        let name = line(table.name)?;
        if name.is_empty() {
            return Err(LoadFault::Table("it has no name"));
        }
        Ok(Self {
            name: printable(&name),
            version: printable(&line(table.version)?),
            abi: (table.abi_major, table.abi_minor),
            provides: provided(table),
            serial: table.flags & flag::SERIAL != 0,
            wants_identities: table.flags & flag::IDENTITIES != 0,
            build_info: printable(&line(table.build_info)?),
            config_schema,
            file: file.path().to_owned(),
            sha256: file.sha256(),
        })
    }

    /// What a process has said of the library that it was given, in which code of that library runs: what is shown to people is
    /// made printable again, and which file it is, is known better here.
    pub(crate) fn received(self, file: &LoadableFile) -> Self {
        Self {
            name: printable(&self.name),
            version: printable(&self.version),
            build_info: printable(&self.build_info),
            file: file.path().to_owned(),
            sha256: file.sha256(),
            ..self
        }
    }

    /// Whether it provides the operation.
    pub fn provides(&self, operation: Operation) -> bool {
        self.provides.contains(&operation)
    }
}

fn provided(table: &Plugin) -> Vec<Operation> {
    let all = [
        (Operation::Permissions, table.get_permissions.is_some()),
        (Operation::NewUser, table.on_new_user.is_some()),
        (Operation::UserLogin, table.on_user_login.is_some()),
        (Operation::UserLogout, table.on_user_logout.is_some()),
        (Operation::Health, table.health.is_some()),
        (Operation::Explain, table.explain.is_some()),
        (Operation::ResolveToken, table.resolve_token.is_some()),
    ];
    all.into_iter().filter_map(|(operation, present)| present.then_some(operation)).collect()
}

/// # Safety
/// Unless null, `text` points at as many bytes as it says, which nothing writes to.
unsafe fn copy(text: Str, limit: usize) -> Result<String, LoadFault> {
    if text.len == 0 {
        return Ok(String::new());
    }
    if text.ptr.is_null() || text.len > limit {
        return Err(LoadFault::Table("one of its texts is null or too long"));
    }
    // SAFETY: not null, and of bounded length; the caller vouches for the rest.
    let bytes = unsafe { slice::from_raw_parts(text.ptr, text.len) };
    String::from_utf8(bytes.to_vec()).map_err(|_| LoadFault::Table("one of its texts is not UTF-8"))
}

impl fmt::Display for PluginDescription {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let provides: Vec<_> = self.provides.iter().map(|operation| operation.as_str()).collect();
        writeln!(formatter, "name      {}", self.name)?;
        writeln!(formatter, "version   {}", or_dash(&self.version))?;
        writeln!(formatter, "abi       {}.{}", self.abi.0, self.abi.1)?;
        writeln!(formatter, "provides  {}", provides.join(", "))?;
        writeln!(formatter, "calls     {}", if self.serial { "one at a time" } else { "several at once" })?;
        writeln!(formatter, "reads     {}", if self.wants_identities { "user, identities" } else { "user" })?;
        writeln!(formatter, "build     {}", or_dash(&self.build_info))?;
        writeln!(formatter, "file      {}", self.file.display())?;
        writeln!(formatter, "sha256    {}", hex::encode(self.sha256))?;
        match self.config_schema.trim() {
            "" => write!(formatter, "config    no schema"),
            schema => {
                write!(formatter, "config")?;
                schema.lines().try_for_each(|line| write!(formatter, "\n  {}", printable(line)))
            }
        }
    }
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n4_what_a_process_says_of_its_library_forges_no_line_and_no_file() {
        let said = PluginDescription {
            name: "a\nINFO b".to_owned(),
            version: "1\r".to_owned(),
            abi: (1, 0),
            provides: Vec::new(),
            serial: false,
            wants_identities: false,
            build_info: "\u{1b}[2J".to_owned(),
            config_schema: String::new(),
            file: "/elsewhere".into(),
            sha256: [7; 32],
        };
        let nothing = std::fs::File::open("/dev/null").unwrap().into();
        let file = LoadableFile::from_parts("/plugins/liba.so".into(), [1; 32], nothing);
        let kept = said.received(&file);
        assert_eq!((kept.name.as_str(), kept.version.as_str()), ("a\\nINFO b", "1\\r"));
        assert_eq!(kept.build_info, "\\u{1b}[2J");
        assert_eq!((kept.file.as_path(), kept.sha256), (file.path(), [1; 32]));
    }
}
