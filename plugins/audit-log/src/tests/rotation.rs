//! Files that are full.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::thread;

use vestibule_plugin_sdk::{abi::code, json};

use super::{Folder, sign_in, users};

fn rotated(folder: &Folder, number: usize) -> PathBuf {
    folder.path().join(format!("audit.jsonl.{number}"))
}

#[test]
fn as_many_files_are_kept_as_are_asked_for() {
    let folder = Folder::new();
    let plugin = folder.try_plugin(&json!({"max_bytes": 4096, "keep": 2})).unwrap();
    for number in 0..300 {
        sign_in(&plugin, &format!("u{number}"));
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    let files = [rotated(&folder, 2), rotated(&folder, 1), folder.file()];
    assert!(files.iter().all(|file| fs::metadata(file).unwrap().len() <= 4096));
    let kept: Vec<_> = files.iter().flat_map(|file| users(file)).collect();
    let last: Vec<_> = (300 - kept.len()..300).map(|number| format!("u{number}")).collect();
    assert_eq!(kept, last, "the last ones, in order");
    assert!(kept.len() > 80, "{}", kept.len());
}

/// Two instances stand for two processes: what keeps them apart is the file's.
#[test]
fn two_instances_with_four_threads_each_lose_no_line_and_tear_none() {
    const LINES: usize = 250;
    let folder = Folder::new();
    let config = json!({"max_bytes": 4096, "keep": 1000});
    let plugins = [folder.try_plugin(&config).unwrap(), folder.try_plugin(&config).unwrap()];
    thread::scope(|scope| {
        for number in 0..8 {
            let plugin = &plugins[number % 2];
            scope.spawn(move || {
                for line in 0..LINES {
                    assert_eq!(sign_in(plugin, &format!("u{number}-{line}")).code, code::OK);
                }
            });
        }
    });
    let mut files = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let written: Vec<_> = files.by_ref().flat_map(|file| users(&file)).collect();
    assert_eq!(written.len(), 8 * LINES);
    assert_eq!(written.iter().collect::<BTreeSet<_>>().len(), 8 * LINES);
    assert!(rotated(&folder, 10).exists(), "there was something to rotate");
}

#[test]
fn a_file_that_cannot_be_rotated_grows_and_the_log_says_so() {
    let folder = Folder::new();
    let plugin = folder.try_plugin(&json!({"max_bytes": 4096, "keep": 1})).unwrap();
    fs::create_dir(rotated(&folder, 1)).unwrap();
    for number in 0..100 {
        assert_eq!(sign_in(&plugin, &format!("u{number}")).code, code::OK);
    }
    assert_eq!(users(&folder.file()).len(), 100);
    assert!(format!("{:?}", plugin.log()).contains("cannot be rotated"));
}
