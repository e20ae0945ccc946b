use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::time::UNIX_EPOCH;

use tempfile::TempDir;

use super::*;
use crate::KeyFault;
use crate::testing::{START, USER_TTL, first, second};

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn put(dir: &Path, name: &str, text: &str, mode: u32) -> PathBuf {
    let path = dir.join(name);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path
}

fn fault(dir: &Path) -> KeyFault {
    match KeyRing::load_dir(dir, START) {
        Err(KeyError::File { fault, .. }) => fault,
        other => panic!("{other:?}"),
    }
}

fn states(dir: &Path, now: Timestamp) -> Vec<(String, KeyState)> {
    list_keys(dir, now, USER_TTL).unwrap().into_iter().map(|key| (key.kid, key.state)).collect()
}

#[test]
fn m1_a_new_key_is_private_complete_and_signs() {
    let parent = folder();
    let dir = parent.path().join("keys");
    let made = generate_key(&dir, START, START).unwrap();
    let bits_of = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(bits_of(&made.file), 0o600);
    assert_eq!(bits_of(&dir), 0o700);
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 1, "no partial file is left");
    assert_eq!(
        made.file.file_name().unwrap().to_str().unwrap(),
        format!("20251122T100833Z-{}.pem", made.kid.get(..16).unwrap())
    );
    assert_eq!(list_keys(&dir, START, USER_TTL).unwrap(), [made]);
}

#[test]
fn m1_a_file_is_never_replaced() {
    let dir = folder();
    let made = generate_key(dir.path(), START, START).unwrap();
    let before = fs::read(&made.file).unwrap();
    let name = made.file.file_name().unwrap().to_str().unwrap();
    assert!(generate::write_new(dir.path(), name, b"other").is_err());
    assert_eq!(fs::read(&made.file).unwrap(), before);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn m1_five_nodes_that_start_at_once_agree_on_one_key() {
    let dir = folder();
    let dir = dir.path();
    std::thread::scope(|scope| {
        for _ in 0..5 {
            scope.spawn(|| generate_key(dir, START, START).unwrap());
        }
    });
    let rings: Vec<_> = (0..5).map(|_| KeyRing::load_dir(dir, START).unwrap()).collect();
    let signing: Vec<_> = rings.iter().map(|ring| ring.signing(START).unwrap().public().kid()).collect();
    assert!(signing.iter().all(|kid| *kid == signing[0]));
    assert_eq!(states(dir, START).iter().filter(|(_, state)| *state == KeyState::Signing).count(), 1);
    assert_eq!(states(dir, START).len(), 5);
}

#[test]
fn m1_what_a_crash_leaves_behind_is_passed_over() {
    let dir = folder();
    put(dir.path(), ".20251122T100833Z-x.pem.partial", "half of a k", 0o600);
    put(dir.path(), ".hidden.pem", "half of a k", 0o600);
    put(dir.path(), "README.md", "about keys", 0o644);
    assert!(matches!(KeyRing::load_dir(dir.path(), START), Err(KeyError::Empty { .. })));
    generate_key(dir.path(), START, START).unwrap();
    assert!(KeyRing::load_dir(dir.path(), START).is_ok());
}

#[test]
fn m1_a_private_key_that_others_can_reach_is_refused() {
    for mode in [0o640, 0o604, 0o620, 0o602, 0o644, 0o610] {
        let dir = folder();
        put(dir.path(), "key.pem", &first().pkcs8, mode);
        assert_eq!(fault(dir.path()), KeyFault::Exposed { mode }, "{mode:o}");
    }
    let dir = folder();
    put(dir.path(), "key.pem", &first().pkcs8, 0o400);
    assert!(KeyRing::load_dir(dir.path(), START).is_ok());
}

#[test]
fn m1_a_public_key_may_be_read_by_all_and_written_by_none() {
    let dir = folder();
    let path = put(dir.path(), "key.pem", &first().spki, 0o644);
    let ring = KeyRing::load_dir(dir.path(), START).unwrap();
    assert!(ring.signing(START).is_none());
    assert_eq!(ring.current_public(START).unwrap().kid(), first().kid);
    fs::set_permissions(path, fs::Permissions::from_mode(0o664)).unwrap();
    assert_eq!(fault(dir.path()), KeyFault::Exposed { mode: 0o664 });
}

#[test]
fn m1_a_folder_that_others_may_write_to_is_neither_read_nor_added_to() {
    let dir = folder();
    put(dir.path(), "key.pem", &first().pkcs8, 0o600);
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(KeyRing::load_dir(dir.path(), START), Err(KeyError::Folder(_))));
    assert!(matches!(generate_key(dir.path(), START, START), Err(KeyError::Folder(_))));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_file_of_at_most_64_kib_is_read() {
    let padded = |size: usize| {
        let dir = folder();
        let note = "x".repeat(size - first().pkcs8.len() - 1);
        put(dir.path(), "key.pem", &format!("{note}\n{}", first().pkcs8), 0o600);
        dir
    };
    assert!(KeyRing::load_dir(padded(64 * 1024).path(), START).is_ok());
    assert_eq!(fault(padded(64 * 1024 + 1).path()), KeyFault::TooLarge);
}

#[test]
fn only_ordinary_files_of_our_own_are_read() {
    let dir = folder();
    let elsewhere = put(dir.path(), "key", &first().pkcs8, 0o600);
    std::os::unix::fs::symlink(elsewhere, dir.path().join("link.pem")).unwrap();
    assert_eq!(fault(dir.path()), KeyFault::SymbolicLink);

    let dir = folder();
    fs::create_dir(dir.path().join("folder.pem")).unwrap();
    assert_eq!(fault(dir.path()), KeyFault::NotAFile);

    let dir = folder();
    put(dir.path(), "large.pem", &"x".repeat(70_000), 0o600);
    assert_eq!(fault(dir.path()), KeyFault::TooLarge);

    let dir = folder();
    fs::write(dir.path().join("bytes.pem"), [0xff, 0xfe]).unwrap();
    assert_eq!(fault(dir.path()), KeyFault::NotPem);
}

#[test]
fn a_file_of_another_user_is_refused() {
    let dir = folder();
    let path = put(dir.path(), "key.pem", &first().pkcs8, 0o600);
    // Only root can give a file away; anyone else has no way to make the case.
    if std::os::unix::fs::chown(path, Some(65_534), None).is_ok() {
        assert_eq!(fault(dir.path()), KeyFault::ForeignOwner { uid: 65_534 });
    }
}

#[test]
fn one_bad_file_refuses_the_folder_and_is_named_with_the_reason() {
    let dir = folder();
    put(dir.path(), "good.pem", &first().pkcs8, 0o600);
    let bad = put(dir.path(), "weak.pem", "not a key", 0o600);
    let error = KeyRing::load_dir(dir.path(), START).unwrap_err().to_string();
    assert_eq!(error, format!("{}: this is not a PEM text", bad.display()));
}

#[test]
fn a_missing_folder_and_an_empty_one_have_no_key() {
    let dir = folder();
    for path in [dir.path().to_owned(), dir.path().join("none")] {
        match KeyRing::load_dir(&path, START) {
            Err(KeyError::Empty { folder }) => assert_eq!(folder, path),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn m2_a_key_made_for_later_is_published_first_and_the_old_one_verifies_to_the_end() {
    let dir = folder();
    let dir = dir.path();
    let day = Duration::from_secs(24 * 3600);
    let old = generate_key(dir, START, START).unwrap();
    let new = generate_key(dir, START.plus(day), START).unwrap();
    assert_eq!(new.state, KeyState::Next);
    let (old, new) = (old.kid, new.kid);
    let until = START.plus(day).plus(USER_TTL).plus(LEEWAY);

    let both = |first, second| vec![(old.clone(), first), (new.clone(), second)];
    assert_eq!(states(dir, START), both(KeyState::Signing, KeyState::Next));
    let verifying = KeyState::Verifying { until: Some(until) };
    assert_eq!(states(dir, START.plus(day)), both(verifying, KeyState::Signing));
    assert_eq!(states(dir, until), both(KeyState::Retired, KeyState::Signing));
}

#[test]
fn a_file_of_another_name_is_active_from_its_modification_time() {
    let dir = folder();
    for (name, text, seconds) in [("a.pem", &first().pkcs8, 1000), ("b.pem", &second().pkcs8, 9_000_000_000)]
    {
        let path = put(dir.path(), name, text, 0o600);
        let times = FileTimes::new().set_modified(UNIX_EPOCH + Duration::from_secs(seconds));
        File::options().write(true).open(path).unwrap().set_times(times).unwrap();
    }
    let times: Vec<_> =
        list_keys(dir.path(), START, USER_TTL).unwrap().iter().map(|key| key.active_from).collect();
    assert_eq!(
        times,
        [Timestamp::from_seconds(1000), START],
        "a modification time that lies ahead means now"
    );
}

#[test]
fn a_change_of_the_folder_is_noticed_from_outside() {
    let dir = folder();
    let mut seen = vec![dir_state(dir.path()).unwrap()];
    let mut look = || {
        let state = dir_state(dir.path()).unwrap();
        assert_eq!(state, dir_state(dir.path()).unwrap());
        assert_ne!(Some(&state), seen.last());
        seen.push(state);
    };
    let path = put(dir.path(), "a.pem", &first().pkcs8, 0o600);
    look();
    let second = put(dir.path(), "b.pem", &second().pkcs8, 0o600);
    look();
    fs::write(&path, "shorter").unwrap();
    look();
    fs::remove_file(second).unwrap();
    look();
    fs::rename(&path, dir.path().join("c.pem")).unwrap();
    look();
    assert!(dir_state(&dir.path().join("none")).is_err());
}

#[test]
fn a_file_that_is_gone_by_now_is_none_and_one_that_cannot_be_looked_at_is_an_error() {
    let dir = folder();
    let path = put(dir.path(), "a.pem", "text", 0o600);
    assert_eq!(file_state(&path).unwrap().map(|state| state.length), Some(4));
    assert_eq!(file_state(&dir.path().join("b.pem")).unwrap(), None);
    assert_eq!(file_state(&path.join("below")).unwrap_err().kind(), io::ErrorKind::NotADirectory);
}
