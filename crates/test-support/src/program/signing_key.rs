//! One signing key for many tests: making one takes a third of a second, and there is a program for nearly every test.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::ProgramBuilder;
use super::process::built_program;

/// A key of an earlier run is not used: tests look at the age of keys.
const MAX_AGE: Duration = Duration::from_secs(30 * 60);

impl ProgramBuilder {
    /// Puts a key into the folder of keys as `vestibule keys generate` does, which it calls if no other test has a young key to
    /// share.
    ///
    /// # Panics
    ///
    /// When there is no key and none can be made.
    pub async fn share_signing_key(&self) {
        let keys_dir = self.keys_dir();
        let Some(shared) = young_key(&shared_folder()) else {
            let made = self.run(&["keys", "generate"]).await;
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
            let own = young_key(&keys_dir).expect("the key that was made");
            return copy(&own, &shared_folder());
        };
        copy(&shared, &keys_dir);
        self.give(&keys_dir);
        self.give(&keys_dir.join(shared.file_name().expect("a file")));
    }
}

/// Beside the program: whoever can write there can replace that as well.
fn shared_folder() -> PathBuf {
    built_program().with_file_name("signing-key-of-tests")
}

fn young_key(folder: &Path) -> Option<PathBuf> {
    let files = fs::read_dir(folder).ok()?.map(|entry| entry.expect("our own folder").path());
    let is_young = |path: &PathBuf| {
        let modified = path.metadata().and_then(|metadata| metadata.modified());
        modified.is_ok_and(|modified| modified.elapsed().is_ok_and(|age| age < MAX_AGE))
    };
    files.filter(|path| path.extension().is_some_and(|extension| extension == "pem")).find(is_young)
}

/// The copy has its name when it is whole: other tests look for it at the same time.
fn copy(key: &Path, folder: &Path) {
    fs::create_dir_all(folder).expect("a folder for the key");
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).expect("our own folder");
    let mut unfinished = tempfile::NamedTempFile::new_in(folder).expect("a file in the folder");
    let mut key_file = fs::File::open(key).expect("the key");
    std::io::copy(&mut key_file, &mut unfinished).expect("room for a key");
    unfinished.persist(folder.join(key.file_name().expect("a file"))).expect("the same folder");
}
