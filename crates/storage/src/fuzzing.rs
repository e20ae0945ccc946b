//! The target of the fuzzer in this crate: `DATABASE_URL`.

#![allow(clippy::missing_panics_doc, reason = "a target that finds something fails loudly")]

use crate::{DatabaseKind, DatabaseUrl};

/// A target, behind its name.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] = &[("database_urls", database_urls)];

const PASSWORD: &str = "hunter2";

/// Whatever stands in an address, and however wrong: its password is never shown.
pub fn database_urls(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(url) = DatabaseUrl::parse(text) {
        assert_eq!(url.file().is_some(), url.kind() == DatabaseKind::Sqlite);
        if url.kind() == DatabaseKind::Sqlite {
            assert_eq!(url.to_string(), text);
        }
    }
    let (password, rest) = text.split_once('\n').unwrap_or((text, "db.example:5432/v"));
    if text.contains(PASSWORD) {
        return;
    }
    for address in [
        format!("postgres://ada:{PASSWORD}{password}{PASSWORD}@{rest}"),
        format!("postgresql://ada:{password}{PASSWORD}@{rest}"),
        format!("postgres://{rest}?user=ada&password={PASSWORD}{password}"),
    ] {
        let shown = match DatabaseUrl::parse(&address) {
            Ok(url) => format!("{url} {url:?}"),
            Err(error) => format!("{error} {error:?}"),
        };
        assert!(!shown.contains(PASSWORD), "{address:?} is shown as {shown:?}");
    }
}

#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replay;
