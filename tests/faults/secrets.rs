//! A plugin's process has nothing of the service but what it was given.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::FileExt as _;

use rsa::RsaPrivateKey;
use rsa::pkcs8::DecodePrivateKey as _;
use rsa::traits::PrivateKeyParts as _;
use vestibule_test_support::TestDatabase;

use super::children::children_of;
use crate::authorize::granted;
use crate::world::{World, pem_in};

/// What the plugin is given, and so has.
const GIVEN: &str = "given-to-the-plugin-by-the-environment";
/// What another plugin is given.
const OTHERS: &str = "given-to-another-plugin-by-the-environment";
/// A variable that is no setting at all.
const STRAY: &str = "a-variable-that-nobody-asked-for";

/// Of a provider that nobody uses; those of the others are written in the program itself, which can play them.
const CLIENT_SECRET: &str = "the-client-secret-of-a-provider";

/// Two plugins with a secret each, in a service that has its key and everything else from its environment.
async fn set_stage(database: TestDatabase) -> World {
    let table = |alias: &str, variable: &str| {
        let permission = format!("{{ \"$env\" = \"{variable}\" }}");
        format!(
            "[plugin.{alias}]\nisolation = \"process\"\ntimeout = \"60s\"\nconfig = {{ permission = {permission}, granted = true }}\n"
        )
    };
    let provider = format!(
        "[providers.unused]\nissuer = \"http://127.0.0.1:1\"\nclient_id = \"id\"\nclient_secret = \"{CLIENT_SECRET}\"\n"
    );
    World::builder(database)
        .with_key_in_environment()
        .setting("OURS", GIVEN)
        .setting("THEIRS", OTHERS)
        .setting("STRAY", STRAY)
        .setting("ALLOWED_SERVICES", "ours:sample-permissions;theirs:sample-permissions")
        .config(&[table("ours", "OURS"), table("theirs", "THEIRS"), provider].concat())
        .start()
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn n5_neither_the_signing_key_nor_a_setting_is_in_the_memory_of_a_plugin_s_process() {
    let database = TestDatabase::sqlite();
    let address = database.url().to_owned();
    let world = set_stage(database).await;
    let token = world.sign_in("google", "ada").await;
    for service in ["ours", "theirs"] {
        granted(&world, &token, service).await;
    }
    let [child] = children_of(&world.program, "ours")[..] else { panic!("a process of its own") };
    let secrets = secrets(&world, &address);
    let environment = fs::read(format!("/proc/{child}/environ")).unwrap();
    for (what, secret) in &secrets {
        assert!(!contains(&environment, secret), "{what} is in the environment");
    }
    let found = find_in_memory(child, &secrets);
    assert_eq!(found, Vec::<&str>::new(), "in the memory of the plugin's process");
    // The search finds what is there: in this process what it was given, in the service everything else.
    assert_eq!(find_in_memory(child, &[("given", GIVEN.into())]), ["given"]);
    assert_in_service(world.program.pid(), &secrets);
}

/// Root finds everything there; to anybody else, and so to the plugin, the kernel says no.
fn assert_in_service(process: u32, secrets: &[(&'static str, Vec<u8>)]) {
    if !rustix::process::geteuid().is_root() {
        for file in ["mem", "environ"] {
            let opened = File::open(format!("/proc/{process}/{file}"));
            assert_eq!(opened.unwrap_err().kind(), ErrorKind::PermissionDenied, "{file}");
        }
        return;
    }
    let found = find_in_memory(process, secrets);
    for what in ["a client secret", "a line of the key", "the stray variable", "the address of the database"]
    {
        assert!(found.contains(&what), "{what} is not even in the service: {found:?}");
    }
    assert!(found.iter().any(|what| what.starts_with("a prime")), "{found:?}");
}

fn secrets(world: &World, database: &str) -> Vec<(&'static str, Vec<u8>)> {
    let pem = pem_in(&world.program.keys_dir());
    let lines: Vec<_> = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let key = RsaPrivateKey::from_pkcs8_pem(&pem).unwrap();
    let (written, calculated) = (key.primes()[0].to_bytes_be(), key.primes()[0].to_bytes_le());
    let text = |text: &str| text.as_bytes().to_vec();
    vec![
        ("a line of the key", text(lines[lines.len() / 2])),
        ("a prime as it is written", written),
        ("a prime as it is calculated with", calculated),
        ("a client secret", text(CLIENT_SECRET)),
        ("another plugin's configuration", text(OTHERS)),
        ("the stray variable", text(STRAY)),
        ("the address of the database", text(database)),
    ]
}

/// Which of these are in what a process can read of itself.
fn find_in_memory(process: u32, wanted: &[(&'static str, Vec<u8>)]) -> Vec<&'static str> {
    let memory = File::open(format!("/proc/{process}/mem")).unwrap();
    let maps = fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let mut found = Vec::new();
    for (start, end) in maps.lines().filter_map(private) {
        let part = read(&memory, start, end);
        let here = wanted.iter().filter(|(_, bytes)| contains(&part, bytes)).map(|(what, _)| *what);
        found.extend(here);
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The range of a line of `/proc/PID/maps`, if the process can read it and has ever been able to write there: the rest is what is
/// in files.
fn private(line: &str) -> Option<(u64, u64)> {
    let mut fields = line.split_whitespace();
    let (range, rights) = (fields.next()?, fields.next()?);
    let is_of_a_file = fields.nth(2)? != "0";
    let is_kernels = line.contains("[vvar") || line.ends_with("[vsyscall]");
    let (start, end) = range.split_once('-')?;
    let number = |text| u64::from_str_radix(text, 16).ok();
    let counts = rights.starts_with('r') && !is_kernels && (rights.contains('w') || !is_of_a_file);
    counts.then_some((number(start)?, number(end)?))
}

fn read(memory: &File, start: u64, end: u64) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(end - start).unwrap()];
    let mut length = 0;
    while length < bytes.len() {
        match memory.read_at(&mut bytes[length..], start + length as u64) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // A part of a mapping behind the end of its file.
            Err(error) if error.raw_os_error() == Some(5) => break,
            Err(error) => panic!("{start:x}: {error}"),
        }
    }
    bytes.truncate(length);
    bytes
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    let Some((first, rest)) = wanted.split_first() else { return true };
    let starts = bytes.iter().enumerate().filter(|(_, byte)| *byte == first);
    starts.into_iter().any(|(start, _)| bytes[start + 1..].starts_with(rest))
}
