//! What can be wrong with a database.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use url::Url;
use vestibule_test_support::{TestDatabase, free_port};

use super::Ward;

/// The failures, of which there are some.
async fn failures(ward: &Ward) -> Vec<String> {
    let examined = ward.examine().await;
    assert_eq!(examined.status, Some(1), "{:?}", examined.lines);
    examined.lines("failure").into_iter().map(str::to_owned).collect()
}

/// What lines call a server: its address without the account.
fn shown(address: &Url) -> String {
    let mut shown = address.clone();
    shown.set_username("").unwrap();
    shown.to_string()
}

const REACH: &str = "see that the server runs and is reached from here, and that user, password and database of DATABASE_URL are right";

#[tokio::test]
async fn a_server_that_is_not_there() {
    let port = free_port();
    let url = format!("postgres://ada:hunter2@127.0.0.1:{port}/door");
    let failures = failures(&Ward::new().await.setting("DATABASE_URL", &url)).await;
    let [line] = &failures[..] else { panic!("{failures:?}") };
    let start = format!(
        "failure  database postgres://127.0.0.1:{port}/door: the database cannot be used at the moment: "
    );
    assert!(line.starts_with(&start) && line.ends_with(&format!("; {REACH}")), "{line}");
    assert!(!line.contains("hunter2"));
}

/// Where a password is asked for, a wrong one is refused in the same way.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_the_server_does_not_know() {
    let database = TestDatabase::postgres();
    let mut url = Url::parse(database.url()).unwrap();
    url.set_username("nobody_of_this_name").unwrap();
    let ward = Ward::on(database).await.setting("DATABASE_URL", url.as_str());
    let failures = failures(&ward).await;
    let line = format!(
        "failure  database {}: the database cannot be used at the moment: db error: FATAL: role \"nobody_of_this_name\" does \
         not exist; {REACH}",
        shown(&url)
    );
    assert_eq!(failures, [line]);
}

/// An account of this name on the shared server, gone at the end.
struct Account<'a> {
    database: &'a TestDatabase,
    name: String,
}

impl<'a> Account<'a> {
    fn new(database: &'a TestDatabase) -> Self {
        let name = Url::parse(database.url()).unwrap().path().replace("/test_", "guest_");
        database.query(&format!("CREATE ROLE {name} LOGIN"));
        Self { database, name }
    }
}

impl Drop for Account<'_> {
    fn drop(&mut self) {
        self.database.query(&format!("DROP OWNED BY {0}; DROP ROLE {0}", self.name));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_rights() {
    let ward = Ward::on(TestDatabase::postgres()).await;
    assert!(ward.program.run(&["migrate"]).await.status.success());
    let account = Account::new(&ward.database);
    let mut url = Url::parse(ward.database.url()).unwrap();
    url.set_username(&account.name).unwrap();
    let strange = Ward::on(TestDatabase::sqlite()).await.setting("DATABASE_URL", url.as_str());
    let examined = strange.examine().await;
    let rights = examined.lines("failure  rights");
    let shown = shown(&url);
    assert_eq!(
        rights[..2],
        [
            format!(
                "failure  rights {shown}: the account may not create tables in the schema public; GRANT USAGE, CREATE ON SCHEMA \
                 public TO the account, or make it the owner of the database"
            ),
            format!(
                "failure  rights {shown}: the account may not read and write the table audit_events; use the account that owns \
                 the tables, or grant it SELECT, INSERT, UPDATE and DELETE on all of them"
            ),
        ]
    );
    assert_eq!((rights.len(), examined.status), (11, Some(1)), "{rights:?}");

    // With every right on the tables of another the service runs, until they have to be migrated.
    ward.database.query(&format!("GRANT CREATE ON SCHEMA public TO {}", account.name));
    ward.database.query(&format!("GRANT ALL ON ALL TABLES IN SCHEMA public TO {}", account.name));
    assert_eq!(strange.examine().await.status, Some(0));
    ward.database.query("DELETE FROM schema_migrations WHERE version > 1");
    let examined = strange.examine().await;
    let line = format!(
        "failure  rights {shown}: the table users belongs to another account, so it cannot be migrated; run `vestibule migrate` \
         with the account that owns the tables"
    );
    assert!(examined.lines("failure").contains(&line.as_str()), "{:?}", examined.lines);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_enough_connections() {
    let ward = Ward::on(TestDatabase::postgres()).await.setting("DATABASE_CONNECTIONS", "1000");
    let examined = ward.examine().await;
    let [line] = examined.lines("warning  connections")[..] else { panic!("{:?}", examined.lines) };
    assert!(line.contains(", a replica needs 1002; raise max_connections of the server"), "{line}");
}

#[tokio::test]
async fn a_folder_in_which_others_may_put_files() {
    let ward = Ward::new().await;
    let file = ward.database.file().unwrap();
    let folder = file.parent().unwrap();
    fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
    let failures = failures(&ward).await;
    let [line] = &failures[..] else { panic!("{failures:?}") };
    let start = format!("failure  database sqlite://{}: the database cannot be opened: ", file.display());
    assert!(line.starts_with(&start) && line.contains("where others may change files"), "{line}");
}

#[tokio::test]
async fn a_folder_in_which_the_service_may_not_write() {
    let ward = Ward::new().await.with(vestibule_test_support::ProgramBuilder::without_root);
    let file = ward.database.file().unwrap();
    let folder = file.parent().unwrap();
    // It belongs to root, or to us, and is for reading.
    fs::set_permissions(folder, fs::Permissions::from_mode(0o555)).unwrap();
    ward.program.give(&ward.program.directory().join("vestibule.toml"));
    ward.program.give(&ward.program.keys_dir());
    for key in fs::read_dir(ward.program.keys_dir()).unwrap() {
        ward.program.give(&key.unwrap().path());
    }
    let failures = failures(&ward).await;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).unwrap();
    let line = format!(
        "failure  database sqlite://{}: the user that looks may not write its folder; give both to the user of the service, and \
         look as this user",
        file.display()
    );
    assert_eq!(failures, [line]);
}

#[tokio::test]
async fn a_file_that_is_no_database() {
    let ward = Ward::new().await;
    fs::write(ward.database.file().unwrap(), "not a database, and longer than a page's header would be")
        .unwrap();
    let failures = failures(&ward).await;
    let [line] = &failures[..] else { panic!("{failures:?}") };
    assert!(line.contains("the database is damaged: file is not a database"), "{line}");
}
