//! What the operator writes.

use std::path::PathBuf;

use serde::Deserialize;
use vestibule_plugin_sdk::{Error, Result};

use crate::file::AuditFile;
use crate::rotation::Rotation;
use crate::target::Target;

/// A line must fit, and a file that holds hardly any is a mistake.
const LEAST_MAX_BYTES: u64 = 4096;
const KEEP: u32 = 10;
const MOST_KEEP: u32 = 1000;

/// `schema.json` says the same for people and tools.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    file: Option<PathBuf>,
    #[serde(default)]
    stdout: bool,
    #[serde(default)]
    pub(crate) include: Vec<Personal>,
    max_bytes: Option<u64>,
    keep: Option<u32>,
    #[serde(default)]
    fsync: bool,
}

/// A member of the lines that is personal.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Personal {
    Name,
    Email,
}

impl Config {
    /// Where the lines go: exactly one place.
    pub(crate) fn target(&self) -> Result<Target> {
        match (&self.file, self.stdout) {
            (Some(path), false) if path.is_absolute() => Ok(Target::file(AuditFile {
                path: path.clone(),
                rotation: self.rotation()?,
                fsync: self.fsync,
            })),
            (Some(_), false) => Err(Error::fatal("`file` must be an absolute path")),
            (None, true) if self.max_bytes.is_some() || self.keep.is_some() || self.fsync => {
                Err(Error::fatal("`max_bytes`, `keep` and `fsync` are for a `file`"))
            }
            (None, true) => Ok(Target::Stdout),
            _ => Err(Error::fatal("either `file` or `stdout = true` must say where the lines go")),
        }
    }

    /// Without a size nothing is rotated, and so nothing ever thrown away.
    fn rotation(&self) -> Result<Option<Rotation>> {
        match (self.max_bytes, self.keep) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(Error::fatal("`keep` needs a `max_bytes`")),
            (Some(max_bytes), _) if max_bytes < LEAST_MAX_BYTES => {
                Err(Error::fatal(format!("`max_bytes` must be at least {LEAST_MAX_BYTES}")))
            }
            (Some(max_bytes), keep) => {
                let keep = Some(keep.unwrap_or(KEEP)).filter(|keep| (1..=MOST_KEEP).contains(keep));
                let keep =
                    keep.ok_or_else(|| Error::fatal(format!("`keep` must be from 1 to {MOST_KEEP}")))?;
                Ok(Some(Rotation { max_bytes, keep }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vestibule_plugin_sdk::json;

    #[test]
    fn a_configuration_that_makes_no_sense_is_refused() {
        let cases = [
            (json!({}), "either"),
            (json!({"stdout": false}), "either"),
            (json!({"file": "/a", "stdout": true}), "either"),
            (json!({"file": "a"}), "absolute"),
            (json!({"stdout": true, "max_bytes": 5000}), "`file`"),
            (json!({"stdout": true, "keep": 1}), "`file`"),
            (json!({"stdout": true, "fsync": true}), "`file`"),
            (json!({"file": "/a", "keep": 1}), "`keep`"),
            (json!({"file": "/a", "max_bytes": 4095}), "`max_bytes`"),
            (json!({"file": "/a", "max_bytes": 4096, "keep": 0}), "`keep`"),
            (json!({"file": "/a", "max_bytes": 4096, "keep": 1001}), "`keep`"),
        ];
        for (config, says) in cases {
            let parsed: Config = serde_json::from_value(config.clone()).unwrap();
            let Err(Error::Fatal(text)) = parsed.target() else { panic!("{config}") };
            assert!(text.contains(says), "{config}: {text}");
        }
        for config in [json!({"files": "/a"}), json!({"stdout": true, "include": ["attributes"]})] {
            assert!(serde_json::from_value::<Config>(config.clone()).is_err(), "{config}");
        }
    }
}
