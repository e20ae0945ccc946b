//! Files that are moved, torn, full, gone, or no files.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::time::Duration;

use rustix::fs::{CWD, FileType, FlockOperation, Mode, flock, mknodat};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use vestibule_plugin_sdk::{abi::code, json};

use super::{Folder, sign_in, users};

#[test]
fn the_file_is_for_its_owner_alone_and_is_appended_to() {
    let folder = Folder::new();
    for user in ["u1", "u2"] {
        sign_in(&folder.try_plugin(&json!({"fsync": true})).unwrap(), user);
    }
    assert_eq!(users(&folder.file()), ["u1", "u2"]);
    assert_eq!(fs::metadata(folder.file()).unwrap().permissions().mode() & 0o777, 0o600);
}

/// Something that is wrong with the place.
type Damage = &'static dyn Fn(&Folder);

#[test]
fn what_is_no_regular_file_stops_the_start() {
    let cases: [(&str, Damage); 5] = [
        ("symbolic link", &|folder| symlink(folder.path().join("elsewhere"), folder.file()).unwrap()),
        ("symbolic link", &|folder| symlink("/dev/null", folder.file()).unwrap()),
        ("directory", &|folder| fs::create_dir(folder.file()).unwrap()),
        ("regular file", &|folder| {
            mknodat(CWD, folder.file(), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        }),
        ("No such file", &|folder| fs::remove_dir(folder.path()).unwrap()),
    ];
    for (says, prepare) in cases {
        let folder = Folder::new();
        prepare(&folder);
        let Err(answer) = folder.try_plugin(&json!({})) else { panic!("{says}") };
        let text = answer.error.unwrap();
        assert!(text.contains(says) && text.contains("audit.jsonl: "), "{text}");
        assert!(!folder.path().join("elsewhere").exists());
    }
}

#[test]
fn a_file_that_is_moved_away_is_made_anew() {
    let folder = Folder::new();
    let plugin = folder.plugin();
    sign_in(&plugin, "u1");
    let moved = folder.path().join("moved");
    fs::rename(folder.file(), &moved).unwrap();
    sign_in(&plugin, "u2");
    assert_eq!((users(&moved), users(&folder.file())), (vec!["u1".into()], vec!["u2".into()]));
}

#[test]
fn a_file_that_becomes_a_link_is_not_followed() {
    let folder = Folder::new();
    let plugin = folder.plugin();
    fs::remove_file(folder.file()).unwrap();
    let elsewhere = folder.path().join("elsewhere");
    fs::write(&elsewhere, "").unwrap();
    symlink(&elsewhere, folder.file()).unwrap();
    assert_eq!(sign_in(&plugin, "u1").code, code::RETRY);
    assert_eq!(fs::read(&elsewhere).unwrap(), b"");
}

#[test]
fn a_folder_that_vanishes_fails_the_line_and_the_health_until_it_is_back() {
    let folder = Folder::new();
    let plugin = folder.plugin();
    fs::remove_dir_all(folder.path()).unwrap();
    for answer in [plugin.health().unwrap(), sign_in(&plugin, "u1"), plugin.health().unwrap()] {
        assert_eq!(answer.code, code::RETRY);
        assert!(answer.error.unwrap().contains("audit.jsonl: No such file"));
    }
    fs::create_dir(folder.path()).unwrap();
    assert_eq!(plugin.health().unwrap().code, code::OK);
    assert_eq!(sign_in(&plugin, "u2").code, code::OK);
    assert_eq!(users(&folder.file()), ["u2"]);
}

#[test]
fn a_torn_line_does_not_spoil_the_next() {
    let folder = Folder::new();
    let plugin = folder.plugin();
    sign_in(&plugin, "u1");
    let torn = folder.text() + r#"{"time":"2026"#;
    fs::write(folder.file(), &torn).unwrap();
    sign_in(&plugin, "u2");
    let text = folder.text();
    let last = text.strip_prefix(&torn).unwrap().strip_prefix('\n').unwrap();
    assert!(last.starts_with(r#"{"time":"#) && last.contains("u2") && last.ends_with("}\n"), "{text}");
}

/// The largest size that a file may have stands for a disk that becomes full in the middle of a line.
#[test]
fn a_line_that_does_not_fit_leaves_nothing_behind() {
    const LIMIT: u64 = 16 * 1024 * 1024;
    let folder = Folder::new();
    let plugin = folder.plugin();
    sign_in(&plugin, "u1");
    fs::OpenOptions::new().write(true).open(folder.file()).unwrap().set_len(LIMIT - 10).unwrap();
    // No other test writes so much.
    let before = getrlimit(Resource::Fsize);
    setrlimit(Resource::Fsize, Rlimit { current: Some(LIMIT), maximum: before.maximum }).unwrap();
    let answer = sign_in(&plugin, "u2");
    setrlimit(Resource::Fsize, before).unwrap();
    assert_eq!(answer.code, code::RETRY);
    assert!(answer.error.unwrap().contains("no room for a whole line"));
    assert_eq!(fs::metadata(folder.file()).unwrap().len(), LIMIT - 10);
    assert_eq!(sign_in(&plugin, "u3").code, code::OK);
    assert!(folder.text().ends_with("}\n"));
}

#[test]
fn a_writer_that_does_not_let_go_costs_no_more_than_the_time_of_the_call() {
    let folder = Folder::new();
    let plugin = folder.plugin().with_timeout(Duration::from_millis(300));
    let other = fs::File::open(folder.file()).unwrap();
    flock(&other, FlockOperation::LockExclusive).unwrap();
    let answer = sign_in(&plugin, "u1");
    assert_eq!(answer.code, code::RETRY);
    assert!(answer.error.unwrap().contains("another writer"));
    drop(other);
    assert_eq!(sign_in(&plugin, "u2").code, code::OK);
    assert_eq!(users(&folder.file()), ["u2"]);
}
