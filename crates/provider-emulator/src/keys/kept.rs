//! A key in a file, for processes that are too many and too short to make one each.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::SigningKey;
use crate::random;

/// The key in this file; a new one, which is kept there, if there is no file.
pub(super) fn load_or_generate(file: &Path) -> io::Result<SigningKey> {
    match fs::read(file) {
        Ok(der) => SigningKey::from_pkcs8(&der),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let key = SigningKey::generate()?;
            keep(file, &key.to_pkcs8()?)?;
            Ok(key)
        }
        Err(error) => Err(error),
    }
}

/// Writes beside the file and then links: another process sees the whole key or none. Of two that are kept at once one stays.
fn keep(file: &Path, der: &[u8]) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let partial = file.with_extension(random::hex20());
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial)?.write_all(der)?;
    let linked = fs::hard_link(&partial, file);
    fs::remove_file(&partial)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_key_is_the_same_key_the_next_time() {
        let folder = std::env::temp_dir().join(random::hex20());
        let file = folder.join("issuer.der");
        let made = load_or_generate(&file).unwrap();
        let again = load_or_generate(&file).unwrap();
        assert_eq!(again.public_pem().unwrap(), made.public_pem().unwrap());
        keep(&file, &SigningKey::generate().unwrap().to_pkcs8().unwrap()).unwrap();
        assert_eq!(load_or_generate(&file).unwrap().public_pem().unwrap(), made.public_pem().unwrap());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing is left beside it");
        fs::write(&file, "no key").unwrap();
        assert!(load_or_generate(&file).is_err());
        fs::remove_dir_all(&folder).unwrap();
    }
}
