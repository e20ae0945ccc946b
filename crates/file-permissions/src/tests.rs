use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

use tempfile::TempDir;

use super::*;

/// A user that nobody here is.
const STRANGER: u32 = 54_321;

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, mode: u32) -> PathBuf {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "text").unwrap();
        set_mode(&path, mode);
        path
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn is_root() -> bool {
    our_user() == ROOT
}

#[track_caller]
fn refused(outcome: Result<String, Fault>, reason: &str) {
    let text = outcome.unwrap_err().to_string();
    assert!(text.contains(reason), "{text}");
}

#[test]
fn m6_a_file_that_decides_may_be_read_by_all_and_written_by_none() {
    let place = Place::new();
    for mode in [0o400, 0o440, 0o444, 0o600, 0o640, 0o644, 0o755] {
        assert_eq!(Rule::DECIDES.read(&place.file("a", mode)).unwrap(), "text", "{mode:o}");
    }
    for mode in [0o602, 0o646, 0o666, 0o777] {
        refused(
            Rule::DECIDES.read(&place.file("a", mode)),
            &format!("written by its group or by everybody (mode {mode:04o})"),
        );
    }
}

#[test]
fn m6_a_secret_is_its_owners_alone() {
    let place = Place::new();
    for mode in [0o400, 0o600, 0o700] {
        assert!(Rule::SECRET.read(&place.file("a", mode)).is_ok(), "{mode:o}");
    }
    for mode in [0o604, 0o640, 0o440, 0o444, 0o610] {
        refused(
            Rule::SECRET.read(&place.file("a", mode)),
            &format!("read by its group or by everybody (mode {mode:04o})"),
        );
    }
}

#[test]
fn m6_what_a_group_with_others_may_write_is_refused_unless_any_group_may() {
    let place = Place::new();
    let path = place.file("a", 0o664);
    for (writers, may) in [(Writers::Owner, false), (Writers::AnyGroup, true)] {
        assert_eq!(Rule::DECIDES.with_writers(writers).read(&path).is_ok(), may, "{writers:?}");
    }
    if is_root() {
        chown(&path, None, Some(STRANGER)).unwrap();
        refused(Rule::DECIDES.read(&path), "written by its group or by everybody (mode 0664)");
    }
}

#[test]
fn m6_every_folder_on_the_way_counts_and_one_where_everybody_keeps_files_does_no_harm() {
    let place = Place::new();
    let path = place.file("a/b/c", 0o600);
    let folder = place.0.path().join("a");
    for (mode, may) in [(0o777, false), (0o757, false), (0o1777, true), (0o755, true)] {
        set_mode(&folder, mode);
        assert_eq!(Rule::DECIDES.read(&path).is_ok(), may, "{mode:o}");
        assert_eq!(Rule::DECIDES.check_folder(&folder.join("b")).is_ok(), may, "{mode:o}");
    }
    set_mode(&folder, 0o1777);
    assert!(Rule::DECIDES.check_folder(&folder).is_ok());
    let error = Rule::DECIDES.check_closed_folder(&folder).unwrap_err().to_string();
    assert!(error.contains("others may change files"), "where every file counts: {error}");
}

#[test]
fn m6_links_are_followed_when_the_way_is_good_as_in_a_volume_of_kubernetes() {
    let place = Place::new();
    let real = place.file("..2026_11_30/token", 0o400);
    symlink("..2026_11_30", place.0.path().join("..data")).unwrap();
    let link = place.0.path().join("token");
    symlink("..data/token", &link).unwrap();
    set_mode(place.0.path(), 0o1777);
    assert_eq!(Rule::SECRET.read(&link).unwrap(), "text");
    refused(Rule::SECRET.without_links().read(&link), "is a symbolic link");
    set_mode(real.parent().unwrap(), 0o777);
    refused(Rule::SECRET.read(&link), "others may change files");
    let ring = place.0.path().join("ring");
    symlink("ring", &ring).unwrap();
    refused(Rule::SECRET.read(&ring), "too many symbolic links");
}

#[test]
fn m6_what_is_no_file_is_refused_and_not_waited_for() {
    let place = Place::new();
    refused(Rule::DECIDES.read(place.0.path()), "is not a regular file");
    let pipe = place.0.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    refused(Rule::DECIDES.read(&pipe), "is not a regular file");
    assert!(Rule::DECIDES.read(&place.0.path().join("absent")).unwrap_err().is_not_found());
}

/// Only root can give files away, so only root can try these.
#[test]
fn m6_what_belongs_to_another_user_is_refused_be_it_file_folder_or_link() {
    if !is_root() {
        return;
    }
    let place = Place::new();
    let path = place.file("a/b", 0o600);
    chown(&path, Some(STRANGER), None).unwrap();
    refused(Rule::DECIDES.read(&path), "belongs to the user 54321");
    chown(&path, Some(ROOT), None).unwrap();
    chown(path.parent().unwrap(), Some(STRANGER), None).unwrap();
    refused(Rule::DECIDES.read(&path), "is in a folder of the user 54321");
    let shared = place.0.path().join("shared");
    fs::create_dir(&shared).unwrap();
    set_mode(&shared, 0o1777);
    let (good, link) = (place.file("good", 0o600), shared.join("link"));
    symlink(good, &link).unwrap();
    assert!(Rule::DECIDES.read(&link).is_ok());
    std::os::unix::fs::lchown(&link, Some(STRANGER), None).unwrap();
    refused(Rule::DECIDES.read(&link), "is behind a link of the user 54321");
}

#[test]
fn a_file_in_a_folder_that_others_cannot_enter_is_not_readable_by_them() {
    let place = Place::new();
    let path = place.file("a/b", 0o644);
    set_mode(place.0.path(), 0o700);
    assert!(!is_readable_by_others(&path).unwrap());
    set_mode(place.0.path(), 0o755);
    assert!(is_readable_by_others(&path).unwrap());
    set_mode(&path, 0o600);
    assert!(!is_readable_by_others(&path).unwrap());
}
