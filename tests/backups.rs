//! The commands of `docs/operations/backup.md`, run as they stand: what they save comes back, and what was ended since
//! stays ended.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use serde_json::Value;
use tempfile::TempDir;
use tokio::task::JoinSet;
use vestibule_provider_emulator::Persona;
use vestibule_test_support::TestDatabase;

use crate::documents::markdown::Document;
use crate::world::World;

/// The backup that the document restores.
const DOCUMENTED: &str = "/var/backups/vestibule/20261122T031500Z";

/// The commands under one heading, and the folders of a machine that they are run on.
struct Page {
    document: Document,
    database_url: String,
    state: PathBuf,
    backups: TempDir,
    /// Where the commands are run: its `vestibule.toml` names a file with the address of another database, as settings do whose
    /// secrets have files of their own.
    settings: TempDir,
}

impl Page {
    fn new(database: &TestDatabase, state: PathBuf) -> Self {
        let backups = tempfile::tempdir().unwrap();
        let document = Document::read("docs/operations/backup.md");
        let settings = tempfile::tempdir().unwrap();
        let file = settings.path().join("database_url");
        fs::write(&file, "sqlite:///nowhere/at/all.db\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let config = format!("database_url_file = {:?}\n", file.display().to_string());
        fs::write(settings.path().join("vestibule.toml"), config).unwrap();
        Self { document, database_url: database.url().to_owned(), state, backups, settings }
    }

    /// A block of commands, counted from 0 under its heading.
    fn commands(&self, heading: &str, number: usize) -> String {
        let section = self.document.text.split(&format!("\n## {heading}\n")).nth(1);
        let section =
            section.unwrap_or_else(|| panic!("no section {heading}")).split("\n## ").next().unwrap();
        let block = section.split("```sh\n").nth(number + 1).unwrap_or_else(|| panic!("{heading}: {number}"));
        block.split("```").next().unwrap().to_owned()
    }

    /// Runs a block on this machine: nothing but its folders is changed in it.
    fn run(&self, heading: &str, number: usize) {
        let mut script = self.commands(heading, number);
        if let Some(made) = self.newest() {
            let documented = [format!("{DOCUMENTED}.db"), format!("{DOCUMENTED}.dump")];
            script =
                documented.iter().fold(script, |script, name| script.replace(name, made.to_str().unwrap()));
        }
        let script = script
            .replace("/var/backups/vestibule", self.backups.path().to_str().unwrap())
            .replace("/var/lib/vestibule", self.state.to_str().unwrap());
        assert!(!script.contains("/var/"), "{script}");
        let output = Command::new("bash")
            .args(["-c", &format!("set -euo pipefail\n{script}")])
            .env("PATH", path_with_program())
            .env("DATABASE_URL", &self.database_url)
            .current_dir(self.settings.path())
            .stdin(Stdio::null())
            .output();
        let output = output.expect("bash is installed: run `make test-needs`");
        assert!(output.status.success(), "{script}{}", String::from_utf8_lossy(&output.stderr));
    }

    /// The backup of the database that was made last.
    fn newest(&self) -> Option<PathBuf> {
        let files = fs::read_dir(self.backups.path()).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| path.extension().is_some_and(|extension| extension != "tar")).max()
    }
}

/// The folder of the built program in front of all others.
pub(crate) fn path_with_program() -> String {
    let test = std::env::current_exe().unwrap();
    let built = test.ancestors().nth(2).unwrap().to_owned();
    #[expect(
        clippy::disallowed_methods,
        reason = "the tools that the commands use are where the tests' own are"
    )]
    let path = std::env::var("PATH").unwrap();
    format!("{}:{path}", built.display())
}

/// So many people who sign in, four at a time.
fn crowd(world: &Arc<World>, count: u32) -> JoinSet<()> {
    let mut crowd = JoinSet::new();
    for first in 0..4 {
        let world = Arc::clone(world);
        crowd.spawn(async move {
            for number in (first..count).step_by(4) {
                let id = format!("person-{number}");
                world.control().put_persona(Persona::ordinary(&id, &format!("Person {number}"), number + 1));
                world.sign_in("google", &id).await;
            }
        });
    }
    crowd
}

async fn users(world: &World) -> usize {
    let listed = world.program.run(&["users", "list"]).await;
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    String::from_utf8(listed.stdout).unwrap().lines().count()
}

/// Saves, goes on, loses everything, restores.
async fn rehearse(database: TestDatabase, section: &str) {
    let state = tempfile::tempdir().unwrap();
    let state = database.file().map_or(state.path().to_owned(), |file| file.parent().unwrap().to_owned());
    let page = Page::new(&database, state.clone());
    let keys = state.join("keys");
    let world = World::builder(database).setting("KEYS_DIR", keys.to_str().unwrap()).start().await;
    let mut world = Arc::new(world);

    let tokens = [world.sign_in("google", "ada").await, world.sign_in("google", "ada").await];
    world.post_as(&tokens[0], "/auth/update", &[("username", "ada")]).await;
    let profile = world.profile(&tokens[0]).await;
    let public_key = world.browser().get("/auth/public-key").await.body;

    let crowd = crowd(&world, 24);
    page.run("Keys", 0);
    page.run(section, 0);
    crowd.join_all().await;
    let everybody = users(&world).await;
    assert_eq!(everybody, 25);
    let backup = page.newest().expect("a backup");
    assert_eq!(fs::metadata(&backup).unwrap().permissions().mode() & 0o777, 0o600, "{}", backup.display());
    world.post_as(&tokens[1], "/auth/logout", &[]).await;
    assert!(!world.is_signed_in(&tokens[1]).await);

    let world = Arc::get_mut(&mut world).expect("the crowd has gone");
    world.program.stop().await;
    fs::remove_dir_all(&keys).unwrap();
    page.run("Keys", 1);
    page.run(section, 1);
    world.program.start_again().await;
    assert_eq!(world.profile(&tokens[0]).await, profile);
    assert!(world.is_signed_in(&tokens[1]).await, "this is why the last step is one");
    assert!((1..=everybody).contains(&users(world).await));
    assert_eq!(world.browser().get("/auth/public-key").await.body, public_key);

    world.program.stop().await;
    page.run("After restoring", 0);
    world.program.start_again().await;
    assert_ended_and_new(world, &tokens, &profile).await;
}

async fn assert_ended_and_new(world: &World, tokens: &[String], profile: &Value) {
    for token in tokens {
        assert!(!world.is_signed_in(token).await, "what was given before is dead");
    }
    let again = world.profile(&world.sign_in("google", "ada").await).await;
    assert_eq!(again["id"], profile["id"]);
    assert_eq!(again["username"], "ada");
    assert_eq!(world.browser().get("/readyz").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn l12_an_old_sqlite_backup_is_restored_and_what_was_ended_since_stays_ended() {
    rehearse(TestDatabase::sqlite(), "SQLite").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l12_an_old_postgres_backup_is_restored_and_what_was_ended_since_stays_ended() {
    rehearse(TestDatabase::postgres(), "PostgreSQL").await;
}

/// A dump of what was restored can be restored in its turn.
#[tokio::test(flavor = "multi_thread")]
async fn l12_a_restored_postgres_database_can_be_backed_up_and_restored_again() {
    let database = TestDatabase::postgres();
    let state = tempfile::tempdir().unwrap();
    let page = Page::new(&database, state.path().to_owned());
    let world = World::on(database).await;
    world.sign_in("google", "ada").await;
    for _ in 0..2 {
        page.run("PostgreSQL", 0);
        page.run("PostgreSQL", 1);
        // The name of the next one must be another: they are told by the second.
        fs::rename(page.newest().unwrap(), page.backups.path().join("0.dump")).unwrap();
    }
    assert_eq!(users(&world).await, 1);
}

#[test]
fn every_command_of_the_page_is_run() {
    let page = Document::read("docs/operations/backup.md");
    let blocks = page.fences().into_iter().filter(|fence| fence.language == "sh").count();
    assert_eq!(blocks, 7, "the tests above run two of keys, of SQLite and of PostgreSQL, and the last one");
    assert!(Path::new(DOCUMENTED).is_absolute() && page.text.matches(DOCUMENTED).count() == 2);
}
