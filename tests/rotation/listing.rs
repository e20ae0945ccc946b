//! `vestibule keys`: what it makes and what it says.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use vestibule_test_support::{MovableClock, Program, ProgramBuilder};

async fn run(program: &ProgramBuilder, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = program.run(&[&["keys"], arguments].concat()).await;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

async fn list(program: &ProgramBuilder) -> Vec<String> {
    let (status, out, error) = run(program, &["list"]).await;
    assert_eq!(status, Some(0), "{error}");
    out.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn the_list_says_what_each_key_is_good_for() {
    let clock = Arc::new(MovableClock::new());
    let program = Program::builder().clock(&clock);
    run(&program, &["generate"]).await;
    let [only] = list(&program).await.try_into().unwrap();
    assert!(only.contains("  2048 bits  signs  ") && only.trim_end_matches(".pem") != only, "{only}");

    run(&program, &["rotate", "--activate-in", "1h"]).await;
    let [first, second] = list(&program).await.try_into().unwrap();
    assert_eq!(first, only);
    assert!(second.contains("  2048 bits  signs from 20") && second.contains("Z on  "), "{second}");

    clock.advance(Duration::from_secs(2 * 60 * 60));
    let [first, second] = list(&program).await.try_into().unwrap();
    assert!(first.contains("  verifies until 20"), "{first}");
    assert!(second.contains("  2048 bits  signs  "), "{second}");

    clock.advance(Duration::from_secs(15 * 24 * 60 * 60));
    let [first, second] = list(&program).await.try_into().unwrap();
    assert!(first.contains("  retired; the file can be removed  "), "{first}");
    assert!(second.contains("  2048 bits  signs  "), "{second}");
}

#[tokio::test]
async fn m1_a_new_key_is_for_its_owner_alone_and_complete() {
    let program = Program::builder();
    let (status, out, error) = run(&program, &["generate"]).await;
    assert_eq!((status, error.as_str()), (Some(0), ""));
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    let keys_dir = program.keys_dir();
    assert_eq!(mode(&keys_dir), 0o700);
    let files: Vec<_> = fs::read_dir(&keys_dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [file] = files.as_slice() else { panic!("one file, nothing partial: {files:?}") };
    assert_eq!(mode(file), 0o600);
    assert!(
        out.starts_with(&format!("{}: signs from 20", file.display())) && out.ends_with("Z on\n"),
        "{out}"
    );
    assert!(fs::read_to_string(file).unwrap().starts_with("-----BEGIN PRIVATE KEY-----\n"));
}

#[tokio::test]
async fn commands_that_make_no_sense_say_what_would() {
    let program = Program::builder();
    for (arguments, reason) in [(["list"], "has no key"), (["rotate"], "use `vestibule keys generate`")] {
        let (status, _, error) = run(&program, &arguments).await;
        assert_eq!(status, Some(1), "{error}");
        assert!(error.contains(reason), "{error}");
    }
    assert_eq!(run(&program, &["generate"]).await.0, Some(0));
    let before = list(&program).await;
    let (status, _, error) = run(&program, &["generate"]).await;
    assert_eq!(status, Some(1));
    assert!(error.contains("has a key already; use `vestibule keys rotate`"), "{error}");
    assert_eq!(list(&program).await, before);

    let program = program.setting("PRIVATE_KEY", "whatever it is");
    let (status, _, error) = run(&program, &["rotate"]).await;
    assert_eq!(status, Some(1));
    assert!(error.contains("PRIVATE_KEY is set") && !error.contains("whatever"), "{error}");

    for arguments in
        [&["rotate", "--activate-in", "soon"][..], &["rotate", "--activate-in"], &["forget"], &[]]
    {
        assert_eq!(run(&Program::builder(), arguments).await.0, Some(2), "{arguments:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn m1_several_that_make_the_first_key_at_once_agree_on_the_one_that_signs() {
    let program = Program::builder();
    let generate = || run(&program, &["generate"]);
    let outcomes = <[_; 5]>::from(tokio::join!(generate(), generate(), generate(), generate(), generate()));
    let made = outcomes.iter().filter(|(status, ..)| *status == Some(0)).count();
    assert!(made >= 1, "{outcomes:?}");
    for (status, _, error) in &outcomes {
        let late = *status == Some(1) && error.contains("already; use `vestibule keys rotate`");
        assert!(*status == Some(0) || late, "{error}");
    }
    let listed = list(&program).await;
    assert_eq!(listed.len(), made);
    assert_eq!(listed.iter().filter(|line| line.contains("  signs  ")).count(), 1, "{listed:?}");
}

#[tokio::test]
async fn m1_what_an_interrupted_command_leaves_behind_is_no_key() {
    let program = Program::builder();
    run(&program, &["generate"]).await;
    let before = list(&program).await;
    fs::write(program.keys_dir().join(".20990101T000000Z-half.pem.partial"), "-----BEGIN PRIV").unwrap();
    assert_eq!(list(&program).await, before);
    assert_eq!(run(&program, &["rotate"]).await.0, Some(0));
}
